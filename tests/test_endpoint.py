"""Which server a name of a gateway means."""

import pytest

from runner.errors import BadInput
from runner.project.endpoint import open_endpoint

KEY = {"REELMAKE_API_KEY": "k"}


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8791", "http://localhost:8000", "https://video.studio.example"]
)
def test_a_server_is_found_by_the_name_that_messages_give_it(url: str) -> None:
    """A job is said to be "at HOST:PORT: run with --gateway HOST:PORT"; so that must work."""
    there = open_endpoint(url, {}, KEY)
    again = open_endpoint(there.name, {}, KEY)
    assert (again.name, again.profile.base_url) == (there.name, there.profile.base_url)


@pytest.mark.parametrize("name", ["nobody", "", "studio 1", "10"])
def test_what_can_be_no_server_is_an_unknown_name(name: str) -> None:
    with pytest.raises(BadInput, match="no gateway"):
        open_endpoint(name, {}, KEY)


def test_a_gateway_of_the_project_may_have_dots_in_its_name() -> None:
    own = {"gateways": {"studio.one": {"base_url": "https://one.example", "key_variable": "K"}}}
    assert open_endpoint("studio.one", own, {"K": "k"}).profile.base_url == "https://one.example"


def test_a_key_is_known_as_it_is_sent() -> None:
    """What HTTP would strip is not part of it: else an echo of it would pass unnoticed."""
    keyed = open_endpoint("http://127.0.0.1:8791", {}, {"REELMAKE_API_KEY": " sk-test \n"})
    assert keyed.key == "sk-test"
