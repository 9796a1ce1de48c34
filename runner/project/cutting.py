"""Keeps the cut up to date: assembled again only when a clip, a trim or the sound has changed.

What a cut is made of is a recipe of digests and numbers; which bytes it came out as is noted
under the recipe's own digest, and the bytes lie in the store like any others.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from runner.disk import make_private_dir, write_atomic
from runner.errors import BadInput
from runner.manifest import CutFile
from runner.manifest.outputs import place
from runner.model import Cut, Digest, LocalFile, Plan, ShotId, Soundtrack, Storyboard
from runner.project.opened import Film

FORMAT = 3  # raised when the same recipe would come out as another film


def cut_name(storyboard: Storyboard) -> str:
    """`cut.mp4`, or a name that no shot can have where a shot is called so."""
    taken = any(shot.id.lower() == "cut" for shot in storyboard.shots)
    return "_cut.mp4" if taken else "cut.mp4"


def make_cut(film: Film, plan: Plan) -> CutFile | None:
    """The cut, once it lies in the output folder; None while a clip is missing.

    Raises BadInput for a trim or dissolve that does not fit, Outside where the disk will not.
    """
    cut = film.storyboard.cut
    if cut is None:
        return None
    clips = kept(film, plan)
    if any(clip.shot not in clips for clip in cut.clips):
        return None
    note = film.project.state / "cuts" / recipe(cut, clips, sound(film, cut))
    store, name = film.project.store, cut_name(film.storyboard)
    sha256 = noted(note)
    if sha256 is None or sha256 not in store:
        sha256 = store.take_in(assembled(film, cut, clips))
        make_private_dir(note.parent)
        write_atomic(note, sha256.encode())
    place([name], sha256, film.folder, store)
    return CutFile(name, sha256)


def kept(film: Film, plan: Plan) -> dict[ShotId, Digest]:
    """The bytes of every kept take that is up to date."""
    keep = {shot.id: shot.keep for shot in film.storyboard.shots}
    return {
        step.shot: step.result.sha256
        for step in plan.steps
        if step.result and step.take == keep[step.shot] and step.result.sha256 in film.project.store
    }


def sound(film: Film, cut: Cut) -> tuple[Path, Soundtrack] | None:
    if cut.audio is None:
        return None
    if not isinstance(cut.audio.origin, LocalFile):
        raise BadInput("the cut's sound must be a local file", do="download it into the project")
    return film.project.root / cut.audio.origin.path, cut.audio


def recipe(
    cut: Cut, clips: Mapping[ShotId, Digest], track: tuple[Path, Soundtrack] | None
) -> Digest:
    """SHA-256 of everything that decides how the cut comes out."""
    parts = [
        [clips[clip.shot], *map(str, (clip.start, clip.end, clip.dissolve))] for clip in cut.clips
    ]
    heard = None
    if track:
        path, how = track
        bytes_of = hashlib.sha256(path.read_bytes()).hexdigest()
        heard = [bytes_of, *map(str, (how.gain_db, how.fade_in, how.fade_out))]
    text = json.dumps([FORMAT, parts, heard], separators=(",", ":"))
    return Digest(hashlib.sha256(text.encode()).hexdigest())


def noted(note: Path) -> Digest | None:
    return Digest(note.read_text()) if note.is_file() else None


def assembled(film: Film, cut: Cut, clips: Mapping[ShotId, Digest]) -> Path:
    scratch = film.project.state / "scratch"
    make_private_dir(scratch)
    paths = [(film.project.store.path(clips[clip.shot]), clip) for clip in cut.clips]
    dest = scratch / f"cut-{film.storyboard.sha256[:16]}.mp4"
    from runner.media.cut import assemble  # most commands only need to know the cut's name

    assemble(paths, sound(film, cut), dest)
    return dest
