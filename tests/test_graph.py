"""Order, circles, and what hangs on what."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from runner import graph
from runner.model import ShotId

Needs = Mapping[ShotId, Sequence[ShotId]]


def needs(**given_needs: str) -> Needs:
    return {
        ShotId(shot): [ShotId(need) for need in names.split()]
        for shot, names in given_needs.items()
    }


def test_needs_come_first_and_the_file_decides_the_rest() -> None:
    """A shot follows what it needs; shots that are free keep the order they are written in."""
    assert graph.order(needs(c="b", a="", d="", b="a")) == ["a", "d", "b", "c"]
    assert graph.order(needs(a="", b="", c="")) == ["a", "b", "c"]
    assert graph.order(needs(c="a", a="", b="")) == ["a", "c", "b"]
    assert graph.order(needs(a="unknown unknown")) == ["a"]


def test_a_circle_is_named_with_its_path() -> None:
    """The path of a circle ends where it began; what hangs on it is not on it."""
    assert graph.find_cycle(needs(a="c", b="a", c="b", d="c", e="")) == ("a", "c", "b", "a")
    assert graph.find_cycle(needs(a="a")) == ("a", "a")
    assert graph.find_cycle(needs(tail="a", a="b", b="a")) == ("a", "b", "a")
    assert graph.find_cycle(needs(a="", b="a")) == ()


def test_each_circle_is_told() -> None:
    """Two circles in one file are two problems."""
    assert graph.find_cycles(needs(a="b", b="a", c="d", d="c")) == [
        ("a", "b", "a"),
        ("c", "d", "c"),
    ]


def test_what_hangs_on_a_shot() -> None:
    """Downstream goes all the way, and so does upstream."""
    film = needs(a="", b="a", c="b", d="", e="c d")
    assert graph.downstream(film, [ShotId("b")]) == {"b", "c", "e"}
    assert graph.upstream(film, [ShotId("c")]) == {"c", "b", "a"}


shots = st.integers(0, 12).map(lambda number: ShotId(f"s{number}"))


@given(st.dictionaries(shots, st.lists(shots, max_size=4), max_size=13))
def test_every_film_has_an_order_or_a_circle(film: Needs) -> None:
    """Either all shots can be put in order, or a real circle is named."""
    ordered = graph.order(film)
    place = {shot: index for index, shot in enumerate(ordered)}
    assert all(place[n] < place[s] for s in ordered for n in film[s] if n in film)
    cycle = graph.find_cycle(film)
    assert bool(cycle) == (len(ordered) < len(film))
    assert all(need in film[shot] for shot, need in pairwise(cycle))
    assert not cycle or cycle[0] == cycle[-1]


@given(st.dictionaries(shots, st.lists(shots, max_size=4), max_size=13))
def test_downstream_is_the_mirror_of_upstream(film: Needs) -> None:
    """If one shot hangs on another, the other holds it."""
    for shot in film:
        for other in graph.downstream(film, [shot]):
            assert shot in graph.upstream(film, [other])


def test_long_chains_are_no_trouble() -> None:
    """Twenty thousand shots in a row, or in a circle, take no recursion."""
    chain = {ShotId(f"s{n}"): [ShotId(f"s{n + 1}")] for n in range(20_000)}
    assert graph.order(chain)[-1] == "s0"
    assert len(graph.downstream(chain, [ShotId("s19999")])) == 20_000
    chain[ShotId("s19999")] = [ShotId("s0")]
    assert len(graph.find_cycle(chain)) == 20_001


@given(st.dictionaries(shots, st.lists(shots, max_size=4), max_size=13), st.sets(shots))
def test_shots_with_all_they_need_keep_their_order(film: Needs, some: set[ShotId]) -> None:
    """What is left out does not change how the others follow one another."""
    closed = graph.upstream(film, some & film.keys())
    part = {shot: film[shot] for shot in film if shot in closed}
    assert graph.order(part) == [shot for shot in graph.order(film) if shot in part]
