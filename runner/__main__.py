"""What `reelmake` and `python -m runner` start with. Most often there is nothing to do.

That is found out before anything else is imported, the command line's parser included.
"""

import gc
import os
import sys
from collections.abc import Sequence

from runner import __version__, uptodate


def main() -> None:
    """The console script."""
    gc.disable()  # loading modules makes no garbage; a command that may last turns it on again
    try:
        code = answer(sys.argv[1:])
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
    except OSError as error:  # of writing; commands answer for whatever else they do
        code = 1
        if not isinstance(error, BrokenPipeError):  # then nobody reads any more
            os.write(2, f"error: the output cannot be written: {error.strerror}\n".encode())
    leave(code)


def answer(words: Sequence[str]) -> int:
    """Does what the words of a command line ask for; its exit code."""
    if words == ["--version"]:
        sys.stdout.write(f"reelmake {__version__}\n")
        return 0
    code = uptodate.again(words)
    if code is None:
        uptodate.look_ahead(words)
        from runner import cli  # a tenth of a second

        code = cli.main(words)
    return code


def leave(code: int) -> None:
    """Ends the process: at once, where nobody else is at work in it.

    To take a large film apart, object by object, takes longer than many a command.
    """
    threading = sys.modules.get("threading")
    if threading and threading.active_count() > 1:
        sys.exit(code)
    os._exit(code)


if __name__ == "__main__":
    main()
