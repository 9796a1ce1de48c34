"""What a process asked of the kernel, and what of it would have survived a loss of power.

Reads `strace -f -y -xx -s …`. The model of the disk is the harshest one that POSIX allows: bytes
survive once their file was synced, a name once its folder was.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TRACED = (
    "openat,write,pwrite64,ftruncate,fallocate,fsync,fdatasync,rename,renameat,renameat2,"
    "unlink,unlinkat,mkdir,mkdirat,sendto,sendmsg"
)
LINE = re.compile(r"(?P<pid>\d+)\s+(?P<rest>.*)")
CALL = re.compile(r"(?P<name>\w+)\((?P<args>.*)\)\s+=\s+(?P<result>-?\d+|\?)(?:<(?P<made>[^>]*)>)?")
ON_FD = re.compile(r"^(\d+|AT_FDCWD)<([^>]*)>")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    args: str
    made: str = ""  # the path behind a returned descriptor

    @property
    def path(self) -> str:
        """The path behind the first argument, if that is a descriptor."""
        found = ON_FD.match(self.args)
        return unescaped(found[2]) if found else ""

    @property
    def texts(self) -> list[bytes]:
        return [bytes.fromhex(text.replace("\\x", "")) for text in TEXT.findall(self.args)]

    @property
    def numbers(self) -> list[int]:
        return [int(n) for n in re.findall(r"(?:^|, )(-?\d+)(?=,|$)", TEXT.sub('""', self.args))]


def unescaped(path: str) -> str:
    return bytes.fromhex(path.replace("\\x", "")).decode() if path.startswith("\\x") else path


def calls(trace: str) -> Iterator[Call]:
    """Calls in the order in which they were complete; a send counts from its first moment."""
    begun: dict[str, str] = {}
    for line in trace.splitlines():
        found = LINE.match(line)
        if not found:
            continue
        pid, rest = found["pid"], found["rest"]
        if rest.endswith("<unfinished ...>"):
            begun[pid] = rest.removesuffix(" <unfinished ...>")
            if rest.startswith("send"):
                yield from parsed(begun.pop(pid) + ") = 0")
            continue
        if rest.startswith("<... "):
            if pid not in begun:
                continue
            rest = begun.pop(pid) + rest.partition("resumed>")[2]
        yield from parsed(rest)


def parsed(text: str) -> Iterator[Call]:
    found = CALL.match(text)
    if found and not found["result"].startswith("-"):
        yield Call(found["name"], found["args"], unescaped(found["made"] or ""))


@dataclass(slots=True)
class Node:
    now: bytearray = field(default_factory=bytearray)
    synced: bytes = b""


class Disk:
    """The files under a folder, as they are and as they would be after a loss of power."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.names: dict[str, Node | None] = {}  # None: a folder
        self.durable: dict[str, Node | None] = {}
        self.at: dict[str, int] = {}  # where the next plain write of a path goes

    def happen(self, call: Call) -> None:
        match call.name:
            case "openat":
                self._open(call)
            case "pwrite64" if self._here(call.path):
                self._put(call.path, call.texts[0], call.numbers[-1])
            case "write" if self._here(call.path):
                at = self.at.get(call.path, 0)
                self._put(call.path, call.texts[0], at)
                self.at[call.path] = at + len(call.texts[0])
            case "ftruncate" if self._here(call.path):
                self._cut(call.path, call.numbers[-1])
            case "fsync" | "fdatasync" if self._here(call.path):
                self._sync(call.path)
            case "rename" | "renameat" | "renameat2":
                self._rename(*paths(call))
            case "unlink" | "unlinkat" if paths(call):
                self.names.pop(paths(call)[0], None)
            case "mkdir" | "mkdirat" if self._here(paths(call)[0]):
                self.names.setdefault(paths(call)[0], None)

    def image(self, dest: Path) -> None:
        """Writes what would be left to `dest`."""
        shutil.rmtree(dest, ignore_errors=True)
        dest.mkdir(parents=True)
        for name in sorted(self.durable):
            node, place = self.durable[name], dest / name.removeprefix(self.root).lstrip("/")
            if not self._reachable(name):
                continue
            if node is None:
                place.mkdir(mode=0o700, exist_ok=True)
            else:
                place.write_bytes(node.synced)

    def _reachable(self, name: str) -> bool:
        parents = [str(p) for p in Path(name).parents if self._here(str(p)) and str(p) != self.root]
        return all(parent in self.durable for parent in parents)

    def _here(self, path: str) -> bool:
        return path.startswith(self.root + "/") or path == self.root

    def _open(self, call: Call) -> None:
        path = call.made
        if not self._here(path) or "O_DIRECTORY" in call.args:
            return
        if "O_CREAT" in call.args and path not in self.names:
            self.names[path] = Node()
        node = self.names.get(path)
        if node and "O_TRUNC" in call.args:
            node.now.clear()
        self.at[path] = len(node.now) if node and "O_APPEND" in call.args else 0

    def _put(self, path: str, data: bytes, at: int) -> None:
        node = self.names.setdefault(path, Node())
        assert node is not None
        node.now.extend(bytes(max(0, at - len(node.now))))
        node.now[at : at + len(data)] = data

    def _cut(self, path: str, size: int) -> None:
        node = self.names.get(path)
        if node:
            del node.now[size:]
            node.now.extend(bytes(size - len(node.now)))

    def _sync(self, path: str) -> None:
        node = self.names.get(path)
        if node is not None:
            node.synced = bytes(node.now)
            return
        inside = {name for name in {*self.names, *self.durable} if str(Path(name).parent) == path}
        for name in inside:
            if name in self.names:
                self.durable[name] = self.names[name]
            else:
                self.durable.pop(name, None)

    def _rename(self, old: str, new: str) -> None:
        if self._here(new) and old in self.names:
            self.names[new] = self.names.pop(old)


def paths(call: Call) -> list[str]:
    """The paths a call names, made absolute by the descriptors before them."""
    found = re.findall(r'(?:(?:\d+|AT_FDCWD)<([^>]*)>, )?"((?:\\x[0-9a-f]{2})*)"', call.args)
    named = (
        (unescaped(base), bytes.fromhex(text.replace("\\x", "")).decode()) for base, text in found
    )
    return [str(Path(base) / text) for base, text in named]


def acknowledged(history: Sequence[Call]) -> Iterator[tuple[int, str, str]]:
    """Where the program believed a fact to be safe: index, kind, attempt."""
    for index, call in enumerate(history):
        if call.name == "write" and call.texts and call.texts[0].startswith(b"ACK "):
            _, kind, attempt = call.texts[0].decode().split()
            yield index, kind, attempt
