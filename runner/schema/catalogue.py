"""The catalogue: every vendor's models, facts and rules, with the project's own changes applied."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from types import MappingProxyType

from runner.model import JSON, FrameSize, ModelFacts, ModelId, Severity
from runner.schema.complaint import Complaint
from runner.schema.data import data_file, data_files, read_json
from runner.schema.rules import Rule, read_rules

VENDOR_FILES = "vendors/*.schema.json"
COMMON_FILE = "shot.schema.json"
SOUND = {  # ModelFacts.audio as capabilities, for rules and hints
    "always": {"sound"},
    "prompt": {"sound"},
    "never": {"silence"},
    "switch": {"sound", "silence", "audio_switch"},
}


@dataclass(frozen=True, slots=True)
class VendorData:
    """One vendor's schema file, read."""

    name: str
    title: str
    schema: Mapping[str, JSON]  # the JSON Schema part
    rules: tuple[Rule, ...]
    models: Mapping[ModelId, ModelFacts]
    prefixes: tuple[str, ...]  # how its model ids begin


@dataclass(frozen=True)
class Catalogue:
    """What is known of all vendors. Compiled checks are kept in `kept`, one per model."""

    vendors: Mapping[str, VendorData]
    models: Mapping[ModelId, ModelFacts]
    common: VendorData
    severities: Mapping[str, Severity | None] = field(default_factory=dict)  # None: off
    complaints: tuple[Complaint, ...] = ()  # about the overrides
    kept: dict[object, object] = field(default_factory=dict, repr=False, compare=False)

    def facts(self, model: str) -> ModelFacts | None:
        return self.models.get(ModelId(model))

    def closest(self, model: str) -> str | None:
        """The known id that looks most like this one."""
        return next(iter(get_close_matches(model, self.models, n=1, cutoff=0.6)), None)

    def vendor_of(self, model: str) -> str | None:
        """The vendor of a model, or the one whose ids begin like this unknown one."""
        if facts := self.facts(model):
            return facts.vendor
        guesses = (v.name for v in self.vendors.values() if model.startswith(v.prefixes))
        return next(guesses, None)

    def definitions_of(self, vendor: str) -> dict[str, JSON]:
        """A vendor's own part of the schema, with everything its rules may refer to."""
        own = self.vendors[vendor].schema
        return {**own, "$defs": {**self.common.schema.get("$defs", {}), **own.get("$defs", {})}}

    def able(self, capability: str) -> tuple[ModelId, ...]:
        """Models that can do it, those still served by their vendor first."""
        able = [m for m in self.models.values() if capability in m.capabilities]
        return tuple(m.id for m in sorted(able, key=lambda m: m.status == "retired"))


def open_catalogue(overrides: Mapping[str, JSON] | None = None) -> Catalogue:
    """The shipped catalogue with `models:` and `rules:` of a settings file laid over it.

    What is wrong with the overrides is in `.complaints`, with paths into them.
    """
    vendors = {v.name: v for v in map(_read_vendor, map(read_json, data_files(VENDOR_FILES)))}
    models = {id_: facts for v in vendors.values() for id_, facts in v.models.items()}
    common = _read_vendor(read_json(data_file(COMMON_FILE)))
    return Catalogue(MappingProxyType(vendors), MappingProxyType(models), common)


def _read_vendor(data: Mapping[str, JSON]) -> VendorData:
    name = data.get("x-vendor", "shot")
    sizes = {
        group: tuple(FrameSize(**row) for row in rows)
        for group, rows in data.get("x-sizes", {}).items()
    }
    models = {
        ModelId(id_): read_facts(id_, name, facts, sizes)
        for id_, facts in data.get("x-models", {}).items()
    }
    schema = {key: value for key, value in data.items() if not key.startswith("x-")}
    return VendorData(
        name, data["title"], schema, read_rules(data), models, tuple(data.get("x-prefixes", ()))
    )


def read_facts(
    id_: str, vendor: str, data: Mapping[str, JSON], sizes: Mapping[str, tuple[FrameSize, ...]]
) -> ModelFacts:
    """Facts of one model from its entry in `x-models`."""
    values = dict(data)
    rows = tuple(row for group in values.pop("sizes", ()) for row in sizes[group])
    capabilities = frozenset(values.pop("capabilities", ()))
    if any(word.startswith("reference_") for word in capabilities):
        capabilities |= {"references"}
    capabilities |= SOUND[values.get("audio", "never")] | (set() if rows else {"sizes_unknown"})
    source = values.pop("source", {})
    values["seconds"] = tuple(values.get("seconds", ()))
    facts = ModelFacts(ModelId(id_), vendor, capabilities=capabilities, sizes=rows, **values)
    return replace(facts, source=f"{source.get('kind', '')} {source.get('date', '')}".strip())
