"""A template's syntax tree: what may stand in it, what it names, and how it is made to pay."""

import re
from collections.abc import Collection, Iterator
from itertools import islice
from typing import cast

from jinja2 import nodes

from runner.template.base import MAX_TEXT, Broken, Fault, Names

MAX_NODES = 4_000
MAX_DEPTH = 60

ALLOWED = frozenset({
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name, nodes.NSRef,
    nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Filter, nodes.Test, nodes.Call, nodes.Keyword,
    nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos,
    nodes.Not, nodes.And, nodes.Or, nodes.Compare, nodes.Operand, nodes.CondExpr, nodes.Concat,
    nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.If, nodes.For, nodes.Assign, nodes.With,
    nodes.Include, nodes.Import, nodes.FromImport, nodes.Macro,
})  # fmt: skip
_WORDS = {
    nodes.Pow: "the operator `**`", nodes.AssignBlock: "`{% set %}` with a body",
    nodes.Block: "`{% block %}`", nodes.Extends: "`{% extends %}`",
    nodes.CallBlock: "`{% call %}`", nodes.FilterBlock: "`{% filter %}`",
}  # fmt: skip


class Refused(Broken):
    """A fault whose place is a line and a word of the template called `name`."""

    def __init__(self, fault: Fault, name: str, line: int, word: str) -> None:
        super().__init__(fault)
        self.name, self.line, self.word = name, line, word


def check(tree: nodes.Template, name: str, offered: Collection[str]) -> None:
    """Raises Refused for a tree too large or too deep, or with something we do not offer."""
    for count, (node, depth) in enumerate(_walk(tree)):
        fault = _fault(node, count, depth, offered)
        if fault is not None:
            word = node.name if isinstance(node, nodes.Filter) else ""
            raise Refused(fault, name, node.lineno, word)


def _fault(node: nodes.Node, count: int, depth: int, offered: Collection[str]) -> Fault | None:
    if count > MAX_NODES:
        return Fault("template.too_large", f"more than {MAX_NODES:,} parts", "make it shorter")
    if depth > MAX_DEPTH:
        return Fault("template.too_deep", f"nested more than {MAX_DEPTH} deep", "make it flatter")
    if type(node) not in ALLOWED:
        what = _WORDS.get(type(node), type(node).__name__)
        hint = "templates fill in values, loop over lists, and choose"
        return Fault("template.refused", f"{what} is not offered in templates", hint)
    if isinstance(node, nodes.For) and node.recursive:
        return Fault("template.refused", "`recursive` loops are not offered", "loop over a list")
    if isinstance(node, nodes.Filter) and (node.name not in offered or node.name[0] == "_"):
        hint = "there is: " + ", ".join(sorted(name for name in offered if name[0] != "_"))
        return Fault("template.refused", f"there is no filter {node.name!r}", hint)
    return None


def _walk(tree: nodes.Node) -> Iterator[tuple[nodes.Node, int]]:
    """Every node with its depth, in the order they are written."""
    todo = [(tree, 0)]
    while todo:
        node, depth = todo.pop()
        yield node, depth
        todo.extend((child, depth + 1) for child in reversed(list(node.iter_child_nodes())))


def names_in(tree: nodes.Template) -> Names:
    """The dotted names a template looks at, as far as they are written out."""
    names: set[tuple[str, ...]] = set()
    inner: set[int] = set()
    for node, _ in _walk(tree):
        if id(node) in inner:
            continue
        path: list[str] = []
        step: nodes.Node = node
        while isinstance(step, nodes.Getattr):
            path.insert(0, step.attr)
            step = step.node
            inner.add(id(step))
        if isinstance(step, nodes.Name) and step.ctx == "load":
            names.add((step.name, *path))
    return frozenset(names)


def included(tree: nodes.Template) -> Iterator[str]:
    """The names of included files, where they are written out."""
    for node, _ in _walk(tree):
        if isinstance(node, nodes.Include | nodes.Import | nodes.FromImport):
            name = node.template
            if isinstance(name, nodes.Const) and isinstance(name.value, str):
                yield name.value


def rewire(tree: nodes.Template) -> nodes.Template:
    """Lets loops, macros, comparisons and `~` pay before they run; the budget is the sandbox's."""
    for node, _ in list(_walk(tree)):
        if isinstance(node, nodes.For):
            node.iter = _pay("_each", cast("nodes.Expr", node.iter), _size(node))
        elif isinstance(node, nodes.Macro | nodes.Template):
            charge = nodes.Output([_pay("_charge", nodes.Const(""), _size(node))], lineno=1)
            node.body.insert(0, charge)
        elif isinstance(node, nodes.Concat):
            joined = _pay("_concat", nodes.List(node.nodes, lineno=node.lineno), 1)
            node.nodes = [joined]
        elif isinstance(node, nodes.Compare):
            node.expr = _pay("_weigh", node.expr, 1)
            for operand in node.ops:
                operand.expr = _pay("_weigh", operand.expr, 1)
    if tree.environment is not None:
        tree.set_environment(tree.environment)
    return tree


def _size(node: nodes.Node) -> int:
    return sum(1 for _ in _walk(node))


def _pay(filter_name: str, node: nodes.Expr, price: int) -> nodes.Filter:
    line = node.lineno or 1
    return nodes.Filter(node, filter_name, [nodes.Const(price)], [], None, None, lineno=line)


_TAGS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def tags_of(text: str) -> Iterator[re.Match[str]]:
    """The tags of a template, as far as they are closed; a few hundred at most."""
    return islice(_TAGS.finditer(text, 0, MAX_TEXT), 300)


def offset_of(text: str, line: int, word: str) -> int:
    """Where `word` stands in a tag that reaches to `line` or beyond; else where that tag begins."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    tags = [tag for tag in _TAGS.finditer(text, 0, MAX_TEXT) if tag.end() > start]
    if word:
        named = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
        for tag in tags:
            if found := named.search(text, max(tag.start(), start), tag.end()):
                return found.start()
    return max(tags[0].start(), start) if tags else start
