"""What was accepted, what it would have cost, and who asked: the oracle of every money test.

A line is in the operating system's hands before the answer leaves, so whatever happens to the
client, the file knows. A key is never written, only a short digest of it.
"""

import hashlib
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from runner.localgateway.ask import Medium


class Ledger:
    """Counts requests by route and keeps one entry for every accepted job."""

    def __init__(self, path: Path | None = None) -> None:
        self.requests: Counter[str] = Counter()
        self.refused: Counter[int] = Counter()  # POSTs with no job, by status; 0: no answer
        self.jobs: dict[str, dict[str, Any]] = {}
        self.faults: Counter[str] = Counter()  # which fault happened how often
        self.leaks = 0  # times an Authorization header reached the signed-URL origin
        self._file: TextIO | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8")

    def accepted(self, job_id: str, cost: Decimal, *, charged: bool = True, **more: Any) -> None:
        """One job exists from now on. `charged`: False when it is bound to fail for free."""
        entry = {"job": job_id, "cost": str(cost), "currency": "USD", "charged": charged, **more}
        self.jobs[job_id] = entry
        self._write({"event": "accepted", **entry})

    def refunded(self, job_id: str, why: str) -> None:
        """A job failed in a way that is not billed."""
        entry = self.jobs[job_id]
        if entry["charged"]:
            entry["charged"] = False
            self._write({"event": "refunded", "job": job_id, "why": why})

    def refuse(self, status: int, post: int) -> None:
        self.refused[status] += 1
        self._write({"event": "refused", "status": status, "post": post})

    def downloaded(self, job_id: str) -> None:
        entry = self.jobs.get(job_id)
        if entry is not None:
            entry["downloads"] = entry.get("downloads", 0) + 1

    def charged(self) -> Decimal:
        return sum((Decimal(e["cost"]) for e in self.jobs.values() if e["charged"]), Decimal(0))

    def summary(self) -> dict[str, Any]:
        return {
            "requests": dict(self.requests),
            "posts": self.requests["submit"],
            "accepted": len(self.jobs),
            "refused": {str(status): n for status, n in self.refused.items()},
            "charged": str(self.charged()),
            "currency": "USD",
            "leaked_authorization": self.leaks,
            "faults": dict(self.faults),
            "jobs": list(self.jobs.values()),
        }

    def _write(self, line: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def alias(key: str) -> str:
    """A name for a key that does not give it away."""
    return hashlib.sha256(key.encode()).hexdigest()[:8]


def media_line(medium: Medium) -> dict[str, str]:
    line = {"role": medium.role, "kind": medium.kind}
    if medium.data:
        return line | {"sha256": hashlib.sha256(medium.data).hexdigest()}
    return line | {"url": medium.url.partition("?")[0]}
