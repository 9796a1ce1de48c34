"""Strings in, one command called, an exit code out. Holds no decision about shots or money.

Nothing but click is imported until a command is known: people run a build tool a hundred times
a day, and pay the start-up time each time.
"""

from __future__ import annotations

import gc as garbage
import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.exceptions import Exit

from runner import __version__

if TYPE_CHECKING:  # a tenth of what `--help` may take, so only where a command needs them
    from decimal import Decimal
    from pathlib import Path


class FilePath(click.Path):
    """A path, as `pathlib` has it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        from pathlib import Path

        if value == "":  # `Path("")` is this folder, and nobody who wrote "" meant it
            self.fail("an empty text names no file", param, ctx)
        return Path(str(super().convert(value, param, ctx)))


FILE = click.argument("file", type=FilePath())
SHOTS = click.argument("shots", nargs=-1)
SHOT = click.argument("shot")
GATEWAY = click.option("--gateway", metavar="NAME|URL", help="Gateway profile or base URL.")
OUT_DIR = click.option("--out", "out_dir", type=FilePath(), help="Output folder.")
PREVIEW = click.option("--preview", is_flag=True, help="The local gateway's results.")


MOST = 10**9  # USD; beyond it stands a slip of the keyboard


class Usd(click.ParamType):  # type: ignore[type-arg]  # generic only in newer clicks
    """An amount of money: a finite decimal, zero or more."""

    name = "usd"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        from decimal import Decimal, InvalidOperation

        try:
            amount = Decimal(str(value).removeprefix("$"))
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite() or not 0 <= amount <= MOST:
            self.fail(f"{value!r} is not an amount; write it like 2.50", param, ctx)
        return amount


def form(*choices: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(
        "--format", "fmt", type=click.Choice(choices), default=choices[0], show_default=True
    )


def call(command: str, **options: Any) -> NoReturn:
    """Import the one command's module and leave with what it returns."""
    progress = importlib.import_module("runner.progress")
    module = importlib.import_module(f"runner.commands.{command}")
    garbage.freeze()  # modules stay
    garbage.enable()
    raise Exit(int(module.main(progress.terminal(), **options)))


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="reelmake", message="%(prog)s %(version)s")
def cli() -> None:
    """make for AI film: a storyboard in YAML goes in; shots, a cut and a manifest come out.

    A second run renders only what changed.
    """


@cli.command()
@click.argument("folder", metavar="[DIR]", type=FilePath(), default=".")
def init(folder: Path) -> None:
    """Start a project: a storyboard that runs, .gitignore, folders."""
    call("init", folder=folder)


@cli.command()
@click.argument("files", nargs=-1, required=True, type=FilePath())
@form("text", "json", "github")
@click.option("--strict", is_flag=True, help="Warnings fail too.")
def validate(files: tuple[Path, ...], fmt: str, strict: bool) -> None:
    """Check storyboards against every rule of their vendors. No network."""
    call("validate", files=files, fmt=fmt, strict=strict)


@cli.command()
@FILE
@SHOTS
@form("text", "json")
@GATEWAY
@OUT_DIR
@click.option("--save", type=FilePath(), help="Write the plan for `run --plan`.")
@click.option("--why", is_flag=True, help="Show what changed, old and new.")
def plan(file: Path, shots: tuple[str, ...], **options: Any) -> None:
    """Say what would be rendered, why, and for how much. Never a request that costs."""
    call("plan", file=file, shots=shots, **options)


@cli.command()
@FILE
@SHOTS
@GATEWAY
@OUT_DIR
@form("text", "json")
@click.option("-j", "--jobs", type=click.IntRange(1, 10_000), help="Takes in flight at once.")
@click.option("--max-cost", type=Usd(), help="Never spend more than this, in USD.")
@click.option("--unpriced", is_flag=True, help="Also send what nobody knows the price of.")
@click.option("--take", type=click.IntRange(1, 999), help="Render this take of SHOT as well.")
@click.option("--force", is_flag=True, help="Render SHOTS again although they are up to date.")
@click.option(
    "--keep-going/--fail-fast",
    "keep_going",
    default=True,
    show_default=True,
    help="After a failed shot, render what does not depend on it, or stop.",
)
@click.option("--frozen", is_flag=True, help="Spend nothing: restore everything, or say why not.")
@click.option("--plan", "saved", type=FilePath(), help="Do exactly this saved plan.")
@click.option("-y", "--yes", is_flag=True, help="Spend what the plan says without asking.")
def run(file: Path, shots: tuple[str, ...], **options: Any) -> None:
    """Render what is missing or changed."""
    call("run", file=file, shots=shots, **options)


@cli.command()
@FILE
@PREVIEW
@form("text", "json")
@click.option("--ledger", is_flag=True, help="What was estimated, billed, failed, is at risk.")
def status(file: Path, preview: bool, fmt: str, ledger: bool) -> None:
    """Show what is in flight, in doubt, and spent."""
    call("status", file=file, preview=preview, fmt=fmt, ledger=ledger)


@cli.command()
@FILE
@SHOT
@click.argument("take", type=click.IntRange(1, 999))
@GATEWAY
@OUT_DIR
def keep(file: Path, shot: str, take: int, gateway: str | None, out_dir: Path | None) -> None:
    """Choose the take that is the shot. Shows what hangs on it, and the price."""
    call("keep", file=file, shot=shot, take=take, gateway=gateway, out_dir=out_dir)


@cli.command()
@FILE
@click.argument("shots", nargs=-1, required=True)
@GATEWAY
@OUT_DIR
def accept(file: Path, shots: tuple[str, ...], gateway: str | None, out_dir: Path | None) -> None:
    """Declare stale takes good for the storyboard as it is now."""
    call("accept", file=file, shots=shots, gateway=gateway, out_dir=out_dir)


@cli.command()
@FILE
@SHOT
@click.option("--to", required=True, metavar="MODEL")
@click.option("--write", is_flag=True, help="Change the storyboard accordingly.")
@form("text", "json")
def port(file: Path, shot: str, to: str, write: bool, fmt: str) -> None:
    """Say what a shot keeps, changes and loses on another model."""
    call("port", file=file, shot=shot, to=to, write=write, fmt=fmt)


@cli.command()
@FILE
@SHOTS
@click.option("--to", required=True, metavar="MODEL")
def migrate(file: Path, shots: tuple[str, ...], to: str) -> None:
    """Write another model, and nothing else. Without SHOTS: where a retired one is written."""
    call("migrate", file=file, shots=shots, to=to)


TAKE = click.option("--take", type=click.IntRange(1, 999), help="Which take, if several wait.")


@cli.command()
@SHOT
@click.argument("job")
@TAKE
@PREVIEW
def adopt(shot: str, job: str, take: int | None, preview: bool) -> None:
    """Settle a doubt: JOB is its job. The next run collects it for free."""
    call("adopt", shot=shot, job=job, take=take, preview=preview)


@cli.command()
@SHOT
@TAKE
@PREVIEW
def resubmit(shot: str, take: int | None, preview: bool) -> None:
    """Settle a doubt: send it again. The first may have been paid already."""
    call("resubmit", shot=shot, take=take, preview=preview)


@cli.command()
@SHOT
@TAKE
@PREVIEW
def abandon(shot: str, take: int | None, preview: bool) -> None:
    """Settle a doubt: give it up. Its price stays on the books as at risk."""
    call("abandon", shot=shot, take=take, preview=preview)


@cli.command()
@FILE
@PREVIEW
@OUT_DIR
@form("text", "json")
@click.option("--watch", is_flag=True, help="Decode every frame: tell black and frozen takes.")
def verify(file: Path, **options: Any) -> None:
    """Re-hash everything the manifest names."""
    call("verify", file=file, **options)


@cli.command()
@FILE
@PREVIEW
@OUT_DIR
def report(file: Path, preview: bool, out_dir: Path | None) -> None:
    """Write one HTML page: cut, takes, prompts, prices, what is stale."""
    call("report", file=file, preview=preview, out_dir=out_dir)


FROM = click.option(
    "--from", "folder", metavar="DIR", type=FilePath(), help="Where `run --out` put the results."
)


@cli.command()
@FILE
@PREVIEW
@FROM
@click.option("--format", "fmt", type=click.Choice(["otio", "edl", "fcpxml", "csv"]), required=True)
@click.option("--out", "out_file", metavar="FILE", type=FilePath(), help="Instead of stdout.")
def export(file: Path, **options: Any) -> None:
    """Hand the cut to an editor, or every take to a spreadsheet.

    What is not rendered yet keeps its place in the timeline. That is said, and is no failure.
    """
    call("export", file=file, **options)


@cli.command()
@FILE
@PREVIEW
@FROM
@form("dot", "mermaid")
def graph(file: Path, **options: Any) -> None:
    """Draw what hangs on what, and where every shot stands."""
    call("graph", file=file, **options)


@cli.command()
@click.argument("vendor", required=False)
@form("text", "json")
def models(vendor: str | None, fmt: str) -> None:
    """List the models: status, durations, sizes, audio, prices."""
    call("models", vendor=vendor, fmt=fmt)


@cli.command()
@click.argument("name", required=False, default="storyboard")
def schema(name: str) -> None:
    """Print a JSON Schema: storyboard, manifest, or a vendor's."""
    call("schema", name=name)


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--render-seconds", type=float, default=2.0, show_default=True)
@click.option("--key", help="The only key that is accepted; without it, any.")
@click.option("--slates", type=click.Choice(["drawn", "plain"]), default="drawn")
@click.option(
    "--contract", type=click.Choice(["quarantine", "listed", "keyed"]), default="quarantine"
)
@click.option("--ledger", type=FilePath(), help="Write accepted jobs here.")
@click.option("--chaos", metavar="FILE|list", help="Misbehave as FILE says; list names all faults.")
@click.option("--keep", type=FilePath(), help="Jobs survive a restart here.")
@click.option("--seed", type=int, help="Equal requests give equal films.")
def gateway(**options: Any) -> None:
    """Serve the built-in gateway. The real HTTP API, slates instead of renders, no cost."""
    call("gateway", **options)


@cli.command()
@GATEWAY
def doctor(gateway: str | None) -> None:
    """Check state, stores, key, clock, disk and gateway. Costs nothing."""
    call("doctor", gateway=gateway)


@cli.command()
@click.option("--delete", is_flag=True, help="Really remove; without it gc only tells.")
@click.option("--min-age", type=click.FloatRange(0), default=1.0, show_default=True, help="Days.")
def gc(delete: bool, min_age: float) -> None:
    """Remove stored bytes that nothing names. What was paid for always stays."""
    call("gc", delete=delete, min_age=min_age)


def main(words: Sequence[str]) -> int:
    """Carries out a command line. Turns every error into a message and its exit code."""
    try:
        return int(cli.main(words, prog_name="reelmake", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        return 130
    except BrokenPipeError:
        return 1  # nobody reads any more
    except Exception as error:  # noqa: BLE001  the one broad clause: what falls out here is shown
        return explain(error)


def explain(error: Exception) -> int:
    """Show an error the way its kind deserves; the exit code for it."""
    errors = importlib.import_module("runner.errors")
    out = importlib.import_module("runner.progress").terminal()
    if not isinstance(error, errors.ReelmakeError):
        traceback = importlib.import_module("traceback")
        out.say("".join(traceback.format_exception(error)), "dim")
        out.say(f"reelmake {__version__}: this is a bug; nothing paid for is lost", "bad")
        return 1
    out.problems(getattr(error, "problems", ()))
    if not getattr(error, "problems", ()):
        out.say(f"error: {error.what}", "bad")
    if error.do:
        out.say(f"  {error.do}")
    return int(error.exit_code)
