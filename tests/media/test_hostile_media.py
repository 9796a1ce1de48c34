"""Hostile media from a gateway: each row is one file and what may become of it.

A row is whole and probed, or it is refused, by the structure check or by the probe. Never a
traceback, a hang, a decoder crash, or a look at any other file.
"""

import contextlib
import socket
import struct
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media_films import grey, make_film

from runner.errors import BadInput, Outside
from runner.media.boxes import check_mp4
from runner.media.cut import assemble
from runner.media.frames import frame_png
from runner.media.probe import probe
from runner.media.quality import look_over
from runner.media.sniff import sniff
from runner.model import Clip, ShotId
from runner.store import Store

BLOCK = 64 << 10


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real film of some hundred kilobytes, index in front."""
    path = tmp_path_factory.mktemp("hostile") / "film.mp4"
    noise = [((n * 37) % 256, (n * 91) % 256, (n * 53) % 256) for n in range(60)]
    make_film(path, noise, size=(640, 384), sound=30, options={"movflags": "+faststart"})
    return path.read_bytes()


def box(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", len(content) + 8, name) + content


def patched(film: bytes, name: bytes, at: int, value: bytes) -> bytes:
    """The film with `value` written `at` bytes into the first box of a name in its index."""
    start = film.index(name, film.index(b"moov")) + 4 + at
    return film[:start] + value + film[start + len(value) :]


def a_frame_an_hour(film: bytes) -> bytes:
    """Version 0 of `mdhd`: flags, two times, then ticks a second and ticks."""
    return patched(film, b"mdhd", 12, struct.pack(">II", 1, 86_400))


def a_thousand_a_second(film: bytes) -> bytes:
    return patched(film, b"mdhd", 12, struct.pack(">II", 12288 * 125, 60 * 12288 // 8))


def many_tracks(film: bytes) -> bytes:
    tracks = box(b"trak", box(b"tkhd", bytes(84))) * 10_000
    return box(b"ftyp", b"isom" + bytes(4)) + box(b"moov", tracks) + box(b"mdat", b"x")


def some_tracks(film: bytes) -> bytes:
    tracks = box(b"trak", box(b"tkhd", bytes(84))) * 1_000
    return box(b"ftyp", b"isom" + bytes(4)) + box(b"moov", tracks) + box(b"mdat", b"x")


def no_times(film: bytes) -> bytes:
    return patched(film, b"stts", 4, struct.pack(">I", 0))


def samples_elsewhere(film: bytes) -> bytes:
    """Chunk offsets that point far behind the end of the file."""
    return patched(film, b"stco", 8, struct.pack(">I", 0xFFFFFFF0))


def endless_samples(film: bytes) -> bytes:
    return patched(film, b"stsz", 8, struct.pack(">I", 0xFFFFFFFF))


def loud_title(film: bytes) -> bytes:
    """Escape codes, markup and ten megabytes in a title."""
    text = b"\x1b[31m<script>alert(1)</script>" + b"A" * (10 << 20)
    return film + box(b"udta", box(b"\xa9nam", text))


def with_c2pa(film: bytes) -> bytes:
    uuid = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
    return film + box(b"uuid", uuid + b"\0\0\0\0manifest\0" + bytes(800))


def polyglot(film: bytes) -> bytes:
    return film + b"PK\x03\x04<script>alert(1)</script>"


def polyglot_in_a_box(film: bytes) -> bytes:
    return film + box(b"free", b"PK\x03\x04<script>alert(1)</script>")


ROWS: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda film: film, "accepted"),
    (with_c2pa, "accepted"),
    (polyglot_in_a_box, "accepted"),
    (loud_title, "accepted"),
    (polyglot, "cut short"),
    (lambda film: b"", "empty"),
    (lambda film: film[:7], "not an MP4"),
    (lambda film: b"<html>" + film, "HTML"),
    (lambda film: b"\x1f\x8b\x08" + film, "gzip"),
    (lambda film: b"\0" * 4096 + film, "not an MP4"),
    (lambda film: film + film[:100], "cut short"),
    (lambda film: film[:-1], "cut short"),
    (lambda film: film + b"\0", "stray"),
    (many_tracks, "more than 10000 boxes"),
    (some_tracks, "refused by the probe"),
    (samples_elsewhere, "points behind the end"),
    (endless_samples, "refused by the probe"),
    (a_frame_an_hour, "refused by the probe"),
    (a_thousand_a_second, "refused by the probe"),
]


def verdict(path: Path) -> str:
    """What the download and then the probe say; `accepted` is both."""
    why = check_mp4(path)
    if why is not None:
        return why
    try:
        probe(path)
    except Outside:
        return "refused by the probe"
    return "accepted"


@pytest.mark.parametrize(("make", "expected"), ROWS, ids=lambda row: getattr(row, "__name__", row))
def test_each_row(
    make: Callable[[bytes], bytes], expected: str, film: bytes, tmp_path: Path
) -> None:
    """A broken or lying file is never taken for a finished take, and says why."""
    (tmp_path / "x.mp4").write_bytes(make(film))
    assert expected in verdict(tmp_path / "x.mp4")


@pytest.mark.parametrize("make", [no_times, samples_elsewhere, endless_samples, a_frame_an_hour])
def test_a_lying_index_is_an_error_or_a_picture(
    make: Callable[[bytes], bytes], film: bytes, tmp_path: Path
) -> None:
    """Whatever the tables claim, a frame comes out or one clean error does."""
    path = tmp_path / "x.mp4"
    path.write_bytes(make(film))
    try:
        png = frame_png(path, "last")
    except Outside as error:
        png, said = b"", error.what
        assert "x.mp4" in said
    assert png == b"" or png.startswith(b"\x89PNG")


def test_a_picture_too_large_for_any_screen(tmp_path: Path) -> None:
    """A real film of 8400 pixels across is not taken for a take: it would fill the memory."""
    make_film(tmp_path / "x.mp4", [grey(1)] * 2, size=(8_400, 64))
    assert verdict(tmp_path / "x.mp4") == "refused by the probe"


def test_cut_at_every_64_kib(film: bytes, tmp_path: Path) -> None:
    """However many whole blocks of a film arrive, the last one is missed."""
    cuts = range(BLOCK, len(film), BLOCK)
    assert len(cuts) >= 2
    for end in cuts:
        (tmp_path / "x.mp4").write_bytes(film[:end])
        assert verdict(tmp_path / "x.mp4") != "accepted"


LEADING_ELSEWHERE = {
    "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n%s\n#EXT-X-ENDLIST\n",
    "concat": b"ffconcat version 1.0\nfile %s\n",
    "manifest": b'<?xml version="1.0"?><MPD><BaseURL>%s</BaseURL></MPD>',
}


@pytest.mark.parametrize("kind", LEADING_ELSEWHERE)
def test_no_other_file_and_no_address_is_opened(kind: str, film: bytes, tmp_path: Path) -> None:
    """A playlist named .mp4 leads nowhere, even past the structure check: the film it points at
    is not read, and nobody is called."""
    (tmp_path / "secret.mp4").write_bytes(film)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x.mp4".encode()
        for target in (b"secret.mp4", str(tmp_path / "secret.mp4").encode(), address):
            (tmp_path / "x.mp4").write_bytes(LEADING_ELSEWHERE[kind] % target)
            with pytest.raises(Outside):
                probe(tmp_path / "x.mp4")
            with pytest.raises(Outside):
                frame_png(tmp_path / "x.mp4", "last")
        with pytest.raises(BlockingIOError):
            server.accept()


def test_media_outside_the_file_is_refused(film: bytes, tmp_path: Path) -> None:
    """An index whose pictures lie in another file is not a whole film."""
    inside, outside = (box(b"url ", flags) for flags in (b"\0\0\0\1", b"\0\0\0\0"))
    assert inside in film
    (tmp_path / "x.mp4").write_bytes(film.replace(inside, outside))
    assert "outside the file" in verdict(tmp_path / "x.mp4")


Hits = st.lists(
    st.tuples(st.integers(min_value=0), st.binary(min_size=1, max_size=4)), min_size=1, max_size=8
)


def damaged(film: bytes, hits: list[tuple[int, bytes]], folder: Path) -> Path:
    """The film with its index hit here and there; the structure check may well pass."""
    start, data = film.index(b"moov"), bytearray(film)
    for at, patch in hits:
        place = start + at % 3000
        data[place : place + len(patch)] = patch
    (folder / "x.mp4").write_bytes(data)
    return folder / "x.mp4"


@settings(max_examples=30, deadline=None)
@given(hits=Hits)
def test_no_damage_to_the_index_is_more_than_an_error(
    film: bytes, hits: list[tuple[int, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever an index claims: a probe, a frame, or one clean error."""
    path = damaged(film, hits, tmp_path_factory.getbasetemp())
    for look in (probe, lambda path: frame_png(path, "last")):
        with contextlib.suppress(Outside):
            assert look(path)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=100, deadline=None)
@given(hits=Hits)
def test_no_damage_stops_anything_that_reads_films(
    film: bytes, hits: list[tuple[int, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same for every reader there is, the cut included."""
    path = damaged(film, hits, tmp_path_factory.getbasetemp())
    readers: list[Callable[[Path], object]] = [
        probe,
        sniff,
        look_over,
        lambda path: frame_png(path, "first"),
        lambda path: frame_png(path, Decimal("2.5")),
        lambda path: assemble([(path, Clip(ShotId("a")))], None, path.with_name("cut.mp4")),
    ]
    for look in readers:
        with contextlib.suppress(Outside, BadInput):
            look(path)


def test_what_a_vendor_signed_is_stored_unchanged(film: bytes, tmp_path: Path) -> None:
    """Content credentials and every other box survive the store and the output byte for byte."""
    signed = with_c2pa(film)
    (tmp_path / "incoming").write_bytes(signed)
    store = Store(tmp_path / "store")
    store.place(store.take_in(tmp_path / "incoming"), tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_bytes() == signed


def test_grey_film_is_the_control(tmp_path: Path) -> None:
    """The rows above are refused for what they are, not because everything is."""
    assert verdict(make_film(tmp_path / "x.mp4", [grey(1)] * 8)) == "accepted"
