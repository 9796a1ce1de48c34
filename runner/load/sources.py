"""What a source names: a file of the project, a URL, or another shot; checked, never read."""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from msgspec import Struct

from runner.model import Kind, LocalFile, Url

EXTENSIONS: dict[str, Kind] = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"), "image"),
    **dict.fromkeys((".heic", ".heif", ".avif"), "image"),
    **dict.fromkeys((".mp4", ".mov", ".webm", ".m4v", ".mkv", ".avi"), "video"),
    **dict.fromkeys((".wav", ".mp3", ".m4a", ".aac", ".flac", ".ogg", ".opus"), "audio"),
}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):").match
_UNSAFE = re.compile('[\x00-\x1f\x7f-\x9f\\\\<>"|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]').search
_DEVICE = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])\s*(\..*)?\Z",
    re.IGNORECASE,
).match


class Refusal(Struct, frozen=True):
    """Why a path or URL cannot be used. A warning does not stop anything."""

    rule: str
    message: str
    hint: str = ""
    warning: bool = False


def is_url(text: str) -> bool:
    return text[:7].lower() == "http://" or text[:8].lower() == "https://"


def kind_by_name(text: str) -> Kind | None:
    """What a path or URL ends in."""
    path = re.split(r"[?#]", text, maxsplit=1)[0] if is_url(text) else text
    return EXTENSIONS.get(PurePosixPath(path).suffix.lower())


class Files:
    """Paths as storyboards write them → files of the project. Each is looked at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._root = os.path.realpath(root)
        self._known: dict[str, LocalFile | Refusal] = {}

    def find(self, text: str, folder: Path) -> LocalFile | Refusal:
        """The regular file that `text` names from `folder`, inside the project."""
        key = f"{folder}/{text}"
        if key not in self._known:
            self._known[key] = portable(text) or self._look(text, key)
        return self._known[key]

    def links(self) -> Iterator[tuple[str, str]]:
        """Paths found through a symbolic link, with where they led."""
        for key, file in self._known.items():
            named = os.path.abspath(key)  # noqa: PTH100 - links are not to be followed
            real = f"{self._root}/{file.path}" if isinstance(file, LocalFile) else named
            if real != named:
                yield named, real

    def absolute(self, file: LocalFile) -> Path:
        return Path(self._root, file.path)

    def _look(self, text: str, full: str) -> LocalFile | Refusal:
        try:
            real = os.path.realpath(full)
            inside = os.path.relpath(real, self._root)
            if inside.startswith("..") or Path(inside).is_absolute():
                hint = "media must lie inside the project folder; copy it there"
                return Refusal("source.outside", f"{text} leads out of the project", hint)
            if not Path(real).exists():
                hint = "paths begin at the folder of the storyboard"
                return Refusal("source.missing", f"there is no file {text}", hint)
            if not Path(real).is_file():
                hint = "a reference is one regular file"
                return Refusal("source.not_a_file", f"{text} is not a regular file", hint)
        except (OSError, ValueError) as error:
            return Refusal("source.missing", f"{text} cannot be read: {error}")
        posix = inside.replace(os.sep, "/")
        hidden = next((part for part in posix.split("/") if part.startswith(".")), None)
        if hidden:
            hint = "files and folders that begin with a dot are never sent"
            return Refusal("source.hidden", f"{text}: {hidden} is hidden", hint)
        return LocalFile(posix)


def portable(text: str) -> Refusal | None:
    """Why a path does not mean the same on every system, if so."""
    hint = "write it relative to the storyboard, with `/`, in plain letters"
    if len(text.encode("utf-8", "replace")) > 1024:
        return Refusal("source.path", f"a path of {len(text)} characters", hint)
    if found := _UNSAFE(text):
        char = found[0] if found[0].isprintable() else f"U+{ord(found[0]):04X}"
        return Refusal("source.path", f"{text!r}: {char} in a path", hint)
    if text.startswith(("/", "~", "-", "@")) or text[1:2] == ":":
        return Refusal("source.path", f"{text} is not a relative path", hint)
    if scheme := _SCHEME(text):
        hint = "media are local files, http:// or https:// URLs"
        return Refusal("source.scheme", f"{scheme[0]} is not read", hint)
    for part in text.split("/"):
        if len(part.encode("utf-8", "replace")) > 255:
            return Refusal("source.path", f"{part[:40]}… is too long for a file name", hint)
        if _DEVICE(part):
            return Refusal("source.path", f"{text}: {part} is a device on Windows", hint)
        if part not in (".", "..") and part != part.rstrip(" ."):
            return Refusal("source.path", f"{text}: a name that ends in a dot or a space", hint)
    return None


def check_url(text: str, *, private: bool = False) -> Url | Refusal:
    """A URL that every program reads alike and that holds no password.

    One that only this machine or network can reach is refused with a warning, unless `private`.
    """
    hint = "write it as https://host/path"
    if len(text) > 8192 or not text.isascii() or _UNSAFE(text.partition("?")[0]) or " " in text:
        return Refusal("source.url", f"{text[:200]!r} is not a plain URL", hint)
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return Refusal("source.url", f"{text[:200]}: {error}", hint)
    if not host or "%" in host:
        return Refusal("source.url", f"{text[:200]} names no host", hint)
    if "@" in parts.netloc:
        hint = "a storyboard is shared: put no password in it; use a link that is signed or public"
        return Refusal("source.url", "a URL with a user name or password", hint)
    if not private and is_private(host):
        hint = "vendors fetch URLs themselves, from the internet"
        return Refusal("source.private_url", f"{host} cannot be reached by a vendor", hint, True)
    return Url(text)


def is_private(host: str) -> bool:
    """Whether a host is this machine or a private network, in any spelling of its number."""
    host = host.rstrip(".")
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    import ipaddress  # a few milliseconds that only a URL should cost
    import socket

    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        pass
    try:
        return not ipaddress.ip_address(socket.inet_aton(host)).is_global
    except (OSError, ValueError):
        return False
