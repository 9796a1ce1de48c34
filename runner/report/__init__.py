"""A film as it stands, as one HTML page. Pure: facts in, text out; the same facts, the same bytes.

page    what is said, and in which order
tags    the only place where markup is written: all else is escaped there
style   how it looks, on a desk, a phone, in the dark and on paper

The page stands alone: no script, nothing from elsewhere. Videos lie beside it, stills are inside.
"""

from runner.report.page import Shown, page

__all__ = ["Shown", "page"]
