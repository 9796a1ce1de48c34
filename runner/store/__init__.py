"""Bytes by digest: take in, give out, share, prune. Never knows videos, shots or what was paid."""

from pathlib import Path

from runner.store.local import Store

__all__ = ["Store", "open_store"]


def open_store(root: Path, url: str | None = None, *, rate: float | None = None) -> Store:
    """The local store at `root`, with the shared one at an fsspec URL behind it.

    `rate` bounds all transfers together, in bytes a second. Nothing is contacted yet.
    """
    if not url:
        return Store(root)
    # Most projects have no shared store and should not wait for what reaches one.
    from runner.store.bucket import Bucket, Pace
    from runner.store.shared import Shared

    return Store(root, Shared(Bucket(url, pace=Pace(rate))))
