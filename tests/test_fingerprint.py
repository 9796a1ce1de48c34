"""What was asked: the same for ever for the same request, different for any other."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from runner.errors import BadInput
from runner.fingerprint import asked, changes, digest, redacted
from runner.model import LocalFile, Medium, ModelId, Request, ShotId, ShotOutput, Take, Url

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden" / "fingerprints"
PINNED = (GOLDEN / "digests.txt").read_text()

A, B = "a" * 64, "b" * 64


WORLDS = [
    {"PYTHONHASHSEED": "0", "LC_ALL": "C", "TZ": "UTC"},
    {"PYTHONHASHSEED": "4711", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu"},
]


def other_interpreters() -> list[str]:
    """Every other Python of 3.11 and later that the machine has."""
    found = {sys.version_info[:2]: sys.executable}
    candidates = [shutil.which(f"python3.{minor}") for minor in range(11, 16)]
    candidates += map(str, Path("~/.pyenv/versions").expanduser().glob("3.*/bin/python"))
    for path in filter(None, candidates):
        version = run([path, "-c", "import sys; print(*sys.version_info[:2])"], {})
        if re.fullmatch(r"3 \d+\n", version):
            key = (3, int(version.split()[1]))
            if key >= (3, 11):
                found.setdefault(key, path)
    return list(found.values())[1:]


def run(command: list[str], env: Mapping[str, str], cwd: Path | None = None) -> str:
    environment = {"PATH": os.environ["PATH"], **env}
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True)
    return done.stdout


def document(take: int = 1, identity: str | None = A, **fields: Any) -> dict[str, Any]:
    request = Request(model=ModelId(fields.pop("model", "m")), prompt=fields.pop("prompt", "p"))
    for name, value in fields.items():
        request = replace(request, **{name: value})
    found = asked(Take(ShotId("s"), take, request), lambda _: identity)
    assert found is not None
    return found


def computed(python: str, world: Mapping[str, str], folder: Path) -> str:
    env = {**world, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return run([python, str(GOLDEN / "compute.py")], env, cwd=folder)


@pytest.mark.parametrize("world", WORLDS, ids=["C", "tr_TR"])
def test_pinned_fingerprints_never_change(world: Mapping[str, str], tmp_path: Path) -> None:
    """Whatever the hash seed, locale, time zone or folder, a request keeps its digest."""
    assert computed(sys.executable, world, tmp_path) == PINNED


@pytest.mark.slow
@pytest.mark.parametrize("python", other_interpreters())
def test_pinned_fingerprints_are_those_of_any_python(python: str, tmp_path: Path) -> None:
    """Whatever the Python, a request keeps its digest."""
    subprocess.run([python, "-m", "venv", tmp_path / "other"], check=True)
    other = str(tmp_path / "other/bin/python")
    quiet = ["--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    subprocess.run([other, "-m", "pip", "install", *quiet, "msgspec"], check=True)
    for world in WORLDS:
        assert computed(other, world, tmp_path) == PINNED


def test_requests_share_a_fingerprint_only_where_they_are_the_same_request() -> None:
    """Spelling does not count, anything a vendor would see does."""
    lines = sorted((line.split() for line in PINNED.splitlines()), key=lambda pair: pair[1])
    groups = [[name for name, _ in group] for _, group in groupby(lines, key=lambda p: p[1])]
    same = sorted(sorted(names) for names in groups if len(names) > 1)
    assert len(lines) >= 50
    assert same == [
        ["first-and-last", "last-and-first"],
        ["first-frame-file", "first-frame-file-renamed"],
        ["frame-1.5", "frame-1.50"],
        ["frame-last", "frame-last-of-renamed-shot"],
        ["option-1", "option-1.0"],
        ["options-empty", "plain"],
        ["seconds-5", "seconds-5.0"],
    ]


def test_the_document_says_what_was_asked() -> None:
    """The manifest's `request` is readable and holds neither file names nor secrets."""
    media = (
        Medium("reference", "image", Url("https://u:pw@x.test/a.png?sig=secret#f"), name="mara"),
        Medium("first_frame", "image", ShotOutput(ShotId("sh010"), Decimal("1.50"))),
    )
    assert document(take=2, seconds=5.0, media=media, options={}) == {
        "asked": 1,
        "model": "m",
        "prompt": "p",
        "take": 2,
        "seconds": 5,
        "media": [
            {"role": "first_frame", "kind": "image", "sha256": A, "frame": "1.5"},
            {
                "role": "reference",
                "kind": "image",
                "url": "https://x.test/a.png",
                "url_sha256": "24ab711917b87a47480ce70a8f0e78e1f6a592c16f1a00acf730a3cde6fc27c6",
            },
        ],
    }


def test_nothing_is_asked_while_bytes_are_unknown() -> None:
    """A take that hangs on a shot still to be rendered has no fingerprint yet."""
    medium = Medium("first_frame", "image", ShotOutput(ShotId("sh010"), "last"))
    take = Take(ShotId("s"), 1, Request(ModelId("m"), "p", media=(medium,)))
    assert asked(take, lambda _: None) is None


def test_urls_are_never_looked_up() -> None:
    """A URL is its own identity; nobody is asked to fetch it."""
    medium = Medium("reference", "image", Url("https://x.test/a.png"))

    def refuse(_: Medium) -> str:
        raise AssertionError

    assert asked(Take(ShotId("s"), 1, Request(ModelId("m"), "p", media=(medium,))), refuse)


def test_neither_tokens_nor_base64_stay_in_free_fields() -> None:
    """What is passed through unchecked may hold a signed URL or a picture; the digest stands in."""
    body = {"a": ["data:image/png;base64,AAAA"], "b": {"c": "HTTPS://x.test/v?token=hush"}}
    text = str(document(extra_body=body))
    assert "AAAA" not in text
    assert "hush" not in text
    other = {"a": ["data:image/png;base64,AAAB"], "b": {"c": "HTTPS://x.test/v?token=hush"}}
    assert digest(document(extra_body=body)) != digest(document(extra_body=other))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_numbers_json_cannot_say_are_refused(number: float) -> None:
    """No request can carry them, so no fingerprint may pretend to."""
    with pytest.raises(BadInput, match=str(number)):
        document(extra_body={"x": [number]})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://x.test/a/b.png", "https://x.test/a/b.png"),
        ("https://x.test", "https://x.test"),
        ("https://x.test?k=v", "https://x.test"),
        ("https://me:pw@x.test:8443/a@b?k=v#f", "https://x.test:8443/a@b"),
        ("https://x.test/a#t=3?k", "https://x.test/a"),
    ],
)
def test_a_stored_url_has_no_secret_part(url: str, shown: str) -> None:
    """User part, query and fragment are left out of what is kept."""
    assert redacted(url) == shown


def test_changes_name_the_field_and_both_values() -> None:
    """A reason can say which parameter went from what to what."""
    old = document(seconds=5, options={"cfg": {"scale": 1}}, prompt="teal")
    new = document(seed=7, options={"cfg": {"scale": True}}, prompt="amber")
    assert [(c.field, c.old, c.new) for c in changes(old, new)] == [
        ("prompt", "teal", "amber"),
        ("seed", None, 7),
        ("options.cfg.scale", 1, True),
        ("seconds", 5, None),
    ]


def test_changed_media_are_named_by_role_and_count() -> None:
    """References count from 1, as their markers do."""
    files = tuple(Medium("reference", "image", LocalFile(name)) for name in ("a", "b"))
    old = document(media=files)
    new = {**old, "media": [old["media"][0], old["media"][1] | {"sha256": B}]}
    assert [c.field for c in changes(old, new)] == ["reference 2"]


# ── open input ──────────────────────────────────────────────────────────────────────────────

words = st.text(max_size=6)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), words
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
digests = st.sampled_from([A, B])
local = st.builds(LocalFile, words)
urls = st.builds(
    Url, st.sampled_from(["https://x.test/a", "https://x.test/a?1", "https://x.test/a?2"])
)
outputs = st.builds(
    ShotOutput,
    st.sampled_from([ShotId("a"), ShotId("b")]),
    st.sampled_from([None, "first", "last", Decimal("1.5"), Decimal("1.50"), Decimal(2)]),
)
kinds = st.sampled_from(["image", "video", "audio"])
references = st.lists(
    st.builds(Medium, st.just("reference"), kinds, local | urls | outputs), max_size=3
)
first_frames = st.lists(
    st.builds(Medium, st.just("first_frame"), st.just("image"), local | urls | outputs), max_size=1
)
media = st.builds(lambda first, rest: (*first, *rest), first_frames, references)
optional_words = st.none() | words
requests = st.builds(
    Request,
    model=st.sampled_from([ModelId("m"), ModelId("n")]),
    prompt=words,
    negative_prompt=optional_words,
    seconds=st.none() | st.integers(1, 9) | st.floats(1, 9),
    aspect_ratio=optional_words,
    audio=st.none() | st.booleans(),
    seed=st.none() | st.integers(),
    media=media,
    options=st.dictionaries(words, values, max_size=3),
    extra_body=st.dictionaries(words, values, max_size=3),
)
takes = st.builds(Take, st.just(ShotId("s")), st.integers(1, 3), requests)


def ask(take: Take) -> dict[str, Any]:
    found = asked(take, lambda m: A if getattr(m.origin, "path", "") < "m" else B)
    assert found is not None
    return found


@given(takes, takes)
@example(
    Take(ShotId("s"), 1, Request(ModelId("m"), "p", options={"a.b": 1})),
    Take(ShotId("s"), 1, Request(ModelId("m"), "p", options={"a": {"b": 1}})),
)
@example(
    Take(ShotId("s"), 1, Request(ModelId("m"), "p", options={"x": 1})),
    Take(ShotId("s"), 1, Request(ModelId("m"), "p", options={"x": True})),
)
@example(
    Take(ShotId("s"), 1, Request(ModelId("m"), "p", options={"x": None})),
    Take(ShotId("s"), 1, Request(ModelId("m"), "p", options={"y": None})),
)
def test_a_changed_fingerprint_always_has_a_reason(one: Take, two: Take) -> None:
    """The digest is the same exactly when there is nothing to explain."""
    old, new = ask(one), ask(two)
    assert (digest(old) == digest(new)) == (changes(old, new) == ())


@given(takes)
def test_a_request_compared_with_itself_has_not_changed(take: Take) -> None:
    """Asking twice is asking the same."""
    assert changes(ask(take), ask(take)) == ()


@given(takes, st.data())
def test_one_changed_byte_of_any_medium_is_another_request(take: Take, data: st.DataObject) -> None:
    """New bytes of a reference, or of a shot it hangs on, are a new fingerprint."""
    files = [m for m in take.request.media if not isinstance(m.origin, Url)]
    if files:
        touched = data.draw(st.sampled_from(range(len(files))))
        before = asked(take, lambda _: A)
        after = asked(take, lambda m: B if m is files[touched] else A)
        assert before is not None
        assert after is not None
        assert digest(before) != digest(after)


@given(st.dictionaries(words, values, max_size=5), st.randoms())
def test_the_order_of_keys_never_counts(options: dict[str, Any], shuffle: Any) -> None:
    """Moving a line in the storyboard costs nothing."""
    items = list(options.items())
    shuffle.shuffle(items)
    assert digest(document(options=options)) == digest(document(options=dict(items)))
