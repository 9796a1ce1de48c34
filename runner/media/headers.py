"""A video's figures from its boxes alone, where they are the usual ones (ISO/IEC 14496-12, -15).

A decoder takes milliseconds to say what stands in a few hundred bytes. This reads those bytes and
gives the same figures, or None: for whatever is not the plainest kind of MP4, the decoder is asked.
"""

import os
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from msgspec import Struct

from runner.media.sps import picture_size
from runner.model import Probe

MAX_MOOV = 4 << 20
MAX_BOXES = 64  # at the top of the file
EXACT = 1 << 31  # a rate whose terms are larger is rounded by the decoder
PLAIN = frozenset({b"stsd", b"stts", b"stsc", b"stsz", b"stco", b"co64"})  # in version 0 only
FILLED = frozenset({b"stsc", b"stco", b"co64"})
MOST_FRAMES = 1000  # a second
Box = tuple[bytes, int, int]  # name, where its content begins, where it ends


class Unusual(Exception):
    """Why the boxes do not suffice; never travels further than `figures`."""


def figures(path: Path) -> Probe | None:
    """What `probe` would say of the file, if that can be told without a decoder."""
    try:
        with path.open("rb", buffering=0) as file:
            return _measured(_moov(file.fileno()))
    except (Unusual, OSError, struct.error, IndexError):
        return None


def _moov(fd: int) -> bytes:
    size, at = os.fstat(fd).st_size, 0
    for _ in range(MAX_BOXES):
        head = os.pread(fd, 16, at)
        if len(head) < 16:
            break
        length, inner = int.from_bytes(head[:4], "big"), 8
        if length == 1:
            length, inner = int.from_bytes(head[8:], "big"), 16
        if head[4:8] == b"moov":
            _need(inner <= length <= min(MAX_MOOV, size - at))
            return os.pread(fd, length - inner, at + inner)
        _need(length >= inner)
        at += length
    raise Unusual


def _measured(moov: bytes) -> Probe:
    """One picture, at most one sound beside it, nothing else; no fragments."""
    boxes = list(_boxes(moov, 0, len(moov)))
    _need(not any(name == b"mvex" for name, _, _ in boxes))
    movie_scale, _ = _timescale(moov, _only(boxes, b"mvhd"))
    tracks = dict(_track(moov, start, end) for name, start, end in boxes if name == b"trak")
    _need(sum(name == b"trak" for name, _, _ in boxes) == len(tracks))
    _need(tracks.keys() in ({b"vide"}, {b"vide", b"soun"}))
    picture = tracks[b"vide"]
    _need(_shown_whole(moov, picture, movie_scale))
    rate = Fraction(picture.scale * picture.frames, picture.lasts)
    _need(rate.numerator < EXACT and rate.denominator < EXACT and 1 <= rate <= MOST_FRAMES)
    seconds = round(float(Fraction(picture.lasts, picture.scale)), 6)
    width, height = _size(moov, *picture.kind_of_samples)
    return Probe(width, height, seconds, float(rate), audio=b"soun" in tracks)


class _Track(Struct, frozen=True):
    """A track whose tables are there and agree."""

    boxes: list[Box]
    scale: int  # ticks a second
    frames: int
    lasts: int  # ticks
    kind_of_samples: tuple[int, int]  # where the content of its stsd lies


def _track(moov: bytes, start: int, end: int) -> tuple[bytes, _Track]:
    """What kind of track it is, and the track."""
    boxes = list(_boxes(moov, start, end))
    media = list(_boxes(moov, *_only(boxes, b"mdia")))
    handler, _ = _only(media, b"hdlr")
    scale, told = _timescale(moov, _only(media, b"mdhd"))
    inside = list(_boxes(moov, *_only(media, b"minf")))
    table = list(_boxes(moov, *_only(inside, b"stbl")))
    frames, lasts = _times(moov, *_only(table, b"stts"))
    sizes, _ = _only(table, b"stsz")
    _need(struct.unpack_from(">I", moov, sizes + 8) == (frames,))
    _need(sum(name in (b"stco", b"co64") for name, _, _ in table) == 1)
    for name, at, _ in table:
        _need(name not in PLAIN or moov[at] == 0)
        _need(name not in FILLED or any(moov[at + 4 : at + 8]))
    _only(table, b"stsc")
    _need(0 < lasts <= told and scale > 0)
    kind = moov[handler + 8 : handler + 12]
    return kind, _Track(boxes, scale, frames, lasts, _only(table, b"stsd"))


def _times(moov: bytes, start: int, end: int) -> tuple[int, int]:
    """Frames, and how long all of them last."""
    (count,) = struct.unpack_from(">I", moov, start + 4)
    _need(start + 8 + 8 * count == end)
    runs = list(struct.iter_unpack(">II", moov[start + 8 : end]))
    _need(all(0 < run < EXACT and 0 < each < EXACT for run, each in runs))
    return sum(run for run, _ in runs), sum(run * each for run, each in runs)


def _shown_whole(moov: bytes, track: _Track, movie_scale: int) -> bool:
    """Whether no edit list cuts or slows anything: none, or one that shows all of it."""
    edits = [box for box in track.boxes if box[0] == b"edts"]
    if not edits:
        return True
    start, end = _only(list(_boxes(moov, *_only(edits, b"edts"))), b"elst")
    form = {0: ">IiI", 1: ">QqI"}.get(moov[start])
    if form is None or moov[start + 4 : start + 8] != b"\0\0\0\1":
        return False
    shown, since, speed = struct.unpack_from(form, moov, start + 8)
    whole = shown * track.scale >= track.lasts * movie_scale
    return end - start == 8 + struct.calcsize(form) and whole and since >= 0 and speed == 1 << 16


def _size(moov: bytes, start: int, end: int) -> tuple[int, int]:
    """Of H.264 whose container and stream agree; where they do not, the decoder decides."""
    _need(moov[start + 4 : start + 8] == b"\0\0\0\1")
    ((name, inner, after),) = _boxes(moov, start + 8, end)
    _need(name == b"avc1")
    told = struct.unpack_from(">HH", moov, inner + 24)
    at, _ = _only(list(_boxes(moov, inner + 78, after)), b"avcC")
    _need(moov[at] == 1 and moov[at + 5] & 31 == 1)
    (length,) = struct.unpack_from(">H", moov, at + 6)
    _need(length > 4 and at + 8 + length <= after)
    _need(picture_size(moov[at + 8 : at + 8 + length]) == told)
    return told


def _timescale(moov: bytes, box: tuple[int, int]) -> tuple[int, int]:
    """Ticks a second, and how many of them it lasts; of an mvhd or mdhd."""
    start, _ = box
    if moov[start] == 1:
        scale, lasts = struct.unpack_from(">IQ", moov, start + 20)
    else:
        scale, lasts = struct.unpack_from(">II", moov, start + 12)
    return scale, lasts


def _boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    while start < end:
        size, name = struct.unpack_from(">I4s", data, start)
        _need(8 <= size <= end - start)
        yield name, start + 8, start + size
        start += size


def _only(boxes: list[Box], wanted: bytes) -> tuple[int, int]:
    found = [(start, end) for name, start, end in boxes if name == wanted]
    _need(len(found) == 1)
    return found[0]


def _need(holds: bool) -> None:
    if not holds:
        raise Unusual
