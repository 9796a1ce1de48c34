"""Every rule of every schema file, by its own examples."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.model import Severity
from runner.schema import Complaint, open_catalogue
from runner.schema.checks import CHECKS
from runner.schema.complaint import PLACE
from runner.schema.data import data_files, read_json
from runner.schema.examples import judge
from runner.schema.rules import Rule

CATALOGUE = open_catalogue()
RULES = list(CATALOGUE.rules())


def judged(rule: Rule, kind: str) -> Iterator[tuple[Any, list[Complaint]]]:
    """Each example of a rule with what is said about it."""
    for example in rule.examples[kind]:
        yield example, judge(CATALOGUE, example)


def title(rule: Rule) -> str:
    return rule.id


@pytest.mark.parametrize("rule", RULES, ids=title)
def test_failing_examples_break_the_rule(rule: Rule) -> None:
    """What breaks a rule is told so, with that rule's severity and every word in place."""
    for example, complaints in judged(rule, "fail"):
        found = [c for c in complaints if c.rule == rule.id]
        assert len(found) == 1, example
        assert found[0].severity == rule.severity
        assert found[0].source == rule.source
        for text in (found[0].message, found[0].hint):
            assert "nothing" not in text, text
            assert not PLACE.search(text), text


@pytest.mark.parametrize("rule", RULES, ids=title)
def test_passing_examples_break_no_rule(rule: Rule) -> None:
    """The nearest legal neighbour is not refused, by this rule or by any other."""
    for example, complaints in judged(rule, "pass"):
        assert rule.id not in {c.rule for c in complaints}, example
        assert [c for c in complaints if c.severity is Severity.ERROR] == [], example


def test_rule_ids_are_unique_and_carry_their_vendor() -> None:
    """`rules:` in reelmake.yaml can name every rule, and its vendor can be read from the id."""
    assert len({rule.id for rule in RULES}) == len(RULES)
    for vendor in CATALOGUE.vendors.values():
        assert {rule.id.partition(".")[0] for rule in vendor.rules} == {vendor.name}


def test_every_named_check_exists_and_is_used() -> None:
    """A rule that needs code names a function that is there; no function is left over."""
    assert {rule.check for rule in RULES if rule.check} == set(CHECKS)


def test_families_and_capabilities_of_rules_exist() -> None:
    """A rule for a family nobody belongs to would never be heard of again."""
    families = {facts.family for facts in CATALOGUE.models.values()}
    words = {word for facts in CATALOGUE.models.values() for word in facts.capabilities}
    for rule in RULES:
        assert rule.families <= families, rule.id
        assert {rule.having, rule.without} <= {*words, None}, rule.id


def test_disputed_rules_name_both_readings() -> None:
    """Where sources disagree the message says what each of them says."""
    disputed = [rule for rule in RULES if "disputed" in rule.message]
    assert len(disputed) > 10
    for rule in disputed:
        assert rule.severity is Severity.WARNING, rule.id
        assert rule.message.partition("disputed: ")[2].count(",") >= 1, rule.id


def test_count_of_rules(capsys: pytest.CaptureFixture[str]) -> None:
    """The number of rules and examples is known and printed."""
    examples = sum(len(rule.examples[kind]) for rule in RULES for kind in ("fail", "pass"))
    errors = sum(rule.severity is Severity.ERROR for rule in RULES)
    models, vendors = len(CATALOGUE.models), len(CATALOGUE.vendors)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(RULES)} rules ({errors} errors), {examples} examples,"
            f" {models} models of {vendors} vendors\n"
        )
    assert len(RULES) > 150


def test_what_a_storyboard_cannot_express_is_held_elsewhere() -> None:
    """Facts about the wire name the test or the rule that holds them, and it is there."""
    ids, root = {rule.id for rule in RULES} | {"model.retired"}, Path(__file__).parent.parent
    notes = [n for p in data_files("vendors/*.schema.json") for n in read_json(p)["x-wire-rules"]]
    assert len(notes) > 15
    for note in notes:
        for holder in note["held_by"].split(", "):
            assert holder in ids or (root / holder).exists(), note
