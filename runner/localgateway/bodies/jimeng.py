"""Jimeng: sizes are ratios or their exact pixel twins."""

from runner.localgateway.ask import Ask
from runner.localgateway.bodies.common import prompt_of, seconds_of, single_image, size_of
from runner.localgateway.fields import Fields
from runner.localgateway.models import Model


def check(fields: Fields, model: Model) -> Ask:
    prompt = prompt_of(fields)
    fields.merge_extra()
    seconds = seconds_of(fields, model)
    size, pixels = size_of(fields, model)
    media = single_image(fields, model)
    fields.integer("seed", -1, 2**31 - 1)
    return Ask(model.name, "jimeng", prompt, seconds, *pixels, False, media, size)
