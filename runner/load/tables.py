"""Tables for `for_each`: rows of named cells that remember their line."""

import csv
import re
from io import StringIO

from runner.model import Loc, Problem, Severity
from runner.source import Document, Map, Seq, locate, read_yaml

MAX_ROWS = 100_000
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]").search
KINDS = (".csv", ".json", ".yaml", ".yml")


def read_rows(data: bytes, file: str) -> tuple[list[Map], list[Problem]]:
    """The rows of a table, and what is wrong with it. JSON is read as the YAML that it is.

    Cells of a CSV file are text; its first line names them. A JSON or YAML table is a list of
    mappings.
    """
    if file.endswith(".csv"):
        return _read_csv(data, file)
    rows, problems = read_yaml(
        _with_whole_characters(data) if file.endswith(".json") else data, file
    )
    if any(problem.severity is Severity.ERROR for problem in problems):
        return [], problems
    if not isinstance(rows, Seq):
        message, hint = "a table is a list of mappings, one a row", "begin rows with `- `"
        return [], [*problems, Problem("table.shape", message, Loc(file, 1, 1), hint=hint)]
    for index, row in enumerate(rows):
        if not isinstance(row, Map):
            message, hint = "a row that is no mapping", "write a row as `{column: value}`"
            problems.append(Problem("table.shape", message, locate(rows, (index,)), hint=hint))
    return [row for row in rows if isinstance(row, Map)], problems


def _with_whole_characters(data: bytes) -> bytes:
    r"""JSON may write one character as two escapes (`\ud83d\ude00`); YAML knows only `\U`."""

    def whole(pair: re.Match[bytes]) -> bytes:
        high, low = int(pair[1], 16), int(pair[2], 16)
        return b"\\U%08x" % (0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF))

    return re.sub(
        rb"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", whole, data, flags=re.IGNORECASE
    )


def _read_csv(data: bytes, file: str) -> tuple[list[Map], list[Problem]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"byte 0x{data[error.start]:02x} (offset {error.start}) is not UTF-8"
        at = Loc(file, data.count(b"\n", 0, error.start) + 1, 1)
        return [], [Problem("table.encoding", message, at, hint="save the file as UTF-8")]
    table = _Csv(Document(file, text))
    try:
        table.read()
    except csv.Error as error:
        table.problem(f"{error}", "quotes inside a cell are doubled", table.start)
    return table.rows, table.problems


class _Csv:
    def __init__(self, doc: Document) -> None:
        self.doc = doc
        self.rows: list[Map] = []
        self.problems: list[Problem] = []
        self.start = 0

    def problem(self, message: str, hint: str, offset: int) -> None:
        self.problems.append(Problem("table.csv", message, self.doc.loc(offset), hint=hint))

    def read(self) -> None:
        if found := _CONTROL(self.doc.text):
            message = f"the character U+{ord(found[0]):04X}"
            self.problem(message, "remove it", found.start())
        lines = list(StringIO(self.doc.text, newline=""))  # only line feeds end a line
        starts = [0]
        for line in lines:
            starts.append(starts[-1] + len(line))
        cells = csv.reader(lines, strict=True)
        names = self._names(next(cells, []))
        while True:
            self.start = starts[cells.line_num]
            row = next(cells, None)
            if row is None:
                return
            if len(self.rows) == MAX_ROWS:
                self.problem(f"more than {MAX_ROWS:,} rows", "split the table", self.start)
                return
            if row:
                self._row(names, row)

    def _names(self, names: list[str]) -> list[str]:
        for name in names:
            if not name.strip() or names.count(name) > 1:
                hint = "the first line names each column, once"
                self.problem(f"a column named {name!r}", hint, 0)
        if len(names) == 1 and ";" in names[0]:
            self.problem("columns with semicolons between them", "put commas between them", 0)
        return names

    def _row(self, names: list[str], cells: list[str]) -> None:
        if len(cells) != len(names):
            message = f"{len(cells)} cells under {len(names)} names"
            self.problem(message, "put a cell that holds a comma in double quotes", self.start)
            return
        row = Map(zip(names, cells, strict=True))
        row.doc, row.under = self.doc, None
        row.marks = dict.fromkeys(names, self.start << 32 | self.start)
        self.rows.append(row)
