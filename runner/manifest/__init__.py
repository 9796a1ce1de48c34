"""What lies in `renders/`, written down: the lock of a film, committed to git.

    lock       what it says; from a plan, and back into history
    text       the file
    conflict   the file, where git could not merge it by itself
    outputs    bytes put where people look for them
    check      is everything as it says?
    reach      which blobs must stay
    provenance where a video came from, for films that leave the house
    apart      a long one, of which few takes are wanted

The manifest pins which bytes are each take. Every line below its head belongs to one take, so two
people who render different shots can merge; the head (storyboard and cut by digest) is written
anew by the next run, and `.gitattributes` beside it keeps git from stopping there. It can be
rebuilt from journal and store byte for byte, and a fresh clone reads it as history. Never knows
the network.
"""

from runner.manifest.lock import CutFile, Entry, Manifest, build, recall, renewed
from runner.manifest.text import NAME, dump, find, parse, read, write

__all__ = [
    "NAME",
    "CutFile",
    "Entry",
    "Manifest",
    "build",
    "dump",
    "find",
    "parse",
    "read",
    "recall",
    "renewed",
    "write",
]
