"""Says what carries over, changes, is gained or is lost between two models."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from runner.model import JSON, Expected, Medium, ModelFacts, ModelId, Request
from runner.port.fields import Fields
from runner.port.markers import Markers, calls_in, stands_in
from runner.schema import Catalogue
from runner.vendors import base

Verdict = Literal["carries", "changes", "gained", "lost"]

ABILITIES = {  # a capability, as a person calls it
    "first_frame": "a first frame",
    "last_frame": "a last frame",
    "base_video": "a video to edit",
    "reference_image": "reference images",
    "reference_video": "reference videos",
    "reference_audio": "reference audio",
    "negative_prompt": "a negative prompt",
    "seed": "a seed",
    "watermark": "watermark on or off",
    "audio_switch": "sound on or off",
}
NAMED = 3  # models that a line suggests


class PortLine(Struct, frozen=True):
    """One field or ability: what becomes of it, in words that follow its name."""

    field: str
    verdict: Verdict
    text: str


def field_lines(before: Fields, after: Fields, catalogue: Catalogue) -> Iterator[PortLine]:
    """What becomes of every field that is set; the prompt has lines of its own."""
    able = _Able(catalogue, after["model"])
    for name, value in before.items():
        now = after.get(name)
        if name == "size" and now is None:
            yield _size_line(value, after)
        elif name in ("options", "extra_body"):
            for key, item in value.items():
                yield _line(f"{name}.{key}", item, (now or {}).get(key), able)
        elif name == "references":
            for number, source in enumerate(value):
                kept = any(source is item for item in now or ())
                yield _line(f"references.{number}", source, source if kept else None, able)
        elif name not in ("model", "prompt"):
            yield _line(name, value, now, able)


def prompt_lines(
    request: Request, written: Mapping[str, JSON], marks: Markers, lost: Sequence[Medium]
) -> Iterator[PortLine]:
    """Markers that stand in the prompt; those that `ref()` wrote follow by themselves."""
    prompt, file = str(written.get("prompt", "")), written.get("prompt_file")
    for call, medium in calls_in(prompt, lost):
        if medium.alias:
            yield PortLine("prompt", "changes", f"{call} becomes {medium.alias}")
        else:
            yield PortLine("prompt", "lost", f"{call} names nothing there; say what it shows")
    for mark, (now, kept) in marks.items():
        if mark == now or not stands_in(mark, request.prompt):
            continue
        if file is not None:
            words = f"{mark} becomes {now or 'a mere word'}: where {file} writes it out, change it"
            yield PortLine("prompt_file", "changes", words)
        elif not stands_in(mark, prompt):
            if kept:
                yield PortLine("prompt", "carries", f"ref() writes {now or 'what `as:` says'}")
        elif now is None:
            yield PortLine("prompt", "lost", f"{mark} points at nothing there; say what it shows")
        else:
            yield PortLine("prompt", "changes", f"{mark} becomes {now}")


def silent_changes(
    request: Request, old: ModelFacts, new: ModelFacts, hopes: Expected, still: Expected
) -> Iterator[PortLine]:
    """What nobody asked for and comes out differently all the same."""
    asked = base.asked(request)
    if not asked.keys() & base.FRAMING:
        yield from _unasked("resolution", _usual(old), _usual(new))
    if "seconds" not in asked:
        yield from _unasked("seconds", old.default_seconds, new.default_seconds, " s")
    if "audio" not in asked:
        yield from _unasked("audio", _sound(hopes.audio), _sound(still.audio))


def gains(old: ModelFacts, new: ModelFacts) -> Iterator[PortLine]:
    """What could be asked of the new model and not of the old one."""
    for ability, words in ABILITIES.items():
        if ability in new.capabilities - old.capabilities:
            yield PortLine(ability, "gained", f"it takes {words}")
    longest, longer = max(old.seconds, default=0), max(new.seconds, default=0)
    if 0 < longest < longer:
        yield PortLine("seconds", "gained", f"up to {longer} s instead of {longest} s")
    made = {row.resolution for row in old.sizes}
    for resolution in dict.fromkeys(row.resolution for row in new.sizes):
        if made and resolution not in made:
            yield PortLine("resolution", "gained", f"it makes {resolution}")


class _Able(Struct, frozen=True):
    """Which models would keep a field, those of the new model's vendor first."""

    catalogue: Catalogue
    model: ModelId

    def words(self, name: str) -> str:
        facts = self.catalogue.models
        near = sorted(
            self.catalogue.able(name),
            key=lambda model: facts[model].vendor != facts[self.model].vendor,
        )
        return f" ({', '.join(near[:NAMED])} would take it)" if near else ""


def _line(name: str, value: JSON, now: JSON, able: _Able) -> PortLine:
    unit = " s" if name == "seconds" else ""
    if now is None:
        return PortLine(name, "lost", _shown(value) + able.words(name))
    if now == value:
        return PortLine(name, "carries", f"{_shown(value)}{unit}")
    return PortLine(name, "changes", f"{_shown(value)}{unit} becomes {_shown(now)}{unit}")


def _size_line(size: JSON, after: Fields) -> PortLine:
    words = [after[name] for name in ("resolution", "aspect_ratio") if name in after]
    if words:
        return PortLine("size", "changes", f"{size} becomes {' '.join(words)}")
    return PortLine("size", "lost", f"{size}")


def _unasked(name: str, before: object, after: object, unit: str = "") -> Iterator[PortLine]:
    if before is not None and after is not None and before != after:
        yield PortLine(name, "changes", f"not set: {before}{unit} becomes {after}{unit}")


def _usual(facts: ModelFacts) -> str | None:
    resolution, ratio = base.defaults(facts)
    return f"{resolution} {ratio}" if resolution else None


def _sound(audio: bool | None) -> str | None:
    if audio is None:
        return None
    return "with sound" if audio else "silent"


def _shown(value: JSON) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items())
    text = str(value)
    return text if len(text) <= 60 else text[:59] + "…"
