"""The catalogue: every vendor's models, facts and rules, with the project's own changes applied."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field

from runner.errors import BadInput
from runner.model import JSON, ModelFacts, ModelId, Severity
from runner.schema.complaint import Complaint
from runner.schema.data import data_file, data_files, read_json
from runner.schema.overrides import read_models, read_severities
from runner.schema.rules import Rule
from runner.schema.structure import explain
from runner.schema.vendor import VendorData, read_vendor

VENDOR_FILES = "vendors/*.schema.json"
COMMON_FILE = "shot.schema.json"
META_FILE = "vendor.schema.json"


class Catalogue(Struct, frozen=True):
    """What is known of all vendors. Compiled checks are kept in `kept`, one for each model."""

    vendors: Mapping[str, VendorData]
    models: Mapping[ModelId, ModelFacts]
    common: VendorData  # the rules that hold for every vendor
    severities: Mapping[str, Severity | None] = field(default_factory=dict)  # None: off
    settings: frozenset[str] = frozenset()  # settings that lift rules
    complaints: tuple[Complaint, ...] = ()  # about the overrides, with paths into them
    kept: dict[object, object] = field(default_factory=dict)

    def facts(self, model: str) -> ModelFacts | None:
        return self.models.get(ModelId(model))

    def closest(self, model: str) -> str | None:
        """The known id that looks most like this one."""
        from difflib import get_close_matches  # only where something is misspelt

        return next(iter(get_close_matches(model, self.models, n=1, cutoff=0.6)), None)

    def vendor_of(self, model: str) -> str | None:
        """The vendor of a model, or the one whose ids begin like this unknown one."""
        if facts := self.facts(model):
            return facts.vendor
        guesses = (v.name for v in self.vendors.values() if model.startswith(v.prefixes))
        return next(guesses, None)

    def able(self, capability: str) -> tuple[ModelId, ...]:
        """Models that can do it, those still served by their vendor first."""
        able = [m for m in self.models.values() if capability in m.capabilities]
        return tuple(m.id for m in sorted(able, key=lambda m: m.status == "retired"))

    def rules(self) -> Iterable[Rule]:
        """Every rule of every file, in the order of the files."""
        for data in (self.common, *self.vendors.values()):
            yield from data.rules

    def wants(self, rule: Rule) -> bool:
        """Whether the project has this rule: not switched off, and not lifted by a setting."""
        on = self.severities.get(rule.id, rule.severity) is not None
        return on and rule.unless not in self.settings

    def definitions_of(self, vendor: str) -> dict[str, JSON]:
        """A vendor's own part of the schema, with everything its rules may refer to."""
        own = self.vendors[vendor].schema
        return {**own, "$defs": {**self.common.schema.get("$defs", {}), **own.get("$defs", {})}}


def open_catalogue(
    overrides: Mapping[str, JSON] | None = None, installed: Mapping[str, Path] | None = None
) -> Catalogue:
    """The shipped catalogue, with the settings of a project laid over it.

    `overrides` is the content of reelmake.yaml: `models:` adds models and changes facts, `rules:`
    changes severities, `publish:` lifts rules about media that stay local. What is wrong with it
    is in `.complaints`. `installed` are schema files of vendors from other packages, by vendor.
    Raises `BadInput` for one of those that cannot be used.
    """
    settings = overrides or {}
    shipped = (read_vendor(read_json(path)) for path in data_files(VENDOR_FILES))
    vendors = {vendor.name: vendor for vendor in shipped}
    for name, path in (installed or {}).items():
        vendors[name] = _read_installed(name, path, vendors)
    common = read_vendor(read_json(data_file(COMMON_FILE)))
    models, wrong_models = read_models(settings.get("models"), vendors)
    known = [rule.id for data in (common, *vendors.values()) for rule in data.rules]
    severities, wrong_rules = read_severities(settings.get("rules"), known)
    complaints = (*wrong_models, *wrong_rules)
    return Catalogue(vendors, models, common, severities, frozenset(settings), complaints)


def _read_installed(name: str, path: Path, others: Mapping[str, VendorData]) -> VendorData:
    try:
        data = read_json(path)
    except (OSError, ValueError) as error:
        raise BadInput(f"the schema of vendor {name!r} cannot be read: {error}") from error
    wrong = _malformed(data) or list(_out_of_place(name, data, others))
    if wrong:
        raise BadInput(f"the schema of vendor {name!r} cannot be used: {'; '.join(wrong)}")
    return read_vendor(data)


def _malformed(data: JSON) -> list[str]:
    complaints = explain(read_json(data_file(META_FILE)), data, "vendor")
    return [f"{'/'.join(map(str, c.path))}: {c.message}" for c in complaints]


def _out_of_place(
    name: str, data: Mapping[str, JSON], others: Mapping[str, VendorData]
) -> Iterator[str]:
    if data["x-vendor"] != name:
        yield f"x-vendor is {data['x-vendor']!r}, not {name!r}"
    for other in others.values():
        for model in other.models.keys() & data["x-models"].keys():
            yield f"the model {model} is {other.name}'s already"
