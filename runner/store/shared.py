"""A store that a team shares, laid out like the local one in any place fsspec can reach.

Two writers of one blob write the same bytes, so either may win. Nothing that comes from there is
believed before it was hashed here.
"""

import re
import threading
from pathlib import Path

from runner.disk import hash_file
from runner.errors import Outside
from runner.model import Digest
from runner.store.bucket import Bucket

ASK_ONE_BY_ONE = 16  # lookups; from then on, one listing of everything is cheaper
KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{62}")


class Shared:
    """Blobs in a bucket. What was found there once is taken to stay there for this run; what
    arrived damaged counts as missing, and is replaced by whoever has it."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._known: dict[Digest, bool] = {}
        self._damaged = set[Digest]()
        self._listed = False
        self._listing = threading.Lock()

    def has(self, digest: Digest) -> bool:
        """Whether the blob is there. Raises `Outside` where nobody answers: to guess "no" would
        be to pay for it again."""
        if digest not in self._known and len(self._known) >= ASK_ONE_BY_ONE:
            self._list()
        if digest not in self._known and not self._listed:
            self._known[digest] = self._bucket.size(key_of(digest)) is not None
        return self._known.get(digest, False)

    def _list(self) -> None:
        """Ask for everything at once; afterwards, what is not known is not there."""
        with self._listing:
            if not self._listed:
                found = (key for key in self._bucket.keys() if KEY.fullmatch(key))  # noqa: SIM118
                self._known |= dict.fromkeys((Digest(key.replace("/", "")) for key in found), True)
                self._listed = True

    def fetch(self, digest: Digest, dest: Path) -> None:
        """Write a blob to a local file, and check it. Raises `Outside`."""
        self._bucket.download(key_of(digest), dest)
        if hash_file(dest) != digest:
            self._known[digest] = False
            self._damaged.add(digest)
            raise Outside(
                f"{self._bucket.url}: what lies there as {key_of(digest)} is damaged",
                do="remove it there: whoever has the bytes shares them again with the next run",
            )

    def put(self, digest: Digest, blob: Path) -> bool:
        """Upload an intact blob; False where one of its size is there already. Raises `Outside`."""
        key, size = key_of(digest), blob.stat().st_size
        if digest not in self._damaged and self._bucket.size(key) == size:
            return False
        self._bucket.upload(blob, key)
        self._known[digest] = True
        self._damaged.discard(digest)
        return True


def key_of(digest: Digest) -> str:
    return f"{digest[:2]}/{digest[2:]}"
