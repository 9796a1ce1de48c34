"""Writes docs/commands.md from the command line itself: `python tools/commands_page.py`."""

from pathlib import Path

import click

from runner.cli import cli

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
HEAD = """\
# Commands

Written by `python tools/commands_page.py` from the program's own help; a test holds it.

Exit codes: 0 done · 1 some shots failed · 2 bad input or usage · 3 needs a decision (quarantine, budget, frozen) ·
130 interrupted, resumable. Results for scripts go to stdout, everything for people to stderr. Colours and bars appear
only on a terminal, and never with `NO_COLOR`.

| variable | meaning |
|---|---|
| `AIHUBMIX_API_KEY` | the key of the default gateway; without it, `run` renders slates on the local gateway |
| `OPENAI_API_KEY`, `OPENAI_BASE_URL` | for `--gateway openai`: any OpenAI-style `/v1/videos` server |
| `REELMAKE_API_KEY` | the key for `--gateway URL` |
| `REELMAKE_GATEWAY` | the gateway, where no flag names one |
| `REELMAKE_STORE` | the team's store, an fsspec URL; wins over `store:` in `reelmake.yaml` |
| `REELMAKE_POLL_SECONDS` | a fixed poll interval instead of the learned one (self-hosted servers, tests) |
| `REELMAKE_RENDER_SECONDS` | how long the built-in gateway pretends to render (1 s) |
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for name in sorted(cli.commands):
        command = cli.commands[name]
        context = click.Context(command, info_name=f"reelmake {name}", max_content_width=100)
        context.help_option_names = ["-h", "--help"]
        parts.append(f"## {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page())
