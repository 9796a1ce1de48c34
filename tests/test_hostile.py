"""A catalogue of input that breaks other tools: a row is a line, and every row ends in words.

A row gives a `whole` file, fields of a `shot`, a `prompt`, or a `path` or `source` of a reference.
The last column is the rule that refuses it; "" means that it is understood as it was meant.
"""

import functools
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.load import load
from runner.model import Severity
from runner.schema import Catalogue, open_catalogue

HEAD = "storyboard: 1\ndefaults: {model: wan2.6-t2v, seconds: 5, resolution: 720p}\nshots:\n"
OMNI = "  - id: a\n    model: doubao-seedance-2-0-260128\n    prompt: p\n    references: "


def whole(text: str | bytes) -> str | bytes:
    return text


def shot(fields: str) -> str:
    given = "" if fields.startswith("prompt:") else "    prompt: p\n"
    return f"{HEAD}  - id: a\n{given}    {fields}\n"


def prompt(template: str) -> str:
    return f"{HEAD}  - id: a\n    prompt: {json.dumps(template, ensure_ascii=False)}\n"


def source(where: str) -> str:
    return f"storyboard: 1\nshots:\n{OMNI}[{{image: {json.dumps(where)}}}]\n"


def path(where: str) -> str:
    return f"storyboard: 1\nshots:\n{OMNI}[{json.dumps(where)}]\n"


BOMB = "x0: &x0 [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"x{n + 1}: &x{n + 1} [{','.join([f'*x{n}'] * 9)}]\n" for n in range(9)
)
DEEP = "[" * 200_000
ACCENTS = "\u0301" * 1000
LOOP = "{% for i in range(99999) %}"
END = "{% endfor %}"
TWICE = "shot.duplicate_id"
SQUARE = "".join(f"x{n}: 1\n" for n in range(100_000))

ROWS: list[tuple[str, Callable[[str], str | bytes], str | bytes, str]] = [
    # types and money traps
    ("H001", shot, "aspect_ratio: 16:9", ""),
    ("H002", shot, "aspect_ratio: 9:16", ""),
    ("H002b", shot, "aspect_ratio: 1:1", ""),
    ("H004", shot, "negative_prompt: 12:30:45", ""),
    ("H006", shot, "negative_prompt: NO", ""),
    ("H007", whole, f"{HEAD}  - id: a\n    prompt: p\non: push\n", "storyboard.unknown_key"),
    ("H009", shot, "seconds: 010", ""),
    ("H011", whole, f"{HEAD}  - {{id: 0x10, prompt: p}}\n", "yaml.number"),
    ("H011b", whole, f"{HEAD}  - {{id: 16, prompt: p}}\n", "storyboard.type"),
    ("H011c", shot, "seconds: 1_0", "storyboard.type"),
    ("H011d", shot, "seconds: 0b11", "storyboard.type"),
    ("H012", whole, "storyboard: 1.10\nshots: []\n", "storyboard.value"),
    ("H014", shot, "negative_prompt: 2026-02-30", ""),
    ("H016", shot, "prompt: #1 fan", "storyboard.type"),
    ("H017", shot, "prompt: {a}", "storyboard.type"),
    ("H017b", shot, "prompt: [cat]", "storyboard.type"),
    ("H019", shot, "prompt: null", "storyboard.type"),
    ("H019b", shot, "prompt: ~", "storyboard.type"),
    ("H019c", shot, "prompt:", "storyboard.type"),
    ("H021", shot, "seconds: .inf", "yaml.number"),
    ("H021b", shot, "seconds: .nan", "yaml.number"),
    ("H021c", shot, "seconds: -.INF", "yaml.number"),
    ("H021d", shot, "seconds: 1.0e+400", "yaml.number"),
    ("H022", shot, "seconds: 1_0.0", "storyboard.type"),
    ("H024", shot, "seconds: true", "storyboard.type"),
    ("H026", shot, "seed: " + "9" * 5000, "yaml.number"),
    ("H027", shot, "seed: 0x" + "f" * 1_000_000, "yaml.number"),
    # structure
    ("H029", shot, "seconds: 5\n    seconds: 60", "yaml.duplicate_key"),
    ("H031", whole, "? [a, b]\n: 1\n", "yaml.key_not_text"),
    ("H031b", whole, "? {a: b}\n: 1\n", "yaml.key_not_text"),
    ("H032", whole, BOMB, "yaml.too_many_aliases"),
    ("H034", whole, "a: &a [*a]\n", "yaml.recursive_alias"),
    ("H034b", whole, "&a {x: *a}\n", "yaml.recursive_alias"),
    ("H036", whole, "a: &x 1\nb: &x 2\n", "yaml.anchor_twice"),
    ("H037", shot, "<<: {seconds: 5}", "yaml.merge_key"),
    ("H037b", shot, "<<: 5", "yaml.merge_key"),
    ("H037c", shot, '"<<": x', "storyboard.unknown_key"),
    ("H039", whole, DEEP, "yaml.too_deep"),
    ("H039b", whole, "{a: " * 200_000, "yaml.too_deep"),
    ("H039c", whole, "- " * 200_000, "yaml.too_deep"),
    ("H039d", whole, "\n".join(" " * n + "a:" for n in range(300)), "yaml.too_deep"),
    ("H041", shot, 'notes: !!python/object/apply:os.system ["id"]', "yaml.tag"),
    ("H042", shot, "notes: !!binary aGk=", "yaml.tag"),
    ("H042b", shot, "notes: !!set {a}", "yaml.tag"),
    ("H042c", shot, "notes: !!omap []", "yaml.tag"),
    ("H042d", shot, "notes: !!timestamp 2026-01-01", "yaml.tag"),
    ("H044", whole, f"{HEAD}  - {{id: a, prompt: p}}\n---\na: 1\n", "yaml.several_documents"),
    ("H046", whole, "[1, 2]\n", "storyboard.type"),
    ("H046b", whole, "text\n", "storyboard.type"),
    ("H046c", whole, "7\n", "storyboard.type"),
    ("H047", whole, "shots:\n\t- id: a\n", "yaml.syntax"),
    ("H049", whole, "[" + "1, " * 300_000 + "]", "storyboard.type"),
    ("H051", whole, SQUARE, "storyboard.unknown_key"),
    ("H052", shot, "promt: x", "storyboard.unknown_key"),
    ("H054", shot, "negative_prompt: 'x", "yaml.syntax"),
    ("H054b", shot, "options: [a, b", "yaml.syntax"),
    # encoding
    ("H056", whole, "storyboard: 1\n".encode("utf-16"), "yaml.encoding"),
    ("H056b", whole, "title: caf\xe9\n".encode("latin-1"), "yaml.encoding"),
    ("H057", whole, b"title: \xff\n", "yaml.encoding"),
    ("H057b", whole, b"title: \xc0\x80\n", "yaml.encoding"),
    ("H059", shot, 'negative_prompt: "\\ud83d\\ude00"', "yaml.syntax"),
    ("H061", shot, "negative_prompt: x\x00", "yaml.control_character"),
    ("H061b", shot, "negative_prompt: x\x1b[31m", "yaml.control_character"),
    ("H062", shot, "negative_prompt: x\x85b: 2", "yaml.control_character"),
    ("H062b", shot, "negative_prompt: x\u2028b: 2", "yaml.control_character"),
    ("H062c", shot, "negative_prompt: 1\rb: 2", "yaml.control_character"),
    ("H064", whole, f"{HEAD}  - {{id: a\u202egpj, prompt: p}}\n", "storyboard.value"),
    ("H066", whole, "title: x\ufeffy\n", "storyboard.missing_key"),
    ("H067", whole, f"{HEAD}  - {{id: a{ACCENTS}, prompt: p}}\n", "storyboard.value"),
    ("H069", prompt, "\ue000\U000e0001 fine in a prompt", ""),
    # templates
    ("H096", prompt, "{{ ''.__class__.__mro__[1].__subclasses__() }}", "template.undefined"),
    ("H097", prompt, "{{ cycler.__init__.__globals__ }}", "template.undefined"),
    ("H097b", prompt, "{{ lipsum.__globals__.os.popen('id').read() }}", "template.undefined"),
    ("H099", prompt, "{{ '{0.__class__}'.format(1) }}", "template.undefined"),
    ("H101", prompt, "{{ 'a' * 1000000000 }}", "template.refused"),
    ("H102", prompt, "{{ 'x'.ljust(1000000000)|length }}", "template.undefined"),
    ("H104", prompt, "{{ '{:>1000000000}'.format(1) }}", "template.undefined"),
    ("H106", prompt, LOOP + LOOP + "x" + END + END, "template.too_long"),
    ("H107", prompt, "{% for i in range(1000000) %}{% endfor %}", "template.too_long"),
    ("H109", prompt, "{{ lipsum(n=2000000) }}", "template.undefined"),
    ("H111", prompt, "{{ ('<' * 50000000)|tojson|length }}", "template.refused"),
    ("H112", prompt, "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "template.too_long"),
    ("H114", prompt, "{% include '/etc/passwd' %}", "template.include"),
    ("H114b", prompt, "{% import 'x' as x %}", "template.include"),
    ("H114c", prompt, "{% include '../film.yaml' %}", "template.include"),
    ("H116", prompt, "{{ env.API_KEY }}", "template.undefined"),
    ("H116b", prompt, "{{ secrets.x }}", "template.undefined"),
    ("H117", prompt, "{{ [1, 2, 3]|random }}", "template.refused"),
    ("H117b", prompt, "{{ now() }}", "template.undefined"),
    ("H119", shot, "vars: {v: '{{ 7 * 7 }}'}\n    negative_prompt: '{{ v }}'", ""),
    ("H121", path, "$HOME/x.png", "source.missing"),
    ("H121b", path, "${HOME}/x.png", "source.missing"),
    ("H121c", path, "~/x.png", "source.path"),
    ("H121d", path, "%APPDATA%/x.png", "source.missing"),
    # names, paths, references
    ("H122", whole, f"{HEAD}  - {{id: ../x, prompt: p}}\n", "storyboard.value"),
    ("H122b", whole, f"{HEAD}  - {{id: /etc/cron.d/x, prompt: p}}\n", "storyboard.value"),
    ("H122c", whole, f"{HEAD}  - {{id: 'C:\\x', prompt: p}}\n", "storyboard.value"),
    ("H126", whole, f'{HEAD}  - {{id: "x\\ny", prompt: p}}\n', "storyboard.value"),
    ("H126b", whole, f'{HEAD}  - {{id: "x\\0", prompt: p}}\n', "yaml.control_character"),
    ("H127", whole, f"{HEAD}  - {{id: -rf, prompt: p}}\n", "storyboard.value"),
    ("H127b", whole, f"{HEAD}  - {{id: '@file', prompt: p}}\n", "storyboard.value"),
    ("H129", whole, f"{HEAD}  - {{id: {'a' * 256}, prompt: p}}\n", "storyboard.value"),
    ("H131", whole, f"{HEAD}  - {{id: café, prompt: p}}\n", "storyboard.value"),
    ("H132", whole, f"{HEAD}  - {{id: S, prompt: p}}\n  - {{id: s, prompt: p}}\n", TWICE),
    ("H136", path, "../../.ssh/id_rsa", "source.outside"),
    ("H136b", path, "/etc/passwd", "source.path"),
    ("H136c", path, "~/.aws/credentials", "source.path"),
    ("H136d", path, "link.png", "source.outside"),
    ("H136e", path, "a/../../x.png", "source.outside"),
    ("H137", path, ".env", "source.hidden"),
    ("H137b", path, ".reelmake/journal.sqlite", "source.hidden"),
    ("H137c", source, "notes.txt", "source.kind"),
    ("H137d", path, "fifo.png", "source.not_a_file"),
    ("H137e", path, "folder.png", "source.not_a_file"),
    ("H139", source, "drawing.svg", "source.kind"),
    ("H124", path, "con.png", "source.path"),
    ("H124b", path, "sub/NUL.tar.png", "source.path"),
    ("H124c", path, "COM\u00b9.png", "source.path"),
    ("H124d", path, "AUX .png", "source.path"),
    ("H124e", path, "sub\\x.png", "source.path"),
    ("H124f", path, "x.png.", "source.path"),
    ("H129b", path, "\u00e9" * 200 + ".png", "source.path"),
    ("H141", path, "http://127.1/x.png", "source.private_url"),
    ("H141b", path, "http://2130706433/x.png", "source.private_url"),
    ("H141c", path, "http://0x7f000001/x.png", "source.private_url"),
    ("H141d", path, "http://0177.0.0.1/x.png", "source.private_url"),
    ("H142", path, "http://[::ffff:127.0.0.1]/x.png", "source.private_url"),
    ("H142b", path, "http://[fd00::1]/x.png", "source.private_url"),
    ("H142c", path, "http://[::1]/x.png", "source.private_url"),
    ("H142d", path, "http://0.0.0.0/x.png", "source.private_url"),
    ("H142e", path, "http://localhost./x.png", "source.private_url"),
    ("H144", path, "http://100.64.0.1/x.png", "source.private_url"),
    ("H146", path, "https://user:pass@host/x.png", "source.url"),
    ("H146b", path, "https://host@evil/x.png", "source.url"),
    ("H146c", path, "https://host\\@evil/x.png", "source.url"),
    ("H146d", path, "https://ho\tst/x.png", "source.url"),
    ("H146e", path, "https://ex\u0430mple.com/x.png", "source.url"),
    ("H146f", path, "gopher://host/x.png", "source.scheme"),
    ("H146g", path, "file:///etc/passwd", "source.scheme"),
    ("H146h", path, "data:image/png;base64," + "A" * 100_000, "source.path"),
    ("H146i", path, "blob:https://host/x", "source.scheme"),
    ("H146j", path, "https:///x.png", "source.url"),
    ("H146k", path, "https://[::1/x.png", "source.url"),
    ("H146l", path, "https://host:99999/x.png", "source.url"),
    ("H146m", path, "https://host/x.png\u0000", "yaml.control_character"),
]  # fmt: skip


@functools.cache
def catalogue() -> Catalogue:
    return open_catalogue()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name in ("notes.txt", "drawing.svg", ".env", ".reelmake/journal.sqlite", "folder.png/x"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    os.mkfifo(root / "fifo.png")
    (tmp_path / "secret.png").write_text("secret")
    (tmp_path / "x.png").write_text("secret")
    (root / "link.png").symlink_to(tmp_path / "secret.png")
    (root / "film.yaml").touch()
    return root


@pytest.mark.parametrize(
    ("make", "given", "rule"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_hostile_input_ends_in_words(
    project: Path, make: Callable[[str | bytes], str | bytes], given: str | bytes, rule: str
) -> None:
    """No crash, no hang, nothing written: a problem with a place and a hint, or plain sense."""
    text = make(given)
    film = project / "film.yaml"
    film.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    before = sorted(project.rglob("*"))
    loaded = load(film, project, catalogue())
    assert sorted(project.rglob("*")) == before
    told = [p for p in loaded.problems if p.severity is Severity.ERROR or "private" in p.rule]
    assert bool(told) == bool(rule), loaded.problems
    if rule:
        assert rule in {p.rule for p in told}
        for problem in told:
            assert problem.at.line >= 1
            assert problem.at.column >= 1
            assert problem.hint
            assert len(problem.message) < 500
            assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in problem.message)
