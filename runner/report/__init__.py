"""A film as it stands, as one HTML page. Pure: facts in, text out; the same facts, the same bytes.

shown   what a page is made of
page    the head with money and cut, then a card for each shot
asked   what a shot was asked for, and where that differs from what is asked by now
tags    the only place where markup is written: all else is escaped there
style   how it looks, on a desk, a phone, in the dark and on paper

The page stands alone: no script, nothing from elsewhere. Videos lie beside it, stills are inside.
"""

from runner.report.page import page
from runner.report.shown import Shown

__all__ = ["Shown", "page"]
