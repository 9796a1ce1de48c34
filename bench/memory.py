"""The most memory this process has had: megabytes.

Not by `getrusage`: Linux lets a child begin with what its parent had at most.
"""

import resource
import sys
from pathlib import Path


def peak() -> float:
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)
