"""Kling: one model name, four native endpoints; the gateway picks one by the form of the input.

    nothing               text to video
    image, image_tail     image to video, with an end frame
    image_list            up to four pictures (kling-v1-6), or what an omni prompt points at
    video_list            omni: a video to follow (`feature`) or to edit (`base`)

The gateway has names of its own for the fields above and `aspect_ratio`, `sound`, `cfg_scale`
(seed); every other parameter of the vendor goes through `extra_body`, where `mode` stands for
resolution.
"""

from msgspec.structs import replace

from runner.errors import BadInput
from runner.model import Attach, Body, Expected, Kind, Medium, ModelFacts, Request
from runner.vendors import base

NAME = "kling"
FIELDS = base.NEUTRAL - {"size", "seed"}
MODES = {"720p": "std", "1080p": "pro", "4k": "4k"}
TOP_LEVEL = frozenset({"cfg_scale"})  # options the gateway knows by name


def shape(request: Request, facts: ModelFacts) -> Body:
    base.refuse_strangers(request, NAME, FIELDS)
    own = {key: value for key, value in request.options.items() if key in TOP_LEVEL}
    passed = {key: value for key, value in request.options.items() if key not in TOP_LEVEL}
    body = base.opening(request) | base.pick(request, "aspect_ratio")
    if request.audio is not None and facts.audio != "never":
        body["sound"] = "on" if request.audio else "off"
    body |= _media(request)
    native = base.join(request, _native(request, facts), passed)
    return base.close(body | own, native, request.extra_body)


def marker(kind: Kind, index: int, facts: ModelFacts) -> str | None:
    """Omni prompts point at list items; multi-image ones cannot (vendor)."""
    return f"<<<{kind}_{index}>>>" if _is_omni(facts) and kind != "audio" else None


def expected(request: Request, facts: ModelFacts) -> Expected:
    """Image to video keeps the image's ratio; an edited video keeps its own length."""
    edits = request.medium("base_video") is not None
    framed = not edits and not request.medium("first_frame") and not request.medium("last_frame")
    audio = request.audio is True if facts.audio == "switch" else base.native_sound(request, facts)
    request = replace(request, resolution=request.resolution or _resolution(request, facts))
    known = base.expected(request, facts, audio=None if edits else audio, framed=framed)
    return Expected(known.width, known.height, None if edits else known.seconds, known.audio)


def _resolution(request: Request, facts: ModelFacts) -> str | None:
    """What `options.mode` makes of this model; kling-v1 gives 720p in either mode."""
    wish = next((made for made, mode in MODES.items() if mode == request.options.get("mode")), None)
    return wish if any(row.resolution == wish for row in facts.sizes) else None


def _native(request: Request, facts: ModelFacts) -> Body:
    native: Body = {}
    if mode := _mode(request, facts):
        native["mode"] = mode
    native |= base.pick(request, "negative_prompt")
    if request.watermark is not None:
        native["watermark_info"] = {"enabled": request.watermark}
    return native


def _mode(request: Request, facts: ModelFacts) -> str | None:
    """`mode` is how Kling says resolution; the masters have none and make one resolution."""
    if request.resolution is None or "mode" in request.options:
        return None
    made = dict.fromkeys(row.resolution for row in facts.sizes)
    if request.resolution not in (made or MODES):
        raise BadInput(
            f"{request.model}: does not make {request.resolution}",
            do=f"it makes {', '.join(made or MODES)}",
        )
    return MODES[request.resolution] if "mode" in facts.capabilities else None


def _media(request: Request) -> Body:
    body: Body = {}
    if first := request.medium("first_frame"):
        body["image"] = Attach(first, "base64")
    if last := request.medium("last_frame"):
        body["image_tail"] = Attach(last, "base64")
    if images := [m for m in request.references if m.kind == "image"]:
        body["image_list"] = [Attach(m, "url") for m in images]
    if videos := [_video(m, "feature") for m in request.references if m.kind == "video"]:
        body["video_list"] = videos
    if edited := request.medium("base_video"):
        body["video_list"] = [_video(edited, "base"), *body.get("video_list", [])]
    for medium in request.references:
        if medium.kind == "audio":
            raise BadInput(f"{request.model}: Kling takes no audio reference", do="remove it")
    return body


def _video(medium: Medium, purpose: str) -> Body:
    return {"video_url": Attach(medium, "url"), "refer_type": purpose}


def _is_omni(facts: ModelFacts) -> bool:
    return "omni" in facts.family
