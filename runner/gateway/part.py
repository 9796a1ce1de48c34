"""The unfinished file of a download: private, beside its destination, hashed as it grows.

Knows what it would take to go on with it: a strong tag and the place where it ends.
"""

import base64
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

import httpx

from runner.errors import Outside
from runner.gateway.wire import Header
from runner.model import Digest

PRIVATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
# RFC 9530 (`Repr-Digest: sha-256=:…:`) and RFC 3230 (`Digest: SHA-256=…`): of the whole file.
_DIGEST = re.compile(r"(?:^|,)\s*sha-256=:?([A-Za-z0-9+/]{43}=):?\s*(?:,|$)", re.IGNORECASE)


class Part:
    """The unfinished file: private, beside its destination, hashed as it grows."""

    def __init__(self, dest: Path) -> None:
        self._dest = dest
        self._file: int | None = None
        self._path: Path | None = None
        self._etag: str | None = None
        self._total: int | None = None
        self._announced: bytes | None = None
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> Digest:
        return Digest(self._hash.hexdigest())

    def asks(self) -> Sequence[Header]:
        """Range headers, when there is something to continue and a way to know it is the same."""
        asks = [("Accept", "video/mp4, */*;q=0.1")]
        if self.size and self._etag:
            asks += [("Range", f"bytes={self.size}-"), ("If-Range", self._etag)]
        return asks

    def continues(self, response: httpx.Response) -> bool:
        """Makes ready for this body: at the end for a proven 206, at the start for a 200.

        False: the body belongs nowhere, and the next try starts from nothing.
        """
        etag = _strong(response.headers.get("etag", ""))
        if response.status_code == 200:
            self.restart()
            self._etag, self._total = etag, _length(response)
            self._announced = _digest(response)
            return True
        found = _RANGE.fullmatch(response.headers.get("content-range", "").strip())
        fits = (
            found is not None
            and self.size > 0
            and int(found[1]) == self.size
            and etag in (None, self._etag)
            and found[3] in ("*", str(self._total or found[3]))
        )
        if not fits:
            self.restart()
        return fits

    def write(self, chunk: bytes) -> None:
        """Adds to the end. Raises Outside when the disk will not take it."""
        view = memoryview(chunk)
        file = self._open()
        while view:
            try:
                view = view[os.write(file, view) :]
            except OSError as error:
                raise Outside(f"cannot write the download beside {self._dest}: {error}") from error
        self._hash.update(chunk)
        self.size += len(chunk)

    @property
    def path(self) -> Path:
        """Where it lies, empty or not."""
        self._open()
        assert self._path is not None
        return self._path

    def restart(self) -> None:
        """Back to nothing, in the same file."""
        self._etag = self._total = self._announced = None
        self._hash = hashlib.sha256()
        self.size = 0
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.lseek(self._file, 0, os.SEEK_SET)

    def differs(self) -> str | None:
        """Why these are not the bytes the server announced; None where it announced none."""
        if self._announced in (None, self._hash.digest()):
            return None
        return "not the bytes whose digest the server announced"

    def close(self) -> None:
        """Whole; from here on the file is the caller's."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def drop(self) -> None:
        """Gone without a trace."""
        self.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None

    def _open(self) -> int:
        if self._file is None:
            try:
                path = self._dest.with_name(f".{self._dest.name}.{os.urandom(8).hex()}.part")
                self._file = os.open(path, PRIVATE, 0o600)
            except OSError as error:
                raise Outside(f"cannot write beside {self._dest}: {error}") from error
            self._path = path
        return self._file


def _strong(etag: str) -> str | None:
    """An entity tag that stands for exact bytes. Weak ones and odd ones do not."""
    return etag if re.fullmatch(r'"[\x21\x23-\x7e]{1,200}"', etag) else None


def _digest(response: httpx.Response) -> bytes | None:
    told = response.headers.get("repr-digest") or response.headers.get("digest") or ""
    found = _DIGEST.search(told)
    return base64.b64decode(found[1]) if found else None


def _length(response: httpx.Response) -> int | None:
    text = response.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
