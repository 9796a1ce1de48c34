"""Kling: the form of the input picks the native endpoint; other native fields pass through."""

from runner.localgateway.ask import Ask, Medium
from runner.localgateway.bodies.common import has_sound, nearest, prompt_of, seconds_of
from runner.localgateway.fields import Fields, is_url, url_or_base64, wrong_type, wrong_value
from runner.localgateway.models import KLING_SIZES, Model


def check(fields: Fields, model: Model) -> Ask:
    prompt = prompt_of(fields)
    native = fields.merge_extra()
    omni = "omni" in model.name or "video-o1" in model.name
    seconds = seconds_of(fields, model)
    aspect = fields.text("aspect_ratio", tuple(KLING_SIZES["std"]))
    mode = fields.text("mode", tuple(KLING_SIZES)) or model.default_size
    fields.text("negative_prompt", longest=2500)
    if fields.number("cfg_scale", 0, 1) is not None and model.name.startswith("kling-v2"):
        raise wrong_value("cfg_scale", "given", f"{model.name} does not take it.")
    sound = _kling_sound(fields, model)
    media = _kling_images(fields, omni=omni) + _kling_videos(fields, model, omni=omni, sound=sound)
    pixels = KLING_SIZES[mode][aspect or nearest(KLING_SIZES[mode], media)]
    fields.drop(native)  # other native parameters pass through to the vendor
    size = f"{pixels[0]}x{pixels[1]}"
    return Ask(model.name, "kling", prompt, seconds, *pixels, sound, media, size)


def _kling_sound(fields: Fields, model: Model) -> bool:
    asked = fields.text("sound", ("on", "off"))
    if asked == "on" and model.sound == "never":
        raise wrong_value("sound", asked, f"{model.name} makes no sound.")
    return has_sound(model, None if asked is None else asked == "on")


def _kling_images(fields: Fields, *, omni: bool) -> tuple[Medium, ...]:
    media: list[Medium] = []
    if "image" in fields:
        media.append(url_or_base64("image", "first_frame", fields.take("image")))
    if "image_tail" in fields:
        if not media:
            raise wrong_value("image_tail", "given", "It needs an image beside it.")
        media.append(url_or_base64("image_tail", "last_frame", fields.take("image_tail")))
    listed = fields.array("image_list", 4)
    if listed and media and not omni:  # omni's own API has all pictures in one list
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
