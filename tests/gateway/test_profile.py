"""Gateway profiles: the shipped ones, and what is wrong with broken ones."""

from pathlib import Path
from typing import Any

import pytest

from runner.errors import BadInput
from runner.gateway.profile import Limit, Refusal, is_loopback, read_base_url, read_profile
from runner.source import read_yaml

SHIPPED = sorted((Path(__file__).parents[2] / "schemas" / "gateways").glob("*.yaml"))


def shipped(name: str) -> Any:
    path = next(path for path in SHIPPED if path.stem == name)
    data, problems = read_yaml(path.read_text(), path.name)
    assert problems == []
    return data


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_profiles_are_whole(path: Path) -> None:
    """Every profile reads without a complaint and is called as its file."""
    profile = read_profile(shipped(path.stem), path.name)
    assert profile.name == path.stem
    assert {"queued", "running", "completed", "failed"} <= set(profile.statuses.values())
    assert all(rule.source and rule.statuses for rule in profile.errors)


def test_the_default_gateway_promises_nothing_it_has_not_documented() -> None:
    """No key, no list: a lost answer is for a person to settle. Failed jobs cost nothing."""
    profile = read_profile(shipped("aihubmix"))
    assert profile.dedupe.contract == "quarantine"
    assert not profile.lists
    assert profile.dialect.seconds == "string"
    assert profile.dialect.extra_body == "nested"
    assert profile.billing("moderation") == "free"
    assert profile.key_variable == "AIHUBMIX_API_KEY"
    assert profile.limit("seedance") == Limit(3, 180)
    assert profile.limit("nobody").concurrency == 32
    assert {rule.means for rule in profile.errors} >= {Refusal.CREDIT, Refusal.RATE}


def test_the_openai_profile_merges_extra_fields() -> None:
    """Its own client puts `extra_body` at the top level, and servers expect it there."""
    profile = read_profile(shipped("openai"))
    assert profile.dialect.extra_body == "merged"
    assert profile.base_url_variable == "OPENAI_BASE_URL"
    assert profile.billing("moderation") == "maybe"


MINIMAL = {"name": "mine", "base_url": "https://gateway.example"}


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"nmae": "x"}, "/nmae", "unknown key 'nmae'"),
        ({"name": None}, "/name", "name is None"),
        ({"base_url": "gateway.example"}, "/base_url", "not a base URL"),
        ({"base_url": "http://gateway.example"}, "/base_url", "unencrypted"),
        ({"dialect": {"seconds": "text"}}, "/dialect/seconds", "seconds is 'text'"),
        ({"dialect": []}, "/dialect", "[] stands where a mapping belongs"),
        ({"limits": {"kling": {"concurrency": 0}}}, "/limits/kling/concurrency", "is 0"),
        ({"limits": {"kling": {"concurency": 3}}}, "/limits/kling/concurency", "unknown key"),
        ({"limits": {"kling": 5}}, "/limits/kling", "5 stands where a mapping belongs"),
        ({"errors": {"status": 1}}, "/errors", "errors is"),
        ({"errors": [{"status": [], "means": "rate", "source": "x"}]}, "/errors/0/status", "[]"),
        ({"errors": [{"status": [1], "means": "no", "source": "x"}]}, "/errors/0/means", "'no'"),
        ({"errors": [{"status": [500], "means": "rate"}]}, "/errors/0/source", "source is None"),
        ({"statuses": {"done": "finished"}}, "/statuses/done", "'finished'"),
        ({"failures": {"default": "gratis"}}, "/failures/default", "'gratis'"),
        ({"dedupe": {"contract": "keyed"}}, "/dedupe/key_header", "key_header is None"),
        ({"deadlines": {"submit": "1 min"}}, "/deadlines/submit", "'1 min'"),
        ({"deadlines": {"look": -1}}, "/deadlines/look", "-1"),
        ({"bounds": {"answer": True}}, "/bounds/answer", "True"),
        ({"lists": "yes"}, "/lists", "'yes'"),
        ({"retention": float("nan")}, "/retention", "nan"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    change: dict[str, Any], path: str, words: str
) -> None:
    """A misspelt limit must not silently be no limit."""
    with pytest.raises(BadInput) as caught:
        read_profile({**MINIMAL, **change}, "mine.yaml")
    (problem,) = caught.value.problems
    assert problem.at.path == path
    assert problem.at.file == "mine.yaml"
    assert words in problem.message


def test_all_mistakes_are_told_at_once() -> None:
    """Nobody mends a file one message at a time."""
    with pytest.raises(BadInput) as caught:
        read_profile({"name": 3, "limits": {"a": {"rpm": -1}}, "x": 1})
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize("data", [None, [], "x", 3])
def test_what_is_no_mapping_is_no_profile(data: Any) -> None:
    """A list or a word in place of a profile is named as such."""
    with pytest.raises(BadInput):
        read_profile(data)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://gateway.example", "https://gateway.example"),
        ("https://gateway.example/", "https://gateway.example"),
        (" https://gateway.example/v1/ ", "https://gateway.example"),
        ("https://gateway.example/api/v1", "https://gateway.example/api"),
        ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
        ("http://[::1]:8787/v1", "http://[::1]:8787"),
        ("http://localhost:1", "http://localhost:1"),
    ],
)
def test_base_urls_in_every_usual_form(text: str, url: str) -> None:
    """With or without /v1 and slashes; plain http on this machine only."""
    assert read_base_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "", "gateway.example", "ftp://gateway.example", "https://", "https://gateway.example?x=1",
        "https://gateway.example#x", "http://gateway.example", "http://127.0.0.1.example",
        "http://localhost.example", "https://user:secret@gateway.example", "https://[::1",
        "https://gateway.example:port", "http://10.0.0.1",
    ],
)  # fmt: skip
def test_base_urls_that_cannot_be_meant(text: str) -> None:
    """The key must travel encrypted, to a place that is named, and not stand in the URL."""
    with pytest.raises(BadInput) as caught:
        read_base_url(text)
    assert "secret" not in str(caught.value)


def test_a_profile_moves_to_another_address() -> None:
    """`--gateway URL` keeps the dialect and changes the place."""
    profile = read_profile(shipped("aihubmix")).at("https://mirror.example/v1")
    assert profile.videos_url == "https://mirror.example/v1/videos"
    assert profile.dialect.extra_body == "nested"


def test_this_machine_is_known_by_all_its_names() -> None:
    """Only what cannot be anybody else counts."""
    assert all(
        map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "[::1]", "LocalHost", "localhost."))
    )
    assert not any(map(is_loopback, ("0.0.0.0", "10.0.0.1", "localhost.example", "")))
