"""What several vendors' bodies share: length, size, one image, sound."""

from collections.abc import Mapping
from io import BytesIO

from runner.localgateway.ask import Medium, Refusal
from runner.localgateway.fields import Fields, input_reference, wrong_type, wrong_value
from runner.localgateway.models import Model, Size

LONGEST_PROMPT = 32_000


def prompt_of(fields: Fields) -> str:
    prompt = fields.text("prompt", longest=LONGEST_PROMPT, needed=True) or ""
    if not prompt.strip():
        raise Refusal(400, "'prompt' is empty.", param="prompt", code="prompt_missing")
    return prompt


def seconds_of(fields: Fields, model: Model, *, duration: bool = True) -> int:
    """`seconds` as a string, or its synonym `duration`, as a string or an integer."""
    if "seconds" in fields and "duration" in fields:
        raise wrong_value("duration", fields.take("duration"), "Give seconds or duration.")
    if duration and "duration" in fields:
        value = fields.take("duration")
        if type(value) not in (str, int):
            raise wrong_type("duration", "a string or an integer", value)
        return legal_seconds(model, "duration", value)
    text = fields.text("seconds")
    return model.default_seconds if text is None else legal_seconds(model, "seconds", text)


def legal_seconds(model: Model, name: str, value: str | int) -> int:
    legal = model.seconds if model.known else tuple(range(1, 61))
    if str(value) not in map(str, legal):
        choices = ", ".join(f"'{n}'" for n in legal)
        raise wrong_value(name, value, f"Supported values for {model.name}: {choices}.")
    return int(value)


def size_of(fields: Fields, model: Model) -> tuple[str, Size]:
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


def single_image(fields: Fields, model: Model) -> tuple[Medium, ...]:
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


def has_sound(model: Model, asked: bool | None) -> bool:
    if model.sound in ("always", "never"):
        return model.sound == "always"
    return model.sound == "default_on" if asked is None else asked


def nearest(sizes: Mapping[str, Size], media: tuple[Medium, ...]) -> str:
    """The ratio nearest to the first frame's own; 16:9 where there is none to be seen."""
    first = next((m for m in media if m.role == "first_frame" and m.data), None)
    if first is None:
        return "16:9"
    from PIL import Image, UnidentifiedImageError  # 50 ms, and most bodies bring no image

    try:
        with Image.open(BytesIO(first.data)) as image:
            shape = image.width / image.height
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return "16:9"
    return min(sizes, key=lambda name: abs(sizes[name][0] / sizes[name][1] - shape))
