"""HTML in which only what is made here is markup."""

from html import escape

from runner.progress import printable

VOID = ("meta",)
BLOCKS = ("header", "section", "article", "figure", "figcaption", "dl", "table", "tr", "nav", "p")
HASH = 12  # characters of a digest that a person compares


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *inside: str | None, **attributes: str | bool | None) -> Html:
    """An element. What is not `Html` is escaped, here and nowhere else; None is left out."""
    said = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{text(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    within = "".join(part if isinstance(part, Html) else text(part) for part in inside if part)
    end = "" if name in VOID else f"</{name}>"
    return Html(f"<{name}{said}>{within}{end}" + "\n" * (name in BLOCKS))


def text(value: str | bool) -> str:
    return escape(printable(str(value)))


def fact(name: str, value: str | None, tone: str | None = None) -> Html:
    return tag("div", tag("dt", name), tag("dd", value or "none", class_=tone))


def short(sha256: str) -> Html:
    return tag("code", sha256[:HASH], title=sha256)
