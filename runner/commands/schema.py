"""`reelmake schema [NAME]`: a JSON Schema on stdout."""

import os
from pathlib import Path

from runner.errors import BadInput, ExitCode
from runner.progress import Out
from runner.project import project_here
from runner.schema import editor
from runner.schema.data import data_files
from runner.vendors import installed_schemas


def main(out: Out, *, name: str) -> ExitCode:
    """Print the schema of the storyboard, the manifest, the settings, or a vendor."""
    shipped = data_files("**/*.schema.json")
    found = {path.name.removesuffix(".schema.json"): path for path in shipped}
    if name not in found:
        found |= installed_schemas()
    if name not in found:
        raise BadInput(f"there is no schema {name!r}", do=f"one of: {', '.join(sorted(found))}")
    if name == "storyboard":
        catalogue = project_here(Path.cwd(), os.environ).catalogue
        out.result(editor.text(editor.editor_schema(catalogue)).rstrip("\n"))
    else:
        out.result(found[name].read_text(encoding="utf-8").rstrip("\n"))
    return ExitCode.DONE
