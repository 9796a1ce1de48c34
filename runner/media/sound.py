"""The sound of a cut: two lanes that clips take in turns, one for the music, mixed in step.

A dissolve never joins more than two clips, so every even clip plays in one lane and every odd
one in the other. All lanes are cut into equal blocks of samples; nothing is held but a block.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from msgspec import Struct

from runner.errors import BadInput
from runner.media.reading import decoded, opened, seek
from runner.media.sniff import DEMUXERS, sniff
from runner.model import Soundtrack

RATE = 48_000  # samples a second
BLOCK = 1024  # samples: one AAC frame
FORMAT, LAYOUT = "fltp", "stereo"
MARGIN = Fraction(1, 2)  # seconds read before a start: decoders need a run-up


class Stretch(Struct, frozen=True):
    """Sound of one file on the timeline. Counts are in samples."""

    path: Path
    start: Fraction  # seconds into the file
    at: int
    samples: int
    fade_in: int = 0
    fade_out: int = 0
    gain_db: float = 0.0
    demuxer: str = "mp4"


def mixed(lanes: Sequence[Sequence[Stretch]], samples: int) -> Iterator[Any]:
    """Frames of the mix of all lanes: `samples` samples from the start of the film."""
    mixer = _mixer(len(lanes), samples)
    playing = [_lane(lane) for lane in lanes]
    for _ in range(0, samples, BLOCK):
        for index, lane in enumerate(playing):
            mixer.push(next(lane), index)
        yield from mixer.ready()
    for index in range(len(playing)):
        mixer.push(None, index)
    yield from mixer.ready()


def _lane(stretches: Sequence[Stretch]) -> Iterator[Any]:
    """Blocks of one lane without end: its stretches in their places, silence around them."""
    import av

    waiting, written, number = av.AudioFifo(), 0, 0
    for frame in _in_place(stretches):
        frame.pts = None
        frame.time_base = Fraction(1, RATE)
        waiting.write(frame)
        written += frame.samples
        while waiting.samples >= BLOCK:
            yield _numbered(waiting.read(BLOCK), number)
            number += BLOCK


def _numbered(block: Any, at: int) -> Any:
    block.pts, block.time_base = at, Fraction(1, RATE)
    return block


def _in_place(stretches: Sequence[Stretch]) -> Iterator[Any]:
    at = 0
    for stretch in stretches:
        while at < stretch.at:
            count = min(BLOCK, stretch.at - at)
            yield _silence(count)
            at += count
        yield from _played(stretch)
        at += stretch.samples
    while True:
        yield _silence(BLOCK)


def _silence(samples: int) -> Any:
    import av

    frame = av.AudioFrame(format=FORMAT, layout=LAYOUT, samples=samples)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.sample_rate = RATE
    return frame


def _played(stretch: Stretch) -> Iterator[Any]:
    """Exactly the samples of one stretch; a file that ends early goes on in silence."""
    with opened(stretch.path, stretch.demuxer) as container:
        stream = container.streams.audio[0]
        end = stretch.start + Fraction(stretch.samples, RATE) + MARGIN
        if stretch.start > MARGIN:
            seek(container, stream, stretch.start - MARGIN)
        graph: _Graph | None = None
        for frame in decoded(container, stream) if stream.codec_context else ():
            if graph is None:
                graph = _shaped(frame, stretch)
            late = frame.time is not None and frame.time > end
            if late or not graph.push(frame):
                break
            yield from graph.ready()
        if graph is None:
            graph = _shaped(_silence(BLOCK), stretch)
            graph.push(_numbered(_silence(BLOCK), int(stretch.start * RATE)))
        graph.push(None)
        yield from graph.ready()


def _shaped(first: Any, stretch: Stretch) -> "_Graph":
    """Filters that cut, resample, fade and pad one file's sound; built for its first frame."""
    start = f"{float(stretch.start):.6f}"
    count = stretch.samples
    # The resampler would play a single channel 3 dB lower on each of two.
    widened = [("pan", "stereo|c0=c0|c1=c0")] if first.layout.nb_channels == 1 else []
    chain = [
        ("atrim", f"start={start}"),
        ("asetpts", f"PTS-{start}/TB"),
        ("aresample", f"{RATE}:async=1:first_pts=0"),
        *widened,
        ("aformat", f"sample_fmts={FORMAT}:channel_layouts={LAYOUT}"),
        ("apad", f"whole_len={count}"),
        ("atrim", f"end_sample={count}"),
    ]
    if stretch.gain_db:
        chain.append(("volume", f"{stretch.gain_db:g}dB"))
    if stretch.fade_in:
        chain.append(("afade", f"t=in:ss=0:ns={stretch.fade_in}:curve=qsin"))
    if stretch.fade_out:
        chain.append(
            ("afade", f"t=out:ss={count - stretch.fade_out}:ns={stretch.fade_out}:curve=qsin")
        )
    graph = _Graph()
    graph.source(first.sample_rate, first.format.name, first.layout.name, first.time_base)
    return graph.through(chain)


def _mixer(lanes: int, samples: int) -> "_Graph":
    """Lanes are added at full level; a limiter that looks ahead keeps loud sums from clipping."""
    graph = _Graph()
    for _ in range(lanes):
        graph.source(RATE, FORMAT, LAYOUT, Fraction(1, RATE))
    return graph.through(
        [
            ("amix", f"inputs={lanes}:normalize=0:duration=longest:dropout_transition=0"),
            ("alimiter", "limit=0.98:level=0:latency=1"),
            ("aformat", f"sample_fmts={FORMAT}:channel_layouts={LAYOUT}"),
            ("atrim", f"end_sample={samples}"),
        ]
    )


class _Graph:
    """Sources that run into one chain of audio filters."""

    def __init__(self) -> None:
        import av

        self._graph = av.filter.Graph()
        self._sources: list[Any] = []
        self._sink: Any = None

    def source(self, rate: int, form: str, layout: str, tick: Fraction | None) -> None:
        self._sources.append(
            self._graph.add_abuffer(
                sample_rate=rate, format=form, layout=layout, time_base=tick or Fraction(1, rate)
            )
        )

    def through(self, chain: Sequence[tuple[str, str]]) -> "_Graph":
        last: list[Any] = self._sources
        for name, options in (*chain, ("abuffersink", "")):
            node = self._graph.add(name, options)
            for index, before in enumerate(last):
                before.link_to(node, 0, index)
            last = [node]
        self._graph.configure()
        self._sink = last[0]
        return self

    def push(self, frame: Any, index: int = 0) -> bool:
        """Hand a frame to one source (None: its end); False once the chain has had enough."""
        import av

        try:
            self._sources[index].push(frame)
        except av.EOFError:
            return False
        return True

    def ready(self) -> Iterator[Any]:
        """What has come out so far."""
        import av

        while True:
            try:
                yield self._sink.pull()
            except (av.BlockingIOError, av.EOFError):
                return


def music(path: Path, track: Soundtrack, samples: int) -> Stretch:
    """The music under a film of `samples` samples: it starts with the film and ends with it,
    or, fading, where the piece itself ends. Raises `BadInput` where there is no sound."""
    found = sniff(path)
    if found.seconds is None or not (found.kind == "audio" or found.audio):
        raise BadInput(f"{path}: {found.mime} without sound cannot be the cut's audio")
    length = min(samples, round(found.seconds * RATE))
    fade_in = min(length, round(track.fade_in * RATE))
    return Stretch(
        path,
        Fraction(0),
        at=0,
        samples=length,
        fade_in=fade_in,
        fade_out=min(length - fade_in, round(track.fade_out * RATE)),
        gain_db=float(track.gain_db),
        demuxer=DEMUXERS.get(found.mime, "mp4"),
    )
