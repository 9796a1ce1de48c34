"""`reelmake gateway`: the built-in gateway as a server of its own."""

from pathlib import Path
from typing import Literal

from runner.errors import BadInput, ExitCode, Outside
from runner.localgateway.chaos import listing
from runner.localgateway.server import serve
from runner.localgateway.settings import Contract, Settings
from runner.progress import Out


def main(
    out: Out,
    *,
    host: str,
    port: int,
    key: str | None,
    render_seconds: float,
    slates: Literal["drawn", "plain"],
    contract: Contract,
    ledger: Path | None,
    chaos: str | None,
    keep: Path | None,
    seed: int | None,
) -> ExitCode:
    """Serve until interrupted; the address is the first line on stdout."""
    if chaos == "list":
        out.result(listing())
        return ExitCode.DONE
    settings = Settings(
        host=host,
        port=port,
        key=key,
        render_seconds=(render_seconds, render_seconds),
        slates=slates,
        contract=contract,
        ledger=ledger,
        chaos=Path(chaos) if chaos else None,
        keep=keep,
        seed=seed,
    )

    def ready(url: str) -> None:
        out.result(url)
        out.stdout.flush()
        out.say(f"local gateway at {url}: slates, no cost; Ctrl-C stops it")

    try:
        serve(settings, ready)
    except ValueError as error:  # of the chaos script: it names the file and the place
        raise BadInput(str(error), do="reelmake gateway --chaos list shows the faults") from error
    except OSError as error:
        raise Outside(f"cannot serve on {host}:{port}: {error.strerror}") from error
    return ExitCode.DONE
