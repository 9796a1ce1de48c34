"""`reelmake gateway`: the built-in gateway as a server of its own."""

from pathlib import Path

from runner.errors import ExitCode, Outside
from runner.localgateway.server import serve
from runner.localgateway.settings import Settings
from runner.progress import Out


def main(
    out: Out, *, host: str, port: int, render_seconds: float, ledger: Path | None, chaos: str | None
) -> ExitCode:
    """Serve until interrupted; the address is the first line on stdout."""
    settings = Settings(
        host=host,
        port=port,
        render_seconds=(render_seconds, render_seconds),
        ledger=ledger,
        chaos=Path(chaos) if chaos else None,
    )

    def ready(url: str) -> None:
        out.result(url)
        out.stdout.flush()
        out.say(f"local gateway at {url}: slates, no cost; Ctrl-C stops it")

    try:
        serve(settings, ready)
    except OSError as error:
        raise Outside(f"cannot serve on {host}:{port}: {error.strerror}") from error
    return ExitCode.DONE
