"""What other programs have read before must not move by itself."""

from pathlib import Path

import pytest
from cut_facts import film

from runner.export import FORMATS

GOLDEN = Path(__file__).parents[1] / "golden" / "export"


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_a_film_is_written_as_it_always_was(form: str) -> None:
    """Dissolves, a silent clip, one to come, two takes, music with a level and a fade."""
    assert FORMATS[form].write(film()) == (GOLDEN / f"film.{form}").read_text()
