"""Seedance: `duration` an integer, media in `content`, nested or merged."""

from collections.abc import Mapping
from typing import Any, cast

from runner.localgateway.ask import Ask, Medium, Role
from runner.localgateway.bodies.common import (
    has_sound,
    legal_seconds,
    nearest,
    prompt_of,
    seconds_of,
)
from runner.localgateway.fields import Fields, url_or_data, wrong_type, wrong_value
from runner.localgateway.models import SEEDANCE_SIZES, Model

# What a content item may be: type -> (kind, roles).
_CONTENT: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "image_url": ("image", ("reference_image", "first_frame", "last_frame")),
    "video_url": ("video", ("reference_video",)),
    "audio_url": ("audio", ("reference_audio",)),
}
FPS = 24
_MOST = {"image": 9, "video": 3, "audio": 3}


def check(fields: Fields, model: Model) -> Ask:
    prompt = prompt_of(fields)
    fields.merge_extra()
    seconds = _seedance_seconds(fields, model)
    media = _content(fields.array("content", 20))
    ratios = (*SEEDANCE_SIZES["720p"], "adaptive")
    ratio = fields.text("ratio", ratios) or fields.text("size", ratios) or "adaptive"
    tier = fields.text("resolution", tuple(model.sizes)) or model.default_size
    if "seedance-1-5" in model.name and fields.flag("draft"):
        tier = "480p"
    if ratio == "adaptive":
        ratio = nearest(SEEDANCE_SIZES[tier], media)
    pixels = SEEDANCE_SIZES[tier][ratio]
    sound = has_sound(model, fields.flag("generate_audio"))
    fields.flag("watermark")
    fields.flag("return_last_frame")
    fields.integer("execution_expires_after", 3600, 259_200)
    if "seedance-2" in model.name:
        fields.integer("priority", 0, 9)
        fields.drop({"tools"})
    else:
        fields.integer("seed", -1, 2**32 - 1)
        fields.flag("camera_fixed")
        fields.text("service_tier", ("default", "flex"))
        _only_frames(model, media)
    return Ask(model.name, "seedance", prompt, seconds, *pixels, sound, media, f"{tier} {ratio}")


def _seedance_seconds(fields: Fields, model: Model) -> int:
    frames = fields.integer("frames", 29, 289) if "seedance-1-0" in model.name else None
    seconds = _asked_seconds(fields, model)
    return seconds if frames is None else round(frames / FPS)  # frames win


def _asked_seconds(fields: Fields, model: Model) -> int:
    if "duration" not in fields:
        return seconds_of(fields, model)
    if "seconds" in fields:
        raise wrong_value("duration", fields.take("duration"), "Give seconds or duration.")
    value = fields.integer("duration", -1, 60)
    if value == -1:  # the vendor chooses
        return model.default_seconds
    return legal_seconds(model, "duration", value or 0)


def _content(items: list[Any]) -> tuple[Medium, ...]:
    media = [m for number, item in enumerate(items) if (m := _content_item(number, item))]
    for kind, most in _MOST.items():
        count = sum(m.kind == kind for m in media)
        if count > most:
            raise wrong_value("content", f"{count} {kind} items", f"At most {most} are allowed.")
    roles = [m.role for m in media]
    if roles.count("first_frame") > 1 or roles.count("last_frame") > 1:
        raise wrong_value("content", roles, "One first_frame and one last_frame at most.")
    if "reference" in roles and len(set(roles)) > 1:
        raise wrong_value("content", roles, "Frames and references exclude each other.")
    if "last_frame" in roles and "first_frame" not in roles:
        raise wrong_value("content", roles, "last_frame needs a first_frame.")
    if media and all(m.kind == "audio" for m in media):
        raise wrong_value("content", "audio only", "Audio needs an image or a video beside it.")
    return tuple(media)


def _content_item(number: int, item: object) -> Medium | None:
    where = f"content[{number}]"
    if not isinstance(item, dict):
        raise wrong_type(where, "an object", item)
    kind = item.get("type")
    if kind == "text":
        if set(item) != {"type", "text"} or not isinstance(item["text"], str):
            raise wrong_value(where, sorted(item), "A text item has type and text.")
        return None
    if not isinstance(kind, str) or kind not in _CONTENT:
        raise wrong_value(f"{where}.type", kind, "image_url, video_url, audio_url or text.")
    media, roles = _CONTENT[kind]
    if set(item) - {"type", "role", kind}:
        raise wrong_value(where, sorted(item), f"Only type, role and {kind} are known.")
    place = item.get(kind)
    if not isinstance(place, dict) or set(place) != {"url"}:
        raise wrong_value(f"{where}.{kind}", place, "Give an object with url.")
    role = item.get("role", "first_frame" if kind == "image_url" else None)
    if role not in roles:
        raise wrong_value(f"{where}.role", role, f"Roles of {kind}: {', '.join(roles)}.")
    frame = role in ("first_frame", "last_frame")
    ours: Role = cast("Role", role) if frame else "reference"
    return url_or_data(f"{where}.{kind}.url", ours, media, place["url"])


def _only_frames(model: Model, media: tuple[Medium, ...]) -> None:
    if any(m.role == "reference" for m in media):
        raise wrong_value("content", "reference", f"{model.name} takes no references.")
