"""Writes docs/vendor-rules.md anew: every model and every rule, from the vendors' schema files."""

from runner.schema import open_catalogue
from runner.schema.data import data_file
from runner.schema.reference import reference

if __name__ == "__main__":
    page = data_file("shot.schema.json").parents[1] / "docs" / "vendor-rules.md"
    page.write_text(reference(open_catalogue()), encoding="utf-8")
