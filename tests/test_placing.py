"""Takes on their way to their places, while other things go on."""

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from film_set import Said
from plain_film import result, video

from runner.model import Action, History, Outcome, Shot, Status, Step
from runner.project import Film, open_project
from runner.project.placing import Placing
from runner.store import Store

FILM = """\
storyboard: 1
defaults: {model: wan2.5-t2v-preview, seconds: 5, aspect_ratio: "16:9", resolution: 480p}
shots:
  - {id: a, prompt: A pier.}
  - {id: b, prompt: A bench.}
"""


@pytest.fixture
def film(tmp_path: Path) -> Film:
    (tmp_path / ".reelmake").mkdir()
    file = tmp_path / "film.yaml"
    file.write_text(FILM)
    return open_project(file, os.environ).film(file, gateway="local")


def taken(film: Film, shot: Shot, data: bytes | None) -> Outcome:
    """A take of a shot that was just made; without data, the store lost it meanwhile."""
    digest = video(shot.id)
    if data is not None:
        tmp = film.project.root / "tmp"
        tmp.write_bytes(data)
        digest = film.project.store.take_in(tmp)
    made = result(shot.takes[0], digest)
    return Outcome(Step(shot.id, 1, Action.RENDER, "new", made.fingerprint), Status.DONE, made)


def test_a_copy_holds_up_nothing(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a film is copied the loop goes on; it is told of when it lies there, not before."""
    go, copy = threading.Event(), Store.place

    def slowly(store: Store, *where: object) -> bool:
        assert go.wait(30), "the loop stood still"
        place: Callable[..., bool] = copy
        return place(store, *where)

    monkeypatch.setattr(Store, "place", slowly)
    said = Said()
    outcome = taken(film, film.storyboard.shots[0], b"a film")

    async def scene() -> None:
        progress = Placing(said, film, History({}))
        progress.finished(outcome)
        await asyncio.sleep(0)
        assert said.lines == []
        go.set()
        await progress.all_told()

    asyncio.run(scene())
    assert said.lines == ["done a 1"]
    assert (film.folder / "a.mp4").read_bytes() == b"a film"


def test_what_cannot_be_placed_fails_alone(film: Film) -> None:
    """Bytes that have gone: this take failed, the others lie where they belong."""
    said = Said()
    a, b = film.storyboard.shots
    outcomes = [taken(film, a, None), taken(film, b, b"b film")]

    async def scene() -> list[Outcome]:
        progress = Placing(said, film, History({}))
        for outcome in outcomes:
            progress.finished(outcome)
        await progress.all_told()
        return progress.with_unplaced(outcomes)

    first, second = asyncio.run(scene())
    assert sorted(said.lines) == ["done b 1", "failed a 1"]
    assert (first.status, second) == (Status.FAILED, outcomes[1])
    assert "in no store" in first.detail
    assert (film.folder / "b.mp4").read_bytes() == b"b film"
