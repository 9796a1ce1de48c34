"""Reference preflight: measured media against what a vendor is known to take.

The rules stand in the vendors' schema files beside the others, with `on: medium` (one medium at a
time) or `on: media` (all of a shot together). What they are schemas of is made here: the measures
of a medium, and the sums over all of them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from msgspec import Struct

from runner.model import JSON, Kind, MediaInfo, ModelFacts, Role
from runner.schema.catalogue import Catalogue
from runner.schema.complaint import Complaint, Path, fill, shown
from runner.schema.engine import Accepts, accepts
from runner.schema.rules import Rule
from runner.schema.shots import as_wanted, rules_for, where

MEGABYTE = 1_000_000
INLINE = 4 / 3  # what base64 makes of a byte
SIDES = re.compile(r"([1-9]\d{0,8})[:x*]([1-9]\d{0,8})")
ROUNDING = 0.03  # of a ratio: vendors call 1088x832 4:3


class Measured(Struct, frozen=True):
    """A local medium of a shot: where it stands in the shot's fields, what it is by content."""

    path: Path  # ("first_frame",), ("references", 2)
    role: Role
    kind: Kind  # what the storyboard says it is
    name: str  # for messages: the file's path
    info: MediaInfo


def check_media(
    catalogue: Catalogue, fields: Mapping[str, JSON], media: Sequence[Measured]
) -> list[Complaint]:
    """What a shot's model will not take of its local media; paths lead into the shot's fields.

    Bytes are file sizes, sizes are pixels, lengths are seconds. Media given by URL or made by
    another shot cannot be measured beforehand and are not among `media`.
    """
    facts = catalogue.facts(fields.get("model", ""))
    if facts is None:
        return []
    wish = _Wish(_frame(fields, facts), fields.get("size") or fields.get("aspect_ratio"))
    single = [c for medium in media for c in _of_one(catalogue, facts, medium, wish)]
    return list(as_wanted(catalogue, [*single, *_of_all(catalogue, facts, media)]))


class _Wish(Struct, frozen=True):
    """What the shot says of its frame: the pixels as far as they are known, and the words."""

    frame: tuple[int, int] | None
    words: JSON  # "16:9", "1280x720"

    @property
    def ratio(self) -> float | None:
        sides = SIDES.fullmatch(str(self.words))
        return int(sides[1]) / int(sides[2]) if sides else None


def _of_one(
    catalogue: Catalogue, facts: ModelFacts, medium: Measured, wish: _Wish
) -> Iterator[Complaint]:
    measures = _measures(medium, wish)
    for rule in _broken(catalogue, facts, "medium", measures):
        yield _complaint(rule, facts, medium.path, measures)


def _of_all(
    catalogue: Catalogue, facts: ModelFacts, media: Sequence[Measured]
) -> Iterator[Complaint]:
    sums = _sums(media)
    for rule in _broken(catalogue, facts, "media", sums):
        path = where(rule, dict.fromkeys((str(m.path[0]) for m in media), True))
        yield _complaint(rule, facts, path, sums)


def _broken(
    catalogue: Catalogue, facts: ModelFacts, on: str, measures: Mapping[str, JSON]
) -> Iterator[Rule]:
    for rule, fits in _compiled(catalogue, facts, on):
        if not fits(measures):
            yield rule


def _compiled(catalogue: Catalogue, facts: ModelFacts, on: str) -> list[tuple[Rule, Accepts]]:
    """The rules of a model about media; compiled once."""
    if (facts.id, on) not in catalogue.kept:
        words = catalogue.definitions_of(facts.vendor)["$defs"]
        catalogue.kept[facts.id, on] = [
            (rule, accepts({"$defs": words, "allOf": [schema]}))
            for rule, schema in rules_for(catalogue, facts, on)
        ]
    return cast("list[tuple[Rule, Accepts]]", catalogue.kept[facts.id, on])


def _measures(medium: Measured, wish: _Wish) -> dict[str, JSON]:
    """One medium as rules see it; what does not apply is not there."""
    info = medium.info
    known = ((name, getattr(info, name)) for name in MediaInfo.__struct_fields__)
    measures: dict[str, JSON] = {name: value for name, value in known if value is not None}
    measures |= {"role": medium.role, "declared": medium.kind, "name": medium.name}
    measures["megabytes"] = round(info.bytes / MEGABYTE, 2)
    if info.width and info.height:
        measures |= {
            "pixels": info.width * info.height,
            "short_side": min(info.width, info.height),
            "long_side": max(info.width, info.height),
            "ratio": round(info.width / info.height, 3),
            "stretch": round(max(info.width, info.height) / min(info.width, info.height), 3),
        }
        if wish.frame and all(wish.frame):
            measures["frame"] = "{}x{}".format(*wish.frame)
            measures["fills_frame"] = (info.width, info.height) == wish.frame
        if wish.ratio:
            off = abs(info.width / info.height / wish.ratio - 1)
            measures |= {"wanted": wish.words, "has_wanted_ratio": off <= ROUNDING}
    return measures


def _sums(media: Sequence[Measured]) -> dict[str, JSON]:
    def total(kind: Kind) -> float:
        return round(sum(m.info.seconds or 0 for m in media if m.info.kind == kind), 3)

    inline = sum(m.info.bytes for m in media if m.info.kind == "image") * INLINE
    return {
        "video_seconds": total("video"),
        "audio_seconds": total("audio"),
        "inline_megabytes": round(inline / MEGABYTE, 2),
    }


def _frame(fields: Mapping[str, JSON], facts: ModelFacts) -> tuple[int, int] | None:
    """The pixels that are asked for, as far as a row of the model's sizes says."""
    size, asked = fields.get("size"), (fields.get("resolution"), fields.get("aspect_ratio"))
    if size is None and asked == (None, None):
        size = facts.default_size
    for row in facts.sizes:
        halves = zip(asked, (row.resolution, row.aspect_ratio), strict=True)
        if row.native == size or (size is None and all(a in (None, b) for a, b in halves)):
            return row.width, row.height
    return None


def _complaint(
    rule: Rule, facts: ModelFacts, path: Path, measures: Mapping[str, JSON]
) -> Complaint:
    words = {"model": facts.id, **measures}

    def look(place: str) -> str:
        return shown(words.get(place))

    return Complaint(
        rule.id,
        rule.severity,
        path,
        fill(rule.message, look),
        fill(rule.hint, look),
        rule.source,
    )
