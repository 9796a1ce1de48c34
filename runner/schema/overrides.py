"""`models:` and `rules:` of a project's settings, laid over what is shipped.

Published sources disagree, and vendors bring out models every month: whoever knows better must
not have to wait for a release.
"""

from collections.abc import Iterable, Iterator, Mapping

from runner.model import JSON, ModelFacts, ModelId, Severity
from runner.schema.complaint import Complaint, Path, did_you_mean, quoted
from runner.schema.data import data_file, read_json
from runner.schema.structure import explain
from runner.schema.vendor import VendorData, read_facts

OWN_TO_THE_MODEL = ("status", "retired", "replacement", "notes")  # not taken over by `like`
SOUND_BEST_FIRST = ("switch", "prompt", "always")
WORDS = {"error": Severity.ERROR, "warning": Severity.WARNING, "off": None}
BY_CODE = (  # warnings that stand in no file
    "model.retired", "cut.disabled", "source.private_url", "table.empty", "yaml.byte_order_mark",
)  # fmt: skip
BY_SCHEMA = ("unknown_key", "missing_key", "type", "value")  # what a vendor's options can break

Models = dict[ModelId, ModelFacts]


def read_models(
    entries: Mapping[str, JSON] | None, vendors: Mapping[str, VendorData]
) -> tuple[Models, list[Complaint]]:
    """All models, with the project's own added and its changed facts in place."""
    models = {id_: facts for vendor in vendors.values() for id_, facts in vendor.models.items()}
    complaints: list[Complaint] = []
    for id_, entry in (entries or {}).items():
        wrong = list(_wrong(id_, entry, models, vendors))
        complaints += wrong
        if not wrong:
            models[ModelId(id_)] = _facts(id_, entry, models, vendors)
    return models, complaints


def read_severities(
    entries: Mapping[str, JSON] | None, known: Iterable[str]
) -> tuple[dict[str, Severity | None], list[Complaint]]:
    """Severity by rule id, None for off."""
    known = {*known}
    faults = {f"{id_.partition('.')[0]}.{fault}" for id_ in known for fault in BY_SCHEMA}
    ids = {*known, *faults, *BY_CODE}
    severities: dict[str, Severity | None] = {}
    complaints = []
    for id_, word in (entries or {}).items():
        here = ("rules", id_)
        if id_ not in ids:
            message = f"no rule is called {id_}"
            hint = did_you_mean(id_, ids) or "docs/vendors.md says which rules bend"
            complaints.append(_complaint("unknown_rule", here, message, hint))
        elif word not in WORDS:
            message = f"`{id_}` is {quoted(word)}"
            complaints.append(_complaint("value", here, message, "error, warning or off"))
        else:
            severities[id_] = WORDS[word]
    return severities, complaints


def _facts(
    id_: str, entry: Mapping[str, JSON], models: Models, vendors: Mapping[str, VendorData]
) -> ModelFacts:
    own = {key: value for key, value in entry.items() if key not in ("vendor", "like")}
    root = _root(entry.get("like", id_), models)
    vendor = vendors[root.vendor if root else entry["vendor"]]
    base = dict(vendor.entries.get(root.id, {})) if root else _guess(id_, vendor)
    if "like" in entry:
        base = {key: value for key, value in base.items() if key not in OWN_TO_THE_MODEL}
    source = {"kind": "reelmake.yaml"}
    return read_facts(id_, vendor.name, {**base, **own, "source": source}, vendor.sizes)


def _guess(id_: str, vendor: VendorData) -> dict[str, JSON]:
    """A new model of which only the vendor is known is refused nothing that any of them can."""
    entries = vendor.entries.values()
    words = dict.fromkeys(word for entry in entries for word in entry["capabilities"])
    audio = {entry["audio"] for entry in entries}
    return {
        "family": id_,
        "capabilities": [word for word in words if word != "native_body"],
        "audio": next((word for word in SOUND_BEST_FIRST if word in audio), "never"),
    }


def _root(id_: str, models: Models) -> ModelFacts | None:
    return models.get(ModelId(id_))


def _wrong(
    id_: str, entry: JSON, models: Models, vendors: Mapping[str, VendorData]
) -> Iterator[Complaint]:
    here: Path = ("models", id_)
    if not isinstance(entry, Mapping):
        message = f"the model {id_} is {quoted(entry)}, not a mapping"
        yield _complaint("type", here, message, "write `{like: MODEL}`, or facts of its own")
        return
    malformed = list(explain(_override_schema(), entry, "settings"))
    for complaint in malformed:
        yield _moved(complaint, here)
    if malformed:
        return
    like: JSON = entry.get("like")
    vendor: JSON = entry.get("vendor")
    if like is not None and like not in models:
        message = f"`like` is {like}, which is not known"
        yield _complaint("unknown_model", (*here, "like"), message, did_you_mean(like, models))
    elif like is None and vendor is None and id_ not in models:
        hint = f"add `vendor:` ({', '.join(vendors)}), or `like:` with a model to begin from"
        yield _complaint("unknown_vendor", here, f"the model {id_} has no vendor", hint)
    elif vendor is not None and vendor not in vendors:
        message, hint = f"no vendor is called {vendor}", f"known: {', '.join(vendors)}"
        yield _complaint("unknown_vendor", (*here, "vendor"), message, hint)
    else:
        root = _root(like or id_, models)
        yield from _wrong_sizes(entry, here, vendors[root.vendor if root else vendor])
        yield from _wrong_words(entry, here, models)


def _wrong_sizes(entry: Mapping[str, JSON], here: Path, vendor: VendorData) -> Iterator[Complaint]:
    for index, size in enumerate(entry.get("sizes", ())):
        if isinstance(size, str) and size not in vendor.sizes:
            message = f"{vendor.name} has no group of sizes called {size}"
            hint = f"its groups: {', '.join(vendor.sizes)}; or write the size out"
            yield _complaint("unknown_sizes", (*here, "sizes", index), message, hint)


def _wrong_words(entry: Mapping[str, JSON], here: Path, models: Models) -> Iterator[Complaint]:
    """A capability that no model has is one that no rule and no adapter asks for."""
    known = {word for facts in models.values() for word in facts.capabilities}
    for index, word in enumerate(entry.get("capabilities", ())):
        if word not in known:
            message = f"no model has a capability called {word}"
            hint = did_you_mean(word, known) or f"known: {', '.join(sorted(known))}"
            yield _complaint("unknown_capability", (*here, "capabilities", index), message, hint)


def _override_schema() -> Mapping[str, JSON]:
    schema = read_json(data_file("vendor.schema.json"))
    return {"$defs": schema["$defs"], **schema["$defs"]["override"]}


def _moved(complaint: Complaint, here: Path) -> Complaint:
    return Complaint(
        complaint.rule, complaint.severity, (*here, *complaint.path),
        complaint.message, complaint.hint, complaint.source, complaint.key,
    )  # fmt: skip


def _complaint(rule: str, path: Path, message: str, hint: str) -> Complaint:
    return Complaint(f"settings.{rule}", Severity.ERROR, path, message, hint)
