"""Every rule of every schema file, by its own examples."""

from collections.abc import Iterator
from typing import Any

import pytest

from runner.model import Severity
from runner.schema import Catalogue, check_shot, open_catalogue
from runner.schema.rules import Rule

CATALOGUE = open_catalogue()


def expanded(value: Any) -> Any:
    """Examples write long text and long lists as {"$repeat": x, "times": n}."""
    if isinstance(value, dict):
        if "$repeat" in value:
            item, times = value["$repeat"], value["times"]
            return item * times if isinstance(item, str) else [item] * times
        return {key: expanded(item) for key, item in value.items()}
    return [expanded(item) for item in value] if isinstance(value, list) else value


def all_rules(catalogue: Catalogue) -> Iterator[Rule]:
    for data in (catalogue.common, *catalogue.vendors.values()):
        yield from data.rules


def shots(rule: Rule, kind: str) -> Iterator[dict[str, Any]]:
    for example in rule.examples[kind]:
        yield {"prompt": "A quiet harbour at dawn.", **expanded(example)}


SHOT_RULES = [rule for rule in all_rules(CATALOGUE) if rule.on == "shot"]


@pytest.mark.parametrize("rule", SHOT_RULES, ids=lambda rule: rule.id)
def test_failing_examples_break_the_rule(rule: Rule) -> None:
    """A shot that breaks a rule is told so, with that rule's severity and every word in place."""
    for shot in shots(rule, "fail"):
        found = [c for c in check_shot(CATALOGUE, shot) if c.rule == rule.id]
        assert len(found) == 1, (rule.id, shot)
        assert found[0].severity == rule.severity
        assert "nothing" not in found[0].message, found[0].message
        assert "{" not in found[0].message, found[0].message


@pytest.mark.parametrize("rule", SHOT_RULES, ids=lambda rule: rule.id)
def test_passing_examples_break_no_rule(rule: Rule) -> None:
    """The nearest legal neighbour is not refused, by this rule or by any other."""
    for shot in shots(rule, "pass"):
        found = check_shot(CATALOGUE, shot)
        assert rule.id not in {c.rule for c in found}, shot
        assert [c for c in found if c.severity is Severity.ERROR] == [], shot
