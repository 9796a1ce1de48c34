"""YAML 1.2 core text → plain data that remembers its places.

The only module that knows `yaml`. It reads libyaml's event stream and builds the data itself,
because the stock loaders turn `16:9` into 969 and `010` into 8, let the last of two equal keys
win, and die of a signal on deep nesting.

What is read: the core schema of YAML 1.2. Plain `true`/`false`, `null`/`~`, decimal integers
(`010` is 10) and finite decimal fractions have their types; everything else is text (`no`, `16:9`,
`1_000`, `2026-02-30`). Anchors and aliases are read within a budget counted as if expanded.

What is refused, at its position: duplicate keys, keys that are not text, tags, several documents,
recursive or unknown aliases, an anchor set twice, `<<` (YAML 1.2 has no merge keys, and
`defaults:` does that work), hexadecimal and octal numbers, numbers that are not finite or do not
fit 64 bits, control characters, line breaks other than LF and CRLF, and anything over the limits.
"""

from runner.source.data import Document, Map, Seq, Spot, find, locate, merge, pointer
from runner.source.reader import MAX_BYTES, read_yaml
from runner.source.spans import Span, spans

__all__ = [
    "MAX_BYTES",
    "Document",
    "Map",
    "Seq",
    "Span",
    "Spot",
    "find",
    "locate",
    "merge",
    "pointer",
    "read_yaml",
    "spans",
]
