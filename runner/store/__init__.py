"""Bytes by digest: take in, give out, share, prune. Never knows videos, shots or what was paid."""

from runner.store.local import Store

__all__ = ["Store"]
