"""reelmake.yaml over the shipped catalogue, and vendors from elsewhere."""

import json
from pathlib import Path
from typing import Any

import pytest

from runner.errors import BadInput
from runner.model import FrameSize, ModelId, Request, Severity
from runner.schema import Catalogue, check_shot, open_catalogue
from runner.vendors import find


def severities(catalogue: Catalogue, **fields: Any) -> dict[str, Severity]:
    return {c.rule: c.severity for c in check_shot(catalogue, {"prompt": "A pier.", **fields})}


def faults(**settings: Any) -> list[tuple[str, str, str]]:
    complaints = open_catalogue(settings).complaints
    return [(c.rule, "/".join(map(str, c.path)), f"{c.message}; {c.hint}") for c in complaints]


def test_a_new_model_like_a_known_one() -> None:
    """One line adds the model that came out yesterday; rules of its family hold for it."""
    catalogue = open_catalogue(
        {"models": {"wan2.2-next": {"like": "wan2.2-t2v-plus", "seconds": [5, 8]}}}
    )
    assert catalogue.complaints == ()
    facts = catalogue.models[ModelId("wan2.2-next")]
    assert (facts.vendor, facts.family, facts.seconds) == ("wan", "wan2.2", (5, 8))
    assert facts.source == "reelmake.yaml"
    assert severities(catalogue, model="wan2.2-next", seconds=8, resolution="480p") == {}
    assert set(severities(catalogue, model="wan2.2-next", seconds=10)) == {
        "wan.seconds",
        "wan.size_must_be_said",
    }


def test_like_does_not_inherit_an_end() -> None:
    """A model like a retired one is not retired."""
    catalogue = open_catalogue({"models": {"sora-3": {"like": "sora-2"}}})
    assert severities(catalogue, model="sora-3") == {}


def test_a_new_model_of_which_only_the_vendor_is_known() -> None:
    """What is not known is not refused; what holds for the whole vendor does."""
    catalogue = open_catalogue({"models": {"kling-v4": {"vendor": "kling"}}})
    known = {"model": "kling-v4", "seconds": 33, "audio": True, "last_frame": {"image": "a.png"}}
    framed = {**known, "resolution": "1080p", "aspect_ratio": "9:16"}
    assert severities(catalogue, **known) == severities(catalogue, **framed) == {}
    assert "kling.size" in severities(catalogue, model="kling-v4", size="1280x720")


def test_frames_of_a_new_model_are_refused_only_where_its_vendor_wants_another_word() -> None:
    """Kling and Seedance take resolution and ratio as they are; Wan wants pixels, unknown here."""
    new = {"kling-v4": "kling", "seedance-3": "seedance", "wan9-t2v": "wan", "veo-5": "veo"}
    catalogue = open_catalogue({"models": {id_: {"vendor": v} for id_, v in new.items()}})
    asked = {"aspect_ratio": "16:9", "resolution": "720p"}
    refused = [
        id_ for id_ in new if "shot.frame_unknown" in severities(catalogue, model=id_, **asked)
    ]
    assert refused == ["wan9-t2v", "veo-5"]
    for id_ in ("kling-v4", "seedance-3"):
        facts = catalogue.models[ModelId(id_)]
        request = Request(facts.id, "A pier.", resolution="720p", aspect_ratio="16:9")
        assert "16:9" in str(find(facts.vendor).shape(request, facts))


def test_changed_facts_win() -> None:
    """The published sources disagree; a project may know better."""
    square = {
        "resolution": "720p",
        "aspect_ratio": "1:1",
        "native": "720x720",
        "width": 720,
        "height": 720,
    }
    catalogue = open_catalogue({"models": {"wan2.6-t2v": {"sizes": ["480p", square]}}})
    facts = catalogue.models[ModelId("wan2.6-t2v")]
    assert FrameSize("720p", "1:1", "720x720", 720, 720) in facts.sizes
    assert severities(catalogue, model="wan2.6-t2v", size="720x720") == {}
    assert facts.seconds[-1] == 15


def test_rules_can_be_softened_hardened_and_switched_off() -> None:
    """How hard a rule is, is the project's choice."""
    shot = {"model": "sora-2", "seconds": 5, "size": "1792x1024"}
    rules = {"model.retired": "error", "sora.seconds": "warning", "sora.tall_sizes_are_pro": "off"}
    assert severities(open_catalogue(), **shot) == {
        "model.retired": Severity.WARNING,
        "sora.seconds": Severity.ERROR,
        "sora.tall_sizes_are_pro": Severity.WARNING,
    }
    assert severities(open_catalogue({"rules": rules}), **shot) == {
        "model.retired": Severity.ERROR,
        "sora.seconds": Severity.WARNING,
    }


def test_an_unknown_option_can_be_let_through() -> None:
    """Vendors add parameters; a project that knows one need not wait for us."""
    shot = {"model": "kling-v3", "options": {"brand_new": 1}}
    assert severities(open_catalogue(), **shot) == {"kling.unknown_key": Severity.ERROR}
    softened = open_catalogue({"rules": {"kling.unknown_key": "warning"}})
    assert softened.complaints == ()
    assert severities(softened, **shot) == {"kling.unknown_key": Severity.WARNING}


def test_publishing_lifts_what_only_urls_could_do() -> None:
    """With `publish:` local media get a URL, so a local video is no error any more."""
    shot = {"model": "kling-v3-omni", "base_video": {"video": "refs/walk.mp4"}}
    assert "kling.by_url_only" in severities(open_catalogue(), **shot)
    published = {"publish": {"to": "s3://bucket/refs", "url": "https://media.example.com"}}
    assert severities(open_catalogue(published), **shot) == {}


@pytest.mark.parametrize(
    ("settings", "rule", "path", "words"),
    [
        ({"models": {"x": {}}}, "unknown_vendor", "models/x", "add `vendor:` (jimeng"),
        ({"models": {"x": {"vendor": "wam"}}}, "unknown_vendor", "models/x/vendor", "called wam"),
        ({"models": {"x": {"like": "wan2.6-t2w"}}}, "unknown_model", "models/x/like", "wan2.6-t2v"),
        ({"models": {"x": {"secs": 1}}}, "unknown_key", "models/x/secs", "`seconds`"),
        ({"models": {"x": {"vendor": "veo", "seconds": 5}}}, "type", "models/x/seconds", "[5, 10]"),
        ({"models": {"veo-2.0-generate-001": {"sizes": ["2k"]}}}, "unknown_sizes",
         "models/veo-2.0-generate-001/sizes/0", "720p, 1080p, 4k"),
        ({"models": {"veo-2.0-generate-001": {"capabilities": ["t2v", "last_fram"]}}},
         "unknown_capability", "models/veo-2.0-generate-001/capabilities/1", "`last_frame`"),
        ({"models": {"x": 5}}, "type", "models/x", "the model x is 5, not a mapping"),
        ({"rules": {"wan.seconds": "on"}}, "value", "rules/wan.seconds", '"on"; error, warning'),
        ({"rules": {"wan.secnds": "off"}}, "unknown_rule", "rules/wan.secnds", "`wan.seconds`"),
    ],
)  # fmt: skip
def test_faulty_overrides_are_named(
    settings: dict[str, Any], rule: str, path: str, words: str
) -> None:
    """A mistake in reelmake.yaml has a place and a remedy like one in a storyboard."""
    [(found, where, text)] = faults(**settings)
    assert (found, where) == (f"settings.{rule}", path)
    assert words in text


# ── vendors from other packages ─────────────────────────────────────────────────────────────

HD = {"resolution": "720p", "aspect_ratio": "16:9", "native": "hd", "width": 1280, "height": 720}
STYLE = {"type": "object", "properties": {"style": {"enum": ["ink", "oil"]}}}
ACME: dict[str, Any] = {
    "title": "Acme",
    "x-vendor": "acme",
    "x-prefixes": ["acme-"],
    "x-sizes": {"hd": [HD]},
    "x-models": {
        "acme-1": {
            "family": "acme-1",
            "capabilities": ["t2v"],
            "seconds": [3, 6],
            "sizes": ["hd"],
            "audio": "never",
            "source": {"kind": "vendor doc", "date": "2026-11"},
        }
    },
    "x-rules": [
        {
            "id": "acme.seconds",
            "severity": "error",
            "must": {"properties": {"seconds": {"enum": {"$fact": "seconds"}}}},
            "at": ["seconds"],
            "message": "{model} makes {legal.seconds} s, not {seconds}",
            "hint": "write one of {legal.seconds}",
            "source": {"kind": "vendor doc", "date": "2026-11"},
            "examples": {"fail": [{"model": "acme-1", "seconds": 5}], "pass": [{}]},
        }
    ],
    "properties": {"options": {**STYLE, "additionalProperties": False}},
}


def install(folder: Path, **changes: Any) -> Catalogue:
    path = folder / "acme.schema.json"
    path.write_text(json.dumps({**ACME, **changes}))
    return open_catalogue(installed={"acme": path})


def test_an_installed_vendor_is_checked_like_any_other(tmp_path: Path) -> None:
    """Models, rules, options and capabilities of a schema from another package hold."""
    catalogue = install(tmp_path)
    assert severities(catalogue, model="acme-1", seconds=6, resolution="720p") == {}
    assert set(
        severities(
            catalogue,
            model="acme-1",
            seconds=5,
            last_frame={"image": "a.png"},
            options={"stile": "ink"},
        )
    ) == {"acme.seconds", "capability.last_frame", "acme.unknown_key"}
    assert catalogue.vendor_of("acme-2") == "acme"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x-vendor": "zenith"}, "x-vendor is 'zenith', not 'acme'"),
        ({"x-rules": [{}]}, "`id`, `severity`"),
        ({"x-models": {"sora-2": ACME["x-models"]["acme-1"]}}, "model sora-2 is sora's already"),
        ({"x-modles": {}, "x-models": 5}, "not a mapping"),
    ],
)
def test_an_installed_schema_that_cannot_be_used_is_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    """The error names the vendor and what is wrong with its file."""
    with pytest.raises(BadInput, match="vendor 'acme'") as raised:
        install(tmp_path, **changes)
    assert words in raised.value.what


def test_a_missing_installed_schema_is_refused(tmp_path: Path) -> None:
    """An entry point whose file is gone does not end in a traceback."""
    with pytest.raises(BadInput, match="cannot be read"):
        open_catalogue(installed={"acme": tmp_path / "gone.json"})
