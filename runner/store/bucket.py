"""Files by key in any place that fsspec can reach: whole or not at all, at a bounded pace.

Object stores show an object only when its last byte is in; everywhere else bytes go to a
temporary name and are moved.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from runner.errors import BadInput, Outside
from runner.model import JSON

PART = 8 << 20  # bytes in flight per transfer
# Object stores, and how each is told to send parts of a size that fits in memory.
OBJECT_STORES: Mapping[str, Mapping[str, JSON]] = {
    "s3": {"chunksize": PART},
    "s3a": {"chunksize": PART},
    "gs": {"chunksize": PART},
    "gcs": {"chunksize": PART},
    "abfs": {},
    "abfss": {},
    "az": {},
}
# One transfer at a time on each connection: several run beside each other, within our own bound,
# and a download is one plain GET, because not every server answers ranges well.
OPTIONS: Mapping[str, Mapping[str, JSON]] = {
    "s3": {"max_concurrency": 1},
    "s3a": {"max_concurrency": 1},
}
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}


class Pace:
    """At most `rate` bytes a second, over all transfers that share it; None: as fast as it goes."""

    def __init__(
        self,
        rate: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate, self._clock, self._sleep = rate, clock, sleep
        self._paid_until = 0.0
        self._lock = threading.Lock()

    def spend(self, count: int) -> None:
        """Wait until `count` bytes more are within the rate."""
        if not self._rate or count <= 0:
            return
        with self._lock:
            now = self._clock()
            self._paid_until = max(self._paid_until, now) + count / self._rate
            wait = self._paid_until - now
        self._sleep(wait)


def _meter(pace: Pace) -> Any:
    """What fsspec tells about a transfer under way, turned into waiting."""
    from fsspec.callbacks import Callback

    class Meter(Callback):  # type: ignore[misc]
        def relative_update(self, inc: int = 1) -> None:
            pace.spend(inc)

    return Meter()


class Bucket:
    """Bytes by key below one fsspec URL. Safe to use from several threads."""

    def __init__(
        self, url: str, *, pace: Pace | None = None, options: Mapping[str, JSON] | None = None
    ) -> None:
        self.url = without_secrets(url)
        self.protocol = urlsplit(url).scheme or "file"
        self._pace = pace or Pace(None)
        self._full_url, self._options = url, dict(options or {})
        self._opened: tuple[Any, str] | None = None
        self._lock = threading.Lock()

    def _fs(self) -> tuple[Any, str]:
        """The file system and the path of the prefix; opened when first wanted."""
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
        return self._opened

    def _open(self) -> tuple[Any, str]:
        try:
            from fsspec.core import url_to_fs
        except ImportError as error:
            raise Outside(f"{self.url}: reaching it needs fsspec", do=_install("store")) from error
        options = {"use_listings_cache": False, **OPTIONS.get(self.protocol, {}), **self._options}
        try:
            fs, path = url_to_fs(self._full_url, **options)
        except ImportError as error:
            extra = EXTRAS.get(self.protocol, "store")
            raise Outside(f"{self.url}: {error}", do=_install(extra)) from error
        except ValueError as error:
            raise BadInput(f"{self.url}: {error}", do="s3://…, gs://… or file:///…") from error
        return fs, path.rstrip("/")

    def size(self, key: str) -> int | None:
        """Bytes of what lies at a key, None if nothing does. Raises `Outside`."""
        fs, base = self._fs()
        with self._said():
            try:
                found = fs.info(f"{base}/{key}")
            except FileNotFoundError:
                return None
        return None if found["type"] == "directory" else int(found["size"])

    def keys(self) -> Iterator[str]:
        """Every key below the prefix. Raises `Outside`."""
        fs, base = self._fs()
        with self._said():
            found = fs.find(base) if fs.exists(base) else []
        keys = (path.removeprefix(base).lstrip("/") for path in found)
        yield from filter(None, keys)  # some servers list the folder itself

    def upload(self, source: Path, key: str, **about: JSON) -> None:
        """Make a local file appear at a key, whole or not at all. Raises `Outside`."""
        fs, base = self._fs()
        dest = f"{base}/{key}"
        with self._said():
            if self.protocol in OBJECT_STORES:
                settings = OBJECT_STORES[self.protocol]
                fs.put_file(str(source), dest, callback=_meter(self._pace), **settings, **about)
                return
            tmp = f"{fs._parent(dest)}/.reelmake-{os.urandom(8).hex()}.tmp"
            fs.makedirs(fs._parent(dest), exist_ok=True)
            try:
                with source.open("rb") as reading, fs.open(tmp, "wb") as writing:
                    self._copy(reading, writing)
                fs.mv(tmp, dest)
            except BaseException:
                with contextlib.suppress(OSError):
                    fs.rm_file(tmp)
                raise

    def download(self, key: str, dest: Path) -> None:
        """Write what lies at a key into a new local file. Raises `Outside`."""
        fs, base = self._fs()
        with self._said():
            if self.protocol in OBJECT_STORES:
                fs.get_file(f"{base}/{key}", str(dest), callback=_meter(self._pace))
                return
            with fs.open(f"{base}/{key}", "rb") as reading, dest.open("wb") as writing:
                self._copy(reading, writing)

    def _copy(self, reading: BinaryIO, writing: BinaryIO) -> None:
        while chunk := reading.read(1 << 20):
            writing.write(chunk)
            self._pace.spend(len(chunk))

    @contextlib.contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise Outside(f"{self.url}: {_first_line(error)} is not there") from error
        except _faults() as error:
            raise Outside(
                f"{self.url}: {type(error).__name__}: {_first_line(error)}",
                do="see `reelmake doctor`",
            ) from error


def without_secrets(url: str) -> str:
    """A URL fit to be shown: without a user, a password or a query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:300]


def _install(extra: str) -> str:
    return f'pip install "reelmake[{extra}]"'


def _faults() -> tuple[type[BaseException], ...]:
    """What the loaded clients raise. Some of their errors are no OSError, and a client that is
    not loaded cannot have raised."""
    known = (
        ("botocore.exceptions", "BotoCoreError"),
        ("botocore.exceptions", "ClientError"),
        ("aiohttp", "ClientError"),
        ("gcsfs.retry", "HttpError"),
        ("google.auth.exceptions", "GoogleAuthError"),
        ("azure.core.exceptions", "AzureError"),
    )
    loaded = (getattr(sys.modules.get(module), name, None) for module, name in known)
    return (OSError, ValueError, TimeoutError, *(fault for fault in loaded if fault))
