"""`reelmake graph FILE`: the shots and what they hand on, for Graphviz or Mermaid."""

from pathlib import Path

from runner.commands.reading import film_as_it_lies, with_results
from runner.diagram import FORMATS, Diagram, drawn
from runner.errors import ExitCode
from runner.progress import Out

MERMAID_EDGES, MERMAID_LETTERS = 500, 50_000  # more, and Mermaid says no unless it is told to


def main(out: Out, *, file: Path, fmt: str, preview: bool, folder: Path | None) -> ExitCode:
    """Draw the film as it stands; asks no gateway and needs no key."""
    film = film_as_it_lies(file, preview=preview, out_dir=with_results(folder))
    facts = film.gather()
    plan = film.plan(facts)
    diagram = drawn(film.storyboard, plan, facts.history, film.project.lasts)
    text = FORMATS[fmt].write(diagram)
    out.document(text)
    if fmt == "mermaid" and too_large(diagram, text):
        out.say("larger than Mermaid draws by default, and than GitHub does; try dot", "warn")
    film.project.stats.save()
    return ExitCode.DONE


def too_large(diagram: Diagram, text: str) -> bool:
    return len(diagram.edges) > MERMAID_EDGES or len(text) > MERMAID_LETTERS
