"""What the rules let through, an adapter can shape: no shot fails after validation said yes."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.model import (
    Kind,
    LocalFile,
    Medium,
    ModelId,
    Origin,
    Request,
    Role,
    Severity,
    ShotId,
    ShotOutput,
    Url,
)
from runner.schema import check_shot, open_catalogue
from runner.vendors import VENDORS

CATALOGUE = open_catalogue()
WEB = "https://media.example.com/"
pictures = st.sampled_from(
    [{"image": "a.png"}, {"image": f"{WEB}a.png"}, {"shot": "sh010", "frame": "last"}]
)
videos = st.sampled_from([{"video": "a.mp4"}, {"video": f"{WEB}a.mp4"}, {"shot": "sh010"}])
sounds = st.sampled_from([{"audio": "a.mp3"}, {"audio": f"{WEB}a.mp3"}])
options = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["std", "pro", "4k"]),
        "cfg_scale": st.sampled_from([0, 0.5]),
        "generate_audio": st.booleans(),
        "prompt_extend": st.booleans(),
        "audio": st.booleans(),
        "camera_fixed": st.booleans(),
        "frames": st.just(121),
        "multi_shot": st.booleans(),
    },
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "negative_prompt": st.just("blur"),
    "seconds": st.sampled_from([-1, 4, 5, 6, 8, 10, 12, 16]),
    "size": st.sampled_from(["1280x720", "720x1280", "832x480", "16:9", "4k", "1792x1024"]),
    "resolution": st.sampled_from(["480p", "720p", "1080p", "4k"]),
    "aspect_ratio": st.sampled_from(["16:9", "9:16", "1:1", "4:3", "21:9", "adaptive"]),
    "audio": st.booleans(),
    "watermark": st.booleans(),
    "seed": st.sampled_from([0, 7]),
    "first_frame": pictures,
    "last_frame": pictures,
    "base_video": videos,
    "references": st.lists(pictures | videos | sounds, max_size=4),
    "options": options,
}


@st.composite
def shots(draw: st.DrawFn) -> dict[str, Any]:
    """A few fields at a time: a shot with everything is hardly ever legal."""
    model = draw(st.sampled_from(sorted(CATALOGUE.models)))
    names = draw(st.sets(st.sampled_from(sorted(FIELDS)), max_size=5))
    return {"model": model, "prompt": "A pier.", **{n: draw(FIELDS[n]) for n in sorted(names)}}


def request(fields: dict[str, Any]) -> Request:
    rest = dict(fields)
    roles: tuple[Role, ...] = ("first_frame", "last_frame", "base_video")
    media = [medium(role, rest.pop(role)) for role in roles if role in rest]
    media += [medium("reference", source) for source in rest.pop("references", ())]
    return Request(ModelId(rest.pop("model")), rest.pop("prompt"), media=tuple(media), **rest)


def medium(role: Role, source: dict[str, Any]) -> Medium:
    if "shot" in source:
        made = ShotOutput(ShotId(source["shot"]), source.get("frame"))
        return Medium(role, "image" if made.frame else "video", made)
    kinds: tuple[Kind, ...] = ("image", "video", "audio")
    [kind] = (kind for kind in kinds if kind in source)
    where: str = source[kind]
    origin: Origin = Url(where) if where.startswith("https:") else LocalFile(where)
    return Medium(role, kind, origin)


@settings(max_examples=400)
@given(shots())
def test_what_is_accepted_can_be_asked_for(fields: dict[str, Any]) -> None:
    """A shot without an error has a body, and a guess at the file that comes back."""
    if any(c.severity is Severity.ERROR for c in check_shot(CATALOGUE, fields)):
        return
    facts = CATALOGUE.models[fields["model"]]
    vendor = VENDORS[facts.vendor]
    assert vendor.shape(request(fields), facts)["model"] == facts.id
    vendor.expected(request(fields), facts)
