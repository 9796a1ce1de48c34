"""One vendor's schema file, read: facts of models, rules, and the vendor's own parameters."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from runner.model import JSON, FrameSize, ModelFacts, ModelId
from runner.schema.rules import Rule, read_rules

SOUND: Mapping[str, frozenset[str]] = {  # ModelFacts.audio as capabilities, for rules and hints
    "always": frozenset({"sound"}),
    "prompt": frozenset({"sound"}),
    "never": frozenset({"silence"}),
    "switch": frozenset({"sound", "silence", "audio_switch"}),
}


class VendorData(Struct, frozen=True):
    """What a schema file says; `entries` are its models as written, for overrides to build on."""

    name: str
    title: str
    schema: Mapping[str, JSON]  # the JSON Schema part
    rules: tuple[Rule, ...]
    models: Mapping[ModelId, ModelFacts]
    entries: Mapping[str, Mapping[str, JSON]]
    sizes: Mapping[str, tuple[FrameSize, ...]]
    prefixes: tuple[str, ...] = ()  # how its model ids begin


def read_vendor(data: Mapping[str, JSON]) -> VendorData:
    """A schema file's content; it is expected to fit `schemas/vendor.schema.json`."""
    name = data.get("x-vendor", "shot")
    sizes = {group: read_sizes(rows) for group, rows in data.get("x-sizes", {}).items()}
    entries = data.get("x-models", {})
    return VendorData(
        name,
        data["title"],
        {key: value for key, value in data.items() if not key.startswith("x-")},
        read_rules(data.get("x-rules", ())),
        {ModelId(id_): read_facts(id_, name, entry, sizes) for id_, entry in entries.items()},
        entries,
        sizes,
        tuple(data.get("x-prefixes", ())),
    )


def read_sizes(rows: Iterable[Mapping[str, JSON]]) -> tuple[FrameSize, ...]:
    return tuple(FrameSize(**row) for row in rows)


def names_frames(sizes: Mapping[str, tuple[FrameSize, ...]]) -> bool:
    """Whether the vendor has a word for each frame, which resolution and ratio become.

    One that takes the two as they are can be asked for frames that nobody has published.
    """
    return not sizes or any(row.native for rows in sizes.values() for row in rows)


def read_facts(
    id_: str, vendor: str, entry: Mapping[str, JSON], sizes: Mapping[str, tuple[FrameSize, ...]]
) -> ModelFacts:
    """Facts of one model. Its sizes are rows, or names of groups in `sizes`."""
    values = dict(entry)
    given = values.pop("sizes", ())
    rows = tuple(
        row
        for size in given
        for row in (sizes[size] if isinstance(size, str) else (FrameSize(**size),))
    )
    audio = values.get("audio", "never")
    capabilities = frozenset(values.pop("capabilities", ())) | SOUND[audio]
    if any(word.startswith("reference_") for word in capabilities):
        capabilities |= {"references"}
    if not rows and names_frames(sizes):
        capabilities |= {"sizes_unknown"}
    source = values.pop("source", {})
    return ModelFacts(
        ModelId(id_),
        vendor,
        capabilities=capabilities,
        sizes=rows,
        seconds=tuple(values.pop("seconds", ())),
        source=" ".join(filter(None, (source.get("kind"), source.get("date")))),
        **values,
    )
