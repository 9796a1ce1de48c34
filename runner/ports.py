"""What the engine needs from the outside, as narrow protocols.

`project` wires the real parts; a test may pass others. Nothing here knows an implementation.
"""

from typing import Protocol

from runner.model import Outcome, Plan, Step


class Clock(Protocol):
    """Time, so that it can be made to jump."""

    def now(self) -> float:
        """Seconds since the epoch, UTC; may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back. Deadlines use this one."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class Progress(Protocol):
    """A face for what happens: terminal, plain lines, or nothing. Takes no decisions."""

    def planned(self, plan: Plan) -> None: ...

    def started(self, step: Step) -> None: ...

    def heard(self, step: Step, status: str, percent: int | None) -> None: ...

    def finished(self, outcome: Outcome) -> None: ...

    def note(self, text: str) -> None:
        """A line that survives the next redraw."""
        ...

    def close(self) -> None: ...
