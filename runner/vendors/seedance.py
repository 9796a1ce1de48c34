"""ByteDance Doubao Seedance: everything but model and prompt inside `extra_body`.

`duration` is an integer there (seed), -1 lets the model choose. The prompt points at references as
"Image 1", "Video 1", "Audio 1", counted by kind in the order given (seed).
"""

from runner.model import Attach, Body, Expected, Kind, Medium, ModelFacts, Request
from runner.vendors import base

NAME = "seedance"
FIELDS = frozenset(
    {
        "seconds",
        "resolution",
        "aspect_ratio",
        "audio",
        "watermark",
        "seed",
        "first_frame",
        "last_frame",
        "references",
        "options",
    }
)
FPS = 24
ADAPTIVE = "adaptive"  # a ratio of its own: the model follows its inputs


def shape(request: Request, facts: ModelFacts) -> Body:
    base.refuse_strangers(request, NAME, FIELDS)
    native = base.join(request, _fields(request, facts), request.options)
    body: Body = {"model": request.model, "prompt": request.prompt}
    return base.close(body, native, request.extra_body)


def marker(kind: Kind, index: int, facts: ModelFacts) -> str | None:
    return f"{kind.capitalize()} {index}"


def expected(request: Request, facts: ModelFacts) -> Expected:
    """A draft is 480p whatever was asked; `frames` win over seconds (vendor)."""
    framed = request.aspect_ratio not in (None, ADAPTIVE) and not request.options.get("draft")
    audio = base.native_sound(request, facts)
    if facts.audio == "switch":
        audio = request.audio is not False  # on unless switched off (seed)
    known = base.expected(request, facts, audio=audio, framed=framed)
    seconds = known.seconds
    if frames := request.options.get("frames"):
        seconds = frames / FPS
    chosen_by_model = seconds is not None and seconds < 0
    return Expected(known.width, known.height, None if chosen_by_model else seconds, audio)


def _fields(request: Request, facts: ModelFacts) -> Body:
    native: Body = {}
    if request.media:
        native["content"] = [_content(medium) for medium in request.media]
    native |= base.pick(request, "resolution")
    if request.aspect_ratio is not None:
        native["ratio"] = request.aspect_ratio
    if request.seconds is not None:
        native["duration"] = base.whole(request, request.seconds)
    if request.audio is not None and facts.audio == "switch":
        native["generate_audio"] = request.audio
    return native | base.pick(request, "watermark", "seed")


def _content(medium: Medium) -> Body:
    key = f"{medium.kind}_url"
    role = f"reference_{medium.kind}" if medium.role == "reference" else medium.role
    return {"type": key, key: {"url": _place(medium)}, "role": role}


def _place(medium: Medium) -> Attach:
    """Video and audio are taken by URL only (vendor)."""
    return Attach(medium, "data_url" if medium.kind == "image" else "url")
