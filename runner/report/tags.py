"""HTML in which only what is made here is markup."""

from html import escape

from runner.progress import printable

VOID = ("meta",)
BLOCKS = ("header", "section", "article", "figure", "figcaption", "dl", "table", "tr", "nav", "p")


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
