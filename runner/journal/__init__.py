"""What has happened, kept for good: append-only facts in SQLite.

facts      what can be written down, and its saved form
tables     the table of facts, and what is derived from it
opening    its files: made, checked, upgraded
writing    durable appends, intents and their reservations
reading    history for the planner; attempts and ledger for people; never blocked
ledger     the money
rescue     where a fact goes when the disk fails
redact     keeps secrets out

`opening` and `writing` are imported by themselves: they bring asyncio along, and most commands only
read.
"""

from runner.journal.facts import Intent, Realm
from runner.journal.ledger import Caps, Entry, Ledger
from runner.journal.reading import Reader, open_reader

__all__ = [
    "Caps",
    "Entry",
    "Intent",
    "Ledger",
    "Reader",
    "Realm",
    "open_reader",
]
