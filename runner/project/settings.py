"""`reelmake.yaml` at the project's root: what a team wants to differ from what is shipped."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from msgspec import Struct, field

from runner.errors import BadInput, Outside
from runner.model import JSON, Money, Problem
from runner.schema.data import data_file, read_json
from runner.source import locate, read_yaml

NAME = "reelmake.yaml"


class Settings(Struct, frozen=True):
    """The file's content, checked against `schemas/settings.schema.json`; empty without one."""

    data: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def budget_per_day(self) -> Money | None:
        amount = self.data.get("budget_per_day")
        return None if amount is None else Money(Decimal(str(amount)))

    @property
    def strict(self) -> bool:
        return bool(self.data.get("strict"))

    def problem(self, rule: str, message: str, path: Sequence[str | int], hint: str) -> Problem:
        """Something wrong at a place of this file."""
        return Problem(rule, message, locate(self.data, path), hint=hint)

    def refuse(self, problems: Iterable[Problem]) -> None:
        """Raises BadInput if there are any."""
        if found := tuple(problems):
            raise BadInput(f"{NAME} cannot be used", problems=found)


def read_settings(root: Path) -> Settings:
    """The settings of a project. Raises BadInput with every problem in the file."""
    path = root / NAME
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise Outside(f"{path} cannot be read: {error.strerror}") from error
    data, problems = read_yaml(text, NAME)
    if not problems:
        problems = check(data)
    if problems:
        raise BadInput(f"{NAME} cannot be used", problems=problems)
    return Settings(data or {})


def check(data: JSON) -> list[Problem]:
    """What the schema says against the settings, each at its place."""
    if data is None:
        return []
    from runner.schema.structure import explain  # jsonschema takes a fifth of a second

    schema = read_json(data_file("settings.schema.json"))
    return [
        Problem(c.rule, c.message, locate(data, c.path, key=c.key), c.severity, c.hint, c.source)
        for c in explain(schema, data, "settings")
    ]
