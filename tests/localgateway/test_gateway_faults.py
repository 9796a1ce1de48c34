"""The catalogue of faults, walked: each really happens on the wire, and the ledger knows."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from calling import SORA, Caller, Raw, Start, raw, request

from runner.localgateway.catalogue import Fault
from runner.localgateway.chaos import CATALOGUE, listing

pytest_plugins = ["gateways"]

DOCS = Path(__file__).parents[2] / "docs" / "local-gateway.md"
Check = Callable[[Raw], bool]


@dataclass(frozen=True)
class Proof:
    """A fault with parameters, the request it is tried on, and what must be seen."""

    fault: str
    on: str  # submit, status, content, list, delete
    seen: Check
    accepted: int = 0  # jobs the ledger has afterwards, the one polled not counted
    given: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    patience: float = 5.0

    def __str__(self) -> str:
        told = "-".join(str(value) for value in self.given.values())
        return f"{self.fault}-{self.on}-{told}"[:60]


def says(status: int) -> Check:
    return lambda got: got.status == status and got.end == "closed"


def field_is(name: str, value: object) -> Check:
    return lambda got: got.status == 200 and got.json[name] == value


def ended(end: str, data: bytes | None = None) -> Check:
    return lambda got: got.end == end and (data is None or got.data == data)


def header(line: bytes) -> Check:
    return lambda got: line in got.head


def digest(body: bytes) -> bytes:
    return b"Repr-Digest: sha-256=:" + base64.b64encode(hashlib.sha256(body).digest())


RANGE = {"Range": "bytes=10-"}
S, P, C, L, D = "submit", "status", "content", "list", "delete"
PROOFS = [
    Proof("reset_on_connect", S, ended("reset", b"")),
    Proof("reset_request", S, ended("reset", b""), given={"size": 40}),
    Proof("reset_request", P, ended("reset", b"")),
    Proof("lost_request", S, ended("reset", b"")),
    Proof("lost_answer", S, ended("reset", b""), accepted=1),
    Proof("lost_answer", S, ended("closed", b""), accepted=1, given={"after": "close"}),
    Proof("lost_answer", S, ended("silent", b""), 1, {"after": "hang"}, patience=0.3),
    Proof("cut_answer", S, lambda got: len(got.data) == 77, accepted=1, given={"size": 77}),
    Proof("cut_answer", P, ended("reset"), given={"size": 200, "after": "reset"}),
    Proof("hold_open", S, lambda got: got.end == "silent" and b"eyJ" in got.body, 1, patience=0.4),
    Proof("late_answer", S, ended("silent", b""), 1, {"seconds": 60.0}, patience=0.3),
    Proof("late_answer", S, says(200), 1, {"seconds": 0.05}),
    Proof("latency", S, ended("silent", b""), 0, {"seconds": 60.0}, patience=0.3),
    Proof("drip", S, ended("silent", b"HTTP/1."), 1, {"pause": 60.0, "size": 7}, patience=0.3),
    Proof("close_when_idle", P, says(200)),
    Proof("proxy_refuses", "connect", says(407)),
    Proof("captive_portal", S, lambda got: got.status == 200 and b"<!doctype" in got.body),
    Proof("middlebox_repeats", S, says(200), accepted=2),
    Proof("only_informational", S, lambda got: got.status == 100, patience=0.3),
    Proof("no_length", C, lambda got: b"content-length" not in got.head and bool(got.body)),
    Proof("short_content", C, lambda got: len(got.body) == 9 < got.length, given={"size": 9}),
    Proof("long_content", C, lambda got: len(got.body) == got.length + 1000),
    Proof("chunked", C, lambda got: b"chunked" in got.head and not got.body.endswith(b"0\r\n\r\n")),
    Proof("flipped_bit", C, lambda got: got.body[4:8] == b"gtyp", given={"at": 4}),
    Proof("announced_digest", C, lambda got: digest(got.body) in got.data),
    Proof("announced_digest", C, lambda got: digest(got.body) not in got.data, given={
        "wrong": True}),
    Proof("ignore_range", C, says(200), headers=RANGE),
    Proof("wrong_range", C, header(b"content-range: bytes 110-"), headers=RANGE),
    Proof("changed_etag", C, header(b'etag: "other-1"'), headers=RANGE),
    Proof("range_refused", C, says(416), headers=RANGE),
    Proof("throttle", C, ended("silent", b"HTTP/1.1 200"), given={"rate": 1, "every": 12.0},
          patience=0.3),
    Proof("too_many_requests", S, header(b"retry-after: 3")),
    Proof("too_many_requests", S, lambda got: got.head.count(b"retry-after: x") == 2, given={
        "retry_after": "x", "copies": 2}),
    Proof("too_many_requests", S, header(b" gmt"), given={"retry_after": "date:-30"}),
    Proof("too_many_running", S, says(429), given={"jobs": 0}),
    Proof("too_many_a_minute", S, header(b"retry-after: 5"), given={"jobs": 1}),
    Proof("terse", P, lambda got: set(got.json) == {"id", "status"}),
    Proof("bare_failure", P, field_is("error", "generation failed")),
    Proof("bare_failure", P, lambda got: "error" not in got.json, given={"form": "missing"}),
    Proof("unauthorized", P, says(401)),
    Proof("forbidden", S, says(403)),
    Proof("out_of_credit", S, lambda got: got.json["error"]["code"] == "insufficient_user_quota"),
    Proof("accept_then_error", S, says(502), accepted=1),
    Proof("accept_then_error", S, header(b"retry-after: 9"), 1, {
        "status": 503, "retry_after": "9"}),
    Proof("error", S, says(500)),
    Proof("error", L, says(405), given={"status": 405}),
    Proof("no_channel", S, lambda got: b"no_valid_channel_error" in got.body),
    Proof("provider_limits", S, says(503)),
    *(Proof("no_id", S, lambda got: got.status == 200 and b"eyJ" not in got.body, 1, {"form": form})
      for form in ("missing", "null", "number", "empty", "list", "object", "long", "html", "text",
                   "nothing")),
    Proof("error_inside", S, lambda got: got.status == 200 and "error" in got.json),
    Proof("location_only", S, header(b"location: http://127.0.0.1"), accepted=1),
    Proof("failed_at_once", S, lambda got: (got.status, got.json["status"]) == (202, "failed"), 1),
    Proof("same_id", S, says(200), accepted=1),
    Proof("redirect", S, says(307)),
    Proof("redirect", S, says(308), 1, {"status": 308, "accept": True}),
    Proof("not_found", P, says(404)),
    Proof("wrong_job", P, field_is("id", "someone-elses")),
    Proof("status_words", P, field_is("status", "post_processing"), given={
        "words": "post_processing"}),
    Proof("progress", P, lambda got: b"NaN" in got.body, given={"value": "NaN"}),
    Proof("progress", P, field_is("progress", "50%"), given={"value": '"50%"'}),
    Proof("not_ready", C, says(425), given={"status": 425}),
    Proof("json_content", C, lambda got: got.status == 200 and "error" in got.json),
    Proof("redirect_content", C, header(b"/_signed/film.mp4?signature=")),
    Proof("expired", C, says(410)),
    Proof("list_loop", L, field_is("has_more", True)),
    Proof("list_repeats", L, lambda got: len(got.json["data"]) == 2),
    Proof("list_unsorted", L, says(200)),
    Proof("list_truncated", L, field_is("data", []), given={"items": 0}),
    Proof("list_crowded", L, lambda got: len(got.json["data"]) == 10_051),
    Proof("wrong_date", P, header(b" 198"), given={"hours": -350_400.0}),
    Proof("no_date", P, lambda got: b"\r\ndate:" not in got.head),
    Proof("prompt_changed", P, field_is("prompt", "(rewritten by the vendor)")),
    Proof("model_renamed", S, field_is("model", "fallback-1"), accepted=1),
    Proof("key_in_progress", S, says(409)),
    Proof("key_mismatch", S, says(422)),
    *(Proof("broken_head", S, lambda got: b"eyJ" not in got.data, 1, {"form": form})
      for form in ("duplicate_header", "conflicting_lengths", "huge_header", "long_status_line",
                   "not_http", "binary")),
    Proof("gzip", P, lambda got: b"eyJ" in gzip.decompress(got.body)),
    Proof("gzip", P, lambda got: len(gzip.decompress(got.body)) == 9_000_000 > 99 * len(got.body),
          given={"inflated": 9_000_000}),
    Proof("huge_body", P, lambda got: got.length > 5_000_000_000 and len(got.data) > 1 << 22),
    Proof("withheld", C, says(403)),
    Proof("cancel_refused", D, lambda got: got.json["error"]["code"] == "cancel_failed"),
    Proof("delete_says", D, says(204)),
    Proof("same_film", C, says(200)),
    Proof("changing_film", C, header(b'etag: "changed-1"')),
    Proof("billed_as", P, field_is("usage", {"cost": "9.99", "currency": "USD"})),
    Proof("model_withdrawn", S, lambda got: got.json["error"]["code"] == "model_not_found"),
    Proof("reference_refused", S, says(400)),
]  # fmt: skip

# What becomes of a job: proved by its status, its money and its film.
FATES = {
    "fail_moderation", "fail_capacity", "fail_unknown", "fail_input", "render_time", "stuck",
    "wrong_seconds", "wrong_size", "silent", "black",
}  # fmt: skip


@pytest.fixture(scope="module")
def served() -> Any:
    """One gateway for the walk; the rules change, the ledger is read by difference."""
    from runner.localgateway.server import start_in_thread
    from runner.localgateway.settings import Settings

    settings = Settings(slates="plain", render_seconds=(0, 0), contract="listed", seed=1)
    with start_in_thread(settings) as url:
        yield Caller(url)


def rules(*listed: dict[str, Any]) -> dict[str, Any]:
    return {"chaos": {"rules": list(listed)}}


@pytest.mark.parametrize("proof", PROOFS, ids=str)
def test_every_fault_happens_on_the_wire(served: Caller, proof: Proof) -> None:
    """What the catalogue promises is what a socket sees and what the ledger has charged."""
    served.ask("POST", "/_control", {"chaos": {"rules": []}})
    job = served.accepted()
    before = served.ledger()["accepted"]
    rule = {"fault": proof.fault, "with": proof.given, "times": 1}
    if proof.on in (S, P, C, L, D):
        rule |= {"route": proof.on} if CATALOGUE[proof.fault].route != "connect" else {}
    asked = {
        S: ("POST", "/v1/videos", SORA), P: ("GET", f"/v1/videos/{job}", None),
        C: ("GET", f"/v1/videos/{job}/content", None), L: ("GET", "/v1/videos?limit=1", None),
        D: ("DELETE", f"/v1/videos/{job}", None), "connect": ("CONNECT", "a.example:443", None),
    }[proof.on]  # fmt: skip
    assert served.ask("POST", "/_control", rules(rule)).status == 200
    method, path, body = asked
    sent = request(method, path, body, **proof.headers)
    got = raw(served, sent, patience=proof.patience, most=(1 << 22) + 1)
    ledger = served.ledger()
    assert proof.seen(got), got.data[:600]
    assert ledger["accepted"] - before == proof.accepted
    assert ledger["faults"] == {proof.fault: 1}


def test_every_fault_has_a_proof_and_a_place_in_the_docs() -> None:
    """A fault cannot be added without being shown to happen and being written down."""
    assert {proof.fault for proof in PROOFS} | FATES == set(CATALOGUE)
    text = DOCS.read_text()
    assert [fault.name for fault in CATALOGUE.values() if row(fault) not in text] == []
    assert all(fault.about and fault.about in listing() for fault in CATALOGUE.values())


def test_the_docs_place_every_row() -> None:
    """Each of the eighty faults is in a table, an option, or named as not the gateway's."""
    text = DOCS.read_text()
    named = {int(number) for number in re.findall(r"F(\d{3})", text)}
    for first, last in re.findall(r"F(\d{3}) to F(\d{3})", text):
        named |= set(range(int(first), int(last)))
    assert sorted(set(range(1, 81)) - named) == []


def row(fault: Fault) -> str:
    """A fault's line in the table of the documentation."""
    given = ", ".join(f"{name}: {json.dumps(value)}" for name, value in fault.defaults.items())
    parameters = f"`{given}`" if given else ""
    cells = (f"`{fault.name}`", parameters, fault.route, " ".join(fault.rows), fault.about)
    return f"| {' | '.join(cells)} |"


def test_answers_that_repeat_themselves(start: Start) -> None:
    """One id or one film for two jobs, a cursor that never moves, a list out of order."""
    gateway = start(contract="listed")
    gateway.ask("POST", "/_control", rules({"fault": "same_id", "nth": 2}))
    ids = [gateway.submit().json["id"] for _ in range(3)]
    assert (ids[0] == ids[1], ids[0] == ids[2]) == (True, False)
    gateway.advance(5)
    honest = gateway.ask("GET", "/v1/videos").json["data"]
    gateway.ask("POST", "/_control", rules({"fault": "list_loop"}, {"fault": "same_film"}))
    pages = [gateway.ask("GET", f"/v1/videos?limit=1{a}").json for a in ("", f"&after={ids[2]}")]
    assert pages[0] == pages[1]
    assert pages[0]["has_more"]
    films = {gateway.fetch(quote(job["id"])).body for job in honest}
    assert len(films) == 1
    gateway.ask("POST", "/_control", rules({"fault": "list_unsorted"}))
    shuffled = [job["id"] for job in gateway.ask("GET", "/v1/videos").json["data"]]
    assert shuffled == sorted(job["id"] for job in honest)


@pytest.mark.parametrize("fault", ["fail_moderation", "fail_capacity", "fail_unknown"])
@pytest.mark.parametrize("billed", [False, True])
def test_failed_jobs_cost_what_the_script_says(start: Start, fault: str, billed: bool) -> None:
    """A failed job is free unless the script has it billed; its error says why."""
    gateway = start()
    script = rules({"fault": fault, "with": {"billed": billed, "at": 0.5}})
    gateway.ask("POST", "/_control", script)
    job = gateway.accepted()
    assert gateway.look(job)["status"] == "queued"
    gateway.advance(2.5)
    shown = gateway.look(job)
    assert (shown["status"], bool(shown["error"]["message"])) == ("failed", True)
    assert gateway.ledger()["charged"] == ("0.4000" if billed else "0")
    assert gateway.fetch(job).status == 409


def test_fates(start: Start) -> None:
    """A job can be stuck for ever, or be quicker or slower than others."""
    gateway = start()
    faults = [
        {"fault": "stuck", "nth": 1},
        {"fault": "render_time", "with": {"seconds": 0}, "nth": 2},
        {"fault": "render_time", "with": {"seconds": 21_600.0}, "nth": 3},
        {"fault": "fail_input", "nth": 4},
    ]
    gateway.ask("POST", "/_control", rules(*faults))
    jobs = [gateway.accepted() for _ in range(4)]
    gateway.advance(3600)
    words = [gateway.look(job)["status"] for job in jobs]
    assert words == ["in_progress", "completed", "in_progress", "failed"]
    gateway.advance(10**7)
    assert gateway.look(jobs[0])["status"] == "in_progress"


def test_limits_lift_when_jobs_end(start: Start) -> None:
    """A limit of concurrency refuses while jobs run; one of rate forgets after a minute."""
    gateway = start()
    gateway.ask("POST", "/_control", rules({"fault": "too_many_running", "with": {"jobs": 2}}))
    assert [gateway.submit().status for _ in range(3)] == [200, 200, 429]
    gateway.advance(5)
    assert gateway.submit().status == 200
    gateway.ask("POST", "/_control", rules({"fault": "too_many_a_minute", "with": {"jobs": 4}}))
    assert [gateway.submit().status for _ in range(2)] == [200, 429]
    gateway.advance(60)
    assert gateway.submit().status == 200
    assert gateway.ledger()["refused"] == {"429": 2}


def test_films_that_are_not_what_was_asked(start: Start, tmp_path: Path) -> None:
    """Wrong length, wrong size, no sound, all black: whole MP4s, different from the ask."""
    import av

    gateway = start(slates="drawn")
    gateway.ask("POST", "/_control", rules(
        {"fault": "wrong_seconds", "with": {"seconds": 3.0}, "nth": 1},
        {"fault": "wrong_size", "with": {"width": 320, "height": 180}, "nth": 2},
        {"fault": "silent", "nth": 3},
        {"fault": "black", "nth": 4},
    ))  # fmt: skip
    jobs = [gateway.accepted() for _ in range(4)]
    gateway.advance(5)
    found = []
    for job in jobs:
        file = tmp_path / "film.mp4"
        file.write_bytes(gateway.fetch(job).body)
        with av.open(str(file)) as film:
            video = film.streams.video[0]
            darkest = max(bytes(next(film.decode(video)).planes[0]))
            found.append((video.width, video.frames / 12, len(film.streams), darkest <= 16))
    assert found == [
        (1280, 3.0, 2, False), (320, 4.0, 2, False), (1280, 4.0, 1, False), (1280, 4.0, 2, True),
    ]  # fmt: skip


def test_no_key_follows_a_redirect(start: Start) -> None:
    """The signed URL needs no key; a client that brings one along is written down as a leak."""
    gateway = start()
    gateway.ask("POST", "/_control", rules({"fault": "redirect_content"}))
    job = gateway.accepted()
    gateway.advance(5)
    place = gateway.fetch(job).headers["Location"]
    origin, path = place.split("/_signed")
    other = Caller(origin)
    assert origin != gateway.url
    assert raw(other, f"GET /_signed{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
               .encode()).status == 200  # fmt: skip
    assert gateway.ledger()["leaked_authorization"] == 0
    assert other.ask("GET", f"/_signed{path}", Range="bytes=0-9").status == 206
    assert gateway.ledger()["leaked_authorization"] == 1


def test_words_come_in_turn_for_each_job(start: Start) -> None:
    """`per: job` counts each job's own polls: statuses flap the same way for all of them."""
    gateway = start(render_seconds=(0, 0))
    words = "in_progress queued completed in_progress"
    gateway.ask("POST", "/_control", rules(
        {"fault": "status_words", "with": {"words": words}, "per": "job"},
    ))  # fmt: skip
    for job in (gateway.accepted(), gateway.accepted()):
        gateway.advance(0)
        assert [gateway.look(job)["status"] for _ in range(5)] == [*words.split(), "in_progress"]


def test_rules_choose_by_number_model_and_prompt(start: Start, tmp_path: Path) -> None:
    """A script can strike the third request, every second one, one model, or one word."""
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"rules": [
        {"fault": "error", "nth": [2, 3], "route": "submit", "with": {"status": 500}},
        {"fault": "out_of_credit", "model": "kling-*", "times": 1},
        {"fault": "model_withdrawn", "prompt": "storm"},
        {"fault": "not_found", "every": 2},
    ]}))  # fmt: skip
    gateway = start(chaos=script)
    assert [gateway.submit().status for _ in range(4)] == [200, 500, 500, 200]
    kling = {"model": "kling-v2-6", "prompt": "rain", "seconds": "5"}
    assert [gateway.submit(kling).status for _ in range(2)] == [403, 200]
    assert gateway.submit(SORA | {"prompt": "a storm rises"}).status == 404
    job = gateway.accepted()
    assert [gateway.ask("GET", f"/v1/videos/{job}").status for _ in range(4)] == [
        404, 200, 404, 200,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ([], "a script is"),
        ({"rules": [{"fault": "nonsense"}]}, "no fault 'nonsense'"),
        ({"rules": [{"fault": "drip", "with": {"sizes": 1}}]}, "no parameter 'sizes'"),
        ({"rules": [{"fault": "drip", "with": {"size": "1"}}]}, "not int"),
        ({"rules": [{"fault": "drip", "nth": "x"}]}, "nth is 'x'"),
        ({"rules": [{"fault": "reset_request", "model": "k*"}]}, "before the body"),
        ({"rules": [{"fault": "drip", "when": 1}]}, "unknown key 'when'"),
        ({"rules": [{"fault": "drip"}, {"fault": "drip", "route": "x"}]}, r"rules[1]"),
    ],
)
def test_a_wrong_script_is_refused_with_its_place(start: Start, script: Any, said: str) -> None:
    """A mistake in a script is named, and what was in force stays in force."""
    reply = start().ask("POST", "/_control", {"chaos": script})
    assert reply.status == 400
    assert said in reply.json["error"]["message"]


def test_an_answer_can_be_cut_at_any_byte(served: Caller) -> None:
    """Whatever the number, exactly so many bytes arrive, and the job was accepted."""
    before = served.ledger()["accepted"]
    sizes = [0, 1, 8, 9, 40, 100, 120, 150, 200, 300]
    for size in sizes:
        served.ask("POST", "/_control", rules({"fault": "cut_answer", "with": {"size": size}}))
        got = raw(served, request("POST", "/v1/videos", SORA))
        assert (len(got.data), got.end) == (size, "closed")
    assert served.ledger()["accepted"] - before == len(sizes)


def test_a_request_can_be_cut_at_any_byte(served: Caller) -> None:
    """A request that was reset before its last byte has made no job."""
    before = served.ledger()["accepted"]
    post = request("POST", "/v1/videos", SORA)
    for size in (0, 1, 30, len(post) // 2, len(post) - 1, len(post)):
        script = rules({"fault": "reset_request", "route": "submit", "with": {"size": size}})
        served.ask("POST", "/_control", script)
        assert raw(served, post).end == "reset"
    assert served.ledger()["accepted"] == before
