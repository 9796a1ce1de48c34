"""Where a take stands, in a word: a page, a table and a drawing of a film say it alike. Pure."""

from typing import Literal, NamedTuple

from runner.model import Action, History, Step

Tone = Literal["good", "info", "warn", "bad"]


class State(NamedTuple):
    word: str
    tone: Tone


UP_TO_DATE = State("up to date", "good")
IN_STORE = State("in the store", "good")
IN_FLIGHT = State("in flight", "info")
WAITING = State("waiting", "warn")
TO_RENDER = State("to render", "warn")
STALE = State("stale", "warn")
BLOCKED = State("blocked", "bad")
IN_DOUBT = State("in doubt", "bad")


def state_of(step: Step, history: History) -> State:
    """What a plan's step says about its take."""
    match step.action:
        case Action.REUSE:
            return UP_TO_DATE
        case Action.RESTORE:
            return IN_STORE
        case Action.RESUME:
            return IN_FLIGHT
        case Action.WAIT:
            return WAITING
        case Action.BLOCKED:
            return IN_DOUBT if step.fingerprint in history.doubtful else BLOCKED
    return STALE if (step.shot, step.take) in history.latest else TO_RENDER
