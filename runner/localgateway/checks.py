"""What a body must look like, vendor by vendor: as strict as the gateway's page.

Types are part of the contract: `seconds` is a string, Seedance's `duration` an integer, Kling's
local image raw base64. Nothing is snapped to a near value; what is not known is refused.
"""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, cast

from PIL import Image, UnidentifiedImageError

from runner.localgateway.ask import Ask, Medium, Refusal, Role
from runner.localgateway.fields import (
    Fields,
    input_reference,
    is_url,
    url_or_base64,
    url_or_data,
    wrong_type,
    wrong_value,
)
from runner.localgateway.models import KLING_SIZES, SEEDANCE_SIZES, Model, Size, find

LONGEST_PROMPT = 32_000


def check(body: object, *, form: bool = False, strangers: bool = False) -> tuple[Ask, Model]:
    """The ask in a decoded body. `form`: it came as multipart. Raises Refusal.

    `strangers` lets models of unknown vendors in, checked for the common fields only.
    """
    if not isinstance(body, dict):
        raise wrong_type("body", "an object", body)
    fields = Fields(body, form=form)
    name = fields.text("model", needed=True) or ""
    model = find(name)
    if model is None and not strangers:
        raise Refusal(
            404, f"The model '{name}' does not exist.", param="model", code="model_not_found"
        )
    native = model is not None and model.name.startswith("wan2.7") and "input" in fields
    if native:  # this model takes its vendor's own body, as it is
        fields = Fields(flat_wan(body))
        fields.take("model")
    prompt = fields.text("prompt", longest=LONGEST_PROMPT, needed=True) or ""
    if not prompt.strip():
        raise Refusal(400, "'prompt' is empty.", param="prompt", code="prompt_missing")
    if model is None:
        return _stranger(fields, name, prompt)
    ask = _VENDORS[model.vendor](fields, model, prompt)
    fields.finish()
    return ask, model


def _seconds(fields: Fields, model: Model, *, duration: bool = True) -> int:
    """`seconds` as a string, or its synonym `duration`, as a string or an integer."""
    if "seconds" in fields and "duration" in fields:
        raise wrong_value("duration", fields.take("duration"), "Give seconds or duration.")
    if duration and "duration" in fields:
        value = fields.take("duration")
        if type(value) not in (str, int):
            raise wrong_type("duration", "a string or an integer", value)
        return _legal_seconds(model, "duration", value)
    text = fields.text("seconds")
    return model.default_seconds if text is None else _legal_seconds(model, "seconds", text)


def _legal_seconds(model: Model, name: str, value: str | int) -> int:
    legal = model.seconds if model.known else tuple(range(1, 61))
    if str(value) not in map(str, legal):
        choices = ", ".join(f"'{n}'" for n in legal)
        raise wrong_value(name, value, f"Supported values for {model.name}: {choices}.")
    return int(value)


def _size(fields: Fields, model: Model) -> tuple[str, Size]:
    asked = fields.text("size")
    name = model.default_size if asked is None else asked.replace("*", "x")
    size = model.sizes.get(name) or (None if model.known else _free_size(name))
    if size is None:
        raise Refusal(
            400,
            f"Invalid value for 'size': {name!r}. "
            f"Supported values for {model.name}: {', '.join(model.sizes)}.",
            param="size",
            code="size_not_supported",
        )
    return asked or name, size


def _free_size(name: str) -> Size | None:
    """Any even WxH up to 4k, for models whose sizes are not known."""
    wide, _, high = name.partition("x")
    if not (name.isascii() and wide.isdigit() and high.isdigit() and len(name) <= 9):
        return None
    size = int(wide), int(high)
    even = not (size[0] % 2 or size[1] % 2)
    return size if even and min(size) >= 64 and max(size) <= 4398 else None


def _single_image(fields: Fields, model: Model) -> tuple[Medium, ...]:
    if "input_reference" not in fields:
        if model.needs_image:
            raise Refusal(
                400,
                f"{model.name} needs an image in 'input_reference'.",
                param="input_reference",
                code="input_reference_missing",
            )
        return ()
    if not model.first_frame:
        raise wrong_value("input_reference", "an image", f"{model.name} takes no image.")
    return (input_reference(fields.take("input_reference")),)


def _has_sound(model: Model, asked: bool | None) -> bool:
    if model.sound in ("always", "never"):
        return model.sound == "always"
    return model.sound == "default_on" if asked is None else asked


# ── vendors ─────────────────────────────────────────────────────────────────────────────────


def _sora(fields: Fields, model: Model, prompt: str) -> Ask:
    seconds = _seconds(fields, model, duration=False)
    size, pixels = _size(fields, model)
    media = _single_image(fields, model)
    return Ask(model.name, "sora", prompt, seconds, *pixels, True, media, size)


def _veo(fields: Fields, model: Model, prompt: str) -> Ask:
    fields.merge_extra()
    seconds = _seconds(fields, model)
    size, pixels = _size(fields, model)
    media = _single_image(fields, model)
    if media and seconds != 8:
        raise wrong_value("seconds", str(seconds), "With input_reference it must be '8'.")
    # Accepted, and without effect beside a token: portrait needs a pixel size (observed).
    fields.text("aspect_ratio", ("16:9", "9:16"))
    sound = _has_sound(model, fields.flag("generate_audio"))
    fields.integer("seed", 0, 2**32 - 1)
    fields.text("negative_prompt")
    return Ask(model.name, "veo", prompt, seconds, *pixels, sound, media, size)


def _wan(fields: Fields, model: Model, prompt: str) -> Ask:
    fields.merge_extra()
    seconds = _seconds(fields, model)
    size, pixels = _size(fields, model)
    nested = fields.take("_media")
    media = _wan_media(nested) if nested else _single_image(fields, model)
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
    return Ask(model.name, "wan", prompt, seconds, *pixels, _has_sound(model, None), media, size)


def flat_wan(body: dict[str, Any]) -> dict[str, Any]:
    """The vendor's nested body (`input`, `parameters`) as the flat one the page describes."""
    given, wishes = body["input"], body.get("parameters", {})
    for name, part in (("input", given), ("parameters", wishes)):
        if not isinstance(part, dict):
            raise wrong_type(name, "an object", part)
    flat = {name: value for name, value in body.items() if name not in ("input", "parameters")}
    flat |= {name: value for name, value in given.items() if name != "media"}
    flat |= {name: value for name, value in wishes.items() if name not in ("resolution", "ratio")}
    tier, ratio = wishes.get("resolution"), wishes.get("ratio", "16:9")
    if tier is not None:
        if (tier, ratio) not in _WAN_NATIVE:
            raise wrong_value("parameters.resolution", f"{tier} {ratio}", "720P or 1080P.")
        flat["size"] = _WAN_NATIVE[tier, ratio]
    return flat | {"_media": given.get("media", [])}


_WAN_NATIVE = {
    ("720P", "16:9"): "1280x720", ("720P", "9:16"): "720x1280", ("720P", "1:1"): "960x960",
    ("720P", "4:3"): "1088x832", ("720P", "3:4"): "832x1088",
    ("1080P", "16:9"): "1920x1080", ("1080P", "9:16"): "1080x1920", ("1080P", "1:1"): "1440x1440",
    ("1080P", "4:3"): "1632x1248", ("1080P", "3:4"): "1248x1632",
}  # fmt: skip


def _wan_media(items: object) -> tuple[Medium, ...]:
    if not isinstance(items, list):
        raise wrong_type("input.media", "an array", items)
    media = []
    for number, item in enumerate(items):
        where = f"input.media[{number}]"
        if not isinstance(item, dict) or set(item) != {"type", "url"}:
            raise wrong_value(where, item, "Give an object with type and url.")
        if item["type"] not in ("first_frame", "last_frame"):
            raise wrong_value(f"{where}.type", item["type"], "first_frame or last_frame.")
        media.append(url_or_data(f"{where}.url", item["type"], "image", item["url"]))
    return tuple(media)


def _jimeng(fields: Fields, model: Model, prompt: str) -> Ask:
    fields.merge_extra()
    seconds = _seconds(fields, model)
    size, pixels = _size(fields, model)
    media = _single_image(fields, model)
    fields.integer("seed", -1, 2**31 - 1)
    return Ask(model.name, "jimeng", prompt, seconds, *pixels, False, media, size)


# What a content item may be: type -> (kind, roles).
_CONTENT: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "image_url": ("image", ("reference_image", "first_frame", "last_frame")),
    "video_url": ("video", ("reference_video",)),
    "audio_url": ("audio", ("reference_audio",)),
}
_MOST = {"image": 9, "video": 3, "audio": 3}


def _seedance(fields: Fields, model: Model, prompt: str) -> Ask:
    fields.merge_extra()
    seconds = _seedance_seconds(fields, model)
    media = _content(fields.array("content", 20))
    ratios = (*SEEDANCE_SIZES["720p"], "adaptive")
    ratio = fields.text("ratio", ratios) or fields.text("size", ratios) or "adaptive"
    tier = fields.text("resolution", tuple(model.sizes)) or model.default_size
    if ratio == "adaptive":
        ratio = _nearest(SEEDANCE_SIZES[tier], media)
    pixels = SEEDANCE_SIZES[tier][ratio]
    sound = _has_sound(model, fields.flag("generate_audio"))
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
    if "duration" not in fields:
        return _seconds(fields, model)
    if "seconds" in fields:
        raise wrong_value("duration", fields.take("duration"), "Give seconds or duration.")
    value = fields.integer("duration", -1, 60)
    if value == -1:  # the vendor chooses
        return model.default_seconds
    return _legal_seconds(model, "duration", value or 0)


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


def _kling(fields: Fields, model: Model, prompt: str) -> Ask:
    native = fields.merge_extra()
    omni = "omni" in model.name or "video-o1" in model.name
    seconds = _seconds(fields, model)
    aspect = fields.text("aspect_ratio", tuple(KLING_SIZES["std"]))
    mode = fields.text("mode", tuple(KLING_SIZES)) or model.default_size
    fields.text("negative_prompt", longest=2500)
    if fields.number("cfg_scale", 0, 1) is not None and model.name.startswith("kling-v2"):
        raise wrong_value("cfg_scale", "given", f"{model.name} does not take it.")
    sound = _kling_sound(fields, model)
    media = _kling_images(fields) + _kling_videos(fields, model, omni=omni, sound=sound)
    pixels = KLING_SIZES[mode][aspect or _nearest(KLING_SIZES[mode], media)]
    fields.drop(native)  # other native parameters pass through to the vendor
    size = f"{pixels[0]}x{pixels[1]}"
    return Ask(model.name, "kling", prompt, seconds, *pixels, sound, media, size)


def _kling_sound(fields: Fields, model: Model) -> bool:
    asked = fields.text("sound", ("on", "off"))
    if asked == "on" and model.sound == "never":
        raise wrong_value("sound", asked, f"{model.name} makes no sound.")
    return _has_sound(model, None if asked is None else asked == "on")


def _kling_images(fields: Fields) -> tuple[Medium, ...]:
    media: list[Medium] = []
    if "image" in fields:
        media.append(url_or_base64("image", "first_frame", fields.take("image")))
    if "image_tail" in fields:
        if not media:
            raise wrong_value("image_tail", "given", "It needs an image beside it.")
        media.append(url_or_base64("image_tail", "last_frame", fields.take("image_tail")))
    listed = fields.array("image_list", 4)
    if listed and media:
        raise wrong_value("image_list", "given", "It cannot stand beside image.")
    media += [url_or_base64(f"image_list[{n}]", "reference", v) for n, v in enumerate(listed)]
    return tuple(media)


def _kling_videos(fields: Fields, model: Model, *, omni: bool, sound: bool) -> tuple[Medium, ...]:
    media: list[Medium] = []
    for item in fields.array("video_list", 1):
        if not omni:
            raise wrong_value("video_list", "given", f"{model.name} takes no video.")
        if sound:
            raise wrong_value("sound", "on", "With video_list it must be off.")
        if not isinstance(item, dict):
            raise wrong_type("video_list[0]", "an object", item)
        if set(item) - {"video_url", "refer_type", "keep_original_sound"}:
            raise wrong_value("video_list[0]", sorted(item), "video_url and refer_type.")
        refer, url = item.get("refer_type", "base"), item.get("video_url")
        if refer not in ("feature", "base"):
            raise wrong_value("video_list[0].refer_type", refer, "feature or base.")
        if not isinstance(url, str) or not is_url(url):
            raise wrong_value("video_list[0].video_url", url, "Give an http(s) URL.")
        media.append(Medium("base_video" if refer == "base" else "reference", "video", url=url))
    return tuple(media)


def _nearest(sizes: Mapping[str, Size], media: tuple[Medium, ...]) -> str:
    """The ratio nearest to the first frame's own; 16:9 where there is none to be seen."""
    first = next((m for m in media if m.role == "first_frame" and m.data), None)
    if first is None:
        return "16:9"
    try:
        with Image.open(BytesIO(first.data)) as image:
            shape = image.width / image.height
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return "16:9"
    return min(sizes, key=lambda name: abs(sizes[name][0] / sizes[name][1] - shape))


def _stranger(fields: Fields, name: str, prompt: str) -> tuple[Ask, Model]:
    """A model of a vendor this gateway has never heard of: the common fields, the rest unread."""
    model = Model(name, "unknown", (), 5, {}, "1280x720", {0: "0"}, "never", known=False)
    seconds = _seconds(fields, model)
    size, pixels = _size(fields, model)
    media = _single_image(fields, model)
    fields.drop_rest()
    return Ask(name, "unknown", prompt, seconds, *pixels, False, media, size), model


_VENDORS: Mapping[str, Callable[[Fields, Model, str], Ask]] = {
    "sora": _sora,
    "veo": _veo,
    "wan": _wan,
    "jimeng": _jimeng,
    "seedance": _seedance,
    "kling": _kling,
}
