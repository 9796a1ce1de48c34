"""Alibaba Wan: flat body, pixels for size, one image as a plain string.

From wan2.7 on, image-to-video is passed through to the vendor as it is, so those models want the
vendor's own body (`input`, `parameters`) instead of the flat one.
"""

from runner.model import Body, Expected, ModelFacts, Request
from runner.vendors import base

NAME = "wan"
FIELDS = (
    frozenset({"seconds", "audio", "seed", "negative_prompt", "watermark", "options"})
    | {"first_frame", "last_frame"}
    | base.FRAMING
)
GATEWAY_DEFAULT = "1280x720"
marker = base.no_marker


def shape(request: Request, facts: ModelFacts) -> Body:
    base.refuse_strangers(request, NAME, FIELDS)
    base.refuse_silence(request, facts)
    return _native(request) if "native_body" in facts.capabilities else _flat(request, facts)


def expected(request: Request, facts: ModelFacts) -> Expected:
    framed = request.medium("first_frame") is None
    sound = request.options.get("audio", base.native_sound(request, facts))
    return base.expected(request, facts, audio=sound, framed=framed)


def _flat(request: Request, facts: ModelFacts) -> Body:
    base.refuse_strangers(request, NAME, FIELDS - {"last_frame"})
    body = base.opening(request)
    if size := base.size(request, facts) or _size_it_needs(facts):
        body["size"] = size
    if first := request.medium("first_frame"):
        body["input_reference"] = base.attach(first)
    body |= base.pick(request, "negative_prompt", "watermark", "seed")
    return base.close(base.join(request, body, request.options), {}, request.extra_body)


def _size_it_needs(facts: ModelFacts) -> str | None:
    """The gateway fills in 1280x720, which wan2.2 does not make: there the size must be said."""
    makes = {row.native for row in facts.sizes}
    return facts.default_size if makes and GATEWAY_DEFAULT not in makes else None


def _native(request: Request) -> Body:
    base.refuse_strangers(request, NAME, FIELDS - {"size"})
    given: Body = {"prompt": request.prompt, **base.pick(request, "negative_prompt")}
    frames = [m for m in request.media if m.role in ("first_frame", "last_frame")]
    if frames:
        given["media"] = [{"type": m.role, "url": base.attach(m)} for m in frames]
    parameters: Body = {}
    if request.resolution is not None:
        parameters["resolution"] = request.resolution.upper()
    if request.seconds is not None:
        parameters["duration"] = base.whole(request, request.seconds)
    # No ratio: the picture decides it, and a rule says so.
    parameters |= base.pick(request, "watermark", "seed")
    parameters = base.join(request, parameters, request.options)
    body: Body = {"model": request.model, "input": given, "parameters": parameters}
    return base.close(body, {}, request.extra_body)
