"""What will be different about one exchange. Untouched, nothing is."""

import json
from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from runner.localgateway.answers import json_answer
from runner.localgateway.app import App
from runner.localgateway.jobs import Job
from runner.localgateway.wire import PLAIN, Answer, Delivery, Request

# Makes another answer out of the honest one, which was a success.
Bend = Callable[[Answer, App, Request], Answer]

# Says no, by what else is going on; None: lets the request through.
Guard = Callable[[App], Answer | None]


class Course(Struct):
    """A plan that faults write on, one after the other.

    `instead` stands in for the route: no job is made, nothing is checked. A bend comes after it:
    the job exists and is charged, whatever the answer then says.
    """

    drop: bool = False  # RST before a byte is read
    read_at_most: int | None = None  # RST after so many bytes of the request
    before: float = 0.0  # seconds before the route runs
    twice: bool = False  # the route runs two times; the second answer counts
    hide: tuple[str, ...] = ()  # request headers the route does not get to see
    instead: Answer | None = None
    guards: list[Guard] = field(default_factory=list)
    bends: list[Bend] = field(default_factory=list)
    changes: list[Callable[[Job], None]] = field(default_factory=list)
    delivery: Delivery = PLAIN
    count: int = 1  # how often the present rule has fired, this time included


def shown(answer: Answer) -> dict[str, Any]:
    """The JSON object in an honest answer."""
    found = json.loads(b"".join(part for part in answer.body if isinstance(part, bytes)))
    return found if isinstance(found, dict) else {}


def with_fields(answer: Answer, **changes: object) -> Answer:
    """The same answer with some fields of its JSON object changed."""
    return json_answer(shown(answer) | changes, answer.status)
