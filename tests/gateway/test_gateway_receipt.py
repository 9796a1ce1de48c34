"""Answers made safe to keep and to print."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.gateway.receipt import REDACTED, Fault, Receipt, Redactor, decoded, printable

KEY = 'sk-"a/b\\c%20-0123456789'


@pytest.mark.parametrize(
    "text",
    [
        f"key {KEY} is bad",
        'sk-\\"a/b\\\\c%20-0123456789',
        'sk-\\"a\\/b\\\\c%20-0123456789',
        "k=sk-%22a%2Fb%5Cc%2520-0123456789&x",
    ],
)
def test_a_secret_is_found_in_every_form(text: str) -> None:
    """As it is, JSON-escaped, or percent-encoded: it comes out."""
    clean = Redactor([KEY]).text(text)
    assert "0123456789" not in clean
    assert REDACTED in clean


def test_signed_urls_lose_their_query() -> None:
    """The path says which file; the signature says how to steal it."""
    redactor = Redactor([])
    body = b'{"url":"https://cdn.example/v.mp4?X-Sig=abc&e=1","n":"https:\\/\\/c.example\\/v?k=1"}'
    clean = redactor.clean(body)
    assert b"abc" not in clean
    assert b"k=1" not in clean
    assert clean.startswith(b'{"url":"https://cdn.example/v.mp4?[redacted]","n"')
    assert redactor.clean(b"is this https://a.example/b?") == b"is this https://a.example/b?"


def test_short_or_missing_secrets_do_not_shred_text() -> None:
    """A key like "test" would take half of every message with it."""
    assert Redactor([None, "", "test"]).text("a test") == "a test"


def test_only_headers_that_are_evidence_are_kept() -> None:
    """No cookies, nothing endless."""
    kept = Redactor([KEY]).headers(
        [("Set-Cookie", "a=b"), ("Date", "now"), ("X-Request-ID", KEY), ("ETag", "x" * 5000)]
    )
    assert [name for name, _ in kept] == ["date", "x-request-id", "etag"]
    assert kept[1][1] == REDACTED
    assert len(kept[2][1]) == 1024


@given(st.text(max_size=300))
def test_printable_is_printable(text: str) -> None:
    """Any text becomes one harmless line."""
    shown = printable(text)
    assert shown.isprintable() or not shown
    assert printable(shown) == shown


def test_headers_that_stand_twice_are_no_single_value() -> None:
    """Two Retry-After headers are garbage, not the first of them."""
    receipt = Receipt(429, (("retry-after", "3"), ("retry-after", "900")))
    assert receipt.header("retry-after") == "3, 900"
    assert receipt.header("date") is None


BOMB = gzip.compress(b"\0" * 50_000_000)


@pytest.mark.parametrize(
    ("body", "encoding", "plain", "fault"),
    [
        (b"x", None, b"x", None),
        (b"x", "identity", b"x", None),
        (gzip.compress(b"hello"), "gzip", b"hello", None),
        (zlib.compress(b"hello"), " Deflate ", b"hello", None),
        (gzip.compress(b"hello")[:-9], "gzip", None, Fault.BROKEN),
        (b"not gzip", "gzip", b"not gzip", Fault.ENCODING),
        (gzip.compress(gzip.compress(b"x")), "gzip, gzip", None, Fault.ENCODING),
        (b"x", "br", b"x", Fault.ENCODING),
        (BOMB, "gzip", b"\0" * 1000, Fault.TOO_LARGE),
    ],
    ids=map(str, range(9)),  # compressed bytes hold the time; names must not
)
def test_compressed_answers_are_opened_within_bounds(
    body: bytes, encoding: str | None, plain: bytes | None, fault: Fault | None
) -> None:
    """One layer, and never more than the limit in memory."""
    got, wrong = decoded(body, encoding, 1000)
    assert wrong is fault
    assert plain is None or got == plain
