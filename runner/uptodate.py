"""Answers at once where nothing has moved since the same command found nothing to do.

People run a build tool a hundred times a day, and nearly always there is nothing to do. When a
`run` or `plan` has found that out, it leaves a mark: what it was asked, what it said, and the
stamps (mtime, size, inode, ctime) of every file it looked at: storyboards, tables, prompts,
settings, references, outputs, manifest, the journal, the store's shelves, Reelmake itself. The
same words in the same folder then cost one look at each of these, before anything is imported.

A mark only ever says "nothing to do": it lets no money out and changes nothing. It is disposable;
one that is missing, stale, damaged or of another version only makes the command slower. A file
that had moved when the command began, or so shortly before that a later write could bear the same
stamp ("racily clean"), is not believed: then there is no mark.
"""

import os
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from runner import __version__

FORMAT = 2
FOLDER = "up-to-date"
STATE = ".reelmake"
COMMANDS = ("run", "plan")
STORYBOARDS = (".yaml", ".yml")
CLOCK_STEP = 20_000_000  # ns; kernels stamp files with a clock that may lag by a tick of 10 ms
COARSE_STEP = 2_000_000_000  # ns; FAT counts in steps of two seconds
KEPT = 32  # marks in a project
SAID = 7  # the first part of a mark that is an answer

Stamp = tuple[int, int, int, int]
NOTHING: Stamp = (0, 0, 0, 0)  # no file there


def again(words: Sequence[str]) -> int | None:
    """The exit code where the last answer to the same words still holds, after giving it again.

    None: the command has to be carried out.
    """
    state = _state(words)
    said = _held(state, _key(_shown(), *words)) if state else None
    if said is None:
        return None
    code, out, err = said
    sys.stdout.write(out.decode())
    sys.stderr.write(err.decode())
    return int(code)


def all_but_texts(film: Sequence[str], state: str) -> list[bytes] | None:
    """What was remembered of a film in which, since then, only its storyboards can have moved."""
    looked = _AHEAD.pop((state, *film), None)
    if looked:
        mark, child = looked
        try:
            return mark[SAID:] if os.waitpid(child, 0)[1] == 0 else None
        except ChildProcessError:  # whoever started us does not want to hear of children
            pass
    return _held(state, _key(*film), but_texts=True)


def look_ahead(words: Sequence[str]) -> None:
    """Lets another process find out what `all_but_texts` will want to know: of a long film, that
    takes as long as loading what plans a change, and there are cores enough.

    Which film is meant is a guess; `all_but_texts` looks itself when it was wrong.
    """
    state = _state(words)
    if not state or words[0] != "plan" or not hasattr(os, "fork") or _cores() < 2:
        return
    file = next(word for word in words[1:] if word.endswith(STORYBOARDS))
    film = file, _option(words, "--gateway"), _option(words, "--out")
    mark = _read_of(state, _key(*film))
    if mark:
        try:
            child = os.fork()
        except OSError:  # no more processes
            return
        if child == 0:
            code = 1
            try:
                code = 0 if _holds(mark, but_texts=True) else 1
            finally:
                os._exit(code)  # whatever happens, nothing else is done twice
        _AHEAD[(state, *film)] = mark, child


_AHEAD: dict[tuple[str, ...], tuple[list[bytes], int]] = {}  # marks, and who looks


def _option(words: Sequence[str], name: str) -> str:
    after = (value for word, value in pairwise(words) if word == name)
    return next(after, "")


def _cores() -> int:
    known = getattr(os, "sched_getaffinity", None)
    return len(known(0)) if known else os.cpu_count() or 1


def _held(state: str, key: str, *, but_texts: bool = False) -> list[bytes] | None:
    """What a mark says, where it answers just this question and nothing has moved."""
    mark = _read_of(state, key)
    return mark[SAID:] if _holds(mark, but_texts=but_texts) else None


def _holds(mark: Sequence[bytes], *, but_texts: bool) -> bool:
    """Whether nothing has moved since a mark was left; storyboards may, with `but_texts`."""
    try:
        _, variables, environment, links, texts, paths, stamps = mark[:SAID]
        return (
            environment.decode() == _digest(_texts(variables))
            and _lead_there(_texts(links))
            and _unmoved(_texts(paths), array("q", stamps), int(texts) if but_texts else 0)
        )
    except ValueError:  # another version's, or damaged in a way that the checksum did not tell
        return False


def _read_of(state: str, key: str) -> list[bytes]:
    """The mark that answers just this question, or an empty one."""
    mark = _read(f"{state}/{FOLDER}/{_name(key)}")
    return mark if mark and mark[0] == key.encode() else []


class Environment(Mapping[str, str]):
    """The environment, remembering which variables somebody asked for."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)


def leave_marks(
    state: str,
    began: int,
    *,
    paths: Iterable[str],
    storyboards: Iterable[str],
    links: Iterable[tuple[str, str]],
    variables: Iterable[str],
    marks: Mapping[str, Sequence[bytes]],
) -> bool:
    """Remember what `marks` say, by their keys, as long as nothing moves; whether it was.

    `began` (ns) is when the command started: nothing it looked at may have moved since. `paths`
    are absolute; folders and places where nothing lies count too, and a storyboard that is also
    read as something else stands in both. `links` are paths with what they led to.
    """
    texts = list(storyboards)  # looked at first: it is them that people edit
    looked_at = [*texts, *dict.fromkeys((*paths, *_ourselves()))]
    if not os.path.isdir(state) or any("\0" in path for path in looked_at):
        return False
    stamps = [_stamp(path) for path in looked_at]
    if not all(_settled(stamp, began) for stamp in stamps):
        return False
    names = sorted(variables)
    try:
        seen = (
            _bytes(names),
            _digest(names).encode(),
            _bytes(text for link in links for text in link),
            b"%d" % len(texts),
            _bytes(looked_at),
            array("q", (number for stamp in stamps for number in stamp)).tobytes(),
        )
        for key, said in marks.items():
            _write(f"{state}/{FOLDER}", _name(key), (key.encode(), *seen, *said))
    except (OSError, OverflowError, UnicodeError):
        return False  # a project that is only read has no marks
    return True


# ── what was asked ──────────────────────────────────────────────────────────────────────────


def _state(words: Sequence[str]) -> str | None:
    """The state folder of the project whose storyboard these words name, if there is one yet."""
    if not words or words[0] not in COMMANDS:
        return None
    file = next((word for word in words[1:] if word.endswith(STORYBOARDS)), None)
    if file is None:
        return None
    folder = os.path.dirname(os.path.abspath(file))
    while not os.path.isdir(f"{folder}/{STATE}"):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return f"{folder}/{STATE}"


def answer_to(words: Sequence[str]) -> str:
    """The key of a command's answer: the same words mean the same only in one place."""
    return _key(_shown(), *words)


def about(film: Sequence[str]) -> str:
    """The key of what is remembered of a film: its file, and the options that say which it is."""
    return _key(*film)


def _key(*asked: str) -> str:
    return ascii((FORMAT, __version__, sys.version, os.getcwd(), asked))


def _shown() -> str:
    shown = (sys.stderr.isatty(), os.environ.get("NO_COLOR"), os.environ.get("TERM"))
    return ascii(shown)


def _name(key: str) -> str:
    return f"{zlib.crc32(key.encode()):08x}"


def _digest(variables: Iterable[str]) -> str:
    """Of variables' values, so that no key is written down; empty where none is set."""
    values = [(name, os.environ[name]) for name in variables if name in os.environ]
    if not values:
        return ""
    import hashlib  # half of what everything else here takes

    return hashlib.blake2b(ascii(values).encode(), digest_size=32).hexdigest()


# ── what was looked at ──────────────────────────────────────────────────────────────────────


def _unmoved(paths: Sequence[str], stamps: "array[int]", spared: int) -> bool:
    """Whether the paths are as they were, but for so many of the first."""
    if 4 * len(paths) != len(stamps):
        return False
    stat, numbers = os.stat, iter(stamps[4 * spared :])
    for path, moved, size, inode, changed in zip(paths[spared:], *[numbers] * 4, strict=True):
        try:
            seen = stat(path)
        except OSError:
            if moved or size or inode or changed:
                return False
            continue
        if (
            seen.st_mtime_ns != moved
            or seen.st_size != size
            or seen.st_ino != inode
            or seen.st_ctime_ns != changed
        ) and _stamp(path) != (moved, size, inode, changed):
            return False
    return True


def _lead_there(links: Sequence[str]) -> bool:
    return all(map(str.__eq__, map(os.path.realpath, links[::2]), links[1::2]))


def _stamp(path: str) -> Stamp:
    try:
        seen = os.stat(path)
    except OSError:
        return NOTHING
    if not seen.st_size and path.endswith("-wal"):
        return NOTHING  # SQLite's log: an empty one says nothing, and comes and goes with readers
    return seen.st_mtime_ns, seen.st_size, seen.st_ino, seen.st_ctime_ns


def _settled(stamp: Stamp, began: int) -> bool:
    """Whether the file had been still when the command began, and a later write must show."""
    step = COARSE_STEP if stamp[0] % 1_000_000_000 == 0 else CLOCK_STEP
    return max(stamp[0], stamp[3]) + step < began


def _ourselves() -> Iterator[str]:
    """Reelmake's own code and data, and the folders that other packages are installed into."""
    here = os.path.dirname(os.path.abspath(__file__))
    yield from (path for path in sys.path if os.path.isdir(path) and "site-packages" in path)
    for home in (here, f"{os.path.dirname(here)}/schemas"):
        for folder, below, files in os.walk(home):
            below[:] = [name for name in below if name != "__pycache__"]
            yield from (f"{folder}/{name}" for name in files)


# ── the file ────────────────────────────────────────────────────────────────────────────────


def _read(path: str) -> list[bytes]:
    """The parts of a mark; none where there is none, or one that is damaged."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return []
    if int.from_bytes(data[:4], "big") != zlib.crc32(data[4:]):
        return []
    parts, at = [], 4
    while at < len(data):
        end = at + 8 + int.from_bytes(data[at : at + 8], "big")
        parts.append(data[at + 8 : end])
        at = end
    return parts


def _write(folder: str, name: str, parts: Iterable[bytes]) -> None:
    os.makedirs(folder, mode=0o700, exist_ok=True)
    body = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    tmp = f"{folder}/{name}.{os.getpid()}"
    with open(tmp, "wb") as file:
        file.write(zlib.crc32(body).to_bytes(4, "big") + body)
    os.replace(tmp, f"{folder}/{name}")
    with os.scandir(folder) as found:
        oldest_first = sorted(found, key=lambda entry: entry.stat().st_mtime_ns)
    for entry in oldest_first[:-KEPT]:
        os.unlink(entry.path)


def _bytes(texts: Iterable[str]) -> bytes:
    return "\0".join(texts).encode("utf-8", "surrogateescape")


def _texts(part: bytes) -> list[str]:
    return part.decode("utf-8", "surrogateescape").split("\0") if part else []
