"""What a file system can be trusted with: its type, whether it is shared, its free space."""

import os
import sys
from pathlib import Path

from runner.disk.write import said
from runner.errors import Outside

# fmt: off
NETWORK = frozenset((
    "nfs", "nfs3", "nfs4", "cifs", "smb2", "smb3", "smbfs", "afpfs", "webdav", "davfs", "ncpfs",
    "afs", "coda", "ceph", "lustre", "beegfs", "gpfs", "glusterfs", "orangefs", "ocfs2", "gfs2",
    "9p", "vboxsf", "prl_fs", "vmhgfs",
))
NETWORK_FUSE = frozenset((
    "sshfs", "rclone", "s3fs", "goofys", "gcsfuse", "mount-s3", "blobfuse", "blobfuse2",
    "glusterfs", "ceph-fuse", "cephfs", "juicefs", "davfs", "vmhgfs-fuse", "onedriver",
    "curlftpfs", "smbnetfs",
))
# fmt: on


def network_filesystem(path: Path) -> str | None:
    """The type of the network or shared file system below `path`, None where it is a local one.

    There a kernel lock may be local to one machine, or a no-op, so it cannot keep a second
    machine from submitting the same shot.
    """
    kind = filesystem(path)
    if kind in NETWORK or kind.removeprefix("fuse.") in NETWORK_FUSE | NETWORK:
        return kind
    return None


def filesystem(path: Path) -> str:
    """The file system type that holds `path`: "ext4", "nfs4", "fuse.sshfs"; "" if unknown."""
    real = os.path.realpath(path)
    best = ("", "")
    for folder, kind in _mounts():  # a later mount hides an earlier one on the same folder
        inside = real == folder or real.startswith(folder.rstrip("/") + "/")
        if inside and len(folder) >= len(best[0]):
            best = (folder, kind)
    return best[1]


def _mounts() -> list[tuple[str, str]]:
    if sys.platform == "darwin":
        import subprocess  # 8 ms that no other system pays

        done = subprocess.run(["/sbin/mount"], capture_output=True, text=True, timeout=5)
        return parse_mount_command(done.stdout)
    try:
        return parse_proc_mounts(Path("/proc/self/mounts").read_text(errors="surrogateescape"))
    except OSError:
        return []


def parse_proc_mounts(text: str) -> list[tuple[str, str]]:
    r"""(folder, type) from Linux's table; blanks in a folder are written `\040`."""
    fields = (line.split(" ") for line in text.splitlines())
    return [(_unescaped(field[1]), field[2]) for field in fields if len(field) >= 3]


def _unescaped(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text


def parse_mount_command(text: str) -> list[tuple[str, str]]:
    """(folder, type) from what macOS prints: `//me@nas/films on /Volumes/films (smbfs, nodev)`."""
    found = []
    for line in text.splitlines():
        _, _, rest = line.partition(" on ")
        folder, paren, options = rest.rpartition(" (")
        if paren:
            found.append((folder, options.split(",")[0].rstrip(")").strip()))
    return found


def free_bytes(path: Path) -> int:
    """Bytes that this user may still write below the nearest existing parent of `path`."""
    while not path.exists() and path != path.parent:
        path = path.parent
    with said(path):
        found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def require_space(path: Path, need: int) -> None:
    """Refuse before money is spent on bytes that would find no room. Raises `Outside`."""
    free = free_bytes(path)
    if free < need:
        raise Outside(
            f"{path}: {free / 1e6:.0f} MB free, {need / 1e6:.0f} MB needed", do="free some space"
        )
