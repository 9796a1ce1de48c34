"""Sora: `seconds` and nothing else for the length; no `extra_body`, no aspect ratio."""

from runner.localgateway.ask import Ask
from runner.localgateway.bodies.common import prompt_of, seconds_of, single_image, size_of
from runner.localgateway.fields import Fields
from runner.localgateway.models import Model


def check(fields: Fields, model: Model) -> Ask:
    prompt = prompt_of(fields)
    seconds = seconds_of(fields, model, duration=False)
    size, pixels = size_of(fields, model)
    media = single_image(fields, model)
    return Ask(model.name, "sora", prompt, seconds, *pixels, True, media, size)
