"""The cut: several films, trimmed and dissolved into one, with their sound and a soundtrack.

Everything is counted in output frames and samples before the first one is decoded; then frames
are pulled through one at a time, so a cut of any length needs the memory of a few frames. The
same inputs give the same bytes: fixed threads, bit-exact conversion and muxing, no timestamps,
and none of x264's macroblock tree, which gives another first frame three times in a hundred.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import Struct

from runner.errors import BadInput, Outside
from runner.media import sound
from runner.media.canvas import blend, matrix_for, onto_canvas
from runner.media.probe import probe
from runner.media.reading import decoded, opened, picture, seek, start_of, time_of
from runner.media.timing import lasting, rate_of, spans
from runner.model import Clip, Soundtrack

THREADS = "4"  # x264 gives the same bytes on any machine for one number of threads
VIDEO = {
    "preset": "medium", "crf": "18", "threads": THREADS, "mbtree": "0", "flags": "+bitexact",
}  # fmt: skip
TAGS = {"bt709": (1, 1, 1), "bt601": (6, 6, 6)}  # matrix, primaries, transfer (H.273)
AUDIO = {"flags": "+bitexact"}
MUXER = {"movflags": "+faststart", "fflags": "+bitexact"}


class Part(Struct, frozen=True):
    """One clip in its place. Counts are in output frames; `overlap` is its dissolve."""

    path: Path
    start: Fraction  # seconds into the file
    frames: int
    overlap: int
    audio: bool


def assemble(
    clips: Sequence[tuple[Path, Clip]],
    soundtrack: tuple[Path, Soundtrack] | None,
    dest: Path,
    *,
    size: tuple[int, int] | None = None,
    fps: Fraction | None = None,
) -> None:
    """Write the cut of `clips` to `dest` as H.264 and AAC in an MP4.

    Pixels and rate are those of the first clip where they are not given; smaller or otherwise
    shaped clips get black bars. Raises `BadInput` with the clip's place where a trim or a
    dissolve does not fit, `Outside` where a file cannot be read.
    """
    if not clips:
        raise BadInput("a cut needs at least one clip")
    first = probe(clips[0][0])
    width, height = size or (first.width + first.width % 2, first.height + first.height % 2)
    rate = fps or rate_of(first.fps)
    parts = fitted(clips, rate)
    lanes = _lanes(parts, soundtrack, rate)
    frames = _timeline(parts, width, height, rate)
    count = sum(part.frames - part.overlap for part in parts)
    _write(dest, frames, lanes, (width, height), rate, count)


def fitted(clips: Sequence[tuple[Path, Clip]], rate: Fraction) -> tuple[Part, ...]:
    """The clips counted in frames, or `BadInput` with every trim and dissolve that cannot be."""
    found = [probe(path) for path, _ in clips]
    counted = spans(
        [
            (lasting(each.seconds, each.fps), clip)
            for each, (_, clip) in zip(found, clips, strict=True)
        ],
        rate,
    )
    return tuple(
        Part(path, span.start, span.frames, span.overlap, each.audio)
        for (path, _), span, each in zip(clips, counted, found, strict=True)
    )


# ── picture ─────────────────────────────────────────────────────────────────────────────────


def _timeline(parts: Sequence[Part], width: int, height: int, rate: Fraction) -> Iterator[Any]:
    """Every frame of the film, in order: solo, or a blend while two clips overlap."""
    before: Iterator[Any] = iter(())
    after = [part.overlap for part in parts[1:]] + [0]
    for part, tail in zip(parts, after, strict=True):
        stream = _frames(part, width, height, rate)
        for number in range(part.overlap):
            weight = (number + 1) / (part.overlap + 1)
            yield blend(next(before), next(stream), weight)
        yield from islice(stream, part.frames - part.overlap - tail)
        before = stream


def _frames(part: Part, width: int, height: int, rate: Fraction) -> Iterator[Any]:
    """`part.frames` frames at the film's rate, on the canvas: at each tick the frame that a
    player would show then; the last one stays where the file ends early."""
    fit = onto_canvas(width, height)
    with opened(part.path) as container:
        stream = picture(container, part.path)
        origin = start_of(stream) + part.start
        seek(container, stream, origin)
        coming = decoded(container, stream)
        shown, following = next(coming, None), next(coming, None)
        if shown is None:
            raise Outside(f"{part.path}: not one frame of it can be decoded")
        canvas = None
        for number in range(part.frames):
            now = origin + (number + Fraction(1, 2)) / rate
            while following is not None and time_of(following) <= now:
                shown, following, canvas = following, next(coming, None), None
            canvas = canvas or fit(shown)
            yield canvas


# ── sound ───────────────────────────────────────────────────────────────────────────────────


def _lanes(
    parts: Sequence[Part], soundtrack: tuple[Path, Soundtrack] | None, rate: Fraction
) -> tuple[tuple[sound.Stretch, ...], ...]:
    """Even clips, odd clips, music; only lanes with something in them."""
    lanes: tuple[list[sound.Stretch], ...] = ([], [], [])
    at = 0  # output frames
    after = [part.overlap for part in parts[1:]] + [0]
    for index, (part, tail) in enumerate(zip(parts, after, strict=True)):
        at -= part.overlap
        end = at + part.frames
        if part.audio:
            lanes[index % 2].append(
                sound.Stretch(
                    part.path,
                    part.start,
                    at=_samples(at, rate),
                    samples=_samples(end, rate) - _samples(at, rate),
                    fade_in=_samples(part.overlap, rate),
                    fade_out=_samples(tail, rate),
                )
            )
        at = end
    if soundtrack:
        lanes[2].append(sound.music(*soundtrack, _samples(at, rate)))
    return tuple(tuple(lane) for lane in lanes if lane)


def _samples(frames: int, rate: Fraction) -> int:
    return round(frames * sound.RATE / rate)


# ── the file ────────────────────────────────────────────────────────────────────────────────


def _write(
    dest: Path,
    frames: Iterator[Any],
    lanes: Sequence[Sequence[sound.Stretch]],
    size: tuple[int, int],
    rate: Fraction,
    count: int,
) -> None:
    import av

    try:
        with av.open(f"file:{dest.resolve()}", "w", format="mp4", options=MUXER) as out:
            video = _video_stream(out, size, rate)
            audio: Any = _audio_stream(out) if lanes else None
            blocks = sound.mixed(lanes, _samples(count, rate)) if lanes else iter(())
            heard = 0
            for number, frame in enumerate(frames):
                frame.pts, frame.time_base = number, 1 / rate
                frame.pict_type = 0  # what it was in its own film says nothing here
                out.mux(video.encode(frame))
                while heard < _samples(number + 1, rate) and (block := next(blocks, None)):
                    heard += block.samples
                    out.mux(audio.encode(block))
            for stream in (video, audio):
                if stream is not None:
                    out.mux(stream.encode(None))
    except av.FFmpegError as error:
        raise Outside(f"{dest}: {error}") from error


def _video_stream(out: Any, size: tuple[int, int], rate: Fraction) -> Any:
    stream = out.add_stream("libx264", rate=rate, options=VIDEO)
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = 1 / rate
    context.gop_size = max(1, round(2 * rate))  # a key frame every two seconds: seeks stay quick
    context.colorspace, context.color_primaries, context.color_trc = TAGS[matrix_for(size[1])]
    return stream


def _audio_stream(out: Any) -> Any:
    stream = out.add_stream("aac", rate=sound.RATE, layout=sound.LAYOUT, options=AUDIO)
    stream.bit_rate = 192_000
    return stream
