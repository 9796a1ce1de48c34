"""`cut:` → clips in order, and the sound under them."""

from collections.abc import Mapping
from decimal import Decimal

from runner.load.found import Found, Path
from runner.load.sources import Refusal, check_url, is_url, kind_by_name
from runner.load.takes import Surroundings
from runner.model import JSON, Clip, Cut, Loc, Problem, ShotId, Soundtrack, Url
from runner.schema import did_you_mean
from runner.source import Map, locate


def read_cut(data: Map, around: Surroundings) -> Cut:
    """The cut of a storyboard whose structure is known to be good."""
    clips = tuple(
        _clip(data, value, ("cut", "clips", index), around.found)
        for index, value in enumerate(data["cut"]["clips"])
    )
    audio = data["cut"].get("audio")
    return Cut(clips, _soundtrack(data, audio, around) if audio else None)


def _clip(data: Map, value: JSON, path: Path, found: Found) -> Clip:
    if isinstance(value, str):
        return Clip(ShotId(value), at=locate(data, path))
    start, end = _seconds(value, "in"), _seconds(value, "out")
    if end is not None and (start or 0) >= end:
        message = f"a clip from {start or 0} s to {end} s"
        at = locate(data, (*path, "out"))
        found.add(Problem("cut.empty", message, at, hint="`in` comes before `out`"))
    dissolve = Decimal(str(value.get("transition", {}).get("dissolve", 0)))
    if path[-1] == 0 and dissolve:
        at = locate(data, (*path, "transition"))
        hint = "a dissolve overlaps with the clip before"
        found.add(Problem("cut.dissolve", "a dissolve into the first clip", at, hint=hint))
    return Clip(ShotId(value["shot"]), start, end, dissolve, locate(data, (*path, "shot")))


def _soundtrack(data: Map, value: Mapping[str, JSON], around: Surroundings) -> Soundtrack | None:
    path: Path = ("cut", "audio", "audio")
    where = value["audio"]
    if where in around.library:
        named = around.library[where]
        where = named.get("audio") if isinstance(named, Map) else named
        if where is None:
            _refuse(around, locate(data, path), f"{value['audio']} is not a sound")
            return None
    origin = check_url(where) if is_url(where) else around.files.find(where, around.folder)
    if isinstance(origin, Refusal):
        hint = did_you_mean(where, around.library) or origin.hint
        around.found.add(Problem(origin.rule, origin.message, locate(data, path), hint=hint))
        return None
    if kind_by_name(where) != "audio" and not isinstance(origin, Url):
        _refuse(around, locate(data, path), f"{where} is not a sound by its name")
    gain, fade_in, fade_out = (
        _seconds(value, name) or Decimal(0) for name in ("gain_db", "fade_in", "fade_out")
    )
    return Soundtrack(origin, gain, fade_in, fade_out)


def _refuse(around: Surroundings, at: Loc, message: str) -> None:
    hint = "a name from `references`, a path or a URL of a sound: .wav, .mp3, .m4a, .flac, .ogg"
    around.found.add(Problem("source.kind", message, at, hint=hint))


def _seconds(value: Mapping[str, JSON], name: str) -> Decimal | None:
    return Decimal(str(value[name])) if name in value else None
