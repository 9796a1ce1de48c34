"""What the gateway can be asked after a lost answer: nothing, a list, or the same POST again."""

from pathlib import Path
from typing import Any

import pytest
from calling import SORA, Start, raw, request

pytest_plugins = ["gateways"]


def test_quarantine_offers_nothing(start: Start) -> None:
    """As the real gateway: no list, and a key is not looked at."""
    gateway = start()
    assert gateway.ask("GET", "/v1/videos").status == 404
    ids = {gateway.submit(Idempotency_Key="same").json["id"] for _ in range(2)}
    assert len(ids) == 2
    assert gateway.ledger()["accepted"] == 2


def test_the_list_has_every_job_once(start: Start) -> None:
    """Pages of own jobs, newest first, with a cursor; prompts as they were sent."""
    gateway = start(contract="listed")
    made = [gateway.submit(SORA | {"prompt": f"shot {n}"}).json["id"] for n in range(5)]
    found: list[Any] = []
    after = ""
    while True:
        page = gateway.ask("GET", f"/v1/videos?limit=2{after}").json
        found += page["data"]
        if not page["has_more"]:
            break
        after = f"&after={page['last_id']}"
    assert [job["id"] for job in found] == made[::-1]
    assert [job["prompt"] for job in found] == [f"shot {n}" for n in (4, 3, 2, 1, 0)]


def test_the_list_lags(start: Start) -> None:
    """A job is there before the list shows it."""
    gateway = start(contract="listed", list_lag=60.0)
    job = gateway.accepted()
    assert gateway.look(job)["status"] == "queued"
    assert gateway.ask("GET", "/v1/videos").json["data"] == []
    gateway.advance(61)
    assert len(gateway.ask("GET", "/v1/videos").json["data"]) == 1


def test_a_key_is_honoured_until_it_is_forgotten(start: Start) -> None:
    """The same body under the same key is one job; after the retention it is another."""
    gateway = start(contract="keyed", key_retention=100.0)
    ids = [gateway.submit(Idempotency_Key="a").json["id"] for _ in range(3)]
    assert len(set(ids)) == 1
    assert gateway.ledger()["accepted"] == 1
    other = gateway.submit(SORA | {"prompt": "other"}, Idempotency_Key="a")
    assert (other.status, other.json["error"]["code"]) == (422, "idempotency_key_mismatch")
    gateway.advance(101)
    assert gateway.submit(Idempotency_Key="a").json["id"] not in ids
    assert gateway.ledger()["accepted"] == 2


def test_a_job_comes_to_be_though_nobody_waits(start: Start) -> None:
    """With an accept delay the job exists after its client has gone; a repeat meanwhile is 409."""
    gateway = start(contract="keyed", accept_delay=0.4)
    post = request("POST", "/v1/videos", SORA, Idempotency_Key="a")
    gone = raw(gateway, post, patience=0.1)
    assert (gone.end, gateway.ledger()["accepted"]) == ("silent", 0)
    again = gateway.submit(Idempotency_Key="a")
    assert (again.status, again.json["error"]["code"]) == (409, "idempotency_in_progress")
    while again.status == 409:
        again = gateway.submit(Idempotency_Key="a")
    assert again.status == 200
    assert gateway.ledger()["accepted"] == 1


def test_jobs_survive_a_restart(start: Start, tmp_path: Path) -> None:
    """A job accepted before a restart can still be polled, and its film fetched."""
    job = start(keep=tmp_path).accepted(X_Reelmake_Shot="sh010")
    later = start(keep=tmp_path)
    later.look(job)
    later.advance(5)
    assert later.look(job)["status"] == "completed"
    assert later.fetch(job).body[4:8] == b"ftyp"
    assert later.ledger()["accepted"] == 0


@pytest.mark.parametrize("torn", [b"", b"{", b'{"type": "x"}'])
def test_a_torn_record_is_a_job_unknown(start: Start, tmp_path: Path, torn: bytes) -> None:
    """What cannot be read back is a 404, not a crash."""
    job = start(keep=tmp_path).accepted()
    next(tmp_path.glob("*.json")).write_bytes(torn)
    assert start(keep=tmp_path).ask("GET", f"/v1/videos/{job}").status == 404
