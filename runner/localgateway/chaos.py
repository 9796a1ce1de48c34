"""Misbehaviour on demand: a script of rules, each saying when which fault happens.

    {"rules": [
      {"fault": "accept_then_error", "nth": 2},
      {"fault": "too_many_requests", "nth": [1, 3], "with": {"retry_after": "1"}},
      {"fault": "not_found", "per": "job", "nth": [1, 2]},
      {"fault": "lost_answer", "model": "kling-*", "prompt": "storm", "times": 1}
    ], "seed": 7}

Every rule counts the requests that it could apply to, from 1; `docs/local-gateway.md` has it all.
"""

import json
import random
from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from runner.localgateway import faults_answer, faults_job, faults_list, faults_wire
from runner.localgateway.app import ROUTES
from runner.localgateway.catalogue import Fault
from runner.localgateway.course import Course

CATALOGUE: Mapping[str, Fault] = {
    **faults_wire.SHELF.faults,
    **faults_answer.SHELF.faults,
    **faults_list.SHELF.faults,
    **faults_job.SHELF.faults,
}
_KEYS = {"fault", "with", "route", "nth", "every", "chance", "times", "per", "model", "prompt"}


class About(Struct, frozen=True):
    """What a request is about, as far as it can be known when it comes."""

    job: str = ""
    model: str = ""
    prompt: str = ""


class Rule(Struct):
    fault: Fault
    arguments: Mapping[str, Any]
    route: str
    first: int = 1
    last: float = float("inf")
    every: int = 1
    chance: float = 1.0
    times: float = float("inf")
    per_job: bool = False
    model: str = "*"
    prompt: str = ""
    seen: Counter[str] = field(default_factory=Counter)  # by job, or under ""
    fired: Counter[str] = field(default_factory=Counter)

    def applies(self, route: str, about: About, dice: random.Random) -> bool:
        """Whether it happens now. Counts the request if it is of the rule's kind."""
        if self.route not in (route, "any") or (self.route == "any" and route == "connect"):
            return False
        if not fnmatchcase(about.model, self.model) or self.prompt not in about.prompt:
            return False
        who = about.job if self.per_job else ""
        self.seen[who] += 1
        number = self.seen[who]
        if not self.first <= number <= self.last or (number - self.first) % self.every:
            return False
        if self.fired[who] >= self.times or (self.chance < 1 and dice.random() >= self.chance):
            return False
        self.fired[who] += 1
        return True

    def count(self, about: About) -> int:
        return self.fired[about.job if self.per_job else ""]


class Script:
    """The rules in force."""

    def __init__(self, rules: list[Rule], seed: int | None = None) -> None:
        self.rules = rules
        self.fired: Counter[str] = Counter()
        self._dice = random.Random(seed)  # noqa: S311 - not for secrets
        self.reads_bodies = any(rule.model != "*" or rule.prompt for rule in rules)

    def plan(self, course: Course, route: str, about: About, *, early: bool = False) -> None:
        """Let every rule that applies write on the course."""
        for rule in self.rules:
            if rule.fault.early is early and rule.applies(route, about, self._dice):
                self.fired[rule.fault.name] += 1
                course.count = rule.count(about)
                rule.fault.act(course, **rule.arguments)


def read_script(data: object) -> Script:
    """A script out of decoded JSON. Raises ValueError that says which rule is wrong and how."""
    if not isinstance(data, dict) or set(data) - {"rules", "seed"}:
        raise ValueError('a script is {"rules": […], "seed": N}')
    listed = data.get("rules", [])
    if not isinstance(listed, list):
        raise ValueError("rules is not a list")
    rules = []
    for number, rule in enumerate(listed):
        try:
            rules.append(_rule(rule))
        except (ValueError, TypeError) as error:
            raise ValueError(f"rules[{number}]: {error}") from None
    return Script(rules, data.get("seed"))


def read_file(path: Path) -> Script:
    """A script out of a file. Raises OSError, or ValueError with the file's name."""
    try:
        return read_script(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _rule(data: object) -> Rule:
    if not isinstance(data, dict):
        raise ValueError("a rule is an object")
    if unknown := set(data) - _KEYS:
        raise ValueError(f"unknown key {min(unknown)!r}: one of {', '.join(sorted(_KEYS))}")
    name = data.get("fault")
    if not isinstance(name, str) or name not in CATALOGUE:
        raise ValueError(f"there is no fault {name!r}; `reelmake gateway --chaos list` has them")
    fault = CATALOGUE[name]
    route = data.get("route", fault.route)
    if route not in (*ROUTES, "connect", "any"):
        raise ValueError(f"there is no route {route!r}: {', '.join(ROUTES)}, connect or any")
    if (fault.route == "connect") != (route == "connect"):
        raise ValueError(f"{name} happens on {fault.route}, not on {route}")
    if fault.early and ("model" in data or "prompt" in data):
        raise ValueError(f"{name} happens before the body is read: no model, no prompt")
    first, last = _span(data.get("nth", [1, None]))
    rule = Rule(fault, fault.arguments(data.get("with", {})), route, first, last)
    rule.every = max(1, int(data.get("every", 1)))
    rule.chance = float(data.get("chance", 1))
    rule.times = float(data.get("times", "inf"))
    rule.per_job = data.get("per", "gateway") == "job"
    rule.model, rule.prompt = str(data.get("model", "*")), str(data.get("prompt", ""))
    return rule


def _span(nth: object) -> tuple[int, float]:
    match nth:
        case int():
            return nth, nth
        case [int() as first, None]:
            return first, float("inf")
        case [int() as first, int() as last]:
            return first, last
    raise ValueError(f"nth is {nth!r}: a number, or [from, to]")


def listing() -> str:
    """The catalogue as text, a line or two each."""
    lines = []
    for fault in CATALOGUE.values():
        given = ", ".join(f"{name}={value!r}" for name, value in fault.defaults.items())
        lines.append(f"{fault.name}({given})  on {fault.route}  [{' '.join(fault.rows)}]")
        lines.append(f"    {fault.about}")
    return "\n".join(lines)
