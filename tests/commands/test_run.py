"""What `run` does around the executor."""

import gc

from runner.commands.run import seldom_collected


def test_the_collector_is_left_as_it_was_found() -> None:
    """It leaves film and plan alone while they render, and only then."""
    usual = gc.get_threshold()
    with seldom_collected():
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold()[0] > usual[0]
    assert gc.get_threshold() == usual
    assert gc.get_freeze_count() == 0
