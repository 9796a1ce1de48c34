"""The manifest's file: read, written only where it changes, a line for every fact of a take."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from runner.disk import write_atomic
from runner.errors import BadInput, Outside
from runner.manifest import conflict
from runner.manifest.lock import CutFile, Entry, Manifest
from runner.model import (
    JSON,
    AttemptId,
    Digest,
    Estimate,
    Finding,
    JobId,
    Money,
    Probe,
    Result,
    ShotId,
)

NAME = "manifest.json"
FORMAT = 1
UNION = b"# Both sides of a merge are kept; reelmake sorts them out.\nmanifest.json merge=union\n"
HEAD = b'  "storyboard"'
DIGEST = re.compile(r"[0-9a-f]{64}")
Kind = TypeVar("Kind")
UNKNOWN = AttemptId("")  # a result that only a manifest tells of


def write(path: Path, manifest: Manifest) -> bool:
    """Replace the file in one go, only where its content changes; whether it did.

    Raises `Outside` when the disk will not do it.
    """
    data = dump(manifest)
    try:
        if _lasting(path.read_bytes()) == _lasting(data):
            return False
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, data, mode=0o644)
    attributes = path.with_name(".gitattributes")
    if not attributes.exists():
        write_atomic(attributes, UNION, mode=0o644)
    return True


def _lasting(data: bytes) -> list[bytes]:
    """All but the storyboard's digest: a comment in it is no reason to write the lock anew."""
    return [HEAD if line.startswith(HEAD) else line for line in data.splitlines()]


def read(path: Path) -> Manifest | None:
    """The manifest at a path, or None where there is none.

    Raises BadInput, with the take it stumbled over, for a file that is not a manifest, and
    Outside where the disk will not give it.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Outside(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 text") from error
    if conflict.in_text(text):
        ours, theirs = conflict.sides(text)
        return conflict.settled(parse(ours, str(path)), parse(theirs, str(path)), path)
    if conflict.in_union(text):
        return parse(conflict.sorted_out(text, path), str(path))
    return parse(text, str(path))


_compact = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode


def written_for(data: bytes) -> list[str]:
    """The storyboards that stand at the head of a manifest: one, or one of each side.

    None where it has another form than `dump` gives it.
    """
    head = data.partition(b'\n  "shots": [')[0].splitlines()
    found = [line.rstrip(b",") for line in head if line.startswith(HEAD)]
    try:
        return [json.loads(b"{%s}" % line)["storyboard"]["path"] for line in found]
    except ValueError:
        return []


def find(root: Path) -> Iterator[Manifest]:
    """Every manifest of ours below a folder; other programs have files of that name too.

    Raises BadInput for one of ours that cannot be read: what it names is then not known.
    """
    for path in sorted(root.rglob(NAME)):
        data = path.read_bytes()
        if b'"manifest":' in data and b'"storyboard":' in data:
            found = read(path)
            if found is not None:
                yield found


def dump(manifest: Manifest) -> bytes:
    """The file's bytes: a key a line, so that git sees which take changed and in what."""
    head: dict[str, JSON] = {
        "manifest": FORMAT,
        "storyboard": {"path": manifest.storyboard, "sha256": manifest.sha256},
        "gateway": manifest.gateway,
    }
    if manifest.cut:
        head["cut"] = {"path": manifest.cut.path, "sha256": manifest.cut.sha256}
    lines = [f"  {_compact(key)}: {_compact(value)}," for key, value in head.items()]
    shots = ",\n".join(_entry_text(entry) for entry in manifest.entries)
    body = f'  "shots": [\n{shots}\n  ]' if shots else '  "shots": []'
    text = "\n".join(["{", *lines, body, "}", ""])
    # A lone surrogate cannot be UTF-8; as \udXXX it is the JSON escape of itself.
    return text.encode("utf-8", "backslashreplace")


def _entry_text(entry: Entry) -> str:
    pairs = (f"      {_compact(key)}: {_compact(value)}" for key, value in _saved(entry).items())
    return "    {\n" + ",\n".join(pairs) + "\n    }"


def _saved(entry: Entry) -> dict[str, JSON]:
    result = entry.result
    sent = result.accepted or result.asked
    saved: dict[str, JSON] = {
        "id": entry.shot,
        "take": entry.take,
        "kept": entry.kept,
        "fingerprint": result.fingerprint,
        "model": sent.get("model"),
        "vendor": entry.vendor,
        "prompt": sent.get("prompt"),
        "request": result.asked,
        **({"vars": result.vars} if result.vars else {}),
        **({"accepted": result.accepted} if result.accepted else {}),
        "job": {
            "id": result.job,
            "gateway": result.gateway,
            "submitted_at": result.submitted_at,
            "completed_at": result.completed_at,
        },
        "inputs": list(entry.inputs),
        "output": _saved_output(entry),
        "cost": _saved_cost(result.cost),
    }
    if result.findings:
        saved["findings"] = [{"rule": f.rule, "message": f.message} for f in result.findings]
    return saved


def _saved_output(entry: Entry) -> dict[str, JSON]:
    result, probe = entry.result, entry.result.probe
    path, *also = entry.outputs or (None,)
    saved: dict[str, JSON] = {"path": path, "sha256": result.sha256, "bytes": result.bytes}
    saved |= {"width": probe.width, "height": probe.height, "seconds": probe.seconds}
    saved |= {"fps": probe.fps, "audio": probe.audio}
    return saved | ({"also": also} if also else {})


def _saved_cost(cost: Estimate | None) -> JSON:
    if cost is None:
        return None
    saved = {"amount": f"{cost.cost.amount:f}", "currency": cost.cost.currency}
    return saved | {"basis": cost.basis} | ({"bound": True} if cost.bound else {})


def parse(text: str, name: str) -> Manifest:
    """A manifest from its text. Raises BadInput with `name` for anything else."""
    try:
        data = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{name} is not JSON: {error}", do="restore it from git") from error
    if not isinstance(data, dict) or "manifest" not in data:
        raise BadInput(f"{name} is not a manifest")
    if data["manifest"] != FORMAT:
        raise BadInput(
            f"{name} has format {data['manifest']!r}; this version reads {FORMAT}",
            do="update reelmake",
        )
    try:
        return Manifest(
            storyboard=_of(str, data["storyboard"]["path"]),
            sha256=_digest(data["storyboard"]["sha256"]),
            gateway=_of(str, data["gateway"]),
            entries=tuple(_read_entries(_of(list, data["shots"]), name)),
            cut=_read_cut(data["cut"]) if "cut" in data else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{name} is damaged ({error!r})", do="restore it from git") from error


def _read_cut(saved: Mapping[str, JSON]) -> CutFile:
    return CutFile(_inside(saved["path"]), _digest(saved["sha256"]))


def _of(kind: type[Kind], value: JSON) -> Kind:
    """The value, if it is of that JSON type; a true is no number. Raises TypeError."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{value!r} is not {kind.__name__}")
    return value


def _digest(value: JSON) -> Digest:
    if not DIGEST.fullmatch(_of(str, value)):
        raise ValueError(f"{value!r} is not a SHA-256")
    return Digest(value)


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _read_entries(shots: Iterable[Mapping[str, JSON]], name: str) -> Iterator[Entry]:
    for number, saved in enumerate(shots):
        try:
            yield read_entry(saved)
        except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            where = saved.get("id", number) if isinstance(saved, Mapping) else number
            raise BadInput(f"{name}: entry {where!r} is damaged ({error!r})") from error


def read_entry(saved: Mapping[str, JSON]) -> Entry:
    output = saved["output"]
    paths = [path for path in (output["path"], *output.get("also", ())) if path is not None]
    return Entry(
        shot=ShotId(_of(str, saved["id"])),
        take=_of(int, saved["take"]),
        kept=_of(bool, saved["kept"]),
        vendor=_of(str, saved["vendor"]),
        result=_read_result(saved),
        inputs=tuple(_of(dict, each) for each in _of(list, saved["inputs"])),
        outputs=tuple(_inside(path) for path in paths),
    )


def _inside(path: str) -> str:
    """An output path is a plain name below the manifest's folder, whoever wrote the manifest."""
    parts = _of(str, path).split("/")
    if "" in parts or "." in parts or ".." in parts or "\\" in path or "\0" in path:
        raise ValueError(f"{path!r} is no path below the manifest")
    return path


def _read_result(saved: Mapping[str, JSON]) -> Result:
    output, job = saved["output"], saved["job"]
    return Result(
        attempt=UNKNOWN,
        shot=ShotId(saved["id"]),
        take=saved["take"],
        fingerprint=_digest(saved["fingerprint"]),
        asked=_document(saved["request"]),
        gateway=_of(str, job["gateway"]),
        job=None if job["id"] is None else JobId(_of(str, job["id"])),
        submitted_at=_of(str, job["submitted_at"]),
        completed_at=_of(str, job["completed_at"]),
        sha256=_digest(output["sha256"]),
        bytes=_of(int, output["bytes"]),
        probe=Probe(
            width=_of(int, output["width"]),
            height=_of(int, output["height"]),
            seconds=float(output["seconds"]),
            fps=float(output["fps"]),
            audio=_of(bool, output["audio"]),
        ),
        cost=_read_cost(saved["cost"]),
        findings=tuple(
            Finding(_of(str, f["rule"]), _of(str, f["message"])) for f in saved.get("findings", ())
        ),
        vendor=saved["vendor"],
        vars=_of(dict, saved.get("vars", {})),
        inputs=tuple(_of(dict, each) for each in _of(list, saved["inputs"])),
        accepted=_document(saved["accepted"]) if "accepted" in saved else None,
    )


def _document(saved: JSON) -> Mapping[str, JSON]:
    """An asked document, as far as others look into it."""
    for medium in _of(list, _of(dict, saved).get("media", [])):
        _of(str, medium["role"])
        for key in ("sha256", "url_sha256"):
            if key in medium:
                _digest(medium[key])
    return _of(dict, saved)


def _read_cost(saved: JSON) -> Estimate | None:
    if saved is None:
        return None
    amount = Decimal(_of(str, saved["amount"]))
    if not amount.is_finite():
        raise ValueError(f"{amount} is no amount")
    money = Money(amount, _of(str, saved["currency"]))
    return Estimate(money, _of(str, saved["basis"]), _of(bool, saved.get("bound", False)))
