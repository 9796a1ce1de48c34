"""Which blobs must stay, whatever is cleaned up."""

from collections.abc import Iterable

from runner.manifest.lock import Manifest
from runner.model import Digest, Result


def reachable(manifests: Iterable[Manifest], results: Iterable[Result]) -> set[Digest]:
    """Everything that a manifest names or the journal has paid for, and what it was made from.

    `results` are those of the journal, of every realm whose takes are to be kept. A pinned take is
    in one or the other. Inputs count too: a frame of a video that a take was rendered from.
    """
    found: set[Digest] = set()
    for manifest in manifests:
        for entry in manifest.entries:
            _of_result(entry.result, found)
    for result in results:
        _of_result(result, found)
    return found


def _of_result(result: Result, found: set[Digest]) -> None:
    found.add(result.sha256)
    for document in (result.asked, result.accepted or {}):
        found.update(Digest(m["sha256"]) for m in document.get("media", ()) if "sha256" in m)
