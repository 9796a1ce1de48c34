"""A request as the catalogue checks it, and back."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec.structs import replace

from runner.model import JSON, LocalFile, Medium, Request, ShotOutput, Url
from runner.vendors import base

Fields = dict[str, JSON]


def fields_of(request: Request) -> Fields:
    """A request as the catalogue checks it: a resolved shot with sources in their long form."""
    fields: Fields = {"model": request.model, "prompt": request.prompt}
    fields |= base.pick(request, *base.SCALARS)
    for medium in request.media:
        if medium.role != "reference":
            fields[medium.role] = source_of(medium)
    if request.references:
        fields["references"] = [source_of(medium) for medium in request.references]
    for name in ("options", "extra_body"):
        if value := getattr(request, name):
            fields[name] = dict(value)
    return fields


def source_of(medium: Medium) -> Fields:
    match medium.origin:
        case LocalFile(path):
            return {medium.kind: path}
        case Url(url):
            return {medium.kind: url}
        case ShotOutput(shot, None):
            return {"shot": shot}
        case ShotOutput(shot, frame):
            return {"shot": shot, "frame": float(frame) if isinstance(frame, Decimal) else frame}


def request_of(request: Request, before: Fields, after: Fields) -> Request:
    """The request with the fields of `after`, which came from `before` by changes and removals."""
    kept = after.get("references", ())
    references = [
        medium
        for medium, source in zip(request.references, before.get("references", ()), strict=True)
        if any(source is item for item in kept)
    ]
    others = [m for m in request.media if m.role != "reference" and m.role in after]
    return replace(
        request,
        model=after["model"],
        prompt=after["prompt"],
        media=(*others, *references),
        options=after.get("options", {}),
        extra_body=after.get("extra_body", {}),
        **{name: after.get(name) for name in base.SCALARS},
    )


def kind_of(source: Mapping[str, JSON]) -> str:
    """image, video or audio; a whole shot is a video, a frame of it an image."""
    if "shot" in source:
        return "image" if "frame" in source else "video"
    return next(iter(source))
