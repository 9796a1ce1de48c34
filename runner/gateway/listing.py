"""Reads the list of an account's jobs, to find those whose answer was lost.

An entry proves that a job exists. That something is *not* there proves anything only when the
list is complete, and old enough: both are said, neither is guessed.
"""

from collections.abc import Iterable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import Literal
from urllib.parse import urlencode

from msgspec import Struct

from runner.gateway.answer import read_json, usable_id
from runner.gateway.filing import read_echo, read_instant
from runner.gateway.receipt import Receipt, printable
from runner.gateway.wire import Wire
from runner.model import JSON, JobId

PAGE = 100
PAGES = 100

Ending = Literal["complete", "cut", "unsupported", "failed"]


class Listed(Struct, frozen=True):
    """A job as the gateway lists it. `echo` holds model, seconds, size where they are told."""

    id: JobId
    created: float | None  # seconds since the epoch, by the gateway's clock
    prompt: str | None  # as told, for comparison only: not made printable
    echo: Mapping[str, str]


class Listing(Struct, frozen=True):
    """The jobs found, newest first as a rule. Absence counts only where `ending` is complete."""

    jobs: tuple[Listed, ...]
    ending: Ending
    detail: str = ""
    gateway_clock: float | None = None  # its `Date`, epoch; None: times cannot be compared


async def read_list(wire: Wire, since: float) -> Listing:
    """All jobs created at or after `since` (epoch, gateway's clock), page by page, bounded.

    Reading ends at the last page, or, while the list keeps its order, at a page of nothing but
    older jobs. It is `cut` when pages go in circles or do not end.
    """
    found: dict[JobId, Listed] = {}
    after: str | None = None
    clock: float | None = None
    for _ in range(PAGES):
        receipt = await _page(wire, after)
        clock = clock or read_clock(receipt)
        entries, more = _entries(receipt, wire)
        if entries is None:
            return Listing(tuple(found.values()), *_failure(receipt), clock)
        new = [entry for entry in entries if entry.id not in found]
        found.update((entry.id, entry) for entry in new)
        if not more or (_newest_first(found.values()) and _all_older(entries, since)):
            recent = tuple(entry for entry in found.values() if not _older(entry, since))
            return Listing(recent, "complete", gateway_clock=clock)
        if not new:
            return Listing(tuple(found.values()), "cut", "its pages go in circles", clock)
        after = entries[-1].id
    return Listing(tuple(found.values()), "cut", f"more than {PAGES} pages", clock)


async def _page(wire: Wire, after: str | None) -> Receipt:
    query = {"limit": PAGE, "order": "desc"} | ({"after": after} if after else {})
    return await wire.exchange(
        "GET",
        f"{wire.profile.videos_url}?{urlencode(query)}",
        headers=[("Accept", "application/json")],
        deadline=wire.profile.deadlines.look,
        use="look",
    )


def _entries(receipt: Receipt, wire: Wire) -> tuple[list[Listed] | None, bool]:
    """One page's jobs, and whether there are more; None for no page at all.

    One entry without a usable id spoils the page: it could be the one that is looked for.
    """
    answer = read_json(receipt.body) if receipt.status == 200 and not receipt.fault else None
    if not isinstance(answer, Mapping) or not isinstance(answer.get("data"), list):
        return None, False
    data = answer["data"]
    entries = [_listed(item, wire) for item in data]
    if any(entry is None for entry in entries):
        return None, False
    more = answer.get("has_more", len(data) >= PAGE)
    return [entry for entry in entries if entry], more is True


def _listed(item: JSON, wire: Wire) -> Listed | None:
    if not isinstance(item, Mapping):
        return None
    job = usable_id(item.get("id"), wire.profile)
    if job is None:
        return None
    prompt = item.get("prompt")
    return Listed(
        id=job,
        created=read_instant(item.get("created_at", item.get("created"))),
        prompt=prompt if isinstance(prompt, str) else None,
        echo=read_echo(item),
    )


def _newest_first(entries: Iterable[Listed]) -> bool:
    times = [entry.created for entry in entries]
    return all(a is not None and b is not None and a >= b for a, b in pairwise(times))


def _all_older(entries: Sequence[Listed], since: float) -> bool:
    return bool(entries) and all(_older(entry, since) for entry in entries)


def _older(entry: Listed, since: float) -> bool:
    return entry.created is not None and entry.created < since


def _failure(receipt: Receipt) -> tuple[Ending, str]:
    if receipt.status in (404, 405, 501):
        return "unsupported", f"the gateway lists no jobs ({receipt.status})"
    return "failed", printable(receipt.detail or f"{receipt.status}: not a list of jobs")


def read_clock(receipt: Receipt) -> float | None:
    """The far side's clock when it answered, seconds since the epoch."""
    try:
        return parsedate_to_datetime(receipt.header("date") or "").timestamp()
    except (ValueError, OverflowError):
        return None
