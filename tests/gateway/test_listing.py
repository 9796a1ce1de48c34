"""The list of jobs: what is on it exists; what is not on it may still exist."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from scripted import Connection, Script, forever, reply, serving
from wires import profile, using

from runner.gateway.listing import PAGES, Listing

DATE = ("Date", "Mon, 23 Nov 2026 08:00:00 GMT")
NOW = 1795420800.0  # that date


def listed(server: Any, since: float = 0.0, **changes: Any) -> Listing:
    known = profile(server, **{"lists": True, **changes})
    return using(known, lambda client: client.list_jobs(since))


def page(*ids: object, more: bool = False, created: Sequence[object] = ()) -> bytes:
    import json

    times = list(created) or [NOW - n for n in range(len(ids))]
    data = [
        {"id": job, "created_at": at, "model": "sora-2", "seconds": "8", "prompt": "a\u202epier"}
        for job, at in zip(ids, times, strict=True)
    ]
    return reply(200, json.dumps({"object": "list", "data": data, "has_more": more}).encode(), DATE)


def pages(*answers: bytes) -> Script:
    """Page n is the answer to the n-th request, whatever it asks for."""

    def script(at: Connection) -> None:
        while True:
            at.request()
            at.send(answers[min(len(at.server.asked), len(answers)) - 1])

    return script


def test_all_pages_are_read() -> None:
    """Each page is asked for after the last job of the one before."""
    with serving(pages(page("a", "b", more=True), page("c"))) as server:
        listing = listed(server)
    assert [job.id for job in listing.jobs] == ["a", "b", "c"]
    assert listing.ending == "complete"
    assert listing.gateway_clock == NOW
    queries = [parse_qs(urlsplit(asked.target).query) for asked in server.asked]
    assert [query.get("after") for query in queries] == [None, ["b"]]
    job = listing.jobs[0]
    assert (job.prompt, job.created) == ("a\u202epier", NOW)
    assert job.echo == {"model": "sora-2", "seconds": "8"}


def test_older_jobs_end_the_reading() -> None:
    """Newest first, so a page of nothing but older jobs is the end of what matters."""
    young, old = page("a", "b", more=True), page("c", "d", more=True, created=[10.0, 9.0])
    with serving(pages(young, old)) as server:
        listing = listed(server, since=100.0)
    assert [job.id for job in listing.jobs] == ["a", "b"]
    assert listing.ending == "complete"
    assert len(server.asked) == 2


def test_a_list_out_of_order_is_read_to_its_end() -> None:
    """Old jobs first prove nothing about the next page."""
    mixed = page("a", "b", more=True, created=[9.0, 10.0])
    with serving(pages(mixed, page("c", created=[NOW]))) as server:
        listing = listed(server, since=100.0)
    assert [job.id for job in listing.jobs] == ["c"]
    assert listing.ending == "complete"


def test_jobs_without_a_time_may_be_the_one() -> None:
    """Nobody knows how old they are, so they stay on the list."""
    with serving(pages(page("a", "b", created=[None, "soon"]))) as server:
        assert len(listed(server, since=1e9).jobs) == 2


def test_pages_that_go_in_circles_are_no_proof() -> None:
    """The same page for ever: what was seen counts, what was not proves nothing."""
    with serving(forever(page("a", "b", more=True))) as server:
        listing = listed(server)
    assert [job.id for job in listing.jobs] == ["a", "b"]
    assert listing.ending == "cut"
    assert len(server.asked) == 2


def test_a_list_without_end_is_cut() -> None:
    """Ten thousand jobs later we stop, and say so."""

    def endless(at: Connection) -> None:
        while True:
            at.request()
            at.send(page(f"j{len(at.server.asked)}", more=True))

    with serving(endless) as server:
        listing = listed(server)
    assert listing.ending == "cut"
    assert len(server.asked) == PAGES


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_gateway_without_a_list_says_so(status: int) -> None:
    """Then this kind of evidence does not exist."""
    with serving(forever(reply(status))) as server:
        assert listed(server).ending == "unsupported"


@pytest.mark.parametrize(
    "answer",
    [
        reply(500),
        reply(200, b"{}"),
        reply(200, b'{"data":{}}'),
        reply(200, b"<html>"),
        reply(200, b'{"data":[{"id":null}]}'),
        reply(200, b'{"data":["a"]}'),
        reply(200, b'{"data":[{"id":"a","id":"b"}]}'),
        reply(401),
        reply(200, b"{", ("Content-Encoding", "br")),
    ],
)
def test_a_page_that_cannot_be_read_is_no_proof(answer: bytes) -> None:
    """One bad page, or one entry without an id, and absence means nothing."""
    with serving(pages(page("a", more=True), answer)) as server:
        listing = listed(server)
    assert listing.ending == "failed"
    assert [job.id for job in listing.jobs] == ["a"]


def test_the_list_is_asked_only_where_there_is_one() -> None:
    """A profile without lists costs no request."""
    with serving(forever(reply(200))) as server:
        assert listed(server, lists=False).ending == "unsupported"
    assert server.connections == 0


def test_without_a_date_times_cannot_be_compared() -> None:
    """The gateway's clock is unknown, and that is said."""
    with serving(forever(reply(200, b'{"data":[]}'))) as server:
        listing = listed(server)
    assert (listing.jobs, listing.ending, listing.gateway_clock) == ((), "complete", None)
