"""The page: a head with money and cut, then a card for each shot."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

from runner.journal.ledger import Entry as Attempted
from runner.manifest import Entry
from runner.model import (
    AttemptId,
    Digest,
    Estimate,
    Result,
    Shot,
    ShotId,
    Standing,
    Step,
)
from runner.planner import SETTLED, SPENDING, UP_TO_DATE, total
from runner.progress import count
from runner.report.asked import details, differences
from runner.report.shown import Shown
from runner.report.style import CSS
from runner.report.tags import Html, fact, short, tag
from runner.state import STALE, state_of


def page(film: Shown) -> str:
    """The whole page."""
    title = film.storyboard.title or film.storyboard.stem
    body = tag("main", head(film, title), *cards(film))
    style = tag("style", Html(CSS))
    return f"<!doctype html>\n{tag('html', *metas(title), style, tag('body', body), lang='en')}\n"


def metas(title: str) -> Iterator[Html]:
    style = b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{style}'; img-src data:; media-src 'self' file:; "
        "base-uri 'none'; form-action 'none'"
    )
    yield tag("meta", charset="utf-8")
    yield tag("meta", http_equiv="Content-Security-Policy", content=policy)
    yield tag("meta", name="referrer", content="no-referrer")
    yield tag("meta", name="viewport", content="width=device-width, initial-scale=1")
    yield tag("meta", name="color-scheme", content="light dark")
    yield tag("title", title)


# ── the head ────────────────────────────────────────────────────────────────────────────────


def head(film: Shown, title: str) -> Html:
    """Title, money, the cut, and where every shot stands at a glance."""
    board, made = film.storyboard, film.manifest.gateway
    about = f"{board.path} · {count(len(board.shots), 'shot')} · "
    about += "slates from the local gateway" if film.preview else f"rendered at {made}"
    return tag(
        "header",
        tag("h1", title, dir="auto"),
        tag("p", about, class_="dim"),
        tag("dl", *totals(film), class_="totals"),
        cut(film),
        tag("nav", *(chip(film, shot) for shot in board.shots), aria_label="Shots"),
    )


def totals(film: Shown) -> Iterator[Html]:
    ledger, sum_ = film.ledger, total(film.plan.steps)
    spending = sum(step.action in SPENDING for step in film.plan.steps)
    review = {(e.shot, e.take) for e in film.manifest.entries if e.result.findings}
    yield fact("Spent", "$0.00" if film.preview else str(ledger.spent))
    if film.preview:
        yield fact("At list prices", str(ledger.spent))
    if ledger.reserved.amount:
        yield fact("In flight", str(ledger.reserved))
    yield fact("At risk", str(ledger.at_risk), "bad" if ledger.at_risk.amount else None)
    if ledger.failed.amount:
        yield fact("Failed, maybe billed", str(ledger.failed), "warn")
    unpriced = f", {sum_.unpriced} of unknown price" if sum_.unpriced else ""
    if spending:
        yield fact(
            f"To render: {count(spending, 'take')}{unpriced}", f"at most {sum_.cost}", "warn"
        )
    else:
        yield fact("To render", "nothing", "good")
    if review:
        yield fact("Needs review", count(len(review), "take"), "bad")


def cut(film: Shown) -> Html | None:
    """The cut that lies there; says so where shots have moved on since, or it is another file."""
    planned, pinned = film.storyboard.cut, film.manifest.cut
    found = film.outputs.get(film.cut)
    if planned is None or found is None:
        return tag("p", "The cut has not been made yet.", class_="note") if planned else None
    keep = {shot.id: shot.keep for shot in film.storyboard.shots}
    clips = {clip.shot for clip in planned.clips}
    kept = (s for s in film.plan.steps if s.shot in clips and s.take == keep[s.shot])
    moved = [step.shot for step in kept if step.action not in SETTLED]
    about = f"The cut: {count(len(planned.clips), 'clip')}{', with sound' * bool(planned.audio)}. "
    late = f"Not the last word: {', '.join(moved)} will change it." if moved else None
    other = "Not the file that the manifest pins." if not pinned or pinned.sha256 != found else None
    caption = tag("figcaption", about, tag("b", late or other, class_="warn"))
    return tag("figure", video(film, film.cut, found, "The cut"), caption, class_="cut")


def chip(film: Shown, shot: Shot) -> Html:
    word, tone, _ = state(film, shot, shot.keep)
    return tag("a", shot.id, href=f"#{shot.id}", class_=tone, title=word)


def video(film: Shown, name: str, sha256: Digest, label: str) -> Html:
    """A player for a file beside the page, if that still has these bytes."""
    if film.outputs.get(name) != sha256:
        return tag("p", f"{name} is not in place; reelmake run puts it back.", class_="missing")
    jpeg = film.posters.get(sha256)
    still = f"data:image/jpeg;base64,{b64encode(jpeg).decode()}" if jpeg else None
    return tag(
        "video", src=quote(name), poster=still, controls=True, preload="metadata",
        playsinline=True, aria_label=label,
    )  # fmt: skip


# ── a shot ──────────────────────────────────────────────────────────────────────────────────


def cards(film: Shown) -> Iterator[Html]:
    attempts: dict[ShotId, list[Attempted]] = {}
    for each in film.ledger.entries:
        attempts.setdefault(each.shot, []).append(each)
    entries: dict[ShotId, list[Entry]] = {}
    for entry in film.manifest.entries:
        entries.setdefault(entry.shot, []).append(entry)
    for shot in film.storyboard.shots:
        yield card(film, shot, entries.get(shot.id, []), attempts.get(shot.id, []))


def card(film: Shown, shot: Shot, entries: list[Entry], attempts: list[Attempted]) -> Html:
    """Everything about one shot: its takes, then what the kept one was asked for."""
    kept = next((entry for entry in entries if entry.kept), None)
    paid = {each.attempt: each for each in attempts}
    made = {entry.take: (entry, facts_of(entry, paid)) for entry in entries}
    several = len(shot.takes) > 1
    takes = (
        figure(film, shot, take.number, *made.get(take.number, (None, None)), several=several)
        for take in shot.takes
    )
    alone = () if several else (known for _, known in made.values())
    return tag(
        "article",
        badges(film, shot, [entry.result for entry in entries]),
        tag(
            "section",
            tag("section", *takes, class_="takes many" if several else "takes"),
            tag("section", *details(film, shot, kept), *alone),
            class_=None if several else "columns",
        ),
        *(table for entry in entries for table in differences(film, shot, entry)),
        log(attempts),
        id=shot.id,
    )


def badges(film: Shown, shot: Shot, results: list[Result]) -> Html:
    """The shot's name, where it stands, and everything about it that is out of the ordinary."""
    word, tone, why = state(film, shot, shot.keep)
    marks = {
        word: tone,
        "accepted": any(result.accepted for result in results) and "info",
        "pinned": shot.pin and "info",
        "needs review": any(result.findings for result in results) and "bad",
    }
    shown = (tag("span", name, class_=f"badge {tone}") for name, tone in marks.items() if tone)
    name = tag("h2", tag("a", shot.id, href=f"#{shot.id}"))
    return tag("header", name, *shown, tag("p", why, class_="why") if why else None)


def state(film: Shown, shot: Shot, take: int) -> tuple[str, str, str]:
    """Where a take stands: a word for it, its tone, and why."""
    step = film.steps[shot.id, take]
    word, tone = found = state_of(step, film.history)
    why = "" if step.reason == UP_TO_DATE else sentence(step)
    return word, tone, f"Stale because {why}" if found is STALE else why


def sentence(step: Step) -> str:
    price = f" · {estimate(step.estimate)}" if step.action in SPENDING else ""
    return f"{step.reason}{price}"


def figure(
    film: Shown, shot: Shot, take: int, entry: Entry | None, known: Html | None, *, several: bool
) -> Html:
    """One take: its video, what is odd about it, and, beside others, what is known of its bytes."""
    word, tone, why = state(film, shot, take)
    kept = take == shot.keep
    apart = not kept and word != "up to date"
    screen = tag("p", "Not rendered yet.", class_="missing")
    if entry:
        label = f"{shot.id} take {take}"
        screen = video(film, shot.outputs(take)[0], entry.result.sha256, label)
    heading = (
        tag("strong", f"Take {take}"),
        tag("span", "kept", class_="badge good") if kept else None,
        tag("span", word, class_=f"badge {tone}") if apart else None,
        tag("p", why, class_="why") if apart else None,
        known,
    )
    findings = entry.result.findings if entry else ()
    return tag(
        "figure",
        screen,
        tag("figcaption", *heading) if several else None,
        *(tag("p", f"Needs review: {each.message}", class_="bad") for each in findings),
        class_="kept" if kept else None,
    )


def facts_of(entry: Entry, paid: Mapping[AttemptId, Attempted]) -> Html:
    """Price, job and bytes of one take."""
    result, probe = entry.result, entry.result.probe
    size = f"{probe.width}x{probe.height} · {probe.seconds:g} s · {probe.fps:g} fps"
    free = "a free slate; the real one: " * (result.gateway == "local")
    return tag(
        "dl",
        fact("Price", free + price(result, paid.get(result.attempt))),
        fact("Rendered", f"{moment(result.completed_at)} at {result.gateway}{took(result)}"),
        fact("Job", tag("code", result.job or "none", class_="job")),
        fact("Video", f"{size} · {'sound' if probe.audio else 'silent'}"),
        fact("SHA-256", short(result.sha256)),
    )


def price(result: Result, paid: Attempted | None) -> str:
    """Billed and estimated where the gateway said; otherwise the estimate and its basis."""
    if paid and paid.billed:
        guess = f", {paid.estimated} estimated" if paid.estimated else ""
        return f"{paid.billed} billed{guess}"
    return f"{estimate(result.cost)}" + (f", {result.cost.basis}" if result.cost else "")


def moment(at: str) -> str:
    return f"{at[:19].replace('T', ' ')} UTC" if at.endswith("Z") else at


def took(result: Result) -> str:
    try:
        begun, ended = map(datetime.fromisoformat, (result.submitted_at, result.completed_at))
        return f", {(ended - begun).total_seconds():.1f} s after it was sent"
    except (ValueError, TypeError):  # a manifest may have been written by anyone
        return ""


def estimate(found: Estimate | None) -> str:
    return f"{'at most ' * found.bound}{found.cost}" if found else "price unknown"


def log(attempts: Sequence[Attempted]) -> Html | None:
    """Every submission of a shot, unless each simply came back."""
    if all(each.standing is Standing.STORED for each in attempts):
        return None
    rows = (
        tag("tr", *(tag("td", cell) for cell in (
            moment(each.at), f"take {each.take}", str(each.standing),
            str(each.billed or each.estimated or "price unknown"), each.job or "", each.detail,
        )))
        for each in attempts
    )  # fmt: skip
    return tag(
        "details", tag("summary", "Submissions"), tag("table", *rows, class_="log"), open=True
    )
