"""What lies in `renders/`, written down: the lock of a film, committed to git.

    lock       what it says; from a plan, and back into history
    text       the file
    conflict   the file, where git could not merge it by itself
    outputs    bytes put where people look for them
    check      is everything as it says?
    reach      which blobs must stay
    provenance where a video came from, for films that leave the house

The manifest pins which bytes are each take. It holds nothing derived and nothing of the moment
(no totals, no date, no hash of the storyboard or of the cut): every line belongs to one take, so
two people who render different shots can merge. It can be rebuilt from journal and store byte for
byte, and a fresh clone reads it as history. Never knows the network.
"""

from runner.manifest.check import cut_side, note_cut, verify
from runner.manifest.lock import Entry, Manifest, build, recall, renewed
from runner.manifest.outputs import place, set_aside
from runner.manifest.reach import reachable
from runner.manifest.text import NAME, dump, find, parse, read, write

__all__ = [
    "NAME",
    "Entry",
    "Manifest",
    "build",
    "cut_side",
    "dump",
    "find",
    "note_cut",
    "parse",
    "place",
    "reachable",
    "read",
    "recall",
    "renewed",
    "set_aside",
    "verify",
    "write",
]
