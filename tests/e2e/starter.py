"""Starts the program again and again without loading it again: each start is a fork.

Every line that comes in is one start; when that process has ended, its exit code goes out. A real
process it is all the same: with its own folder, environment, output and end. What loading does is
tested where the program is started as users start it.
"""

import json
import os
import pkgutil
import sys
from importlib import import_module
from typing import Any

import runner
from runner.__main__ import main

STREAMS = {"stdin": os.O_RDONLY, "stdout": os.O_WRONLY, "stderr": os.O_WRONLY}


def load() -> None:
    for module in pkgutil.walk_packages(runner.__path__, "runner."):
        if not module.name.endswith("__main__"):
            import_module(module.name)


def become(start: dict[str, Any]) -> None:
    """The program that was asked for, as if it had just been started."""
    for number, (name, flags) in enumerate(STREAMS.items()):
        os.dup2(os.open(start[name], flags), number)
    os.chdir(start["cwd"])
    os.environ.clear()
    os.environ.update(start["env"])
    sys.argv[1:] = start["words"]
    main()


def serve() -> None:
    load()
    for line in sys.stdin:
        process = os.fork()
        if not process:
            become(json.loads(line))
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        os.write(1, b"%d\n" % code)


if __name__ == "__main__":
    serve()
