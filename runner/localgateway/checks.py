"""What a body must look like, vendor by vendor: as strict as the gateway's page.

Types are part of the contract: `seconds` is a string, Seedance's `duration` an integer, Kling's
local image raw base64. Nothing is snapped to a near value; what is not known is refused.
"""

from collections.abc import Callable, Mapping

from runner.localgateway.ask import Ask, Refusal
from runner.localgateway.bodies import jimeng, kling, seedance, sora, veo, wan
from runner.localgateway.bodies.common import prompt_of, seconds_of, single_image, size_of
from runner.localgateway.fields import Fields, wrong_type
from runner.localgateway.models import Model, find


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
    if model is None:
        return _stranger(fields, name)
    ask = _VENDORS[model.vendor](fields, model)
    fields.finish()
    return ask, model


def _stranger(fields: Fields, name: str) -> tuple[Ask, Model]:
    """A model of a vendor this gateway has never heard of: the common fields, the rest unread."""
    prompt = prompt_of(fields)
    model = Model(name, "unknown", (), 5, {}, "1280x720", {0: "0"}, "never", known=False)
    seconds = seconds_of(fields, model)
    size, pixels = size_of(fields, model)
    media = single_image(fields, model)
    fields.drop_rest()
    return Ask(name, "unknown", prompt, seconds, *pixels, False, media, size), model


_VENDORS: Mapping[str, Callable[[Fields, Model], Ask]] = {
    "sora": sora.check,
    "veo": veo.check,
    "wan": wan.check,
    "jimeng": jimeng.check,
    "seedance": seedance.check,
    "kling": kling.check,
}
