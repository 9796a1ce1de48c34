"""What `reelmake` and `python -m runner` start with. Most often there is nothing to do.

That is found out before anything else is imported, the command line's parser included.
"""

import sys

from runner import __version__, uptodate


def main() -> None:
    """The console script."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"reelmake {__version__}\n")
        return
    code = uptodate.again(sys.argv[1:])
    if code is None:
        from runner import cli  # a tenth of a second

        cli.main()
    sys.exit(code)


if __name__ == "__main__":
    main()
