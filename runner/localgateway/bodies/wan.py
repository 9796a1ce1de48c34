"""Wan: flat fields; wan2.7 also takes its vendor's own nested body."""

from typing import Any

from runner.localgateway.ask import Ask, Medium
from runner.localgateway.bodies.common import (
    has_sound,
    prompt_of,
    seconds_of,
    single_image,
    size_of,
)
from runner.localgateway.fields import Fields, url_or_data, wrong_value
from runner.localgateway.models import Model

_NATIVE = {
    ("720P", "16:9"): "1280x720", ("720P", "9:16"): "720x1280", ("720P", "1:1"): "960x960",
    ("720P", "4:3"): "1088x832", ("720P", "3:4"): "832x1088",
    ("1080P", "16:9"): "1920x1080", ("1080P", "9:16"): "1080x1920", ("1080P", "1:1"): "1440x1440",
    ("1080P", "4:3"): "1632x1248", ("1080P", "3:4"): "1248x1632",
}  # fmt: skip


def check(fields: Fields, model: Model) -> Ask:
    if "input" in fields and model.name.startswith("wan2.7"):
        return _native(fields, model)
    prompt = prompt_of(fields)
    fields.merge_extra()
    seconds = seconds_of(fields, model)
    size, pixels = size_of(fields, model)
    media = single_image(fields, model)
    fields.text("negative_prompt")
    extends = fields.flag("prompt_extend")
    if fields.text("shot_type", ("single", "multi")) == "multi" and extends is False:
        raise wrong_value("shot_type", "multi", "It needs prompt_extend.")
    fields.flag("watermark")
    fields.integer("seed", 0, 2**31 - 1)
    if model.sound != "never":
        fields.flag("audio")
        if "audio_url" in fields:
            heard = url_or_data("audio_url", "reference", "audio", fields.take("audio_url"))
            media = (*media, heard)
    return Ask(model.name, "wan", prompt, seconds, *pixels, has_sound(model, None), media, size)


def _native(fields: Fields, model: Model) -> Ask:
    """The vendor's own body: `input` for what is shown, `parameters` for how."""
    shown, how = fields.nested("input"), fields.nested("parameters")
    prompt = prompt_of(shown)
    media = _media(shown.array("media", 2))
    if model.needs_image and not media:
        raise wrong_value("input.media", [], f"{model.name} needs an image.")
    shown.text("negative_prompt")
    shown.finish()
    tier = how.text("resolution", ("720P", "1080P")) or "1080P"
    ratio = how.text("ratio", ("16:9", "9:16", "1:1", "4:3", "3:4")) or "16:9"
    seconds = how.integer("duration", model.seconds[0], model.seconds[-1]) or 5
    how.flag("prompt_extend")
    how.flag("audio")
    how.flag("watermark")
    how.integer("seed", 0, 2**31 - 1)
    how.finish()
    size = _NATIVE[tier, ratio]
    return Ask(model.name, "wan", prompt, seconds, *model.sizes[size], True, media, size)


def _media(items: list[Any]) -> tuple[Medium, ...]:
    media = []
    for number, item in enumerate(items):
        where = f"input.media[{number}]"
        if not isinstance(item, dict) or set(item) != {"type", "url"}:
            raise wrong_value(where, item, "Give an object with type and url.")
        if item["type"] not in ("first_frame", "last_frame"):
            raise wrong_value(f"{where}.type", item["type"], "first_frame or last_frame.")
        media.append(url_or_data(f"{where}.url", item["type"], "image", item["url"]))
    return tuple(media)
