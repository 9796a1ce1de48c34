"""Where a video came from, for films that leave the house: as a statement, and as a label.

The statement has the form of an in-toto Statement v1 with a SLSA Provenance v1 predicate; it is
not signed. The label is the IPTC digital source type in an XMP sidecar. The video itself is never
touched: what the vendor wrote into it stays as it is.
"""

import json
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from runner.manifest.lock import Entry
from runner.model import JSON, Digest

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
TAKE = "https://github.com/reelmake/reelmake/take/v1"
CUT = "https://github.com/reelmake/reelmake/cut/v1"
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def of_take(entry: Entry) -> dict[str, JSON]:
    """What one video was made from, by which model, at which job. No prices, no local paths."""
    result = entry.result
    sent = result.accepted or result.asked
    builder = f"{result.gateway}/{entry.vendor}/{sent.get('model', '')}"
    metadata = {
        "invocationId": result.job or "",
        "startedOn": result.submitted_at,
        "finishedOn": result.completed_at,
    }
    return _statement(
        _video(entry.outputs[0] if entry.outputs else f"{entry.shot}.mp4", result.sha256),
        {
            "buildType": TAKE,
            "externalParameters": sent,
            "resolvedDependencies": [_source(medium) for medium in sent.get("media", ())],
        },
        {"builder": {"id": builder}, "metadata": metadata},
    )


def of_cut(name: str, sha256: Digest, clips: Mapping[str, Digest]) -> dict[str, JSON]:
    """Which takes (file name -> digest) a cut was assembled from."""
    return _statement(
        _video(name, sha256),
        {
            "buildType": CUT,
            "externalParameters": {"clips": list(clips)},
            "resolvedDependencies": [_video(clip, digest) for clip, digest in clips.items()],
        },
        {"builder": {"id": "reelmake"}, "metadata": {}},
    )


def sidecar(statement: Mapping[str, JSON]) -> bytes:
    """The statement as a file: the same bytes for the same statement."""
    text = json.dumps(statement, ensure_ascii=False, indent=1)
    return f"{text}\n".encode("utf-8", "backslashreplace")


def label() -> bytes:
    """An XMP packet that says: made by a trained algorithm. Goes beside a video as `<name>.xmp`."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about=""\n'
        '   xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"\n'
        f"   Iptc4xmpExt:DigitalSourceType={quoteattr(SOURCE_TYPE)}/>\n"
        " </rdf:RDF>\n"
        "</x:xmpmeta>\n"
    ).encode()


def _statement(
    subject: JSON, definition: Mapping[str, JSON], details: Mapping[str, JSON]
) -> dict[str, JSON]:
    labelled = {**subject, "annotations": {"digitalSourceType": SOURCE_TYPE}}
    return {
        "_type": STATEMENT,
        "subject": [labelled],
        "predicateType": PREDICATE,
        "predicate": {"buildDefinition": dict(definition), "runDetails": dict(details)},
    }


def _video(name: str, sha256: Digest) -> dict[str, JSON]:
    return {"name": name, "digest": {"sha256": sha256}, "mediaType": "video/mp4"}


def _source(medium: Mapping[str, JSON]) -> dict[str, JSON]:
    found: dict[str, JSON] = {"name": medium["role"]}
    if "url" in medium:
        found["uri"] = medium["url"]
    if "sha256" in medium:
        found["digest"] = {"sha256": medium["sha256"]}
    if "frame" in medium:
        found["annotations"] = {"frame": medium["frame"]}
    return found
