"""Where each video came from, written beside it, for films that leave the house.

`sidecars: true` in reelmake.yaml. The videos themselves are never touched.
"""

from runner.disk import write_atomic
from runner.manifest import Manifest, provenance
from runner.project.opened import Film


def write_sidecars(film: Film, written: Manifest) -> None:
    """A statement and an AI label for every output, and for the cut; only where they change."""
    files: dict[str, bytes] = {}
    for entry in written.entries:
        statement = provenance.sidecar(provenance.of_take(entry))
        for name in entry.outputs:
            files |= {f"{name}.intoto.json": statement, f"{name}.xmp": provenance.label()}
    if written.cut and film.storyboard.cut:
        kept = written.kept()
        clips = {
            kept[clip.shot].outputs[0]: kept[clip.shot].result.sha256
            for clip in film.storyboard.cut.clips
        }
        cut = written.cut
        made = provenance.sidecar(provenance.of_cut(cut.path, cut.sha256, clips))
        files |= {f"{cut.path}.intoto.json": made, f"{cut.path}.xmp": provenance.label()}
    for name, data in files.items():
        path = film.folder / name
        if not path.exists() or path.read_bytes() != data:
            write_atomic(path, data, mode=0o644)
