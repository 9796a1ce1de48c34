"""The catalogue as a page for people: models, and what breaking each rule is answered with."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from runner.model import JSON, ModelFacts
from runner.schema.catalogue import Catalogue
from runner.schema.complaint import listed
from runner.schema.examples import judge
from runner.schema.rules import Rule
from runner.schema.vendor import VendorData

HEAD = """\
# Models and rules

Written by `python tools/vendor_rules.py` from `schemas/`.
[vendors.md](vendors.md) says how to read and change them.
"""
SHOWN = ("t2v", "first_frame", "last_frame", "base_video", "reference_image", "reference_video",
         "reference_audio", "negative_prompt", "seed", "watermark")  # fmt: skip
LONG = 160  # characters of an example that fit a table


def reference(catalogue: Catalogue) -> str:
    """The whole page, Markdown."""
    count = len(list(catalogue.rules()))
    parts = [HEAD, f"{len(catalogue.models)} models, {count} rules.\n"]
    for vendor in catalogue.vendors.values():
        parts += [f"## {vendor.title}\n", _models(vendor), _rules(catalogue, vendor.rules)]
    parts += ["## Any vendor\n", _rules(catalogue, catalogue.common.rules)]
    return "\n".join(parts)


def _models(vendor: VendorData) -> str:
    head = ("model", "status", "seconds", "sizes", "sound", "takes", "named by")
    return _table(head, (_model(facts) for facts in vendor.models.values()))


def _model(facts: ModelFacts) -> Iterator[str]:
    sizes = dict.fromkeys(row.resolution for row in facts.sizes)
    able = (word for word in SHOWN if word in facts.capabilities)
    yield f"`{facts.id}`"
    yield f"retired {facts.retired}" if facts.retired else facts.status
    yield listed(facts.seconds) or "not known"
    yield ", ".join(sizes) or "not known"
    yield facts.audio
    yield ", ".join(able)
    yield facts.source


def _rules(catalogue: Catalogue, rules: Sequence[Rule]) -> str:
    head = ("rule", "level", "for example", "is answered with", "source")
    return _table(head, (_rule(catalogue, rule) for rule in rules))


def _rule(catalogue: Catalogue, rule: Rule) -> Iterator[str]:
    example = rule.examples["fail"][0]
    yield f"`{rule.id}`"
    yield rule.severity
    yield f"`{_written(example)}`"
    yield _answer(catalogue, rule, example)
    yield rule.source


def _written(example: Mapping[str, JSON]) -> str:
    """The example as a person would jot it down; of a medium, what the rule may look at."""
    told = json.dumps(example, ensure_ascii=False).replace('"', "")
    return told if len(told) <= LONG else f"{told[:LONG]}…"


def _answer(catalogue: Catalogue, rule: Rule, example: Mapping[str, JSON]) -> str:
    """What this example is really told."""
    said = next(c for c in judge(catalogue, example) if c.rule == rule.id)
    return f"{said.message}; {said.hint}"


def _table(head: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines
    )
