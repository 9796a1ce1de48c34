"""`export` and `graph` of a film that was paid for."""

import json

import pytest
from space import Space

FILM = """\
storyboard: 1
defaults: {model: wan2.5-t2v-preview, seconds: 5, aspect_ratio: "16:9", resolution: 480p}
shots:
  - {id: a, prompt: A pier.}
  - {id: b, prompt: A bench.}
"""


@pytest.mark.slow
def test_a_paid_film_wins_over_its_preview(paid: Space) -> None:
    """No key, no POST: what was paid is exported, and the slates only where they are asked for."""
    paid.write("film.yaml", FILM)
    paid.run("run", "film.yaml", "--gateway", "local").ok()
    paid.run("run", "film.yaml", "--yes").ok()
    before, paid.gateway, sent = paid.posts, None, paid.gateway
    for words, folder in (((), "film"), (("--preview",), "film.preview")):
        done = paid.run("export", "film.yaml", "--format", "otio", *words).ok()
        clips = done.json["tracks"]["children"][0]["children"]
        urls = [clip["media_references"]["take 1"]["target_url"] for clip in clips]
        assert urls == [f"file://{paid.root}/renders/{folder}/{shot}.mp4" for shot in "ab"]
        assert done.err == ""
    rows = paid.run("export", "film.yaml", "--format", "csv").ok().out.splitlines()
    assert "a free slate" not in rows[1]
    assert json.dumps(rows).count("up to date") == 2
    assert paid.run("graph", "film.yaml").ok().out.count('class="up-to-date"') == 2
    assert sent is not None
    assert sent.posts == before
