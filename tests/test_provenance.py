"""Films that leave the house say how they were made."""

import json
from pathlib import Path
from xml.etree import ElementTree

from msgspec.structs import replace
from plain_film import A, B, result, shot

from runner.manifest import Entry
from runner.manifest.provenance import SOURCE_TYPE, label, of_cut, of_take, sidecar
from runner.model import Medium, ShotId, ShotOutput, Url


def entry() -> Entry:
    media = (
        Medium("reference", "image", Url("https://cdn.test/mara.png?sig=hush")),
        Medium("first_frame", "image", ShotOutput(ShotId("sh005"), "last")),
    )
    made = result(shot("sh010", media=media).takes[0], A, {ShotId("sh005"): B})
    return Entry(ShotId("sh010"), 1, True, "wan", made, (), ("sh010.mp4",))


def test_a_statement_names_bytes_model_job_and_inputs() -> None:
    """Another tool can follow a video back to what was asked, and to what it was made from."""
    statement = of_take(entry())
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    (subject,) = statement["subject"]
    assert (subject["name"], subject["digest"]) == ("sh010.mp4", {"sha256": A})
    definition = statement["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["prompt"] == "the sh010"
    assert definition["resolvedDependencies"] == [
        {"name": "first_frame", "digest": {"sha256": B}, "annotations": {"frame": "last"}},
        {"name": "reference", "uri": "https://cdn.test/mara.png"},
    ]
    details = statement["predicate"]["runDetails"]
    assert details["builder"] == {"id": "aihubmix/wan/wan2.6-t2v"}
    assert details["metadata"]["invocationId"] == "job-1"


def test_a_statement_leaves_prices_and_secrets_at_home() -> None:
    """What goes with a film says neither what it cost nor how its sources were reached."""
    text = sidecar(of_take(entry())).decode()
    assert "hush" not in text
    assert "0.50" not in text


def test_an_accepted_take_states_what_was_really_asked() -> None:
    """A yes to other words does not change where the bytes came from."""
    made = entry()
    later = result(shot("sh010", prompt="later").takes[0], A)
    accepted = replace(made, result=replace(later, accepted=made.result.asked))
    parameters = of_take(accepted)["predicate"]["buildDefinition"]["externalParameters"]
    assert parameters["prompt"] == "the sh010"


def test_a_cut_names_its_clips() -> None:
    """The film is followed to its shots."""
    statement = of_cut("film.mp4", A, {"sh010.mp4": B})
    assert statement["predicate"]["buildDefinition"]["resolvedDependencies"] == [
        {"name": "sh010.mp4", "digest": {"sha256": B}, "mediaType": "video/mp4"}
    ]


def test_every_subject_is_labelled_as_generated() -> None:
    """The IPTC digital source type stands in the statement and in the XMP sidecar."""
    for statement in (of_take(entry()), of_cut("film.mp4", A, {})):
        assert statement["subject"][0]["annotations"] == {"digitalSourceType": SOURCE_TYPE}
    root = ElementTree.fromstring(label())
    (description,) = root.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    name = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
    assert description.get(name) == SOURCE_TYPE


def test_a_sidecar_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    """Written twice, nothing moves."""
    one = sidecar(of_take(entry()))
    assert one == sidecar(of_take(entry()))
    assert json.loads(one)["_type"]
