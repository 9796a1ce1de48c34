"""`report` on a film that was really rendered."""

import base64
import io
import re

import pytest
from PIL import Image
from space import Space

FILM = """\
storyboard: 1
title: Film
defaults: {model: wan2.5-t2v-preview, seconds: 5, aspect_ratio: "16:9", resolution: 480p}
shots:
  - {id: a, prompt: A pier., takes: 2, keep: 2}
  - {id: b, model: wan2.5-i2v-preview, first_frame: {shot: a, frame: last}, prompt: It drifts.}
cut: {clips: [a, b]}
"""


@pytest.mark.slow
def test_a_page_about_a_film_that_was_paid_for(paid: Space) -> None:
    """It lies beside its videos, needs no key, costs nothing, and comes out the same twice."""
    paid.write("film.yaml", FILM)
    paid.run("run", "film.yaml", "--yes").ok()
    before, paid.gateway, sent = paid.posts, None, paid.gateway
    paid.run("report", "film.yaml").ok().says("renders/film/report.html")
    written = paid.root / "renders/film/report.html"
    first = written.read_text()
    assert "rendered at 127.0.0.1:" in first
    sources = re.findall('<video src="([^"]*)"', first)
    assert sources == ["cut.mp4", "a.t1.mp4", "a.mp4", "b.mp4"]
    assert all((written.parent / name).is_file() for name in sources)
    stills = re.findall('poster="data:image/jpeg;base64,([^"]*)"', first)
    assert len(stills) == len(sources)
    for still in stills:
        with Image.open(io.BytesIO(base64.b64decode(still))) as picture:
            assert (picture.format, picture.width > picture.height) == ("JPEG", True)
    paid.run("report", "film.yaml").ok()
    assert written.read_text() == first
    assert sent is not None
    assert sent.posts == before


def test_a_preview_is_told_from_what_is_paid_for(space: Space) -> None:
    """Without a paid film the page is about the slates, and says they are free."""
    space.write("film.yaml", FILM)
    space.run("report", "film.yaml").ok().says("renders/film.preview/report.html")
    html = (space.root / "renders/film.preview/report.html").read_text()
    assert "slates from the local gateway" in html
    assert "Not rendered yet." in html
