"""A fresh project, with and without a gateway in another process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from space import Gateway, Space, gateway


@pytest.fixture
def space(tmp_path: Path) -> Space:
    """A project without a key: the built-in gateway."""
    (tmp_path / "film").mkdir()
    return Space(tmp_path / "film")


@pytest.fixture(scope="session")
def quick_gateway() -> Iterator[Gateway]:
    with gateway("--render-seconds", "0.05", "--slates", "plain") as opened:
        yield opened


@pytest.fixture
def paid(space: Space, quick_gateway: Gateway) -> Space:
    """A project whose gateway is another process that answers at once; `posts` starts at what
    earlier tests have sent."""
    space.gateway = quick_gateway
    return space
