"""Stopping and going on: nothing is sent twice, nothing that was paid for is lost."""

import signal
import time
from pathlib import Path

import pytest
from space import Space, gateway

FILM = """\
storyboard: 1
defaults: {model: wan2.5-t2v-preview, seconds: 5, resolution: 480p}
shots:
  - {id: sh010, prompt: A pier at dusk.}
  - {id: sh020, prompt: A bench.}
"""

CHAIN = """\
storyboard: 1
defaults: {model: wan2.5-i2v-preview, seconds: 5, resolution: 480p}
shots:
  - {id: sh010, prompt: A pier at dusk., model: wan2.5-t2v-preview}
  - {id: sh020, prompt: A bench., first_frame: {shot: sh010, frame: last}}
"""


def until_posts(space: Space, number: int) -> None:
    """Waits for the gateway to have seen so many POSTs; its answer is the clock."""
    deadline = time.monotonic() + 30
    while space.posts < number:
        assert time.monotonic() < deadline


def test_ctrl_c_is_clean_and_the_next_run_resumes(space: Space) -> None:
    """Exit 130; jobs in flight are collected by the next run without another POST."""
    space.write("film.yaml", FILM)
    with gateway("--render-seconds", "60", "--slates", "plain") as opened:
        space.gateway = opened
        running = space.start("run", "film.yaml", "--yes")
        until_posts(space, 2)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=30)
        assert running.returncode == 130, err
        assert "Traceback" not in err
        plan = space.run("plan", "film.yaml", "--format", "json").ok().json
        assert {s["action"] for s in plan["steps"]} == {"resume"}
        opened.advance(60)
        space.run("run", "film.yaml").ok().says("2 done")
        assert opened.posts == 2


def test_a_killed_run_is_taken_up_again(space: Space) -> None:
    """SIGKILL in the middle: what was accepted is collected, never sent again."""
    space.write("film.yaml", FILM)
    with gateway("--render-seconds", "60", "--slates", "plain") as opened:
        space.gateway = opened
        running = space.start("run", "film.yaml", "--yes")
        until_posts(space, 2)
        running.kill()
        running.communicate(timeout=30)
        opened.advance(60)
        done = space.run("run", "film.yaml", "--yes")
        assert done.code in (0, 3), done.err
        assert opened.posts == 2
        doubts = space.run("status", "film.yaml", "--format", "json").json["undecided"]
        assert (done.code == 3) == bool(doubts)


@pytest.mark.slow
def test_a_job_is_collected_although_the_shot_has_moved_on(space: Space) -> None:
    """The storyboard changed meanwhile: the finished take is kept in the store all the same."""
    space.write("film.yaml", FILM)
    with gateway("--render-seconds", "1", "--slates", "plain") as opened:
        space.gateway = opened
        running = space.start("run", "film.yaml", "--yes")
        until_posts(space, 2)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=30)
        space.edit("film.yaml", "A bench.", "A red bench.")
        space.run("run", "film.yaml", "--yes").ok()
        assert opened.posts == 3
        space.edit("film.yaml", "A red bench.", "A bench.")
        space.run("run", "film.yaml").ok()
        assert opened.posts == 3


@pytest.mark.slow
def test_two_runs_at_once_have_one_submitter(space: Space) -> None:
    """The second says who holds the project, and sends nothing."""
    space.write("film.yaml", FILM)
    with gateway("--render-seconds", "60", "--slates", "plain") as opened:
        space.gateway = opened
        running = space.start("run", "film.yaml", "--yes")
        until_posts(space, 2)
        space.run("run", "film.yaml", "--yes").left(1).says("another run holds this project")
        space.run("status", "film.yaml").ok()
        space.run("plan", "film.yaml").ok()
        opened.advance(60)
        running.communicate(timeout=30)
        assert running.returncode == 0
        assert opened.posts == 2


def test_a_failed_shot_blocks_only_what_hangs_on_it(space: Space) -> None:
    """The others are rendered; exit 1 says that some failed."""
    head = "storyboard: 1\ndefaults: {model: wan2.5-t2v-preview, resolution: 480p}\nshots:\n"
    shots = (
        "  - {id: bad, prompt: refuse me}\n"
        "  - id: next\n    model: wan2.5-i2v-preview\n    prompt: hangs on it\n"
        "    first_frame: {shot: bad, frame: last}\n"
        "  - {id: good, prompt: fine}\n"
    )
    space.write("film.yaml", head + shots)
    space.write("chaos.json", '{"rules": [{"fault": "fail_moderation", "prompt": "refuse me"}]}')
    with gateway("--render-seconds", "0.1", "--chaos", str(space.root / "chaos.json")) as opened:
        space.gateway = opened
        done = space.run("run", "film.yaml", "--yes", "--format", "json").left(1)
        ends = {s["shot"]: s["status"] for s in done.json["steps"]}
        assert ends == {"bad": "failed", "next": "blocked", "good": "done"}
        assert opened.posts == 2


def test_what_hangs_on_a_doubt_is_asked_for_before_the_gateway_settles_it(
    space: Space, tmp_path: Path
) -> None:
    """A gateway that lists its jobs lets the run go on to what waits: that is spending, too."""
    chaos = tmp_path / "chaos.json"
    chaos.write_text('{"rules": [{"fault": "lost_answer", "nth": 1}]}')
    space.write("film.yaml", CHAIN)
    options = ("--render-seconds", "0", "--slates", "plain", "--contract", "listed")
    with gateway(*options, "--chaos", str(chaos)) as opened:
        profile = f"base_url: '{opened.url}', key_variable: STUDIO_KEY, lists: true"
        space.environ.update(STUDIO_KEY="sk-studio", REELMAKE_GATEWAY="studio")
        space.write("reelmake.yaml", f"gateways: {{studio: {{{profile}}}}}")
        space.run("run", "film.yaml", "--yes").left(3)
        settles = "dedupe: {contract: listed, quiet: 0.1}"
        space.write("reelmake.yaml", f"gateways: {{studio: {{{profile}, {settles}}}}}")
        space.run("plan", "film.yaml").ok().says(
            "sh010  resume", "studio is asked whether there is a job", "sh020  wait", "1 to render"
        )
        space.run("run", "film.yaml").left(3).says("1 to render", "more if what is in doubt")
        assert opened.posts == 1
        space.run("run", "film.yaml", "--yes").ok()
        assert opened.posts == 2
