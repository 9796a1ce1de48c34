"""What adapters have in common, as plain functions each may borrow.

Nothing here knows a vendor. An adapter either finds a place for everything that was asked or
raises `BadInput`: a field that is quietly dropped is a shot the user did not ask for and pays for.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from runner.errors import BadInput
from runner.model import JSON, Attach, Body, Expected, FrameSize, Medium, ModelFacts, Request

SCALARS = (
    "negative_prompt",
    "seconds",
    "size",
    "resolution",
    "aspect_ratio",
    "audio",
    "watermark",
    "seed",
)
MEDIA = ("first_frame", "last_frame", "base_video")
NEUTRAL = frozenset({*SCALARS, *MEDIA, "references", "options"})
FRAMING = frozenset({"size", "resolution", "aspect_ratio"})


def asked(request: Request) -> dict[str, Any]:
    """The neutral fields that are set, by name; `prompt` and `extra_body` have a place anywhere."""
    fields: dict[str, Any] = {name: getattr(request, name) for name in SCALARS}
    fields |= {medium.role: medium for medium in request.media if medium.role != "reference"}
    fields["references"] = request.references or None
    fields["options"] = request.options or None
    return {name: value for name, value in fields.items() if value is not None}


def refuse_strangers(request: Request, vendor: str, places: Collection[str]) -> None:
    """Raise `BadInput` for the first field that is asked for and has no place."""
    for name, value in asked(request).items():
        if name not in places:
            raise BadInput(
                f"{request.model}: {vendor} has no place for {name}{_shown(value)}",
                do=f"remove {name}, or choose another model",
            )


def refuse_silence(request: Request, facts: ModelFacts) -> None:
    """Raise `BadInput` when silence is asked of a model that cannot be silenced."""
    if request.audio is False and facts.audio in ("always", "prompt"):
        raise BadInput(
            f"{request.model}: audio false cannot be had, this model always makes sound",
            do="remove audio, and mute the clip in the cut",
        )


def opening(request: Request) -> Body:
    """How every body begins; `seconds` is text for every vendor but Seedance (seed)."""
    body: Body = {"model": request.model, "prompt": request.prompt}
    if request.seconds is not None:
        body["seconds"] = str(request.seconds).removesuffix(".0")
    return body


def frame(request: Request, facts: ModelFacts) -> FrameSize | None:
    """The row of the model's size table that is asked for.

    A half that is left out (only `resolution`, only `aspect_ratio`) is the one the model's own
    default has, or the only one that fits, standing or lying as the default does. None when
    nothing was asked, or the table has no such row, or several.
    """
    if request.size is not None:
        return row_of(request.size, facts)
    if request.resolution is None and request.aspect_ratio is None:
        return None
    wishes = (request.resolution, request.aspect_ratio)
    fitting = [
        row
        for row in facts.sizes
        if wishes[0] in (None, row.resolution) and wishes[1] in (None, row.aspect_ratio)
    ]
    usual = tuple(wish or home for wish, home in zip(wishes, defaults(facts), strict=True))
    exact = (row for row in fitting if (row.resolution, row.aspect_ratio) == usual)
    return next(exact, None) or _only_one(fitting, facts)


def size(request: Request, facts: ModelFacts) -> str | None:
    """What to write where the vendor takes one size word; an explicit `size` goes as it is.

    None when nothing was asked. Raises `BadInput` when the model has no such size.
    """
    if request.size is not None:
        return request.size
    if request.resolution is None and request.aspect_ratio is None:
        return None
    row = frame(request, facts)
    if row is None:
        raise _no_row(request, facts)
    return row.native


def defaults(facts: ModelFacts) -> tuple[str | None, str | None]:
    """(resolution, aspect ratio) the model uses where only the other one is asked for."""
    row = row_of(facts.default_size, facts) if facts.default_size else None
    if row is not None:
        return row.resolution, row.aspect_ratio
    return facts.default_resolution, facts.default_aspect_ratio or "16:9"


def row_of(size: str, facts: ModelFacts) -> FrameSize | None:
    """The row of the size table that an explicit size means: by its name, else by its pixels."""
    named = (row for row in facts.sizes if row.native == size)
    measured = (row for row in facts.sizes if f"{row.width}x{row.height}" == size)
    return next(named, None) or next(measured, None)


def _only_one(rows: Sequence[FrameSize], facts: ModelFacts) -> FrameSize | None:
    """The row, if all are the same frame, or if only one stands upright as the default does."""
    frames = {(row.resolution, row.aspect_ratio): row for row in reversed(rows)}
    usual = row_of(facts.default_size, facts) if facts.default_size else None
    if len(frames) > 1 and usual is not None:
        upright = usual.height > usual.width
        frames = {key: row for key, row in frames.items() if (row.height > row.width) == upright}
    return next(iter(frames.values())) if len(frames) == 1 else None


def whole(request: Request, seconds: float) -> int:
    """Seconds as the integer a vendor wants. Raises `BadInput` for a fraction."""
    if seconds != int(seconds):
        raise BadInput(
            f"{request.model}: seconds {seconds:g} is not a whole number", do="write whole seconds"
        )
    return int(seconds)


def pick(request: Request, *names: str) -> Body:
    """Those of the named scalar fields that are set, under their neutral names."""
    values = ((name, getattr(request, name)) for name in names)
    return {name: value for name, value in values if value is not None}


def attach(medium: Medium) -> Attach:
    """A place that takes a URL or a data URL."""
    return Attach(medium, "data_url")


def join(request: Request, under: Mapping[str, JSON], over: Mapping[str, JSON]) -> Body:
    """Both, where they do not contradict. Raises `BadInput` where they do."""
    for key in under.keys() & over.keys():
        if under[key] != over[key]:
            raise BadInput(
                f"{request.model}: options.{key} is {over[key]!r},"
                f" but the shot's own fields make it {under[key]!r}",
                do=f"write one of the two; options.{key} is the vendor's own name for it",
            )
    return {**under, **over}


def close(body: Body, extra: Mapping[str, JSON], own: Mapping[str, JSON]) -> Body:
    """Add `extra_body`: what the adapter puts there, and over it what the user wrote."""
    merged = overlay(extra, own)
    return {**body, "extra_body": merged} if merged else body


def overlay(under: Mapping[str, JSON], over: Mapping[str, JSON]) -> Body:
    """Mappings merge, everything else is replaced: the cascade's rule."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            value = overlay(below, value)
        merged[key] = value
    return merged


def no_marker(kind: str, index: int, facts: ModelFacts) -> None:
    """For vendors whose prompts cannot point at a reference."""
    return


def expected(
    request: Request, facts: ModelFacts, *, audio: bool | None = None, framed: bool = True
) -> Expected:
    """What should come back. A size nobody asked for, or one an input decides, is not known."""
    row = frame(request, facts) if framed else None
    width, height = (row.width or None, row.height or None) if row else (None, None)
    if framed and row is None and request.size is not None:
        width, height = pixels(request.size)
    seconds = facts.default_seconds if request.seconds is None else request.seconds
    return Expected(width, height, None if seconds is None else float(seconds), audio)


def pixels(size: str) -> tuple[int | None, int | None]:
    """(width, height) of "1280x720"; nothing of a word or a ratio."""
    width, _, height = size.replace("*", "x").partition("x")
    if width.isdecimal() and height.isdecimal():
        return int(width), int(height)
    return None, None


def native_sound(request: Request, facts: ModelFacts) -> bool | None:
    """Whether the file will have sound where the model, not the shot, decides."""
    if facts.audio == "prompt":
        return request.audio
    return {"always": True, "never": False}.get(facts.audio)


def _no_row(request: Request, facts: ModelFacts) -> BadInput:
    wish = " ".join(filter(None, (request.resolution, request.aspect_ratio)))
    rows = dict.fromkeys(f"{row.resolution} {row.aspect_ratio}" for row in facts.sizes)
    legal = ", ".join(rows)
    return BadInput(
        f"{request.model}: does not make {wish}",
        do=f"it makes {legal}" if legal else "its sizes are not known here; write `size`",
    )


def _shown(value: object) -> str:
    return f" {value!r}" if isinstance(value, str | int | float) else ""
