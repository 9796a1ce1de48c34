"""Two hundred real SIGKILLs over real HTTP, in CI; ten thousand by `make crash-test`."""

import sys

import pytest
from random_kills import CONTRACTS, campaign

KILLS = 67  # of each contract


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("contract", CONTRACTS)
def test_killed_at_any_moment(contract: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whenever it dies, the next run pays for nothing twice and loses nothing that was paid."""
    tally = campaign(KILLS, contract, seed=20261123)
    with capsys.disabled():
        sys.stdout.write(f"\n{contract}: {tally}\n")
    assert tally.extra == tally.unexplained == tally.lost == 0
    if contract == "quarantine":
        assert tally.repeated == 0
    else:
        assert tally.waiting == 0
        assert tally.accepted == tally.takes
