"""What a fault is: a name, the rows it stands for, a sentence, and what it does to an exchange."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

Act = Callable[..., None]  # (course, *, parameters with defaults)


class Fault(Struct, frozen=True):
    """One entry. `early`: it acts before the body is read, so it cannot depend on the body."""

    name: str
    rows: tuple[str, ...]  # of the fault catalogue in docs/local-gateway.md
    route: str  # where it happens unless a rule says otherwise
    about: str
    act: Act
    defaults: Mapping[str, Any]
    early: bool = False

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Its parameters, checked against the types of their defaults. Raises ValueError."""
        for name, value in given.items():
            if name not in self.defaults:
                known = ", ".join(self.defaults) or "it takes none"
                raise ValueError(f"{self.name} has no parameter {name!r}: {known}")
            wanted = type(self.defaults[name])
            if wanted is float and type(value) is int:
                continue
            if type(value) is not wanted:
                raise ValueError(f"{self.name}: {name} is {value!r}, not {wanted.__name__}")
        return {**self.defaults, **given}


class Shelf:
    """Collects the faults of one module."""

    def __init__(self) -> None:
        self.faults: dict[str, Fault] = {}

    def fault(self, *rows: str, route: str, early: bool = False) -> Callable[[Act], Act]:
        """Put a function on the shelf: its name, docstring and keywords are the entry."""

        def put(act: Act) -> Act:
            parameters = inspect.signature(act).parameters.values()
            defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
            about = " ".join((act.__doc__ or "").split())
            name = act.__name__
            self.faults[name] = Fault(name, rows, route, about, act, defaults, early)
            return act

        return put
