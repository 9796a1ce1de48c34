"""What a JSON Schema cannot say: sums, markers in a prompt, lengths in words.

Each check yields the path it is about and the words its rule's message may use. The rule that
names a check, with its source and examples, stands in the vendor's schema file.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from runner.model import JSON, ModelFacts
from runner.schema.complaint import Path

Fields = Mapping[str, JSON]
Found = tuple[Path, Mapping[str, JSON]]
Check = Callable[[Fields, ModelFacts], Iterator[Found]]

# Not compiled here: that takes some milliseconds, and few storyboards need all of them.
MARKER = r"<<<(image|video|element|voice)_(\d{1,9})>>>"
CHINESE = r"[㐀-鿿]"
WORD = r"[^\W㐀-鿿]+"


def size_agrees(fields: Fields, facts: ModelFacts) -> Iterator[Found]:
    """An explicit size is what is sent; a resolution or ratio beside it must mean the same."""
    size = _text(fields.get("size"))
    if not size:
        return
    rows = [row for row in facts.sizes if size in (row.native, f"{row.width}x{row.height}")]
    for field in ("resolution", "aspect_ratio"):
        value = _text(fields.get(field))
        if value and value not in {getattr(row, field) for row in rows}:
            yield (field,), {"field": field}


def markers_exist(fields: Fields, facts: ModelFacts) -> Iterator[Found]:
    """A Kling marker points at an item that is there."""
    for marker in re.finditer(MARKER, _text(fields.get("prompt"))):
        kind, number = marker[1], int(marker[2])
        there = _counted(fields, kind)
        if not 1 <= number <= there:
            yield ("prompt",), {"marker": marker[0], "kind": kind, "there": there}


def shots_fill_the_clip(fields: Fields, facts: ModelFacts) -> Iterator[Found]:
    """The parts of a customised multi-shot clip add up to its seconds."""
    options = _mapping(fields.get("options"))
    parts = _items(options.get("multi_prompt"))
    if options.get("multi_shot") is not True or not parts:
        return
    durations = [_seconds(_mapping(part).get("duration")) for part in parts]
    asked = fields.get("seconds", facts.default_seconds)
    if None not in durations and asked is not None and sum(filter(None, durations)) != asked:
        yield ("options", "multi_prompt"), {"sum": sum(filter(None, durations)), "asked": asked}


def few_images_and_elements(fields: Fields, facts: ModelFacts) -> Iterator[Found]:
    """Kling omni: images and elements together at most seven, four beside a reference video."""
    images, elements = _counted(fields, "image"), _counted(fields, "element")
    most = 4 if _counted(fields, "video") else 7
    if images + elements > most:
        path: Path = ("references",) if "references" in fields else ("options", "element_list")
        yield path, {"images": images, "elements": elements, "most": most}


def frames_beside_two_images(fields: Fields, facts: ModelFacts) -> Iterator[Found]:
    """Kling o1: a first or end frame beside at most two images in all."""
    images = _counted(fields, "image")
    if images > 2 and ("first_frame" in fields or "last_frame" in fields):
        yield ("references",), {"images": images}


def prompt_not_too_long(fields: Fields, facts: ModelFacts) -> Iterator[Found]:
    """Seedance: at most 500 Chinese characters or 1000 English words are advised."""
    prompt = _text(fields.get("prompt"))
    chinese, words = len(re.findall(CHINESE, prompt)), len(re.findall(WORD, prompt))
    if chinese > 500 or words > 1000:
        yield ("prompt",), {"chinese": chinese, "words": words}


CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        size_agrees,
        markers_exist,
        shots_fill_the_clip,
        few_images_and_elements,
        frames_beside_two_images,
        prompt_not_too_long,
    )
}


def _counted(fields: Fields, kind: str) -> int:
    options = _mapping(fields.get("options"))
    if kind in ("element", "voice"):
        return len(_items(options.get(f"{kind}_list")))
    given = [*_items(fields.get("references")), fields.get("base_video")]
    if kind == "image":
        given += [fields.get("first_frame"), fields.get("last_frame")]
    return sum(_kind(source) == kind for source in given)


def _kind(source: JSON) -> str | None:
    source = _mapping(source)
    if "shot" in source:
        return "image" if "frame" in source else "video"
    return next((kind for kind in ("image", "video", "audio") if kind in source), None)


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""


def _items(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []


def _mapping(value: JSON) -> Mapping[str, JSON]:
    return value if isinstance(value, Mapping) else {}


def _seconds(value: JSON) -> float | None:
    """A number, also where the vendor wants it written as text."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,4}", value):
        return int(value)
    return value if isinstance(value, int | float) else None
