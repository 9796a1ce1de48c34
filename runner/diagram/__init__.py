"""A film as a drawing: what hangs on what, and where every shot stands. Pure.

film     storyboard and plan -> nodes and edges
dot      for Graphviz
mermaid  for pages of Markdown
"""

from collections.abc import Mapping
from typing import Protocol

from runner.diagram import dot, mermaid
from runner.diagram.film import Diagram, drawn

__all__ = ["FORMATS", "Diagram", "drawn"]


class Format(Protocol):
    """What a language of drawings offers."""

    def write(self, diagram: Diagram) -> str:
        """The whole drawing."""
        ...


FORMATS: Mapping[str, Format] = {"dot": dot, "mermaid": mermaid}
