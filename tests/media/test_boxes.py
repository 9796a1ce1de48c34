"""A whole MP4 or not, from its boxes alone."""

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media_films import grey, make_film

from runner.media.boxes import MAX_BOXES, check_mp4


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real film, as bytes to damage."""
    path = tmp_path_factory.mktemp("boxes") / "film.mp4"
    return make_film(path, [grey(i) for i in range(16)], sound=1).read_bytes()


def box(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", len(content) + 8, name) + content


def big(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4sQ", 1, name, len(content) + 16) + content


DREF = box(b"dref", bytes(4) + struct.pack(">I", 1) + box(b"url ", b"\0\0\0\1"))
OUTSIDE = box(b"dref", bytes(4) + struct.pack(">I", 1) + box(b"url ", bytes(4) + b"file:///etc\0"))
FTYP, MDAT = box(b"ftyp", b"isom\0\0\2\0"), box(b"mdat", b"x")


def moov(dref: bytes = DREF) -> bytes:
    media = box(b"mdia", box(b"minf", box(b"dinf", dref)))
    return box(b"moov", box(b"trak", media))


def verdict(data: bytes, folder: Path) -> str | None:
    path = folder / "x.mp4"
    path.write_bytes(data)
    return check_mp4(path)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"movflags": "+faststart"},
        {"movflags": "frag_keyframe+empty_moov"},
        {"brand": "qt  "},
    ],
    ids=str,
)
def test_whole_films_are_whole(options: dict[str, str], tmp_path: Path) -> None:
    """However a muxer lays a film out, a complete one is accepted."""
    path = make_film(tmp_path / "x.mp4", [grey(9)] * 8, sound=1, options=options)
    assert check_mp4(path) is None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "an empty file"),
        (b"\0" * 7, "something unknown"),
        (b"<!DOCTYPE html><title>502</title>", "an HTML page"),
        (b'{"error": {"code": "expired"}}', "JSON text"),
        (b"\x1f\x8b\x08" + bytes(9), "a gzip archive"),
        (b"RIFF\0\0\0\0AVI LIST", "AVI"),
        (b"\x1a\x45\xdf\xa3\x9fwebm", "WebM"),
        (FTYP, "no moov"),
        (FTYP + moov(), "no mdat"),
        (moov() + MDAT, "no ftyp"),
        (FTYP + box(b"moov") + MDAT, "no track"),
        (FTYP + moov() + MDAT + b"\0\0\0", "3 stray bytes"),
        (FTYP + moov() + MDAT[:-1], "cut short"),
        (FTYP + moov() + struct.pack(">I4s", 0, b"mdat") + b"x", "no size"),
        (FTYP + moov() + struct.pack(">I4s", 2, b"mdat") + b"x", "fewer than its own header"),
        (FTYP + moov() + struct.pack(">I4s", 7, b"mdat") + b"x", "fewer than its own header"),
        (FTYP + moov() + struct.pack(">I4s", 1 << 31, b"mdat") + b"x", "2147483648 bytes"),
        (FTYP + moov() + struct.pack(">I4s", 0xFFFFFFFF, b"mdat"), "4294967295 bytes"),
        (FTYP + moov() + struct.pack(">I4sQ", 1, b"mdat", 1 << 63), "9223372036854775808 bytes"),
        (FTYP + moov() + struct.pack(">I4sQ", 1, b"mdat", 15), "fewer than its own header"),
        (FTYP + moov() + struct.pack(">I4s", 1, b"mdat"), "fewer than its own header"),
        (FTYP + moov(OUTSIDE) + MDAT, "outside the file"),
        (FTYP + moov() + MDAT + b"PK\x03\x04 and a ZIP behind it", "cut short"),
        (FTYP + moov() + MDAT + box(b"free") * MAX_BOXES, "more than 10000 boxes"),
    ],
)
def test_what_is_not_whole_says_why(data: bytes, why: str, tmp_path: Path) -> None:
    """A broken download is never published, and the message says what came instead."""
    assert why in (verdict(data, tmp_path) or "accepted")


def test_smallest_that_passes(tmp_path: Path) -> None:
    """The samples above fail for their one fault only."""
    assert verdict(FTYP + moov() + MDAT, tmp_path) is None
    assert verdict(FTYP + moov() + big(b"mdat", b"x"), tmp_path) is None


def test_a_box_in_a_box_in_a_box(tmp_path: Path) -> None:
    """A thousand nested boxes end the walk, not the stack."""
    nest = b""
    for _ in range(1000):
        nest = box(b"minf", nest)
    data = FTYP + box(b"moov", box(b"trak", nest)) + MDAT
    assert "deep" in (verdict(data, tmp_path) or "")


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    """The answer is a reason, not an exception."""
    assert "No such file" in (check_mp4(tmp_path / "x") or "")
    assert "directory" in (check_mp4(tmp_path) or "")


@settings(max_examples=80)
@given(cut=st.integers(min_value=0))
def test_no_part_of_a_film_passes_for_a_film(
    film: bytes, cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Cut off anywhere, a download is refused."""
    assert verdict(film[: cut % len(film)], tmp_path_factory.getbasetemp()) is not None


@settings(max_examples=120)
@given(
    hits=st.lists(
        st.tuples(st.integers(min_value=0), st.binary(min_size=1, max_size=9)), max_size=5
    )
)
def test_no_damage_makes_the_walk_stumble(
    film: bytes, hits: list[tuple[int, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any bytes whatever give a verdict: no exception, no endless loop."""
    data = bytearray(film)
    for at, patch in hits:
        at %= len(data)
        data[at : at + len(patch)] = patch
    answer = verdict(bytes(data), tmp_path_factory.getbasetemp())
    assert answer is None or answer.isprintable()


@settings(max_examples=120)
@given(data=st.binary(max_size=400))
def test_noise_is_not_a_film(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Noise behind a proper opening is refused as well."""
    assert verdict(FTYP + data, tmp_path_factory.getbasetemp()) is not None
