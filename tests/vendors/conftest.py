"""The catalogue's facts, for adapters that are handed them."""

from collections.abc import Callable

import pytest

from runner.model import ModelFacts, ModelId
from runner.schema import Catalogue, open_catalogue


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return open_catalogue()


@pytest.fixture(scope="session")
def facts(catalogue: Catalogue) -> Callable[[str], ModelFacts]:
    return lambda model: catalogue.models[ModelId(model)]
