"""`reelmake export FILE --format F`: the cut, or the list of takes, for another program."""

import os
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from runner import manifest
from runner.commands.reading import film_as_it_lies, ledger, with_results
from runner.disk import said, write_atomic
from runner.errors import BadInput, ExitCode, Outside
from runner.export import FORMATS, Music, Placed, TakeFacts, Timeline, in_words, laid_out, sheet
from runner.media.probe import probe
from runner.media.sniff import sniff
from runner.media.sound import RATE, music
from runner.model import (
    Clip,
    Facts,
    LocalFile,
    Money,
    Plan,
    Probe,
    Result,
    Shot,
    ShotId,
    Step,
    Take,
)
from runner.planner import spends
from runner.progress import Out
from runner.project import Film
from runner.project.cutting import sound
from runner.project.opened import STATE
from runner.state import state_of

GUESS = 5.0  # seconds, of a take whose length only its model knows
NAMED = 8  # shots in a line
STDOUT = (None, Path("-"), Path("/dev/stdout"))
ELSEWHERE = "name another file with --out"


def main(
    out: Out, *, file: Path, fmt: str, preview: bool, out_file: Path | None, folder: Path | None
) -> ExitCode:
    """Write the film as it stands to stdout, or to a file; what it lacks is said on stderr."""
    film = film_as_it_lies(file, preview=preview, out_dir=with_results(folder))
    takes = gather(film)
    if fmt == "csv":
        text, remarks = sheet([*chain.from_iterable(takes.values())], places(film)), list[str]()
    else:
        timeline = timeline_of(film, takes)
        text = FORMATS[fmt].write(timeline)
        shown = {t.label: t for clip in timeline.clips for t in offered(clip, fmt)}
        remarks = [*unfinished([*shown.values()]), *FORMATS[fmt].remarks(timeline)]
    deliver(out, text, out_file, film, f".{fmt}")
    for remark in remarks:
        out.say(remark, "warn")
    film.project.stats.save()
    return ExitCode.DONE


# ── where it goes ───────────────────────────────────────────────────────────────────────────


def deliver(out: Out, text: str, path: Path | None, film: Film, suffix: str) -> None:
    """To stdout, into a pipe or a device as it is, else whole to a file, whose path is said."""
    if path in STDOUT:
        out.document(text)
        return
    with said(path):
        if path.exists() and not (path.is_file() or path.is_dir()):
            path.write_bytes(text.encode())
            return
        file = Path(os.path.realpath(path))  # a link stays one, what it leads to is written
        spared(path, file, film, suffix)
        file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, text.encode(), mode=0o644)
    out.result(os.path.relpath(path))


def spared(path: Path, file: Path, film: Film, suffix: str) -> None:
    """Raises BadInput where something would be lost that is no older export."""
    if file.is_dir():
        hint = f"where the results lie there, say --from {path}"
        raise BadInput(f"{path} is a folder; --out names the file to write", do=hint)
    if STATE in map(str.lower, file.parts) or film.project.state.resolve() in file.parents:
        raise BadInput(f"{path} lies in {STATE}, where nothing else belongs", do=ELSEWHERE)
    if not file.exists():
        return
    if any(each.exists() and each.samefile(file) for each in read_by(film)):
        raise BadInput(f"the film reads {path}; --out would overwrite it", do=ELSEWHERE)
    if file.suffix.lower() != suffix:
        what = f"{path} is there already and no {suffix} file; --out would overwrite it"
        raise BadInput(what, do=ELSEWHERE)


def read_by(film: Film) -> Iterator[Path]:
    """Every file that the film is made from: texts as they were named, media below the root."""
    yield from map(Path, chain((str(film.file),), film.loaded.files, film.loaded.inputs))
    track = film.storyboard.cut and film.storyboard.cut.audio
    heard = [track.origin.path] if track and isinstance(track.origin, LocalFile) else []
    yield from (film.project.root / name for name in chain(film.references(), heard))


# ── what is known of the takes ──────────────────────────────────────────────────────────────


class Known(Struct, frozen=True):
    """A film with all that is known of it, looked up by take."""

    film: Film
    folder: Path  # where the videos lie, links resolved
    beside: str  # the same, seen from the project's root
    facts: Facts
    steps: Mapping[tuple[ShotId, int], Step]
    results: Mapping[tuple[ShotId, int], Result]
    billed: Mapping[str, Money]  # by attempt


def gather(film: Film) -> dict[ShotId, tuple[TakeFacts, ...]]:
    """Every take of every shot, in the order of the film: read, never written."""
    facts = film.gather()
    plan = film.plan(facts)
    folder = film.folder.resolve()
    known = Known(
        film=film,
        folder=folder,
        beside=Path(os.path.relpath(folder, film.project.root.resolve())).as_posix(),
        facts=facts,
        steps=by_take(plan),
        results=results(film, plan, facts),
        billed=billed(film),
    )
    return {
        shot.id: tuple(facts_of(known, shot, take) for take in shot.takes)
        for shot in film.storyboard.shots
    }


def by_take(plan: Plan) -> dict[tuple[ShotId, int], Step]:
    return {(step.shot, step.take): step for step in plan.steps}


def results(film: Film, plan: Plan, facts: Facts) -> dict[tuple[ShotId, int], Result]:
    """As the manifest has it: a take that is not up to date is what was rendered for it last."""
    made = manifest.build(film.storyboard, plan, facts.history)
    return {(entry.shot, entry.take): entry.result for entry in made.entries}


def billed(film: Film) -> dict[str, Money]:
    entries = ledger(film.project, film.storyboard, film.realm).entries
    return {entry.attempt: entry.billed for entry in entries if entry.billed}


def facts_of(known: Known, shot: Shot, take: Take) -> TakeFacts:
    film, result = known.film, known.results.get((shot.id, take.number))
    step = known.steps[shot.id, take.number]
    name, in_place = output_of(shot, take, result, known.facts)
    path = known.folder / name
    planned = film.project.lasts(take.request)
    seen = measured(path, result, in_place) if result else None
    sent = (result.accepted or result.asked) if result else {}
    cost, basis = price(known, step, result)
    return TakeFacts(
        shot=shot.id,
        number=take.number,
        kept=take.number == shot.keep,
        model=str(sent.get("model", take.request.model)),
        vendor=(result and result.vendor) or shot.vendor,
        prompt=str(sent.get("prompt", take.request.prompt)),
        seconds=seen.seconds if seen else planned or GUESS,
        url=path.as_uri(),
        path=f"{known.beside}/{name}",
        step=step,
        state=state_of(step, known.facts.history),
        result=result,
        probe=seen,
        in_place=in_place,
        usurped=not in_place and known.facts.outputs.get(name) is not None,
        guessed=seen is None and planned is None,
        cost=cost,
        cost_basis=basis,
    )


def output_of(shot: Shot, take: Take, result: Result | None, facts: Facts) -> tuple[str, bool]:
    """The name under which a take's bytes lie, or else will lie; and whether they do."""
    names = shot.outputs(take.number)
    held = (name for name in names if result and facts.outputs.get(name) == result.sha256)
    found = next(held, None)
    return found or names[0], found is not None


def measured(path: Path, result: Result, in_place: bool) -> Probe:
    """Of the file itself, where it lies there; else as it was when it arrived."""
    try:
        return probe(path) if in_place else result.probe
    except Outside:
        return result.probe


def price(known: Known, step: Step, result: Result | None) -> tuple[Money | None, str]:
    """What a take has cost, or will; and who says so."""
    bill = known.billed.get(result.attempt) if result else None
    if bill and not known.film.endpoint.preview:
        return bill, "billed"
    found = result.cost if result else step.estimate if spends(step) else None
    if found is None:
        return None, ""
    free = "a free slate; the real one: " * (result is not None and known.film.endpoint.preview)
    return found.cost, f"{free}{found.basis}"  # which says "at most" of a bound itself


# ── the cut ─────────────────────────────────────────────────────────────────────────────────


def clips_of(film: Film) -> Sequence[Clip]:
    """The cut's clips; without a cut, every shot as it is, in the order of the film."""
    if film.storyboard.cut:
        return film.storyboard.cut.clips
    return [Clip(shot.id) for shot in film.storyboard.shots]


def places(film: Film) -> dict[ShotId, list[int]]:
    """Where in the cut each shot plays, counted from 1."""
    found: dict[ShotId, list[int]] = {}
    for number, clip in enumerate(clips_of(film), start=1):
        found.setdefault(clip.shot, []).append(number)
    return found


def timeline_of(film: Film, takes: Mapping[ShotId, Sequence[TakeFacts]]) -> Timeline:
    board = film.storyboard
    made = laid_out(board.title or board.stem, clips_of(film), takes)
    about = {"storyboard": board.path, "sha256": board.sha256, "gateway": film.endpoint.name}
    return replace(made, music=music_of(film, made), about=about)


def music_of(film: Film, timeline: Timeline) -> Music | None:
    """The sound under the film, as long as the cut lets it play."""
    track = film.storyboard.cut and sound(film, film.storyboard.cut)
    if not track:
        return None
    path, how = track
    rate = timeline.rate
    heard = music(path, how, round(timeline.frames * RATE / rate))
    seconds = Fraction(sniff(path).seconds or 0)
    return Music(
        name=path.name,
        url=path.resolve().as_uri(),
        seconds=seconds,
        frames=max(1, min(timeline.frames, int(seconds * rate))),
        gain_db=heard.gain_db,
        fade_in=round(heard.fade_in * rate / RATE),
        fade_out=round(heard.fade_out * rate / RATE),
        level=in_words(how),
    )


def offered(clip: Placed, fmt: str) -> Sequence[TakeFacts]:
    """The takes that a format has of a clip."""
    return clip.takes if fmt == "otio" else (clip.take,)


def unfinished(shown: Sequence[TakeFacts]) -> Iterator[str]:
    """Where the film is not yet what it will be, each in a line."""
    made = [take for take in shown if take.result]
    for what, found in (
        ("not rendered yet, only the place is kept", [t for t in shown if not t.result]),
        ("not up to date, the last render stands in", [t for t in made if t.state.tone != "good"]),
        ("not in place, `reelmake run` puts it there", [t for t in made if not t.in_place]),
        ("left out, another file lies under its name", [t for t in made if t.usurped]),
    ):
        if found:
            more = f" and {len(found) - NAMED} more" * (len(found) > NAMED)
            yield f"{what}: {', '.join(take.label for take in found[:NAMED])}{more}"
