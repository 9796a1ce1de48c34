"""Veo: an image fixes the length at 8 seconds; portrait needs a size in pixels."""

from runner.localgateway.ask import Ask
from runner.localgateway.bodies.common import (
    has_sound,
    prompt_of,
    seconds_of,
    single_image,
    size_of,
)
from runner.localgateway.fields import Fields, wrong_value
from runner.localgateway.models import Model


def check(fields: Fields, model: Model) -> Ask:
    prompt = prompt_of(fields)
    fields.merge_extra()
    seconds = seconds_of(fields, model)
    size, pixels = size_of(fields, model)
    media = single_image(fields, model)
    if media and seconds != 8:
        raise wrong_value("seconds", str(seconds), "With input_reference it must be '8'.")
    # Accepted, and without effect beside a token: portrait needs a pixel size (observed).
    fields.text("aspect_ratio", ("16:9", "9:16"))
    sound = has_sound(model, fields.flag("generate_audio"))
    fields.integer("seed", 0, 2**32 - 1)
    fields.text("negative_prompt")
    fields.text("personGeneration", ("allow_all", "allow_adult", "dont_allow"))
    return Ask(model.name, "veo", prompt, seconds, *pixels, sound, media, size)
