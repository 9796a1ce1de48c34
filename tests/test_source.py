"""YAML 1.2 core, and where everything stands."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.model import Severity
from runner.source import Document, Map, Seq, locate, merge, read_yaml


def read(text: str | bytes) -> object:
    data, problems = read_yaml(text, "film.yaml")
    assert problems == []
    return data


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("16:9", "16:9"), ("1:1", "1:1"), ("12:30:45", "12:30:45"), ("no", "no"), ("NO", "NO"),
        ("on", "on"), ("yes", "yes"), ("010", 10), ("+12", 12), ("-3", -3), ("0", 0),
        ("1_000", "1_000"), ("1_0.0", "1_0.0"), ("1__0", "1__0"), ("0b11", "0b11"),
        ("1.10", 1.1), (".5", 0.5), ("1e3", 1000.0), ("1.5e-3", 0.0015), ("~", None), ("", None),
        ("null", None), ("Null", None), ("nUll", "nUll"), ("true", True), ("TRUE", True),
        ("tRue", "tRue"), ("false", False), ("2026-02-30", "2026-02-30"), ("'5'", "5"),
        ('"no"', "no"), ("# fan", None), ("=", "="), ("9223372036854775807", 2**63 - 1),
        ("4k", "4k"), ("720p", "720p"), (".inf.", ".inf."),
    ],
)  # fmt: skip
def test_scalars_have_the_types_of_the_core_schema(written: str, meant: object) -> None:
    """`16:9` is text, `no` is text, `010` is ten, and nothing is a date."""
    value = read(f"a: {written}\n")["a"]  # type: ignore[index]
    assert value == meant
    assert type(value) is type(meant)


@pytest.mark.parametrize(
    ("text", "rule", "line", "column"),
    [
        ("a: 1\nb: 2\na: 3\n", "duplicate_key", 3, 1),
        ("a: {b: 1, b: 2}\n", "duplicate_key", 1, 11),
        ("a: [1, b\nc: 2\n", "syntax", 1, 4),
        ("a: 'x\nb: 2\n", "syntax", 1, 4),
        ("a:\n\t- b\n", "syntax", 2, 1),
        ("a: b: c\n", "syntax", 1, 5),
        ("a: !!python/object/apply:os.system ['id']\n", "tag", 1, 4),
        ("a: !!binary aGk=\n", "tag", 1, 4),
        ("a: ! x\n", "tag", 1, 4),
        ("!!str a: x\n", "tag", 1, 1),
        ("a: 1\n---\nb: 2\n", "several_documents", 2, 1),
        ("%YAML 1.1\n---\na: 1\n", "version", 1, 1),
        ("a: &x [1, *x]\n", "recursive_alias", 1, 11),
        ("a: &x {b: *x}\n", "recursive_alias", 1, 11),
        ("a: *x\n", "unknown_alias", 1, 4),
        ("a: &x 1\nb: &x 2\n", "anchor_twice", 2, 4),
        ("&x a: 1\n", "anchor_on_key", 1, 1),
        ("a:\n  <<: {b: 1}\n", "merge_key", 2, 3),
        ("? [a, b]\n: 1\n", "key_not_text", 1, 3),
        ("? {a: b}\n: 1\n", "key_not_text", 1, 3),
        ("1: a\n", "key_not_text", 1, 1),
        ("true: a\n", "key_not_text", 1, 1),
        ("~: a\n", "key_not_text", 1, 1),
        ("? \n: a\n", "key_not_text", 1, 2),
        ("a: .inf\n", "number", 1, 4),
        ("a: -.INF\n", "number", 1, 4),
        ("a: .nan\n", "number", 1, 4),
        ("a: 1.0e+400\n", "number", 1, 4),
        ("a: 0x10\n", "number", 1, 4),
        ("a: 0o10\n", "number", 1, 4),
        ("a: 9223372036854775808\n", "number", 1, 4),
        ("a: " + "9" * 5000 + "\n", "number", 1, 4),
        ("a: 0x" + "f" * 1_000_000 + "\n", "number", 1, 4),
        ("a: " + "x" * 70_000 + "\n", "too_large", 1, 4),
        ("[" * 200_000, "too_deep", 1, 65),
        ("{a: " * 200_000, "too_deep", 1, 257),
        ("- " * 200_000, "too_deep", 1, 129),
        ("? " * 200_000, "key_not_text", 1, 3),
        ("a: x\x07\n", "control_character", 1, 5),
        ("a: x\n\x1bb: 2\n", "control_character", 2, 1),
        ("a: x\x85b: 2\n", "control_character", 1, 5),
        ("a: x\u2028b: 2\n", "control_character", 1, 5),
        ("a: 1\rb: 2\n", "control_character", 1, 5),
        ('a: "\\e[31m"\n', "control_character", 1, 4),
        ('a: "\\0"\n', "control_character", 1, 4),
        ('a: "\\ud83d\\ude00"\n', "syntax", 1, 4),
        ("a: \ud83d\n", "encoding", 1, 4),
        (b"a: 1\nb: \xff\n", "encoding", 2, 4),
        (b"a: \xc0\x80\n", "encoding", 1, 4),
        ("a: 1\n".encode("utf-16"), "encoding", 1, 1),
    ],
)  # fmt: skip
def test_what_is_refused_has_a_rule_a_place_and_a_hint(
    text: str | bytes, rule: str, line: int, column: int
) -> None:
    """A file that could be misread is refused where the trouble begins, with a way to mend it."""
    _, problems = read_yaml(text, "film.yaml")
    first = problems[0]
    assert (first.rule, first.at.line, first.at.column) == (f"yaml.{rule}", line, column)
    assert first.at.file == "film.yaml"
    assert first.hint
    assert len(first.message) < 300


def test_every_problem_is_told_in_one_go() -> None:
    """Problems that leave the rest readable do not hide one another."""
    data, problems = read_yaml("a: .inf\nb: !x 1\nb: 2\nc: ok\n", "film.yaml")
    assert [p.rule for p in problems] == ["yaml.number", "yaml.tag", "yaml.duplicate_key"]
    assert data["c"] == "ok"


def test_problems_come_to_an_end() -> None:
    """A file that is wrong throughout says so a hundred times, not a million."""
    _, problems = read_yaml("".join(f"a{n}: .inf\n" for n in range(5000)), "film.yaml")
    assert len(problems) == 100


def test_aliases_are_read_within_a_budget() -> None:
    """An anchor may be used again; a bomb of aliases is refused before it is built."""
    assert read("a: &x [1, {b: 2}]\nc: *x\nd: [*x, *x]\n") == {
        "a": [1, {"b": 2}], "c": [1, {"b": 2}], "d": [[1, {"b": 2}], [1, {"b": 2}]],
    }  # fmt: skip
    bomb = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n"
        for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    _, problems = read_yaml(bomb, "film.yaml")
    assert [p.rule for p in problems] == ["yaml.too_many_aliases"]


def test_size_is_limited_before_and_while_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many bytes are not read at all; too many values stop the reading."""
    monkeypatch.setattr("runner.source.reader.MAX_BYTES", 100)
    _, problems = read_yaml(b"a: " + b"x" * 200, "film.yaml")
    assert [p.rule for p in problems] == ["yaml.too_large"]
    monkeypatch.undo()
    monkeypatch.setattr("runner.source.reader.MAX_NODES", 70_000)
    _, problems = read_yaml("[" + "1," * 100_000 + "]", "film.yaml")
    assert [p.rule for p in problems] == ["yaml.too_large"]


def test_a_byte_order_mark_is_no_content() -> None:
    """In front it is skipped; inside the text it is worth a warning."""
    assert read(b"\xef\xbb\xbfa: 1\n") == {"a": 1}
    data, problems = read_yaml("a: x\ufeffy\n", "film.yaml")
    assert data == {"a": "x\ufeffy"}
    assert [(p.rule, p.severity) for p in problems] == [("yaml.byte_order_mark", Severity.WARNING)]


def test_empty_files_hold_nothing() -> None:
    """Nothing, and nothing but comments, is None."""
    assert read("") is None
    assert read("# only a comment\n") is None


FILM = """\
# a comment
title: Ferry
shots:
  - id: sh010
    options: {cfg: 0.5}
  - {id: sh020, références: [é, "b"]}
"""


@pytest.mark.parametrize(
    ("parts", "key", "line", "column"),
    [
        (("title",), False, 2, 8),
        (("title",), True, 2, 1),
        (("shots", 0, "id"), False, 4, 9),
        (("shots", 0, "options", "cfg"), False, 5, 20),
        (("shots", 0, "options", "cfg"), True, 5, 15),
        (("shots", 1), False, 6, 5),
        (("shots", 1, "références", 1), False, 6, 33),
        (("shots", 1, "missing", "deeper"), False, 6, 5),
        (("shots", 9), False, 4, 3),
        ((), False, 1, 1),
    ],
)
def test_every_key_and_value_has_a_place(
    parts: tuple[str | int, ...], key: bool, line: int, column: int
) -> None:
    """Places count characters from 1, and what is not there stands where it should have been."""
    at = locate(read(FILM), parts, key=key)
    assert (at.line, at.column) == (line, column)
    assert at.path == "".join(f"/{part}" for part in parts)


def test_windows_line_ends_move_nothing() -> None:
    """CRLF files have the same places."""
    data = read(FILM.replace("\n", "\r\n"))
    assert locate(data, ("shots", 0, "id")) == locate(read(FILM), ("shots", 0, "id"))


def test_places_survive_the_cascade() -> None:
    """A merged mapping still knows which file and line each value came from."""
    below, _ = read_yaml("a: 1\nb: {c: 2, d: 3}\n", "defaults.yaml")
    above, _ = read_yaml("b: {d: 4}\ne: [5]\n", "film.yaml")
    merged = merge(below, above)
    assert merged == {"a": 1, "b": {"c": 2, "d": 4}, "e": [5]}
    assert str(locate(merged, ("a",))) == "defaults.yaml:1:4"
    assert str(locate(merged, ("b", "c"))) == "defaults.yaml:2:8"
    assert str(locate(merged, ("b", "d"))) == "film.yaml:1:8"
    assert str(locate(merged, ("e", 0))) == "film.yaml:2:5"
    assert (below, above) == ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 4}, "e": [5]})


def test_data_from_nowhere_has_no_place() -> None:
    """Plain data can be asked, too."""
    assert locate({"a": 1}, ("a",)).line == 0


@pytest.mark.parametrize(
    ("text", "wanted", "line", "column"),
    [
        ("a: one two X\n", "X", 1, 12),
        ("a: 'it''s X'\n", "X", 1, 11),
        ('a: "\\u00e9\\n X"\n', "X", 1, 14),
        ('a: "one \\\n  two X"\n', "X", 2, 7),
        ("a: |\n  one\n   X\n", "X", 3, 4),
        ("a: >- # folded\n  one\n  two\n\n  X\n", "X", 5, 3),
        ("a: plain\n  goes on X\n", "X", 2, 11),
        ("a: &n X\n", "X", 1, 7),
    ],
)
def test_places_inside_a_text(text: str, wanted: str, line: int, column: int) -> None:
    """A mistake in a prompt is found through quotes, escapes, folding and indentation."""
    data = read(text)
    assert isinstance(data, Map)
    doc, offset = data.spot("a") or pytest.fail("no place")
    at = doc.loc_inside(offset, data["a"], data["a"].index(wanted))
    assert (at.line, at.column) == (line, column)


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | words
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(values)
def test_json_is_read_as_itself(value: object) -> None:
    """Every JSON text means the same here as anywhere (JSON is YAML)."""
    text = json.dumps(value, ensure_ascii=False)
    if any(char in text for char in "\u2028\u2029\ufeff\ufffe\uffff"):
        return
    read_back = read(text)
    assert plain(read_back) == value


def plain(value: object) -> object:
    if isinstance(value, Map):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, Seq) else value


@given(st.text(max_size=200) | st.text("[]{}:,-?&*!|>'\"%@`# \n\tab0", max_size=60))
def test_no_text_is_a_crash(text: str) -> None:
    """Whatever stands in a file, the answer is data or problems with a place inside the file."""
    _, problems = read_yaml(text, "film.yaml")
    for problem in problems:
        assert 1 <= problem.at.line <= text.count("\n") + 2
        assert problem.at.column >= 1


@given(st.binary(max_size=100))
def test_no_bytes_are_a_crash(data: bytes) -> None:
    """Nor is anything that is not text at all."""
    read_yaml(data, "film.yaml")


def test_offsets_become_lines_once() -> None:
    """The end of a text is a place as well."""
    doc = Document("f", "ab\n\nc")
    assert [str(doc.loc(offset)) for offset in (0, 2, 3, 4, 5)] == [
        "f:1:1", "f:1:3", "f:2:1", "f:3:1", "f:3:2",
    ]  # fmt: skip
