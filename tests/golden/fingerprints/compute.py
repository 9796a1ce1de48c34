"""Print the fingerprint of every request in requests.json, one `name digest` a line.

A program of its own, so that the test can run it under other interpreters, hash seeds, locales and
time zones. Needs nothing but msgspec, and `runner` on the path.
"""

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from runner.fingerprint import asked, digest
from runner.model import LocalFile, Medium, Request, ShotId, ShotOutput, Take, Url


def origin(written: dict[str, Any]) -> LocalFile | Url | ShotOutput:
    if "url" in written:
        return Url(written["url"])
    if "shot" in written:
        frame = written.get("frame")
        return ShotOutput(
            ShotId(written["shot"]), frame if frame in ("first", "last", None) else Decimal(frame)
        )
    return LocalFile(written["file"])


def fingerprint(case: dict[str, Any]) -> str:
    written = dict(case["request"])
    listed = written.pop("media", [])
    media = [Medium(m["role"], m["kind"], origin(m)) for m in listed]
    known = {id(medium): m.get("bytes") for medium, m in zip(media, listed, strict=True)}
    take = Take(ShotId("any"), case.get("take", 1), Request(media=tuple(media), **written))
    document = asked(take, lambda medium: known[id(medium)])
    assert document is not None
    return digest(document)


def main() -> None:
    cases = json.loads(Path(__file__).with_name("requests.json").read_text("utf-8"))
    for case in cases:
        sys.stdout.write(f"{case['name']} {fingerprint(case)}\n")


if __name__ == "__main__":
    main()
