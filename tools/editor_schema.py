"""Writes the generated part of schemas/storyboard.schema.json anew, from the catalogue."""

from runner.schema import open_catalogue
from runner.schema.data import data_file
from runner.schema.editor import editor_schema, text

if __name__ == "__main__":
    schema = editor_schema(open_catalogue())
    data_file("storyboard.schema.json").write_text(text(schema) + "\n", encoding="utf-8")
