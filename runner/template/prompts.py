"""The `prompts/` folder beside a storyboard: what `include`, `import` and nothing else may read."""

import re
from pathlib import Path

from runner.template.base import MAX_TEXT, Fault

_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)*\Z").match
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f]").search


class Prompts:
    """Reads each prompt file once. A folder that is not there has no files.

    `root`: the folder that nothing read may lie outside of, whatever links say; else `folder`.
    """

    def __init__(self, folder: Path, shown: str = "prompts", root: Path | None = None) -> None:
        self.folder = folder
        self._root = root or folder
        self._shown = shown
        self._texts: dict[str, str | Fault] = {}

    def shown(self, name: str) -> str:
        """The file as messages name it."""
        return f"{self._shown}/{name}"

    def text_of(self, shown: str) -> str:
        """The text of a file that was read, by the name messages give it."""
        text = self._texts.get(shown.removeprefix(self._shown + "/"), "")
        return text if isinstance(text, str) else ""

    def read(self) -> dict[str, str]:
        """Every text that was read so far, by the name messages give it."""
        texts = self._texts.items()
        return {self.shown(name): text for name, text in texts if isinstance(text, str)}

    def text(self, name: str) -> str | Fault:
        """The text of a prompt file without its last line break."""
        if name not in self._texts:
            self._texts[name] = self._read(name)
        return self._texts[name]

    def _read(self, name: str) -> str | Fault:
        hint = f"files are read from {self._shown}/ beside the storyboard, by their name there"
        if not _NAME(name) or ".." in name.split("/"):
            return Fault(
                "template.include", f"{name[:80]!r} is not the name of a prompt file", hint
            )
        path = self.folder / name
        try:
            real, folder = path.resolve(), self.folder.resolve()
            if not (real.is_relative_to(folder) and real.is_relative_to(self._root.resolve())):
                return Fault("template.include", f"{name!r} leads out of {self._shown}/", hint)
            if not path.is_file():
                return Fault("template.include", f"there is no file {self.shown(name)}", hint)
            return read_prompt(path, self.shown(name))
        except (OSError, RuntimeError) as error:
            return Fault("template.include", f"{self.shown(name)} cannot be read: {error}", hint)


def read_prompt(path: Path, shown: str) -> str | Fault:
    """A file of prompt text: UTF-8, of bounded size, its last line break left out.

    Raises OSError.
    """
    with path.open("rb") as file:
        data = file.read(4 * MAX_TEXT + 1)
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        message = f"{shown}: byte 0x{data[error.start]:02x} (offset {error.start}) is not UTF-8"
        return Fault("template.encoding", message, "save the file as UTF-8")
    if len(text) > MAX_TEXT:
        message = f"{shown} has more than {MAX_TEXT:,} characters"
        return Fault("template.too_large", message, "no vendor reads a prompt that long")
    if found := _CONTROL(text):
        line = text.count("\n", 0, found.start()) + 1
        message = f"{shown}, line {line}: the character U+{ord(found[0]):04X}"
        return Fault("template.encoding", message, "remove it")
    return text.removesuffix("\n")
