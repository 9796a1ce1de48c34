"""Shots and what they need: an order, circles, and what hangs on what. Recursion-free."""

from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import TypeVar

from runner.model import ShotId

Node = TypeVar("Node")
Needs = Mapping[ShotId, Sequence[ShotId]]


def order(needs: Needs) -> list[ShotId]:
    """Every shot after what it needs; otherwise in the order they are given.

    Needs that are not among the shots are left out of account, and so are shots on a circle and
    whatever hangs on one: `find_cycle` tells about those.
    """
    place = {shot: index for index, shot in enumerate(needs)}
    shots = list(place)
    waiting = {shot: sum(1 for need in set(needs[shot]) if need in place) for shot in shots}
    users = used_by(needs)
    ready = [place[shot] for shot in shots if not waiting[shot]]
    heapify(ready)
    done = []
    while ready:
        shot = shots[heappop(ready)]
        done.append(shot)
        for user in users.get(shot, ()):
            waiting[user] -= 1
            if not waiting[user]:
                heappush(ready, place[user])
    return done


def find_cycle(needs: Needs) -> tuple[ShotId, ...]:
    """One circle as a path that ends where it began, or nothing: `("a", "b", "a")`."""
    ordered = set(order(needs))
    left = {shot: need for shot, need in needs.items() if shot not in ordered}
    if not left:
        return ()
    seen: dict[ShotId, int] = {}
    path: list[ShotId] = []
    shot = next(iter(left))
    while shot not in seen:  # each shot left over needs another one left over
        seen[shot] = len(path)
        path.append(shot)
        shot = next(need for need in left[shot] if need in left)
    return (*path[seen[shot] :], shot)


def find_cycles(needs: Needs, most: int = 20) -> list[tuple[ShotId, ...]]:
    """Circles that have no step in common, in the order of the shots; at most `most` of them."""
    remaining = {shot: list(need) for shot, need in needs.items()}
    cycles: list[tuple[ShotId, ...]] = []
    while len(cycles) < most and (cycle := find_cycle(remaining)):
        cycles.append(cycle)
        for shot, need in pairwise(cycle):
            remaining[shot] = [other for other in remaining[shot] if other != need]
    return cycles


def used_by(needs: Mapping[Node, Sequence[Node]]) -> dict[Node, list[Node]]:
    """For each needed one, those that need it, each once."""
    users: dict[Node, list[Node]] = {}
    for shot, wanted in needs.items():
        for need in dict.fromkeys(wanted):
            users.setdefault(need, []).append(shot)
    return users


def downstream(needs: Mapping[Node, Sequence[Node]], changed: Iterable[Node]) -> set[Node]:
    """The given ones and everything that hangs on them."""
    return upstream(used_by(needs), changed)


def upstream(needs: Mapping[Node, Sequence[Node]], wanted: Iterable[Node]) -> set[Node]:
    """The given ones and everything they hang on."""
    found = set(wanted)
    todo = list(found)
    while todo:
        for need in needs.get(todo.pop(), ()):
            if need not in found:
                found.add(need)
                todo.append(need)
    return found
