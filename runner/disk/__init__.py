"""Durable writes, the project lock, the stat cache, and how far a file system can be trusted.

A file that stands at its final path is complete: bytes are written to a temporary name in the
same folder, forced to the device, renamed, and the folder is forced too. Power may fail between
any two of these steps. Never knows what the bytes mean.
"""

from runner.disk.lock import Holder, ProjectLock
from runner.disk.mounts import filesystem, free_bytes, network_filesystem, require_space
from runner.disk.statcache import StatCache
from runner.disk.write import (
    copy_file,
    hash_file,
    leftovers,
    make_private_dir,
    move_file,
    open_temp,
    said,
    sync_file,
    sync_folder,
    write_atomic,
    writing,
)

__all__ = [
    "Holder",
    "ProjectLock",
    "StatCache",
    "copy_file",
    "filesystem",
    "free_bytes",
    "hash_file",
    "leftovers",
    "make_private_dir",
    "move_file",
    "network_filesystem",
    "open_temp",
    "require_space",
    "said",
    "sync_file",
    "sync_folder",
    "write_atomic",
    "writing",
]
