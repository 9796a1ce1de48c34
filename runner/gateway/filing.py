"""Files every answer, and every missing answer, under what it proves.

A submit is *not sent*, *refused*, *accepted* or *ambiguous* (`Standing`). Only three proofs
exist: no byte left this machine; the gateway said no; the gateway named a job. All else may have
been paid for, and is ambiguous: never something to try again by itself.
"""

import math
import re
import socket
import ssl
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from urllib.parse import unquote

import httpx
from msgspec import Struct, field

from runner.gateway.answer import error_of, read_json, usable_id
from runner.gateway.limits import read_retry_after
from runner.gateway.profile import Billing, ErrorRule, Profile, Refusal
from runner.gateway.receipt import Fault, Receipt, printable
from runner.model import JSON, JobId, Standing

# Every exception a transport can raise. The families are here so that a class which is new in
# httpx and falls under one of them is noticed by the test and not by a customer.
FILED: Mapping[type[Exception], Fault] = {
    httpx.ConnectError: Fault.CONNECT,
    httpx.ConnectTimeout: Fault.CONNECT,
    httpx.PoolTimeout: Fault.CONNECT,
    httpx.ProxyError: Fault.PROXY,
    httpx.UnsupportedProtocol: Fault.LOCAL,
    httpx.LocalProtocolError: Fault.LOCAL,
    httpx.ReadTimeout: Fault.DEADLINE,
    httpx.WriteTimeout: Fault.DEADLINE,
    httpx.ReadError: Fault.BROKEN,
    httpx.WriteError: Fault.BROKEN,
    httpx.CloseError: Fault.BROKEN,
    httpx.RemoteProtocolError: Fault.PROTOCOL,
    httpx.DecodingError: Fault.ENCODING,
    httpx.TooManyRedirects: Fault.PROTOCOL,
    httpx.HTTPStatusError: Fault.PROTOCOL,
    httpx.TimeoutException: Fault.DEADLINE,
    httpx.NetworkError: Fault.BROKEN,
    httpx.ProtocolError: Fault.PROTOCOL,
    httpx.TransportError: Fault.BROKEN,
    httpx.RequestError: Fault.BROKEN,
    httpx.HTTPError: Fault.BROKEN,
}

# The statuses that say no job was made. 408, 409, the other 4xx, every 3xx and 5xx do not.
REFUSALS: Mapping[int, Refusal] = {
    400: Refusal.INVALID,
    401: Refusal.AUTH,
    402: Refusal.CREDIT,
    403: Refusal.AUTH,
    404: Refusal.NOT_FOUND,
    405: Refusal.INVALID,
    410: Refusal.NOT_FOUND,
    413: Refusal.TOO_LARGE,
    414: Refusal.TOO_LARGE,
    415: Refusal.INVALID,
    422: Refusal.INVALID,
    429: Refusal.RATE,
    431: Refusal.TOO_LARGE,
    451: Refusal.MODERATION,
}
# The wanting ones only say that the handshake was still waiting when the line broke.
_HANDSHAKE_CUT = (
    ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLWantReadError, ssl.SSLWantWriteError,
)  # fmt: skip
_GOES_AGAIN = {Refusal.RATE, Refusal.CAPACITY}
_STOPS_ALL = {Refusal.AUTH, Refusal.CREDIT}


class Verdict(Struct, frozen=True):
    """What a submit came to. `standing` is NOT_SENT, REFUSED, ACCEPTED or AMBIGUOUS."""

    standing: Standing
    detail: str  # one printable line
    job: JobId | None = None
    refusal: Refusal | None = None
    again: bool = False  # may go again by itself, same bytes and same key; never charged twice
    retry_after: float | None = None  # seconds, when the gateway named them
    stops_all: bool = False  # no other submit will fare better: stop, keep collecting


class State(StrEnum):
    """What a look at a job showed."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    GONE = "gone"  # 410, or the gateway's own word for it
    MISSING = "missing"  # 404: lag soon after the submit, loss weeks later; the caller knows
    DENIED = "denied"  # the key does not read
    UNKNOWN = "unknown"  # an answer that says nothing we understand: look again
    UNREACHABLE = "unreachable"  # no answer, or "not now": look again


class Report(Struct, frozen=True):
    """What one look at a job told. All texts are printable; nothing here decides by itself."""

    state: State
    word: str = ""  # the gateway's own status word
    percent: int | None = None  # for display only
    detail: str = ""
    failure: str | None = None  # moderation | input | capacity | unknown, when FAILED
    billing: Billing | None = None  # what the failure costs
    echo: Mapping[str, str] = field(default_factory=dict)  # model, seconds, size: as answered
    url: str | None = None  # without its query; never fetched
    cost: Decimal | None = None  # as the gateway states it, in its own currency
    expires_at: float | None = None  # seconds since the epoch
    retry_after: float | None = None
    anomaly: str | None = None  # something that cannot be: to be noted, not followed


def fault_of(error: BaseException) -> Fault:
    """The fault behind an exception of a transport."""
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return Fault.RESOLVE
        if isinstance(cause, _HANDSHAKE_CUT):
            return Fault.CONNECT  # another try may go through
        if isinstance(cause, ssl.SSLError):
            return Fault.TLS
    return next((FILED[kind] for kind in type(error).__mro__ if kind in FILED), Fault.BROKEN)


def _causes(error: BaseException | None) -> list[BaseException]:
    """The exception and everything it came from, groups included."""
    found: list[BaseException] = []
    open_ = [error]
    while open_ and len(found) < 32:
        cause = open_.pop()
        if cause is None or cause in found:
            continue
        found.append(cause)
        open_ += [cause.__cause__, cause.__context__]
        if isinstance(cause, BaseExceptionGroup):
            open_ += cause.exceptions
    return found


# ── submits ─────────────────────────────────────────────────────────────────────────────────


def classify(receipt: Receipt, profile: Profile, now: float = 0.0) -> Verdict:
    """What a submit's receipt proves. `now` (epoch) is for `Retry-After` given as a date.

    Under the keyed contract a doubt may go `again`, as long as `Dedupe.holds`: the gateway gives
    the same job back, or says 409 while it is still at it. A 422 about the key never may.
    """
    keyed = profile.dedupe.contract == "keyed"
    if receipt.status is None:
        return _unanswered(receipt, keyed)
    answer = None if receipt.fault else read_json(receipt.body)
    job = _job(receipt, answer, profile)
    if job is not None:
        return Verdict(Standing.ACCEPTED, f"accepted as {printable(job, 80)}", job)
    code, text = error_of(answer)
    said = _said(receipt, code, text)
    wait = read_retry_after(receipt.header("retry-after"), now)
    refusal = _refusal(receipt, code, text, profile)
    if refusal is None or (keyed and _reused(receipt, code, text)):
        return _in_doubt(receipt, said, wait, keyed)
    return Verdict(
        Standing.REFUSED,
        f"refused: {said}",
        refusal=refusal,
        again=refusal in _GOES_AGAIN,
        retry_after=wait,
        stops_all=refusal in _STOPS_ALL,
    )


def _in_doubt(receipt: Receipt, said: str, wait: float | None, keyed: bool) -> Verdict:
    strange = _strange(receipt)
    return Verdict(
        Standing.AMBIGUOUS,
        f"may have been accepted, no job id: {said}",
        again=keyed and receipt.status != 422 and not strange,
        retry_after=wait,
        stops_all=strange,
    )


def _unanswered(receipt: Receipt, keyed: bool) -> Verdict:
    why = f"{receipt.fault}: {receipt.detail}" if receipt.detail else str(receipt.fault)
    if receipt.sent:
        text = f"may have been accepted, no answer: {why}"
        return Verdict(Standing.AMBIGUOUS, text, again=keyed)
    for_all = receipt.fault in (Fault.TLS, Fault.LOCAL)
    again = not for_all and receipt.fault is not Fault.TOO_LARGE
    return Verdict(Standing.NOT_SENT, f"not sent: {why}", again=again, stops_all=for_all)


def _job(receipt: Receipt, answer: JSON, profile: Profile) -> JobId | None:
    if receipt.status not in (200, 201, 202):
        return None
    if isinstance(answer, Mapping) and "id" in answer:
        return usable_id(answer["id"], profile)
    place = receipt.header("location")
    if receipt.status == 201 and profile.id_from_location and place and not receipt.fault:
        return usable_id(unquote(place.split("?")[0].rstrip("/").rsplit("/", 1)[-1]), profile)
    return None


def _refusal(receipt: Receipt, code: str, text: str, profile: Profile) -> Refusal | None:
    """Why there is no job, or None when the answer does not prove that there is none."""
    for rule in profile.errors:
        if receipt.fault is None and _matches(rule, receipt.status, code, text):
            return rule.means
    return REFUSALS.get(receipt.status or 0)


def _matches(rule: ErrorRule, status: int | None, code: str, text: str) -> bool:
    return (
        status in rule.statuses
        and (rule.code is None or rule.code.lower() in code.lower().split())
        and (rule.text is None or rule.text.lower() in text.lower())
    )


def _reused(receipt: Receipt, code: str, text: str) -> bool:
    """422 because the key was seen with another body: an earlier one got through."""
    return receipt.status == 422 and bool(re.search(r"idempot|key", f"{code} {text}".lower()))


def _strange(receipt: Receipt) -> bool:
    """A login page, a portal, a moved gateway: whoever answers, it is not the gateway we know."""
    status = receipt.status or 0
    return 300 <= status < 400 or (status < 300 and _is_page(receipt))


def _is_page(receipt: Receipt) -> bool:
    return receipt.body.lstrip()[:1] == b"<" or "html" in (receipt.header("content-type") or "")


def _said(receipt: Receipt, code: str, text: str) -> str:
    """The answer in one printable line: status, code and message, or where it points."""
    parts = [str(receipt.status), printable(code.split(" ")[0], 80), printable(text)]
    if receipt.fault:
        parts.append(f"({receipt.fault}{': ' if receipt.detail else ''}{receipt.detail})")
    elif 300 <= (receipt.status or 0) < 400:
        parts.append(f"redirects to {receipt.header('location')}, not followed")
    elif _is_page(receipt):
        parts.append("a web page, not an answer of a gateway")
    elif receipt.header("x-request-id"):
        parts.append(f"(request {receipt.header('x-request-id')})")
    return " ".join(part for part in parts if part)


# ── looks ───────────────────────────────────────────────────────────────────────────────────

# Wording of failures, first match wins. Moderation: Wan's DataInspectionFailed, Ark's
# *SensitiveContentDetected, Kling's risk control, OpenAI's moderation_blocked; read 2026-11-23.
_FAILURES = (
    (
        "moderation",
        r"moderat|content.?polic|policy.?violat|safety|sensitive|inspection|risk.?control"
        r"|prohibited|nsfw|blocked.?content|copyright|responsible.?ai",
    ),
    (
        "capacity",
        r"capacity|overload|rate.?limit|too many|try again|temporar|unavailable|time.?out"
        r"|timed out|no_valid_channel|queue",
    ),
    (
        "input",
        r"invalid|unsupported|not support|illegal|malformed|parameter|bad request|format"
        r"|resolution|too (?:large|small|long|short)|download|cannot (?:read|fetch|decode)",
    ),
)


def read_report(receipt: Receipt, profile: Profile, job: JobId, now: float = 0.0) -> Report:
    """What a look at a job told. A word nobody knows is neither done nor failed."""
    wait = read_retry_after(receipt.header("retry-after"), now)
    answer = None if receipt.fault else read_json(receipt.body)
    code, text = error_of(answer)
    if receipt.status != 200 or not isinstance(answer, Mapping):
        state = _state_of_status(receipt)
        detail = receipt.detail if receipt.status is None else _said(receipt, code, text)
        return Report(state, detail=detail, retry_after=wait)
    other = _other_job(answer, profile, job)
    if other is not None:
        return Report(State.UNKNOWN, anomaly=other, retry_after=wait)
    word = _word(answer.get("status"))
    state = State(profile.statuses.get(word, State.UNKNOWN))
    failure = classify_failure(code, text) if state is State.FAILED else None
    return Report(
        state=state,
        word=printable(word, 80),
        percent=_percent(answer.get("progress")),
        detail=printable(f"{code.split(' ')[0]} {text}".strip()),
        failure=failure,
        billing=profile.billing(failure) if failure else None,
        echo=read_echo(answer),
        url=_address(answer.get("url")),
        cost=_cost(answer),
        expires_at=read_instant(answer.get("expires_at")),
        retry_after=wait,
    )


def _state_of_status(receipt: Receipt) -> State:
    match receipt.status:
        case 404:
            return State.MISSING
        case 410:
            return State.GONE
        case 401 | 402 | 403:
            return State.DENIED
        case 200 if receipt.fault is None:
            return State.UNKNOWN
        case _:
            return State.UNREACHABLE


def _other_job(answer: Mapping[str, JSON], profile: Profile, job: JobId) -> str | None:
    told = answer.get("id")
    if not profile.echoes_id or told is None or str(told) == job:
        return None
    return f"asked for job {printable(job, 80)}, told about {printable(str(told), 80)}"


def classify_failure(code: str, text: str) -> str:
    """moderation, capacity, input or unknown, by what the failure says of itself."""
    said = f"{code} {text}".lower()
    return next((name for name, words in _FAILURES if re.search(words, said)), "unknown")


def _word(value: JSON) -> str:
    return value[:200].strip().lower() if isinstance(value, str) else ""


def _percent(value: JSON) -> int | None:
    if isinstance(value, str):
        value = _number(value.strip().removesuffix("%"))
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return int(value) if 0 <= value <= 100 else None


def read_echo(answer: Mapping[str, JSON]) -> dict[str, str]:
    """What the gateway says it is rendering, under our names; only what it does say."""
    size = answer.get("size")
    if size is None and answer.get("width") and answer.get("height"):
        size = f"{answer['width']}x{answer['height']}"
    seconds = answer.get("seconds", answer.get("duration"))
    told = {"model": answer.get("model"), "seconds": seconds, "size": size}
    return {
        key: printable(str(value), 200)
        for key, value in told.items()
        if isinstance(value, str | int | float) and not isinstance(value, bool)
    }


def _address(value: JSON) -> str | None:
    if not isinstance(value, str) or not value:
        return None
    return printable(value.split("?")[0].split("#")[0])


def _cost(answer: Mapping[str, JSON]) -> Decimal | None:
    usage = answer.get("usage")
    value = answer.get("cost", usage.get("cost") if isinstance(usage, Mapping) else None)
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    amount = _number(str(value))
    return amount if amount is not None and amount >= 0 else None


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text[:40])
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def read_instant(value: JSON) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return float(value) if 0 < value < 1e11 and math.isfinite(value) else None
