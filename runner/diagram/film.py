"""A film's shots as nodes, and what one hands to the other as edges."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from msgspec import Struct

from runner.model import History, Medium, Plan, Request, Shot, ShotId, ShotOutput, Storyboard
from runner.state import State, state_of

Lasts = Callable[[Request], float | None]
COLOURS = {"good": "#d7f0dd", "info": "#d6e8fa", "warn": "#fdeac4", "bad": "#f9d2d0"}


class Node(Struct, frozen=True):
    """A shot, as its kept take stands."""

    id: ShotId
    model: str
    about: str  # seconds, takes
    state: State
    reason: str

    @property
    def rows(self) -> tuple[str, ...]:
        """What is written in it, a row under the other."""
        return self.id, self.model, " · ".join(filter(None, (self.about, self.state.word)))


class Edge(Struct, frozen=True):
    """What a shot gets from another. `weak`: nothing but its turn."""

    source: ShotId
    target: ShotId
    label: str
    weak: bool = False


class Diagram(Struct, frozen=True):
    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @property
    def states(self) -> tuple[State, ...]:
        """Those that occur, each once."""
        return tuple(dict.fromkeys(node.state for node in self.nodes))


def drawn(storyboard: Storyboard, plan: Plan, history: History, lasts: Lasts) -> Diagram:
    """Every shot of a film. `plan` is of the whole film; `lasts` says how long a take will be."""
    steps = {(step.shot, step.take): step for step in plan.steps}
    nodes = []
    for shot in storyboard.shots:
        step = steps[shot.id, shot.keep]
        request = next(take.request for take in shot.takes if take.number == shot.keep)
        made = step.result or history.latest.get((shot.id, shot.keep))
        seconds = lasts(request) or (made.probe.seconds if made else None)  # its model chose
        known, state = about(shot, seconds), state_of(step, history)
        nodes.append(Node(shot.id, request.model, known, state, step.reason))
    edges = (edge for shot in storyboard.shots for edge in edges_to(shot))
    return Diagram(storyboard.title or storyboard.stem, tuple(nodes), tuple(edges))


def about(shot: Shot, seconds: float | None) -> str:
    parts = [f"{round(seconds, 2):g} s"] if seconds else []
    if len(shot.takes) > 1:
        parts.append(f"take {shot.keep} of {len(shot.takes)}")
    return " · ".join(parts)


def edges_to(shot: Shot) -> Iterator[Edge]:
    """One edge from each shot it needs, with everything that comes along it."""
    handed: dict[ShotId, dict[str, None]] = {}
    for take in shot.takes:
        for medium in take.request.media:
            if isinstance(medium.origin, ShotOutput):
                handed.setdefault(medium.origin.shot, {})[what(medium, medium.origin)] = None
    for source, labels in handed.items():
        yield Edge(source, shot.id, ", ".join(labels))
    for source in dict.fromkeys(shot.after):
        if source not in handed:
            yield Edge(source, shot.id, "after", weak=True)


def what(medium: Medium, origin: ShotOutput) -> str:
    """`last frame as first frame`: what is taken, and what it becomes."""
    if origin.frame is None:
        taken = "video"
    elif isinstance(origin.frame, Decimal):
        taken = f"frame at {origin.frame} s"
    else:
        taken = f"{origin.frame} frame"
    return f"{taken} as {medium.role.replace('_', ' ')}"
