"""Keeps secrets out of what is written down: by value, not by name."""

import json
import re
from collections.abc import Sequence

from runner.journal.facts import Fact, Kind

REMOVED = "[removed]"
SHORTEST = 8  # characters; what is shorter is nobody's secret, and stands inside ordinary words
# A signed URL is a key for whoever reads it; its query is where the signature stands.
QUERY = re.compile(r"(https?://[^\s\"'\\?#<>]+\?)[^\s\"'\\<>]+")


class Redactor:
    """Replaces each secret wherever it occurs, and the query of every URL in an answer."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = tuple(
            form
            for secret in sorted(set(secrets), key=len, reverse=True)
            if len(secret) >= SHORTEST
            for form in dict.fromkeys((secret, json.dumps(secret, ensure_ascii=False)[1:-1]))
        )

    def text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, REMOVED)
        return text

    def fact(self, fact: Fact) -> Fact:
        before = fact.text()
        after = self.text(before)
        if fact.kind is Kind.RECEIPT:  # a prompt is the user's own, word for word
            after = QUERY.sub(rf"\1{REMOVED}", after)
        return fact if after == before else Fact(fact.attempt, fact.kind, json.loads(after))
