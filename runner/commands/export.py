"""`reelmake export FILE --format F`: the cut, or the list of takes, for another program."""

import os
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from runner import manifest
from runner.commands.reading import film_as_it_lies, ledger
from runner.disk import said
from runner.errors import BadInput, ExitCode, Outside
from runner.export import FORMATS, Music, TakeFacts, Timeline, laid_out, sheet
from runner.media.probe import probe
from runner.media.sniff import sniff
from runner.media.sound import RATE, music
from runner.model import Clip, Facts, Money, Plan, Probe, Result, Shot, ShotId, Step, Take
from runner.planner import spends
from runner.progress import Out
from runner.project import Film
from runner.project.cutting import sound
from runner.state import state_of

GUESS = 5.0  # seconds, of a take whose length only its model knows
NAMED = 8  # shots in a line


def main(
    out: Out, *, file: Path, fmt: str, preview: bool, out_file: Path | None, folder: Path | None
) -> ExitCode:
    """Write the film as it stands to stdout, or to a file; what it lacks is said on stderr."""
    film = film_as_it_lies(file, preview=preview, out_dir=folder)
    takes = gather(film)
    if fmt == "csv":
        text, remarks = sheet([*chain.from_iterable(takes.values())], places(film)), list[str]()
    else:
        timeline = timeline_of(film, takes)
        text = FORMATS[fmt].write(timeline)
        remarks = [*unfinished(timeline), *FORMATS[fmt].remarks(timeline)]
    deliver(out, text, out_file, file)
    for remark in remarks:
        out.say(remark, "warn")
    film.project.stats.save()
    return ExitCode.DONE


def deliver(out: Out, text: str, path: Path | None, storyboard: Path) -> None:
    if path is None:
        out.document(text)
        return
    if path.is_dir():
        hint = f"where the results lie there, say --from {path}"
        raise BadInput(f"{path} is a folder; --out names the file to write", do=hint)
    if path.exists() and path.samefile(storyboard):
        raise BadInput(f"{path} is the storyboard; --out would overwrite it")
    with said(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


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
    name = shot.outputs(take.number)[0]
    path = known.folder / name
    in_place = result is not None and known.facts.outputs.get(name) == result.sha256
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
        seconds=seen.seconds if seen else film.project.lasts(take.request) or GUESS,
        url=path.as_uri(),
        path=f"{known.beside}/{name}",
        step=step,
        state=state_of(step, known.facts.history),
        result=result,
        probe=seen,
        in_place=in_place,
        cost=cost,
        cost_basis=basis,
    )


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
    return found.cost, f"{free}{'at most; ' * found.bound}{found.basis}"


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
    )


def unfinished(timeline: Timeline) -> Iterator[str]:
    """Where the film is not yet what it will be, each in a line."""
    shown = list({clip.take.shot: clip.take for clip in timeline.clips}.values())
    made = [take for take in shown if take.result]
    for what, found in (
        ("not rendered yet, only the place is kept", [t for t in shown if not t.result]),
        ("not up to date, the last render stands in", [t for t in made if t.state.tone != "good"]),
        ("not in place, `reelmake run` puts it there", [t for t in made if not t.in_place]),
    ):
        if found:
            more = f" and {len(found) - NAMED} more" * (len(found) > NAMED)
            yield f"{what}: {', '.join(take.shot for take in found[:NAMED])}{more}"
