"""Examples of rules, run: for the reference page, and for the test that holds every rule to them.

An example is a resolved shot; its prompt may be left out. A rule about local media has a `medium`
or several `media` in it, by their measures, and what else the shot says under `shot`. Long texts
and lists are written {"$repeat": item, "times": n}.
"""

from collections.abc import Mapping

from runner.model import JSON, MediaInfo
from runner.schema.catalogue import Catalogue
from runner.schema.complaint import Complaint, Path
from runner.schema.media import Measured, check_media
from runner.schema.shots import check_shot

PROMPT = "A quiet harbour at dawn."


def judge(catalogue: Catalogue, example: Mapping[str, JSON]) -> list[Complaint]:
    """Everything that is said about an example."""
    shot = expanded(example)
    media = shot.get("media") or [shot[name] for name in ("medium",) if name in shot]
    if media:
        fields = {"model": shot["model"], **shot.get("shot", {})}
        return check_media(catalogue, fields, [_measured(medium) for medium in media])
    return check_shot(catalogue, {"prompt": PROMPT, **shot})


def expanded(value: JSON) -> JSON:
    """An example with its repetitions written out."""
    if isinstance(value, Mapping):
        if "$repeat" in value:
            item, times = value["$repeat"], value["times"]
            return item * times if isinstance(item, str) else [item] * times
        return {key: expanded(item) for key, item in value.items()}
    return [expanded(item) for item in value] if isinstance(value, list) else value


def _measured(medium: Mapping[str, JSON]) -> Measured:
    about = dict(medium)
    role, declared = about.pop("role"), about.pop("declared")
    path: Path = ("references", 0) if role == "reference" else (role,)
    name = f"refs/{declared}.{about['mime'].rpartition('/')[2]}"
    return Measured(path, role, declared, name, MediaInfo(**about))
