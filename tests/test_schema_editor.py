"""The schema that editors use, and a real editor's language server using it."""

import json
import os
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from runner.schema import data_file, open_catalogue
from runner.schema.data import read_json
from runner.schema.editor import editor_schema, text
from runner.schema.engine import accepts
from runner.source import read_yaml

CATALOGUE = open_catalogue()
SCHEMA = data_file("storyboard.schema.json")
ROOT = Path(__file__).parent.parent
SHIPPED = accepts(read_json(SCHEMA))
SERVER = "yaml-language-server@1.25.0"


def test_the_shipped_schema_is_what_the_catalogue_makes() -> None:
    """Stale? `python tools/editor_schema.py` writes it anew."""
    assert SCHEMA.read_text("utf-8") == text(editor_schema(CATALOGUE)) + "\n"


def fits(yaml: str) -> bool:
    data, problems = read_yaml(yaml, "film.yaml")
    assert problems == []
    return SHIPPED(data)


FILMS = sorted(
    {*(ROOT / "pipelines").glob("*.yaml"), *(ROOT / "tests/examples/accepted").rglob("*.yaml")}
)


@pytest.mark.parametrize("path", FILMS, ids=lambda path: path.stem)
def test_no_false_alarm_in_an_editor(path: Path) -> None:
    """What the command line accepts, an editor does not underline."""
    assert fits(path.read_text("utf-8"))


@pytest.mark.parametrize(
    ("shot", "legal"),
    [
        ("model: veo-3.1-generate-preview\n    seconds: 5", False),
        ("model: veo-3.1-generate-preview\n    seconds: 6", True),
        ("model: veo-3.1-generate-preview\n    seconds: 6\n    first_frame: a.png", False),
        ("model: sora-2\n    last_frame: a.png", False),
        ("model: kling-v2-6\n    options: {cfg_scale: 0.5}", False),
        ("model: kling-v3\n    options: {cfg_scale: 0.5}", True),
        ("model: kling-v3\n    options: {cfg_scal: 0.5}", False),
        ("seconds: 3", False),  # jimeng, from defaults
        ("seconds: 10", True),
        ("model: brand-new-1\n    seconds: 3", True),
    ],
)
def test_the_model_decides_what_is_legal(shot: str, legal: bool) -> None:
    """A shot's own model, or the one from `defaults`; of an unknown one nothing is said."""
    yaml = f"storyboard: 1\ndefaults: {{model: jimeng-3.0-pro}}\nshots:\n  - id: it\n    {shot}\n"
    assert fits(yaml) == legal


def test_a_projects_own_models_are_in_its_schema() -> None:
    """`reelmake schema` in a project knows what reelmake.yaml adds."""
    schema = editor_schema(
        open_catalogue({"models": {"my/wan 9~": {"like": "wan2.6-t2v", "seconds": [7]}}})
    )
    board = {"storyboard": 1, "shots": [{"id": "it", "model": "my/wan 9~", "seconds": 7}]}
    assert accepts(schema)(board)
    board["shots"][0]["seconds"] = 8  # type: ignore[index]
    assert not accepts(schema)(board)


# ── yaml-language-server ────────────────────────────────────────────────────────────────────


class Server:
    """The language server of the usual YAML extensions, over its standard streams."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.numbers = count(1)
        self.diagnostics: dict[str, list[dict[str, Any]]] = {}
        settings = {
            "capabilities": {"workspace": {"configuration": True}},
            "processId": os.getpid(),
        }
        self.ask("initialize", {**settings, "rootUri": None})
        self.tell("initialized", {})

    def tell(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        number = next(self.numbers)
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == number and "method" not in message:
                return message["result"]

    def open(self, uri: str, yaml: str) -> list[dict[str, Any]]:
        """Shows it a file and waits for what it underlines."""
        self.diagnostics.pop(uri, None)
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": yaml}
        self.tell("textDocument/didOpen", {"textDocument": document})
        while uri not in self.diagnostics:
            self._receive()
        return self.diagnostics[uri]

    def close(self) -> None:
        self.ask("shutdown", None)
        self.tell("exit", None)
        self.process.communicate(timeout=20)

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self.process.stdout
        length = 0
        while line := self.process.stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        assert length, "the language server is gone"
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            self.diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message and "id" in message:
            self._send({"id": message["id"], "result": self._answer(message)})
        return message

    def _answer(self, message: dict[str, Any]) -> Any:
        on = {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}
        if message["method"] == "workspace/configuration":
            return [on if i.get("section") == "yaml" else {} for i in message["params"]["items"]]
        return None


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Installed once into the user's cache by npm."""
    home = Path.home() / ".cache" / "reelmake" / SERVER
    script = home / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
    if not script.exists():
        home.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--prefix", str(home), SERVER], check=True, timeout=120)
    running = Server(["node", str(script), "--stdio"])
    yield running
    running.close()


FILM = f"""\
# yaml-language-server: $schema={SCHEMA}
storyboard: 1
shots:
  - id: it
    model: MODEL
    seconds: SECONDS
"""


def film(model: str, seconds: str) -> str:
    return FILM.replace("MODEL", model).replace("SECONDS", seconds)


def position(yaml: str, before: str) -> dict[str, int]:
    at = yaml.index(before) + len(before)
    return {"line": yaml.count("\n", 0, at), "character": at - yaml.rfind("\n", 0, at) - 1}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_editor_underlines_an_illegal_length(server: Server, tmp_path: Path) -> None:
    """seconds: 5 on Veo is marked, on its line, with what would be legal; 6 is not."""
    wrong = server.open((tmp_path / "wrong.yaml").as_uri(), film("veo-3.1-generate-preview", "5"))
    assert [d["range"]["start"]["line"] for d in wrong] == [5]
    assert "4, 6, 8" in wrong[0]["message"]
    assert (
        server.open((tmp_path / "right.yaml").as_uri(), film("veo-3.1-generate-preview", "6")) == []
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("model", "legal"), [("jimeng-3.0-pro", {"5", "10"}), ("sora-2", {"4", "8", "12"})]
)
def test_an_editor_completes_legal_lengths(
    server: Server, tmp_path: Path, model: str, legal: set[str]
) -> None:
    """After `seconds:` it offers what this model makes."""
    yaml = film(model, "")
    uri = (tmp_path / f"{model}.yaml").as_uri()
    server.open(uri, yaml)
    where = {"textDocument": {"uri": uri}, "position": position(yaml, "seconds: ")}
    offered = server.ask("textDocument/completion", where)["items"]
    assert {item["label"] for item in offered} == legal


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_editor_completes_models_and_explains_fields(server: Server, tmp_path: Path) -> None:
    """Model ids are offered, and hovering says what a field means for this model."""
    yaml = film("sora-2", "4")
    uri = (tmp_path / "hover.yaml").as_uri()
    server.open(uri, yaml)
    about = {"textDocument": {"uri": uri}, "position": position(yaml, "    secon")}
    hover = server.ask("textDocument/hover", about)["contents"]["value"]
    assert "How long the take is" in hover
    assert "sora-2 makes 4, 8, 12 s" in hover
    empty = film("", "4").replace("    seconds: 4\n", "")
    uri = (tmp_path / "models.yaml").as_uri()
    server.open(uri, empty)
    where = {"textDocument": {"uri": uri}, "position": position(empty, "model: ")}
    offered = {item["label"] for item in server.ask("textDocument/completion", where)["items"]}
    assert set(CATALOGUE.models) <= offered


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_editor_completes_keys_and_says_what_a_model_lacks(
    server: Server, tmp_path: Path
) -> None:
    """Keys of a shot are offered; an end frame on Sora is marked with the models that take one."""
    yaml = film("sora-2", "4") + "    la"
    uri = (tmp_path / "keys.yaml").as_uri()
    server.open(uri, yaml)
    where = {"textDocument": {"uri": uri}, "position": position(yaml, "    la")}
    offered = {item["label"] for item in server.ask("textDocument/completion", where)["items"]}
    assert {"last_frame", "prompt", "takes"} <= offered
    yaml = film("sora-2", "4") + "    last_frame: a.png\n"
    [mark] = server.open((tmp_path / "lacks.yaml").as_uri(), yaml)
    assert mark["range"]["start"]["line"] == 6
    assert "sora-2 takes no end frame; models that do: " in mark["message"]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", FILMS, ids=lambda path: path.stem)
def test_an_editor_leaves_good_films_alone(server: Server, path: Path) -> None:
    """No storyboard we give as an example has a line under it."""
    yaml = f"# yaml-language-server: $schema={SCHEMA}\n{path.read_text('utf-8')}"
    assert server.open(path.as_uri(), yaml) == []
