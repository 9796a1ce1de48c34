"""Order: what must come before what. Knows names and arrows, nothing of state, cost or files."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

Name = TypeVar("Name", bound=str)


def order(needs: Mapping[Name, Sequence[Name]]) -> list[Name]:
    """Every name after what it needs, otherwise in the order given. `needs` has no cycle."""
    done: dict[Name, None] = {}
    for start in needs:
        stack: list[tuple[Name, Iterable[Name]]] = [(start, iter(needs[start]))]
        while stack:
            name, rest = stack[-1]
            missing = next((n for n in rest if n in needs and n not in done), None)
            if missing is None:
                stack.pop()
                done[name] = None
            else:
                stack.append((missing, iter(needs[missing])))
    return list(done)
