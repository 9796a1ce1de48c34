"""A film for other programs. Each format is a module that turns facts into text; pure.

takes      what is known of every take, rendered or not
timeline   takes laid out as the cut has them, in frames
otio       OpenTimelineIO: every take a reference of its clip, the kept one active
edl        CMX3600: old, narrow, and read by everything
fcpxml     Final Cut Pro, and what reads its format
sheet      CSV, a row for every take

The writers are ours; why, with measurements, stands in ARCHITECTURE.md. OpenTimelineIO reads back
in the tests what is written here.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

from runner.export import edl, fcpxml, otio
from runner.export.sheet import sheet
from runner.export.takes import TakeFacts
from runner.export.timeline import Music, Placed, Timeline, in_words, laid_out

__all__ = ["FORMATS", "Music", "Placed", "TakeFacts", "Timeline", "in_words", "laid_out", "sheet"]


class Format(Protocol):
    """What a timeline's format offers."""

    def write(self, timeline: Timeline) -> str:
        """The whole file."""
        ...

    def remarks(self, timeline: Timeline) -> Iterator[str]:
        """What the format cannot say of this film: nothing is left out in silence."""
        ...


FORMATS: Mapping[str, Format] = {"otio": otio, "edl": edl, "fcpxml": fcpxml}
