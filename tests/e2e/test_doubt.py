"""A lost answer is settled by a person: on the command line, as the messages say."""

from pathlib import Path

from space import Space, gateway

FILM = """\
storyboard: 1
defaults: {model: wan2.5-t2v-preview, seconds: 5, resolution: 480p}
shots:
  - {id: sh010, prompt: A pier at dusk.}
"""


def test_a_job_is_adopted_only_if_its_gateway_knows_it(space: Space, tmp_path: Path) -> None:
    """A mistyped id would end as a lost job, and take the right one's place."""
    chaos = tmp_path / "chaos.json"
    chaos.write_text('{"rules": [{"fault": "lost_answer", "nth": 1}]}')
    space.write("film.yaml", FILM)
    with gateway("--render-seconds", "0", "--slates", "plain", "--chaos", str(chaos)) as opened:
        space.gateway = opened
        space.run("run", "film.yaml", "--yes").left(3).says("adopt sh010 JOB")
        space.run("adopt", "sh010", "mistyped").left(2).says("does not know the job 'mistyped'")
        space.run("status", "film.yaml").left(3)
        space.run("adopt", "sh010", opened.jobs[0]["job"]).ok().says("the next run collects it")
        space.run("run", "film.yaml").ok().says("1 done")
        assert opened.posts == 1


def test_where_the_gateway_cannot_be_asked_the_person_is_believed(
    space: Space, tmp_path: Path
) -> None:
    chaos = tmp_path / "chaos.json"
    chaos.write_text('{"rules": [{"fault": "lost_answer", "nth": 1}]}')
    space.write("film.yaml", FILM)
    with gateway("--slates", "plain", "--chaos", str(chaos)) as opened:
        space.gateway = opened
        space.run("run", "film.yaml", "--yes").left(3)
        job = opened.jobs[0]["job"]
    space.run("adopt", "sh010", job).ok().says("the next run collects it")
