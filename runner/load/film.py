"""All shots of a film together: their ids, what they name of one another, circles."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from msgspec.structs import replace

from runner import graph
from runner.load.board import Board
from runner.load.drafts import Draft
from runner.load.found import Found
from runner.load.shots import read_shot
from runner.model import Clip, Loc, Problem, Severity, Shot, ShotId, ShotOutput
from runner.schema import did_you_mean


class Film:
    """The shots of a storyboard and of what it includes."""

    def __init__(self, board: Board, found: Found) -> None:
        self._found = found
        self.drafts: dict[ShotId, Draft] = {}
        self._shots: dict[ShotId, Shot] = {}
        self.disabled: dict[ShotId, Draft] = {}
        self._unread: set[ShotId] = set()  # named in the file, but something is wrong with them
        first: dict[str, Draft] = {}
        for part in board.boards():
            self._unread |= set(map(ShotId, part.unread))
            for draft in part.drafts:
                same = first.setdefault(draft.id.lower(), draft)
                if same is not draft:
                    self._twice(draft, same)
                elif draft.fields.get("enabled", True):
                    self._add(draft, ShotId(draft.id), read_shot(part.around, draft))
                else:
                    self.disabled[ShotId(draft.id)] = draft

    def _add(self, draft: Draft, id_: ShotId, shot: Shot | None) -> None:
        self.drafts[id_] = draft
        if shot is None:
            self._unread.add(id_)
        else:
            self._shots[id_] = shot

    def _twice(self, draft: Draft, first: Draft) -> None:
        where = first.about or f"line {first.loc().line}"
        if not first.about and first.loc().file != draft.loc().file:
            where = str(first.loc())
        spelled = "" if first.id == draft.id else f" as {first.id}"
        message = f"the id {draft.id} again; first{spelled} at {where}"
        if draft.about:
            message = f"{message}, now at {draft.about}"
        hint = "ids are unique in a film, upper and lower case alike"
        self._found.add(Problem("shot.duplicate_id", message, draft.loc(), hint=hint))

    # ── what shots name of one another ──────────────────────────────────────────────────────

    def shots(self) -> tuple[Shot, ...]:
        """The shots in file order; unknown names and circles are noted."""
        needs = {
            shot.id: shot.needs
            for shot in self._shots.values()
            if shot.takes[0].request.media or shot.after
        }
        for id_ in needs:
            self._check_names(self._shots[id_])
        self._find_circles({id_: need for id_, need in needs.items() if need})
        gone = self.disabled.keys()
        return tuple(
            replace(shot, after=tuple(id_ for id_ in shot.after if id_ not in gone))
            if shot.after and not gone.isdisjoint(shot.after)
            else shot
            for shot in self._shots.values()
        )

    def _check_names(self, shot: Shot) -> None:
        for needed, at in self._sources(shot):
            if needed in self.disabled:
                self._nothing_to_take(shot, needed, at)
            self._check_name(shot, needed, at)
        for index, needed in enumerate(shot.after):
            if needed not in self._shots:
                at = self.drafts[shot.id].loc(("after", index))
                self._check_name(shot, needed, at)

    def _sources(self, shot: Shot) -> Iterator[tuple[ShotId, Loc]]:
        for take in shot.takes:
            for medium in take.request.media:
                if isinstance(medium.origin, ShotOutput):
                    yield medium.origin.shot, medium.at

    def _nothing_to_take(self, shot: Shot, needed: ShotId, at: Loc) -> None:
        message = f"{needed} is not enabled, so there is nothing to take from it"
        hint = "enable it, or take the picture from a file"
        problem = Problem("shot.disabled", message, at, hint=hint)
        self._found.add(problem, self.drafts[shot.id].about)

    def _check_name(self, shot: Shot, needed: ShotId, at: Loc) -> None:
        known = needed in self._shots or needed in self._unread or needed in self.disabled
        if not known:
            message, hint = f"there is no shot {needed}", self._near(needed)
            problem = Problem("shot.unknown", message, at, hint=hint)
            self._found.add(problem, self.drafts[shot.id].about)

    def _near(self, id_: str) -> str:
        return did_you_mean(id_, self.drafts) or "name a shot by its id, `sh010` or `sh010.wide`"

    def _find_circles(self, needs: Mapping[ShotId, Sequence[ShotId]]) -> None:
        for cycle in graph.find_cycles(needs):
            shot, needed = next(pairwise(cycle))
            at = next(
                (at for id_, at in self._sources(self._shots[shot]) if id_ == needed),
                self.drafts[shot].loc(("after",)),
            )
            way = cycle if len(cycle) <= 12 else (*cycle[:6], "…", *cycle[-5:])
            message = f"shots that wait for each other: {' → '.join(way)}"
            hint = "one of them must begin without the other"
            self._found.add(Problem("shot.cycle", message, at, hint=hint))

    # ── the cut ─────────────────────────────────────────────────────────────────────────────

    def clips(self, clips: Sequence[Clip]) -> tuple[Clip, ...]:
        """The clips whose shots are in the film; the others are noted."""
        return tuple(clip for clip in clips if self._in_film(clip))

    def _in_film(self, clip: Clip) -> bool:
        if clip.shot in self.disabled:
            message = f"{clip.shot} is not enabled: its clip is left out of the cut"
            self._found.add(Problem("cut.disabled", message, clip.at, Severity.WARNING))
            return False
        if clip.shot not in self._shots and clip.shot not in self._unread:
            message = f"there is no shot {clip.shot}"
            self._found.add(
                Problem("cut.unknown_shot", message, clip.at, hint=self._near(clip.shot))
            )
        return True
