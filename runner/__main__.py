"""`python -m runner` is `reelmake`."""

from runner.cli import main

if __name__ == "__main__":
    main()
