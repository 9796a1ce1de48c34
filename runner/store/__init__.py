"""Bytes by digest: take in, give out, share, prune. Never knows videos, shots or what was paid."""

from pathlib import Path

from runner.store.bucket import Bucket, Pace
from runner.store.local import Store
from runner.store.publish import Publisher
from runner.store.shared import Shared

__all__ = ["Publisher", "Store", "open_publisher", "open_store"]


def open_store(root: Path, url: str | None = None, *, rate: float | None = None) -> Store:
    """The local store at `root`, with the shared one at an fsspec URL behind it.

    `rate` bounds all transfers together, in bytes a second. Nothing is contacted yet.
    """
    return Store(root, Shared(Bucket(url, pace=Pace(rate))) if url else None)


def open_publisher(to: str, url: str, *, rate: float | None = None) -> Publisher:
    """Uploads below the fsspec URL `to`, which the public sees at `url`. Nothing is contacted."""
    return Publisher(Bucket(to, pace=Pace(rate)), url)
