"""Graphviz: `reelmake graph film.yaml | dot -Tsvg > film.svg`."""

from collections.abc import Iterator

from runner.diagram.film import COLOURS, Diagram, Edge, Node
from runner.progress import printable

HEAD = """\
  graph [rankdir=LR, fontname="Helvetica", labelloc=t];
  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11];
  edge [fontname="Helvetica", fontsize=9, color="#666666"];
"""


def write(diagram: Diagram) -> str:
    """The whole drawing; a state is a colour and, in an SVG, a class."""
    title = quoted(diagram.title)
    body = "".join(f"  {line};\n" for line in lines(diagram))
    return f"digraph film {{\n{HEAD}  label={title};\n{body}}}\n"


def lines(diagram: Diagram) -> Iterator[str]:
    yield from map(node, diagram.nodes)
    yield from map(edge, diagram.edges)


def node(shot: Node) -> str:
    look = {
        "label": quoted(*shot.rows),
        "fillcolor": quoted(COLOURS[shot.state.tone]),
        "class": quoted(shot.state.word.replace(" ", "-")),
        "tooltip": quoted(shot.reason),
    }
    return f"{quoted(shot.id)} [{', '.join(f'{key}={value}' for key, value in look.items())}]"


def edge(between: Edge) -> str:
    style = ", style=dashed" * between.weak
    ends = f"{quoted(between.source)} -> {quoted(between.target)}"
    return f"{ends} [label={quoted(between.label)}{style}]"


def quoted(*rows: str) -> str:
    """Text as it is, a row under the other: inside quotes Graphviz still reads backslashes and
    the entities of HTML."""
    return '"' + r"\n".join(map(literal, rows)) + '"'


def literal(text: str) -> str:
    flat = " ".join(printable(text).split())
    return flat.replace("\\", r"\\").replace('"', r"\"").replace("&", "&amp;")
