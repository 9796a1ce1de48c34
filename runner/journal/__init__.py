"""What has happened, kept for good: append-only facts in SQLite.

facts      what can be written down, and its saved form
tables     the table of facts, and what is derived from it
opening    its files: made, checked, upgraded
writing    durable appends, intents and their reservations
reading    history for the planner; attempts and ledger for people; never blocked
ledger     the money
rescue     where a fact goes when the disk fails
redact     keeps secrets out
"""

from runner.journal.facts import Intent, Realm
from runner.journal.ledger import Caps, Entry, Ledger
from runner.journal.opening import open_journal
from runner.journal.reading import Reader, open_reader
from runner.journal.writing import Admitted, Denied, Journal

__all__ = [
    "Admitted",
    "Caps",
    "Denied",
    "Entry",
    "Intent",
    "Journal",
    "Ledger",
    "Reader",
    "Realm",
    "open_journal",
    "open_reader",
]
