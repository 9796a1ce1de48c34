"""`port` and `migrate` on storyboards as people write them: what is written, what is said."""

import io
from pathlib import Path

import pytest

from runner.commands import migrate, port
from runner.errors import BadInput, ExitCode
from runner.progress import Out

HEAD = """\
storyboard: 1
references:
  mara: {image: "https://x.example.com/m.png", as: the woman}
  walk: {video: "https://x.example.com/m.mp4"}
"""
VEO = "veo-3.1-generate-preview"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    (tmp_path / ".reelmake").mkdir()
    return tmp_path / "film.yaml"


class Said:
    """A command's streams, kept."""

    def __init__(self) -> None:
        self.out = Out(io.StringIO(), io.StringIO(), colour=False)

    def __str__(self) -> str:
        assert isinstance(self.out.stderr, io.StringIO)
        return self.out.stderr.getvalue()


def ported(film: Path, shot: str, to: str) -> tuple[str, ExitCode]:
    said = Said()
    code = port.main(said.out, file=film, shot=shot, to=to, write=True, fmt="text")
    return str(said), code


def migrated(film: Path, to: str, *shots: str) -> str:
    said = Said()
    assert migrate.main(said.out, file=film, shots=shots, to=to) is ExitCode.DONE
    return str(said)


def test_what_defaults_give_is_not_taken_away_in_silence(film: Path) -> None:
    """A field of `defaults` that the new model refuses is named with its place; the code is 2."""
    film.write_text(
        "storyboard: 1\n"
        "defaults: {seed: 7, options: {prompt_extend: false}}\n"
        "shots: [{id: a, model: wan2.6-t2v, seconds: 8, options: {shot_type: single}, prompt: p}]\n"
    )
    said, code = ported(film, "a", "sora-2")
    assert f"still there: seed is set at {film}:2:18" in said
    assert f"still there: options.prompt_extend is set at {film}:2:46" in said
    assert "options.shot_type is set" not in said
    assert code is ExitCode.BAD_INPUT
    assert "{id: a, model: sora-2, seconds: 8, prompt: p}" in film.read_text()


def test_a_reference_that_is_lost_is_said_in_words(film: Path) -> None:
    """ref() becomes what `as:` says; without one the prompt is named as still wrong."""
    film.write_text(
        f"{HEAD}shots:\n"
        "  - id: a\n"
        "    model: doubao-seedance-2-0-260128\n"
        "    references: [mara]\n"
        "    prompt: \"{{ ref('mara') }} waits.\" # keep\n"
        "  - id: b\n"
        "    model: doubao-seedance-2-0-260128\n"
        "    references: [mara, walk]\n"
        "    prompt: \"{{ ref('walk') }} again\"\n"
    )
    said, code = ported(film, "a", VEO)
    assert code is ExitCode.DONE
    assert "{{ ref('mara') }} becomes the woman" in said
    assert f'    model: {VEO}\n    prompt: "the woman waits." # keep\n' in film.read_text()
    said, code = ported(film, "b", VEO)
    assert code is ExitCode.BAD_INPUT
    assert "still wrong: {{ ref('walk') }} names a reference that is lost" in said


def test_what_comes_along_is_told_apart_from_what_is_lost(film: Path) -> None:
    """Of a picture and a sound, omni takes the picture: only that has a marker there."""
    film.write_text(
        "storyboard: 1\n"
        "references:\n"
        "  hum: {audio: 'https://x.example.com/h.mp3', as: a low hum}\n"
        "  mara: {image: 'https://x.example.com/m.png', as: the woman}\n"
        "shots:\n"
        "  - id: a\n"
        "    model: doubao-seedance-2-0-260128\n"
        "    references: [hum, mara]\n"
        "    prompt: \"{{ ref('mara') }} hears {{ ref('hum') }}.\"\n"
    )
    said, code = ported(film, "a", "kling-v3-omni")
    assert code is ExitCode.DONE
    assert [line for line in said.splitlines() if " prompt: " in line] == [
        "changes  prompt: {{ ref('hum') }} becomes a low hum",
        "carries  prompt: ref() writes <<<image_1>>>",
    ]
    assert "references: [mara]" in film.read_text()
    assert "{{ ref('mara') }} hears a low hum." in film.read_text()


def test_a_shot_that_a_rule_refuses_can_be_moved(film: Path) -> None:
    """Moving is the way out: neither an illegal value nor retirement as an error stands in it."""
    (film.parent / "reelmake.yaml").write_text("rules: {model.retired: error}\n")
    film.write_text("storyboard: 1\nshots: [{id: a, model: sora-2, seconds: 5, prompt: p}] # a\n")
    said, code = ported(film, "a", "wan2.6-t2v")
    assert (code, "carries  seconds: 5 s" in said) == (ExitCode.DONE, True)
    assert film.read_text().endswith("[{id: a, model: wan2.6-t2v, seconds: 5, prompt: p}] # a\n")


def test_retired_models_go_where_they_are_written(film: Path) -> None:
    """In `defaults`, in the entry of a table, in a variant, in an included file; once each."""
    film.write_text(
        "storyboard: 1\n"
        "include: [more.yaml]\n"
        "defaults: {model: sora-2} # house model\n"
        "shots:\n"
        "  - {id: a, prompt: p}\n"
        "  - {id: b, prompt: p}\n"
        '  - {id: "r-{{ row.n }}", for_each: t.csv, model: sora-2-pro, prompt: p}\n'
        "  - {id: c, model: wan2.6-t2v, prompt: p, variants: {old: {model: sora-2}}}\n"
    )
    (film.parent / "t.csv").write_text("n\n1\n2\n")
    more = film.parent / "more.yaml"
    more.write_text("storyboard: 1\nshots: [{id: m, model: sora-2, prompt: p}]\n")
    said = migrated(film, VEO)
    assert film.read_text() == (
        "storyboard: 1\n"
        "include: [more.yaml]\n"
        f"defaults: {{model: {VEO}}} # house model\n"
        "shots:\n"
        "  - {id: a, prompt: p}\n"
        "  - {id: b, prompt: p}\n"
        f'  - {{id: "r-{{{{ row.n }}}}", for_each: t.csv, model: {VEO}, prompt: p}}\n'
        f"  - {{id: c, model: wan2.6-t2v, prompt: p, variants: {{old: {{model: {VEO}}}}}}}\n"
    )
    assert f"model: {VEO}" in more.read_text()
    assert [line.split(":")[0] for line in said.splitlines() if " -> " in line] == [
        "m", "a", "b", "r-1", "r-2", "c.old",
    ]  # fmt: skip


def test_what_migrate_leaves_to_port_is_said(film: Path) -> None:
    """It writes the model alone; the command that writes the rest is one that does."""
    film.write_text(
        "storyboard: 1\nshots:\n"
        "  - {id: a, model: sora-2, seconds: 12, prompt: p}\n"
        "  - {id: b, model: sora-2, seconds: 8, prompt: p}\n"
    )
    said = migrated(film, VEO).splitlines()
    [rest] = [line for line in said if "the rest: " in line]
    assert rest.endswith(f"reelmake port {film} a --to {VEO} --write")
    assert "seconds: 12" in film.read_text()
    assert ported(film, "a", VEO)[1] is ExitCode.DONE
    assert "seconds: 8, prompt" in film.read_text().splitlines()[2]


def test_an_unknown_model_changes_nothing(film: Path) -> None:
    """`--to` is looked up before a character is written."""
    text = "storyboard: 1\nshots: [{id: a, model: sora-2, prompt: p}]\n"
    film.write_text(text)
    with pytest.raises(BadInput, match="unknown model 'nope'"):
        migrated(film, "nope", "a")
    assert film.read_text() == text
