"""A film as a page: what is said, that text from outside stays text, and how a film stands."""

import base64
import hashlib
import re
from collections.abc import Sequence
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from msgspec.structs import replace
from plain_film import A, B, C, attempt, board, facts, plan, result, shot

from runner import manifest
from runner.accept import accept
from runner.journal import Ledger
from runner.journal.ledger import Entry as Attempted
from runner.model import (
    AttemptId,
    Clip,
    Cut,
    Digest,
    Finding,
    JobId,
    ModelId,
    Money,
    Result,
    Shot,
    ShotId,
    Standing,
)
from runner.report import Shown, page

HOSTILE = "</blockquote><script>alert(1)</script><img src=x onerror=alert(2)> \"'\u202etxt\x1b[2J"
VOID = ("meta",)


class Seen(HTMLParser):
    """The page as a browser takes it: elements with their attributes, and text by element."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[tuple[str, str]] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.said.append((self.open[-1] if self.open else "", data.strip()))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]

    def texts(self, tag: str) -> list[str]:
        return [text for name, text in self.said if name == tag]

    @property
    def text(self) -> str:
        return " ".join(text for name, text in self.said if name != "style")


def shown(*shots: Shot, results: Sequence[Result] = (), **more: Any) -> Shown:
    """A film whose results lie in place; `more` goes to the facts, `film` to what is shown."""
    film = more.pop("film", {})
    storyboard = replace(board(*shots), **more.pop("board", {}))
    known = facts(results, **more)
    made = plan(storyboard, known)
    fields: dict[str, Any] = {
        "storyboard": storyboard,
        "plan": made,
        "manifest": manifest.build(storyboard, made, known.history),
        "history": known.history,
        "ledger": Ledger(),
        "outputs": known.outputs,
        "cut": "cut.mp4",
        "posters": {r.sha256: b"\xff\xd8" + r.sha256[:4].encode() for r in results},
    }
    return Shown(**fields | film)


def attempted(standing: Standing, detail: str = "") -> Attempted:
    price = Money(Decimal("0.50"))
    return Attempted(
        AttemptId("z"), ShotId("a"), 1, ModelId("m"), "film.yaml", "run", "2026-11-23T08:00:00Z",
        standing, JobId(HOSTILE), price, None, price, detail,
    )  # fmt: skip


def test_text_from_outside_stays_text() -> None:
    """Prompt, title, options, finding, job, vendor's error: no markup, no hidden characters."""
    one = shot("a", prompt=HOSTILE, negative_prompt=HOSTILE, options={HOSTILE: HOSTILE})
    found = replace(
        result(one.takes[0], A),
        job=JobId(HOSTILE),
        gateway=HOSTILE,
        findings=(Finding("take.size", HOSTILE),),
        inputs=({"role": HOSTILE, "path": HOSTILE, "sha256": HOSTILE}, {"shot": HOSTILE}),
        submitted_at=HOSTILE,
    )
    film = {"ledger": Ledger((attempted(Standing.FAILED, HOSTILE),))}
    html = page(shown(one, results=[found], board={"title": HOSTILE}, film=film))
    seen = Seen(html)
    assert not {"script", "img"} & {tag for tag, _ in seen.found}
    assert not [key for _, attrs in seen.found for key in attrs if key.startswith("on")]
    assert seen.text.count("<script>alert(1)</script>") >= 9
    assert "\\u202etxt\\x1b[2J" in html
    assert "\u202e" not in html
    assert "\x1b" not in html


def test_the_page_asks_nobody_for_anything() -> None:
    """Sources are files beside it or data; the policy allows nothing else, and no script at all."""
    url = "https://x.example.com/frame.png"
    one = shot("a", prompt=f"see {url}")
    found = replace(result(one.takes[0], A), inputs=({"role": "first_frame", "url": url},))
    seen = Seen(page(shown(one, results=[found])))
    loads = ("src", "poster", "href", "data", "srcset", "action", "content")
    for tag, attributes in seen.found:
        for key in loads if tag != "meta" else ():
            target = attributes.get(key) or "#"
            assert target.startswith(("#", "data:image/jpeg;base64,")) or target == "a.mp4"
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in seen.found}
    policy = next(m for m in seen.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert str(policy["content"]).startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src" not in str(policy["content"])


def test_the_policy_lets_the_style_in() -> None:
    """The hash in the policy is that of the style sheet as it stands in the page."""
    html = page(shown(shot("a")))
    style = re.search("<style>(.*)</style>", html, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"sha256-{digest}" in html.replace("&#x27;", "'")
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_an_accepted_take_says_so_with_both_fingerprints() -> None:
    """What was rendered, what it counts for, and the words that differ, in plain sight."""
    old, new = shot("a", prompt="a red boat"), shot("a", prompt="a blue boat")
    before = result(old.takes[0], A)
    (said,) = accept(board(new), facts([before]), [ShotId("a")])
    html = page(shown(new, results=[said.result]))
    seen = Seen(html)
    assert "accepted" in seen.texts("span")
    assert {before.fingerprint, said.result.fingerprint} <= {
        c.get("title") for c in seen.all("code")
    }
    assert seen.texts("mark") == ["red", "blue"]
    assert seen.texts("blockquote") == ["a red boat"]


def test_a_pinned_take_says_so_with_both_fingerprints() -> None:
    """A shot left as it is although something else is asked for shows both."""
    old, new = shot("a", seconds=4), replace(shot("a", seconds=5), pin=True)
    before = result(old.takes[0], A)
    seen = Seen(page(shown(new, results=[before])))
    assert "pinned" in seen.texts("span")
    asked = result(new.takes[0], B).fingerprint
    assert {before.fingerprint, asked} <= {code.get("title") for code in seen.all("code")}
    assert seen.texts("mark") == ["4", "5"]


def test_every_take_is_there_and_the_keeper_is_marked() -> None:
    """Takes stand side by side; each plays its own file, one of them is the shot."""
    one = shot("a", takes=3, keep=2)
    results = [result(take, sha256) for take, sha256 in zip(one.takes, (A, B, C), strict=True)]
    names = {"a.t1.mp4": A, "a.mp4": B, "a.t2.mp4": B, "a.t3.mp4": C}
    seen = Seen(page(shown(one, results=results, outputs=names)))
    assert [video["src"] for video in seen.all("video")] == ["a.t1.mp4", "a.mp4", "a.t3.mp4"]
    assert [figure.get("class") for figure in seen.all("figure")] == [None, "kept", None]
    for video in seen.all("video"):
        assert video["preload"] == "metadata"
        assert str(video["poster"]).startswith("data:image/jpeg;base64,")


def test_shots_stand_in_the_order_of_the_film() -> None:
    """A card for each shot, rendered or not, though another order would be needed to render."""
    shots = (shot("z", "b"), shot("b"), shot("a"))
    seen = Seen(page(shown(*shots, results=[result(shots[1].takes[0], A)])))
    assert [article["id"] for article in seen.all("article")] == ["z", "b", "a"]
    assert [link["href"] for link in seen.all("a")][:3] == ["#z", "#b", "#a"]
    assert seen.texts("h1") == ["film"]


def test_each_state_is_told_with_its_reason_and_price() -> None:
    """Up to date, stale, waiting, new, in doubt: the plan's own words and what it costs."""
    fine, old = shot("fine"), shot("stale", seconds=4)
    stale, waits, new, lost = (
        shot("stale", seconds=5),
        shot("w", "stale"),
        shot("new"),
        shot("lost"),
    )
    results = [result(fine.takes[0], A), result(old.takes[0], B)]
    doubt = attempt(result(lost.takes[0], C), Standing.AMBIGUOUS)
    seen = Seen(page(shown(fine, stale, waits, new, lost, results=results, doubtful=doubt)))
    states = ["up to date", "stale", "waiting", "to render", "in doubt"]
    assert [link["title"] for link in seen.all("a") if "title" in link] == states
    assert "Stale because seconds 4 -> 5 · $0.50" in seen.text
    assert "waits for stale · $0.50" in seen.text
    assert "never answered ($0.50 at risk)" in seen.text
    assert "To render: 3 takes at most $1.50" in seen.text


def test_a_file_that_is_not_the_take_does_not_play_as_it() -> None:
    """An edited or missing output is named, never shown as what was paid for."""
    one = shot("a")
    seen = Seen(page(shown(one, results=[result(one.takes[0], A)], outputs={"a.mp4": B})))
    assert seen.all("video") == []
    assert "a.mp4 is not in place" in seen.text


@pytest.mark.parametrize("moved", [False, True])
def test_a_cut_that_is_not_the_last_word_says_so(moved: bool) -> None:
    """Somebody who watches the cut must know that a shot in it is stale."""
    one = shot("a", seconds=4)
    results = [result(one.takes[0], A)]
    asked = shot("a", seconds=5) if moved else one
    outputs = {"a.mp4": A, "cut.mp4": Digest("d" * 64)}
    cut = {"cut": Cut((Clip(ShotId("a")),))}
    seen = Seen(page(shown(asked, results=results, outputs=outputs, board=cut)))
    assert seen.all("video")[0]["src"] == "cut.mp4"
    assert ("a will change it" in seen.text) is moved


def test_what_failed_is_told_with_its_price() -> None:
    """The vendor's words on a failed attempt stand with the shot, and in the totals."""
    film = {"ledger": Ledger((attempted(Standing.FAILED, "content policy"),))}
    seen = Seen(page(shown(shot("a"), film=film)))
    assert "content policy" in seen.texts("td")
    assert "Failed, maybe billed $0.50" in seen.text


def test_the_same_facts_give_the_same_bytes() -> None:
    """No clock, no chance: a page can be compared with yesterday's."""
    one = shot("a")
    results = [result(one.takes[0], A)]
    assert page(shown(one, results=results)) == page(shown(one, results=results))
