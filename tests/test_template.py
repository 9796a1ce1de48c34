"""Templates: what they can say, what they cannot do, and where they are wrong."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.template import Fault, Prompts, Rendered, Templates, is_template
from runner.template.base import MAX_TEXT, Broken, Budget
from runner.template.engine import Engine

SCOPE: Mapping[str, object] = {
    "grade": "teal {{ x }}",
    "n": 3,
    "half": 0.5,
    "loud": True,
    "nothing": None,
    "cast": [{"name": "Ann"}, {"name": "Bo"}],
    "vars": {"grade": "teal {{ x }}", "items": "mine"},
    "shot": {"id": "sh010"},
    "take": 1,
}
FILES = {
    "look.txt": "{{ n }} lamps\n",
    "lib.txt": "{% macro hi(who) %}hello {{ who }}{% endmacro %}{% set tone = 'warm' %}",
    "bad.txt": "one\n {{ nope }}",
    "self.txt": "{% include 'self.txt' %}",
    "ping.txt": "{% include 'pong.txt' %}",
    "pong.txt": "{% include 'ping.txt' %}",
    "fan.txt": "{% include 'fan2.txt' %}" * 2000,
    "fan2.txt": "{% include 'look.txt' %}" * 2000,
}


@pytest.fixture
def prompts(tmp_path: Path) -> Prompts:
    folder = tmp_path / "prompts"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "latin.txt").write_bytes(b"caf\xe9")
    (folder / "loud.txt").write_bytes(b"ding\x07")
    (folder / "long.txt").write_text("x" * (MAX_TEXT + 1))
    return Prompts(folder)


def mark(name: str) -> str | Fault:
    return "Image 1" if name == "mara" else Fault("reference.unknown", f"no {name!r}")


def render(prompts: Prompts, text: str) -> Rendered | Fault:
    return Templates(prompts).render(text, SCOPE, mark)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("plain", "plain"),
        ("{{ grade }}, {{ vars.grade }}", "teal {{ x }}, teal {{ x }}"),
        ("{{n}} {{ half }} {{ loud }}\n", "3 0.5 true\n"),
        ("{{ ref('mara') }} and {{ ref(\"mara\") }}", "Image 1 and Image 1"),
        ("{% include 'look.txt' %}, wide", "3 lamps, wide"),
        ("{% include 'look.txt' %}, {{ n + 1 }}", "3 lamps, 4"),
        ("{% import 'lib.txt' as lib %}{{ lib.hi('Bo') }}, {{ lib.tone }}", "hello Bo, warm"),
        ("{% from 'lib.txt' import hi %}{{ hi(n) }}", "hello 3"),
        ("{% for c in cast %}{{ c.name }}{{ ', ' if not loop.last }}{% endfor %}", "Ann, Bo"),
        ("{{ cast|map(attribute='name')|join(' & ') }}", "Ann & Bo"),
        ("{{ 1 + n * 2 }} {{ 'a' ~ n ~ loud }} {{ 'a' + 'b' }}", "7 a3true ab"),
        ("{{ vars.items }} {{ cast[1].name }} {{ cast.0.name }}", "mine Bo Ann"),
        ("{% for k, v in vars|items %}{{ k }};{% endfor %}", "grade;items;"),
        ("{{ nope|default('d') }}{% if nope is defined %}x{% endif %}", "d"),
        ("{{ nothing|default('none', true) }}", "none"),
        ("{{ 'New York'|lower|replace(' ', '-') }} {{ 2.345|round(1) }}", "new-york 2.3"),
        ("{% set a = n %}{% with b = a %}{{ b }}{% endwith %}", "3"),
        ("{%- if n > 2 -%} many {%- endif -%}", "many"),
        ("{% raw %}{{ x }}{% endraw %}{# nothing #}", "{{ x }}"),
        ("{{ true }} {{ 'é' }} {{ grade[:4] }}", "true é teal"),
        ("{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}{{ twice('ab') }}", "abab"),
        ("a { b } }} %}", "a { b } }} %}"),
    ],
)
def test_templates_fill_in_loop_and_choose(prompts: Prompts, text: str, meant: str) -> None:
    """A prompt may name values, include files, loop over lists and choose; values stay data."""
    rendered = render(prompts, text)
    assert isinstance(rendered, Rendered), rendered
    assert rendered.text == meant


FOR, END = "{{% for i in range({}) %}}", "{% endfor %}"
TWICE = "{% macro a(x) %}{{x}}{{x}}{% endmacro %}"
UNDEFINED, REFUSED, LONG, LARGE = (
    f"template.{word}" for word in ("undefined", "refused", "too_long", "too_large")
)
DEEP, INCLUDE = "template.too_deep", "template.include"


@pytest.mark.parametrize(
    ("text", "rule", "wrong"),
    [
        ("{{ nope }}", UNDEFINED, "nope"),
        ("{{ n }}\n  {{ vars.nope }}", UNDEFINED, "nope"),
        ("{{ n }}\n  {{ vars.nope|upper }}", UNDEFINED, "nope"),
        ("{{ nope.more|upper }}", UNDEFINED, "nope"),
        ("{{ cast[9].name }}", UNDEFINED, "9"),
        ("{{ ref('zoe') }}", "reference.unknown", "'zoe'"),
        ("text {{ ref('zoe')|upper }}", "reference.unknown", "{{"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", UNDEFINED, "__class__"),
        ("{{ cycler.__init__.__globals__ }}", UNDEFINED, "cycler"),
        ("{{ lipsum.__globals__.os.popen('id').read() }}", UNDEFINED, "lipsum"),
        ("{{ lipsum(n=2000000) }}", UNDEFINED, "lipsum"),
        ("{{ '{0.__class__}'.format(1) }}", UNDEFINED, "format"),
        ("{{ '{:>1000000000}'.format(1) }}", UNDEFINED, "format"),
        ("{{ 'x'.ljust(1000000000)|length }}", UNDEFINED, "ljust"),
        ("{{ grade.upper() }}", UNDEFINED, "upper"),
        ("{{ env.API_KEY }}", UNDEFINED, "env"),
        ("{{ secrets.x }}", UNDEFINED, "secrets"),
        ("{{ now() }}", UNDEFINED, "now"),
        ("{{ namespace() }}", UNDEFINED, "namespace"),
        ("{{ 'a' * 1000000000 }}", REFUSED, "{{"),
        ("{{ [1] * 1000000000 }}", REFUSED, "{{"),
        ("{{ '%1000000000d' % 5 }}", REFUSED, "{{"),
        ("{{ 2 ** 10 ** 10 }}", REFUSED, "{{"),
        ("{{ 10000000000 * 10000000000 * 10 }}", REFUSED, "{{"),
        ("{{ n / 0 }}", REFUSED, "{{"),
        ("{{ 5|round(1000000000) }}", REFUSED, "{{"),
        ("{{ 'x'|center(1000000000) }}", REFUSED, "center"),
        ("{{ ('<' * 50000000)|tojson|length }}", REFUSED, "tojson"),
        ("{{ [1, 2, 3]|random }}", REFUSED, "random"),
        ("{{ n|_each }}", REFUSED, "_each"),
        ("{% set a %}{{ n }}{% endset %}", REFUSED, "{%"),
        ("{% block a %}{% endblock %}", REFUSED, "{%"),
        ("{% extends 'look.txt' %}", REFUSED, "{%"),
        ("{% for a in cast recursive %}{{ loop(cast) }}{% endfor %}", REFUSED, "{%"),
        (f"{FOR.format(99999)}{FOR.format(99999)}x{END}{END}", LONG, "{%"),
        ("{% for i in range(1000000) %}{% endfor %}", LONG, "{%"),
        (f"{FOR.format(400)}{{% for j in range(400) if false %}}{END}{END}", LONG, "{%"),
        ("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", LONG, "{%"),
        ("{% set a = '0123456789' %}" + "{% set a = a ~ a %}" * 60, LARGE, "{%"),
        ("{% set a = '0123456789' %}" + "{% set a = a + a %}" * 60, LARGE, "{%"),
        ("{% set a = [1] %}" + "{% set a = a + a %}" * 60, LARGE, "{%"),
        (TWICE + "{{ " + "a(" * 18 + "'01234'" + ")" * 18 + " }}", LARGE, "{%"),
        ("{% for i in range(100) %}" + "y" * 5000 + "{% endfor %}", LARGE, "{%"),
        ("{{ 'aa'" + "|replace('a', 'aaaaaaaaaaaa')" * 20 + " }}", LARGE, "{{"),
        ("{{ n|abs }}" * 5000, LARGE, "{{"),
        ("x" * (MAX_TEXT + 1) + "{{ n }}", LARGE, "x"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", DEEP, "{{"),
        ("{{ " + "not " * 5000 + "1 }}", DEEP, "{{"),
        ("{{ " + "1+" * 5000 + "1 }}", DEEP, "{{"),
        ("{% if n %}" * 200 + "{% endif %}" * 200, DEEP, "{%"),
        ("{% for a in cast %}" * 30 + "{% endfor %}" * 30, DEEP, "{%"),
        ("{% include '/etc/passwd' %}", INCLUDE, "'"),
        ("{% include '../secret.txt' %}", INCLUDE, "'"),
        ("{% include 'link.txt' %}", INCLUDE, "'"),
        ("{% include 'missing.txt' %}", INCLUDE, "'"),
        ("{% include 'missing.txt' %}{{ n|abs }}", INCLUDE, "'"),
        ("{% import 'x' as x %}", INCLUDE, "{%"),
        ("{% include 'latin.txt' %}", "template.encoding", "'"),
        ("{% include 'loud.txt' %}", "template.encoding", "'"),
        ("{% include 'long.txt' %}", LARGE, "'"),
        ("{{ '\\x1b[31m' }}", "template.encoding", "{{"),
        ("{{ '\\ud800' }}", "template.encoding", "{{"),
        ("{{ vars }}", "template.not_text", "vars"),
        ("{{ cast }}", "template.not_text", "cast"),
        ("{{ nothing }}", "template.not_text", "nothing"),
        ("{{ none }}", "template.not_text", "{{"),
        ("{{ cast|list }}", "template.not_text", "{{"),
        ("{{ unclosed", "template.syntax", "{{"),
        ("{% if %}", "template.syntax", "{%"),
        ("{{ n }} {{ n + }} {{ n }}", "template.syntax", "{{ n + }}"),
        ("{{ n|abs }} {% if n %}x", "template.syntax", "{% if n %}x"),
        ("{{ n }} {% endif %}", "template.syntax", "{% endif"),
        ("{{ n is callable }}", "template.syntax", "{{"),
    ],
)  # fmt: skip
def test_templates_can_do_nothing_else(prompts: Prompts, text: str, rule: str, wrong: str) -> None:
    """No template reaches out, hangs or grows; what is wrong has a rule and a place in it."""
    fault = render(prompts, text)
    assert isinstance(fault, Fault), fault
    assert (fault.rule, fault.file) == (rule, "")
    assert text[fault.offset :].startswith(wrong)


@pytest.mark.parametrize("more", ["", "{{ n|abs }}"])
def test_mistakes_in_included_files_stand_there(prompts: Prompts, more: str) -> None:
    """The place of a mistake is the file that has it, with and without the engine."""
    fault = render(prompts, "{% include 'bad.txt' %}" + more)
    assert isinstance(fault, Fault)
    assert (fault.file, FILES["bad.txt"][fault.offset :]) == ("prompts/bad.txt", "nope }}")
    assert prompts.text_of(fault.file) == FILES["bad.txt"]


@pytest.mark.parametrize("more", ["", "{{ n|abs }}"])
@pytest.mark.parametrize("name", ["self.txt", "ping.txt", "fan.txt"])
def test_includes_come_to_an_end(prompts: Prompts, name: str, more: str) -> None:
    """Files that include themselves, each other, or too much, are refused."""
    fault = render(prompts, f"{{% include '{name}' %}}{more}")
    assert isinstance(fault, Fault)
    assert fault.rule in (INCLUDE, LARGE, LONG)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{ grade }}{{ vars.items }}", {("grade",), ("vars", "items")}),
        ("{{ take|abs }}{{ vars.items|upper }}", {("take",), ("vars", "items")}),
        ("{% include 'look.txt' %}", {("n",)}),
        ("{% include 'look.txt' %}{{ 1|abs }}", {("n",)}),
    ],
)
def test_a_rendering_tells_what_it_looked_at(
    prompts: Prompts, text: str, names: set[tuple[str, ...]]
) -> None:
    """The reason for a changed prompt can name the variable, through included files too."""
    rendered = render(prompts, text)
    assert isinstance(rendered, Rendered)
    assert rendered.names == names


def test_hints_name_what_is_there(prompts: Prompts) -> None:
    """A misspelt name is answered with the one that was meant."""
    fault = render(prompts, "{{ vars.grdae }}")
    assert isinstance(fault, Fault)
    assert fault.hint == "did you mean 'grade'?"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("{{ nope|upper }}", "'nope' is not defined", "set it under `vars:`"),
        ("{{ namespace(a=1) }}", "'namespace' is not defined", "set it under `vars:`"),
        ("{{ grdae() }}", "'grdae' is not defined", "did you mean 'grade'?"),
        ("{{ grade() }}", "text cannot be called", "write the name without `()`"),
    ],
)
def test_a_name_that_is_not_there_is_told_however_it_is_used(
    prompts: Prompts, text: str, message: str, hint: str
) -> None:
    """Filtered, called or printed: the same words, and no talk of fields."""
    fault = render(prompts, text)
    assert isinstance(fault, Fault)
    assert fault.message == message
    assert fault.hint.startswith(hint)


pieces = st.lists(
    st.sampled_from(
        [
            "{{ grade }}", "{{n}}", "{{ half }}", "{{ loud }}", "{{ vars.items }}", "{{ shot.id }}",
            "{{ nope }}", "{{ vars.nope }}", "{{ nope.x }}", "{{ cast }}", "{{ nothing }}",
            "{% include 'look.txt' %}", "{% include 'bad.txt' %}", "{{ ref('mara') }}",
            "{{ ref('zoe') }}", "\n", " text ", "}}", "{", "%}",
        ]
    ),
    max_size=6,
)  # fmt: skip


@given(pieces.map("".join))
def test_the_short_way_gives_what_the_engine_gives(text: str) -> None:
    """A template that needs no engine says exactly what the engine would have said."""
    folder = Path(__file__).parent / "examples" / "prompts"
    prompts = Prompts(folder)
    short = Templates(prompts).render(text, SCOPE, mark)
    if isinstance(short, Rendered):
        assert short.text == Engine(prompts).compile(text).fill(SCOPE, mark, Budget())
    else:
        with pytest.raises(Broken) as broken:
            Engine(prompts).compile(text).fill(SCOPE, mark, Budget())
        assert broken.value.fault.rule == short.rule


@given(st.text("{}%#'\"|()[]~+*-/ \nabn0.", max_size=40).map(lambda text: "{{ n" + text))
def test_no_template_is_a_crash(text: str) -> None:
    """Whatever stands between braces, the answer is a text or a fault."""
    assert isinstance(
        Templates(Prompts(Path("nowhere"))).render(text, SCOPE, mark), Rendered | Fault
    )


def test_only_braces_make_a_template() -> None:
    """Plain text is recognised without looking at it twice."""
    assert not is_template("a prompt with { one } brace, 100 %")
    assert is_template("{{ x }}")
    assert is_template("{% if x %}")
    assert is_template("{# x #}")


def test_simple_prompts_do_without_the_engine() -> None:
    """Naming values and files does not import jinja2."""
    code = (
        "import sys; from pathlib import Path; from runner.template import *\n"
        "t = Templates(Prompts(Path('nowhere')))\n"
        "assert t.render('{{ a.b }} {{ ref(\"x\") }}', {'a': {'b': 1}}, str).text == '1 x'\n"
        "assert 'jinja2' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
