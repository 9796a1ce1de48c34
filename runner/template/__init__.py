"""Bounded, sandboxed Jinja: a template reads data and makes text, and can do nothing else.

Most prompts hold nothing but `{{ name }}`, `{{ ref('mara') }}` and `{% include 'look.txt' %}`;
those are filled in by `simple`. Anything more goes to `engine`, the only module that imports
jinja2; it gives the same text for the same template. Values are data: what they hold is never
rendered.
"""

from collections.abc import Mapping

from msgspec import Struct

from runner.model import JSON
from runner.template import simple
from runner.template.base import Broken, Budget, Compiled, Fault, Names, Ref
from runner.template.prompts import Prompts, read_prompt

__all__ = ["Fault", "Prompts", "Ref", "Rendered", "Templates", "is_template", "read_prompt"]


class Rendered(Struct, frozen=True):
    """The text of a template, and the names it looks at: `("vars", "grade")`, `("row", "city")`."""

    text: str
    names: Names = frozenset()


def is_template(text: str) -> bool:
    """Whether there is anything to fill in; plain text is left as it is."""
    return "{" in text and simple.opens(text)


class Templates:
    """Renders texts; equal texts are compiled once."""

    def __init__(self, prompts: Prompts) -> None:
        self.prompts = prompts
        self._compiled: dict[str, Compiled | Fault] = {}
        self._simple = simple.Compiler(prompts)
        self._engine: simple.Compile | None = None

    def render(self, text: str, scope: Mapping[str, JSON], ref: Ref) -> Rendered | Fault:
        """The template `text` with the values of `scope`; `ref` gives the marker of a reference.

        A Fault says what is wrong and where in `text`, or in which prompt file.
        """
        compiled = self._compiled.get(text)
        if compiled is None:
            compiled = self._compiled[text] = self._compile(text)
        if isinstance(compiled, Fault):
            return compiled
        try:
            return Rendered(compiled.fill(scope, ref, Budget()), compiled.names)
        except Broken as broken:
            return broken.fault

    def _compile(self, text: str) -> Compiled | Fault:
        try:
            return self._simple.compile(text) or self._whole(text)
        except Broken as broken:
            return broken.fault

    def _whole(self, text: str) -> Compiled:
        if self._engine is None:
            from runner.template.engine import Engine  # importing jinja2 takes 100 ms

            self._engine = Engine(self.prompts).compile
        return self._engine(text)
