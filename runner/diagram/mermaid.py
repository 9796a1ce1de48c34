"""Mermaid: pasted into Markdown between ```mermaid and ```, GitHub draws it."""

import json

from runner.diagram.film import COLOURS, Diagram, Edge, Node
from runner.progress import printable
from runner.state import State

MEANT = {  # what Mermaid, or the HTML it makes of a text, would take for a sign of its own
    sign: f"#{ord(sign)};" for sign in "#\"'`<>&;\\{}[]()|*_~$%"
}


def write(diagram: Diagram) -> str:
    """The whole drawing; a state is a class. Nodes are numbered: `end` is a legal id of a shot."""
    number = {node.id: f"n{index}" for index, node in enumerate(diagram.nodes, start=1)}
    lines = [
        "---",
        f"title: {json.dumps(flat(diagram.title), ensure_ascii=False)}",  # YAML
        "---",
        "flowchart LR",
        *(node(number[each.id], each) for each in diagram.nodes),
        *(edge(number[each.source], number[each.target], each) for each in diagram.edges),
        *map(look, diagram.states),
    ]
    return "\n".join(lines) + "\n"


def node(name: str, shot: Node) -> str:
    label = "<br>".join(map(text, shot.rows))
    return f'  {name}["{label}"]:::{class_of(shot.state)}'


def edge(source: str, target: str, between: Edge) -> str:
    arrow = "-.->" if between.weak else "-->"
    return f'  {source} {arrow}|"{text(between.label)}"| {target}'


def look(state: State) -> str:
    return f"  classDef {class_of(state)} fill:{COLOURS[state.tone]},stroke:#666,color:#222"


def class_of(state: State) -> str:
    return "".join(map(str.capitalize, ["is", *state.word.split()]))


def text(words: str) -> str:
    """One line that is drawn as it stands."""
    return "".join(MEANT.get(sign, sign) for sign in flat(words))


def flat(words: str) -> str:
    return " ".join(printable(words).split())
