"""What is known of a gateway: a frozen record, read from `schemas/gateways/*.yaml`.

Everything that differs between two `/v1/videos` servers is data here, so that client and filing
hold no name of any gateway. Times are seconds, sizes are bytes, rates are a minute.
"""

import ipaddress
from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, get_args
from urllib.parse import urlsplit

from msgspec import Struct, field
from msgspec.structs import replace

from runner.errors import BadInput
from runner.gateway.fields import Fields
from runner.model import JSON, Problem

Seconds = Literal["string", "number"]
InputReference = Literal["string", "object"]
ExtraBody = Literal["nested", "merged"]
Contract = Literal["keyed", "listed", "quarantine"]
Billing = Literal["free", "maybe", "billed"]
Known = Literal["queued", "running", "completed", "failed", "gone"]

KIB = 1024
MIB = 1024 * KIB
_KEY_MARGIN = 60.0  # s


class Refusal(StrEnum):
    """Why a gateway made no job. Every one of them proves that nothing was charged."""

    AUTH = "auth"  # the key is not accepted: stops every submit
    CREDIT = "credit"  # no money on the account: stops every submit
    RATE = "rate"  # too fast: the same attempt may go again later
    CAPACITY = "capacity"  # nobody there to render: the same attempt may go again later
    MODERATION = "moderation"  # the content is not allowed
    INVALID = "invalid"  # the body is not understood or not allowed
    NOT_FOUND = "not_found"  # no such model or path
    TOO_LARGE = "too_large"


class Dialect(Struct, frozen=True):
    """How the neutral body is written down for this gateway."""

    seconds: Seconds = "string"
    input_reference: InputReference = "string"
    extra_body: ExtraBody = "nested"


class PollAdvice(Struct, frozen=True):
    """When to look, as long as nothing has been learned about a model."""

    first: float = 15.0
    every: float = 15.0
    give_up: float = 6 * 3600.0  # then "still running", resumable; never a new POST
    grace: float = 60.0  # a 404 this soon after the submit is lag, not loss
    a_second: float | None = None  # looks of all jobs together; None: as many as there are


class Dedupe(Struct, frozen=True):
    """What lets a lost answer be found again (`keyed`, `listed`), or that nothing does.

    `quiet` is how long after the first byte a listing proves nothing: the gateway's own request
    deadline plus the lag of its list. `retention` is how long it remembers a key.
    """

    contract: Contract = "quarantine"
    quiet: float = 600.0
    key_header: str | None = None
    retention: float | None = None

    def holds(self, age: float) -> bool:
        """Whether a key first sent `age` seconds ago still protects: after that it is worthless.

        The margin covers clocks that differ and a request on its way. Not stated: never.
        """
        if self.contract != "keyed" or self.retention is None:
            return False
        return 0 <= age < self.retention - max(_KEY_MARGIN, self.retention / 20)


class ErrorRule(Struct, frozen=True):
    """An error this gateway is known to send *before* any job exists, and what it means.

    Matches when the status is listed and `code` equals the error's code or type, or `text`
    occurs in its message, ignoring case. A rule without either matches the bare status.
    """

    statuses: tuple[int, ...]
    means: Refusal
    code: str | None = None
    text: str | None = None
    source: str = ""


class Limit(Struct, frozen=True):
    """What a vendor lets one account do; None: nothing published."""

    concurrency: int | None = None  # jobs in flight
    rpm: int | None = None  # submits a minute


class Deadlines(Struct, frozen=True):
    """Seconds. `submit`, `look` are totals by the monotonic clock, whatever drips meanwhile."""

    connect: float = 10.0
    read: float = 60.0
    write: float = 60.0
    submit: float = 180.0
    look: float = 30.0
    fetch: float = 4 * 3600.0
    stall: float = 60.0  # a download slower than `min_rate` over this long is given up
    min_rate: float = 1024.0  # bytes/s


class Bounds(Struct, frozen=True):
    """The most we send, or take, in bytes."""

    body: int = 64 * MIB
    answer: int = 4 * MIB
    media: int = 4096 * MIB


class Profile(Struct, frozen=True):
    """One gateway, as far as anybody here knows it."""

    name: str
    base_url: str  # origin and prefix, without /v1 and without a slash at the end
    key_variable: str | None = None  # the environment variable; None: no key is sent
    base_url_variable: str | None = None
    dialect: Dialect = Dialect()
    statuses: Mapping[str, Known] = field(default_factory=dict)  # lower-case word -> meaning
    poll: PollAdvice = PollAdvice()
    retention: float = 24 * 3600.0  # from completion until the result may be gone
    lists: bool = False
    deletes: bool = False
    numeric_ids: bool = False  # `"id": 123` is an id
    echoes_id: bool = True  # a look answers with the id it was asked for
    id_from_location: bool = False  # 201 + Location without a body is an acceptance
    label_header: str | None = None  # takes the name of a take; only the built-in gateway has one
    dedupe: Dedupe = Dedupe()
    errors: tuple[ErrorRule, ...] = ()
    limits: Mapping[str, Limit] = field(default_factory=dict)  # by vendor; "default" for others
    submits_in_flight: int = 1  # bounds what one crash can leave in doubt
    deadlines: Deadlines = Deadlines()
    bounds: Bounds = Bounds()
    failures: Mapping[str, Billing] = field(default_factory=dict)  # by class; "default"

    @property
    def videos_url(self) -> str:
        return f"{self.base_url}/v1/videos"

    def limit(self, vendor: str) -> Limit:
        return self.limits.get(vendor) or self.limits.get("default") or Limit()

    def billing(self, failure: str) -> Billing:
        """What a failed job of this class costs; where nobody says, maybe."""
        return self.failures.get(failure) or self.failures.get("default") or "maybe"

    def at(self, base_url: str) -> "Profile":
        """The same gateway elsewhere. Raises BadInput unless https, or http on loopback.

        A server on this machine is asked as often as there is reason to.
        """
        moved = replace(self, base_url=read_base_url(base_url))
        if is_loopback(urlsplit(moved.base_url).hostname or ""):
            return replace(moved, poll=replace(moved.poll, a_second=None))
        return moved


def read_base_url(text: str) -> str:
    """`https://host[/prefix][/v1][/]` without `/v1`, as clients are used to write either.

    Raises BadInput: the key must travel encrypted, and must not stand in a URL.
    """
    url = text.strip().rstrip("/").removesuffix("/v1")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.username or parts.password:
        raise BadInput("a gateway's base URL must not hold a user name or password")
    if parts.query or parts.fragment or not host or parts.scheme not in ("http", "https"):
        raise BadInput(f"{text!r} is not a base URL", do="write it like https://gateway.example")
    if parts.scheme == "http" and not is_loopback(host):
        raise BadInput(
            f"{text!r} would send the key unencrypted",
            do="use https; plain http is for this machine only (127.0.0.1, localhost)",
        )
    return url


def is_loopback(host: str) -> bool:
    """Whether a host name can only mean this machine; no name is resolved."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def read_profile(data: JSON, file: str = "") -> Profile:
    """A profile from its data. Raises BadInput with all that is wrong, unknown keys included."""
    problems: list[Problem] = []
    top = Fields(data, file, problems)
    profile = _read(top)
    top.close()
    if problems:
        raise BadInput(
            f"gateway profile {profile.name or file!r} cannot be used", problems=problems
        )
    return profile


def _read(top: Fields) -> Profile:
    return Profile(
        name=top.text("name", required=True) or "",
        base_url=_base_url(top),
        base_url_variable=top.text("base_url_variable"),
        key_variable=top.text("key_variable"),
        dialect=_dialect(top.section("dialect")),
        statuses={
            word.strip().lower(): known
            for word, known in top.words("statuses", get_args(Known)).items()
        },
        poll=_poll(top.section("poll")),
        retention=top.number("retention", 24 * 3600.0),
        lists=top.flag("lists"),
        deletes=top.flag("deletes"),
        numeric_ids=top.flag("numeric_ids"),
        echoes_id=top.flag("echoes_id", default=True),
        id_from_location=top.flag("id_from_location"),
        label_header=top.text("label_header"),
        dedupe=_dedupe(top.section("dedupe")),
        errors=tuple(_error(rule) for rule in top.sections("errors")),
        limits={vendor: _limit(limit) for vendor, limit in top.named_sections("limits").items()},
        submits_in_flight=top.count("submits_in_flight") or 1,
        deadlines=_deadlines(top.section("deadlines")),
        bounds=_bounds(top.section("bounds")),
        failures=top.words("failures", get_args(Billing)),
    )


def _base_url(top: Fields) -> str:
    text = top.text("base_url", required=True)
    if text is None:
        return ""
    try:
        return read_base_url(text)
    except BadInput as bad:
        top.complain("base_url", bad.what, bad.do)
        return ""


def _dialect(at: Fields) -> Dialect:
    known = Dialect()
    return Dialect(
        seconds=at.word("seconds", get_args(Seconds), known.seconds),
        input_reference=at.word("input_reference", get_args(InputReference), known.input_reference),
        extra_body=at.word("extra_body", get_args(ExtraBody), known.extra_body),
    )


def _poll(at: Fields) -> PollAdvice:
    known = PollAdvice()
    return PollAdvice(
        first=at.number("first", known.first),
        every=at.number("every", known.every),
        give_up=at.number("give_up", known.give_up),
        grace=at.number("grace", known.grace),
        a_second=at.number("a_second", 0.0) or None,
    )


def _dedupe(at: Fields) -> Dedupe:
    contract: Contract = at.word("contract", get_args(Contract), "quarantine")
    header = at.text("key_header", required=contract == "keyed")
    return Dedupe(
        contract=contract,
        quiet=at.number("quiet", 600.0),
        key_header=header,
        retention=at.number("retention", 0.0) or None,
    )


def _error(at: Fields) -> ErrorRule:
    return ErrorRule(
        statuses=at.counts("status"),
        means=Refusal(at.word("means", tuple(Refusal), Refusal.INVALID, required=True)),
        code=at.text("code"),
        text=at.text("text"),
        source=at.text("source", required=True) or "",
    )


def _limit(at: Fields) -> Limit:
    return Limit(concurrency=at.count("concurrency"), rpm=at.count("rpm"))


def _deadlines(at: Fields) -> Deadlines:
    known = Deadlines()
    return Deadlines(
        **{name: at.number(name, getattr(known, name)) for name in Deadlines.__struct_fields__}
    )


def _bounds(at: Fields) -> Bounds:
    given = {name: at.count(name) for name in Bounds.__struct_fields__}
    return Bounds(**{name: count for name, count in given.items() if count})
