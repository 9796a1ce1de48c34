"""Pages that are built from code, held to it; words that must not stand anywhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from runner.cli import cli

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))

README = (ROOT / "README.md").read_text()
TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
).stdout.split()


def test_the_page_of_commands_is_what_help_says() -> None:
    """`python tools/commands_page.py` writes it anew."""
    from commands_page import PAGE, page

    assert PAGE.read_text() == page()


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_the_readme_names_every_command(name: str) -> None:
    """Nobody has to guess what there is."""
    assert f"`reelmake {name}" in README or f" `{name}" in README


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link in the documentation is a file that is tracked."""
    for page in [path for path in TRACKED if path.endswith(".md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", (ROOT / page).read_text()):
            if "://" not in target:
                assert (ROOT / page).parent.joinpath(target).exists(), f"{page}: {target}"


def test_no_host_of_a_package_registry_stands_in_the_project() -> None:
    """Pins are versions and hashes; where they come from is each machine's own affair."""
    registries = ("files.python" + "hosted", "py" + "pi.org", "registry.npm" + "js")
    for name in TRACKED:
        path = ROOT / name
        if path.suffix in (".png", ".wav", ".mp4") or not path.is_file():
            continue
        text = path.read_text(errors="replace")
        assert not any(host in text for host in registries), name
