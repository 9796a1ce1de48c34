"""Estimates: what is published, converted and bounded; what nobody publishes stays unknown."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.model import LocalFile, Medium, ModelFacts, ModelId, Request, Url
from runner.prices import PriceTable, estimate, read_table
from runner.schema import open_catalogue
from runner.source import read_yaml

PUBLISHED = Path(__file__).parents[1] / "schemas" / "prices.yaml"
VIDEO = Medium("reference", "video", Url("https://media.example/a.mp4"))
IMAGE = Medium("reference", "image", LocalFile("a.png"))
EDITED = Medium("base_video", "video", Url("https://media.example/a.mp4"))
SEEDANCE = "doubao-seedance-2-0-260128"
FAST = "doubao-seedance-2-0-fast-260128"
WIDE = {"resolution": "720p", "aspect_ratio": "16:9"}

Cost = Callable[..., Decimal | None]


@pytest.fixture(scope="module")
def data() -> Any:
    read, problems = read_yaml(PUBLISHED.read_text(), "prices.yaml")
    assert problems == []
    return read


@pytest.fixture(scope="module")
def table(data: Any) -> PriceTable:
    return read_table(data)


@pytest.fixture(scope="module")
def facts() -> Callable[[str], ModelFacts]:
    return lambda model: open_catalogue().models[ModelId(model)]


def ask(model: str, **fields: Any) -> Request:
    return Request(ModelId(model), "A ferry.", **fields)


@pytest.mark.parametrize(
    ("model", "fields", "usd"),
    [
        ("sora-2", {"seconds": 8, "size": "1280x720"}, "0.80"),
        ("sora-2-pro", {"seconds": 4, "size": "1792x1024"}, "2.00"),
        ("veo-3.1-generate-preview", {"seconds": 8, "resolution": "4k"}, "4.80"),
        ("veo-3.1-fast-generate-preview", {"seconds": 4, "size": "1080p"}, "0.48"),
        ("veo-3.1-lite-generate-preview", {"seconds": 8}, "0.40"),
        ("veo-2.0-generate-001", {"seconds": 5}, "2.50"),
        ("wan2.2-t2v-plus", {"resolution": "1080p"}, "0.4795"),
        ("wan2.6-t2v", {"seconds": 5, "resolution": "720p"}, "0.411"),
        ("wan2.6-i2v", {"seconds": 10, "size": "1920x1080"}, "1.37"),
        ("wan2.5-t2v-preview", {"resolution": "480p"}, "0.2055"),
        ("jimeng-3.0-pro", {"seconds": 10, "aspect_ratio": "21:9"}, "1.37"),
        ("kling-v3", {"seconds": 5, "resolution": "720p"}, "0.42"),
        ("kling-v3", {"seconds": 5, "resolution": "1080p", "audio": True}, "0.84"),
        ("kling-v3", {"seconds": 5, "options": {"mode": "pro"}}, "0.56"),
        ("kling-v3", {"seconds": 3, "resolution": "4k"}, "1.26"),
        ("kling-v3-omni", {"seconds": 5, "resolution": "720p", "media": (VIDEO,)}, "0.63"),
        ("kling-v3-omni", {"seconds": 5, "resolution": "1080p", "media": (IMAGE,)}, "0.56"),
        (SEEDANCE, {"seconds": 10, **WIDE, "media": (VIDEO,)}, "1.71"),
    ],
)
def test_published_prices(
    model: str, fields: Any, usd: str, facts: Callable[[str], ModelFacts], table: PriceTable
) -> None:
    """Seconds times the row that fits resolution, mode, sound and video input, in USD."""
    found = estimate(ask(model, **fields), facts(model), table)
    assert found is not None
    assert (found.cost.amount, found.cost.currency, found.bound) == (Decimal(usd), "USD", False)


@pytest.mark.parametrize(
    ("model", "resolution", "cny"),
    [
        (SEEDANCE, "720p", "4.968"),
        (SEEDANCE, "480p", "2.310"),
        (FAST, "720p", "3.996"),
        (FAST, "480p", "1.858"),
    ],
)
def test_token_formula_gives_the_vendors_own_examples(
    model: str, resolution: str, cny: str, facts: Callable[[str], ModelFacts], table: PriceTable
) -> None:
    """seconds x width x height x 24 / 1024 tokens: 4.97, 2.31, 4.00 and 1.86 CNY for 5 s."""
    request = ask(model, seconds=5, resolution=resolution, aspect_ratio="16:9")
    found = estimate(request, facts(model), table)
    assert found is not None
    assert abs(found.cost.amount - Decimal(cny) * Decimal("0.137")) < Decimal("0.0002")
    assert "tokens x" in found.basis
    assert "CNY/M x 0.137 USD/CNY" in found.basis


def test_reference_video_seconds_are_billed_too(
    facts: Callable[[str], ModelFacts], table: PriceTable
) -> None:
    """Tokens count what goes in; the vendor's limit stands where its length is not known."""
    known, request = facts(FAST), ask(FAST, seconds=5, **WIDE, media=(VIDEO, VIDEO))
    unknown = estimate(request, known, table)
    measured = estimate(request, known, table, lambda medium: 2.5)
    assert unknown is not None
    assert measured is not None
    assert (unknown.bound, measured.bound) == (True, False)
    assert abs(unknown.cost.amount - measured.cost.amount * 2) < Decimal("0.0002")  # 20 s, 10 s
    assert unknown.basis.startswith("at most ")


@pytest.mark.parametrize(
    ("model", "fields", "usd"),
    [
        (SEEDANCE, {"seconds": -1, **WIDE}, "2.0419"),  # 15 s
        ("kling-v3-omni", {"resolution": "720p", "media": (EDITED,)}, "1.26"),  # 10 s
    ],
)
def test_unknowable_lengths_are_bounded(
    model: str, fields: Any, usd: str, facts: Callable[[str], ModelFacts], table: PriceTable
) -> None:
    """A length the model or an input decides is priced at its maximum, and says so."""
    found = estimate(ask(model, **fields), facts(model), table)
    assert found is not None
    assert (found.cost.amount, found.bound) == (Decimal(usd), True)


def test_adaptive_ratio_is_priced_at_the_largest_frame(
    facts: Callable[[str], ModelFacts], table: PriceTable
) -> None:
    """No fixed ratio costs more than the bound."""
    known = facts(SEEDANCE)
    free = estimate(ask(SEEDANCE, seconds=5, resolution="720p"), known, table)
    assert free is not None
    assert free.bound
    for row in known.sizes:
        if row.resolution == "720p" and row.width:
            request = ask(SEEDANCE, seconds=5, resolution="720p", aspect_ratio=row.aspect_ratio)
            fixed = estimate(request, known, table)
            assert fixed is not None
            assert fixed.cost.amount <= free.cost.amount


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("kling-v2-6", {"seconds": 5, "resolution": "720p"}),
        ("kling-v3-turbo", {"seconds": 5, "resolution": "720p"}),
        ("sora-2", {"seconds": 4, "size": "1792x1024"}),
        ("wan2.7-t2v", {"seconds": 5}),
        ("wan2.6-t2v", {"seconds": 5, "size": "999x999"}),
        ("kling-v3", {"seconds": 5, "resolution": "720p", "extra_body": {"duration": 15}}),
        ("doubao-seedance-1-0-pro-250528", {"resolution": "720p", "options": {"frames": 289}}),
    ],
)
def test_what_nobody_publishes_is_unknown(
    model: str, fields: Any, facts: Callable[[str], ModelFacts], table: PriceTable
) -> None:
    """No price, no row, or a parameter past us that changes the bill: said, not guessed."""
    assert estimate(ask(model, **fields), facts(model), table) is None


def test_defaults_are_billed_as_what_they_are(
    facts: Callable[[str], ModelFacts], table: PriceTable
) -> None:
    """An absent field costs what the vendor's default costs; Seedance sounds unless told not to."""
    plain = estimate(ask("veo-3.1-generate-preview"), facts("veo-3.1-generate-preview"), table)
    assert plain is not None
    assert plain.cost.amount == Decimal("3.20")
    older = "doubao-seedance-1-5-pro-251215"
    loud = estimate(ask(older, seconds=5, **WIDE), facts(older), table)
    quiet = estimate(ask(older, seconds=5, **WIDE, audio=False), facts(older), table)
    assert loud is not None
    assert quiet is not None
    assert loud.cost.amount > quiet.cost.amount
    later = ask(older, seconds=5, **WIDE, options={"service_tier": "flex"})
    cheaper = estimate(later, facts(older), table)
    assert cheaper is not None
    assert cheaper.bound  # flex costs less, by a share nobody promises


@pytest.mark.parametrize(
    ("override", "usd"),
    [
        (0.08, "0.40"),
        ("0.08", "0.40"),
        ({"unit": "clip", "amount": "0.33"}, "0.33"),
        ({"amount": 1, "currency": "CNY"}, "0.685"),
        ([{"rows": [{"resolution": "1080p", "amount": 9}, {"amount": "0.01"}]}], "0.05"),
    ],
)
def test_a_projects_own_price_wins(
    override: object, usd: str, data: Any, facts: Callable[[str], ModelFacts]
) -> None:
    """A number is USD a second; an offer, or a list of offers, says more."""
    for key in ("wan2.6-t2v", "wan2.6"):  # a model, or its family
        own = read_table(data, {key: override})
        found = estimate(ask("wan2.6-t2v", resolution="720p"), facts("wan2.6-t2v"), own)
        assert own.problems == ()
        assert found is not None
        assert found.cost.amount == Decimal(usd)
        assert "reelmake.yaml" in found.basis


def test_a_mode_is_billed_as_what_the_model_makes_of_it(
    data: Any, facts: Callable[[str], ModelFacts]
) -> None:
    """kling-v1 makes 720p in pro too, so pro is billed as 720p."""
    rows = [{"resolution": "1080p", "amount": 9}, {"resolution": "720p", "amount": "0.03"}]
    own = read_table(data, {"kling-v1": {"modes": {"pro": "1080p"}, "rows": rows}})
    found = estimate(ask("kling-v1", options={"mode": "pro"}), facts("kling-v1"), own)
    assert found is not None
    assert found.cost.amount == Decimal("0.15")


def test_a_projects_own_rate_wins(data: Any, facts: Callable[[str], ModelFacts]) -> None:
    """The rate used stands in the basis."""
    own = read_table(data, {"rates": {"CNY": "0.15"}})
    found = estimate(ask("wan2.6-t2v", resolution="720p"), facts("wan2.6-t2v"), own)
    assert found is not None
    assert found.cost.amount == Decimal("0.45")
    assert "x 0.15 USD/CNY" in found.basis


@pytest.mark.parametrize(
    ("overrides", "pointer"),
    [
        ({"wan2.6": -1}, "/prices/wan2.6"),
        ({"wan2.6": "NaN"}, "/prices/wan2.6"),
        ({"wan2.6": float("inf")}, "/prices/wan2.6"),
        ({"wan2.6": True}, "/prices/wan2.6"),
        ({"wan2.6": "dear"}, "/prices/wan2.6"),
        ({"wan2.6": {"amount": -1}}, "/prices/wan2.6/amount"),
        ({"wan2.6": {"unit": "frame", "amount": 1}}, "/prices/wan2.6/unit"),
        ({"wan2.6": {"prize": 1, "amount": 1}}, "/prices/wan2.6/prize"),
        (
            {"wan2.6": [{"rows": [{"amount": 1}, {"amount": None}]}]},
            "/prices/wan2.6/0/rows/1/amount",
        ),
        ({"wan2.6": {"rows": 3}}, "/prices/wan2.6/rows"),
        ({"wan2.6": {"rows": [3]}}, "/prices/wan2.6/rows/0"),
        ({"rates": {"CNY": -0.1}}, "/prices/rates/CNY"),
        ({"rates": 7}, "/prices/rates"),
        ({"a/b": -1}, "/prices/a~1b"),
        ([1], "/prices"),
    ],
)
def test_prices_that_cannot_be_meant_are_problems(overrides: Any, pointer: str, data: Any) -> None:
    """Negative, not a number, misspelt: each is named where it stands, and left out."""
    table = read_table(data, overrides)
    assert pointer in [problem.at.path for problem in table.problems]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["wan2.6", "rates", "CNY", "unit", "rows", "amount", "modes", "usd"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_no_override_can_crash_or_cost_less_than_nothing(overrides: Any) -> None:
    """Whatever stands in reelmake.yaml, reading it ends in problems, and no price is negative."""
    table = read_table({"models": {}}, overrides)
    for layer in table.layers:
        for offers in layer.values():
            assert all(row.amount >= 0 for offer in offers for row in offer.rows)
    wan = ModelFacts(ModelId("wan2.6-t2v"), "wan", family="wan2.6", default_seconds=5)
    found = estimate(ask("wan2.6-t2v"), wan, table)
    assert found is None or found.cost.amount >= 0


def test_published_table_is_whole(data: Any, table: PriceTable) -> None:
    """Every offer has a source, a date and a convertible currency, and hits a model or says why."""
    assert table.problems == ()
    for offers in table.layers[1].values():
        for offer in offers:
            assert offer.source
            assert offer.date
            assert offer.currency == "USD" or offer.currency in table.rates
            assert offer.rows


def test_every_published_key_can_be_reached(table: PriceTable) -> None:
    """A misspelt family would be a price nobody ever gets."""
    models = open_catalogue().models.values()
    reachable = {model.id for model in models} | {model.family for model in models}
    waiting = {"wan2.2-i2v-flash", "wan3.0", "seedance-1.0-lite"}  # for models a project adds
    assert set(table.layers[1]) - waiting <= reachable


def test_the_example_in_the_docs_is_read_as_written(
    data: Any, facts: Callable[[str], ModelFacts]
) -> None:
    """What docs/prices.md shows has no problems and gives the prices it names."""
    text = (PUBLISHED.parents[1] / "docs" / "prices.md").read_text()
    example, problems = read_yaml(text.partition("```yaml\n")[2].partition("```")[0], "docs")
    own = read_table(data, example["prices"])
    assert (problems, own.problems) == ([], ())
    veo = estimate(
        ask("veo-3.1-generate-preview", seconds=4), facts("veo-3.1-generate-preview"), own
    )
    clip = estimate(ask("kling-v1-6"), facts("kling-v1-6"), own)
    assert veo is not None
    assert clip is not None
    assert (veo.cost.amount, clip.cost.amount) == (Decimal("1.20"), Decimal("0.35"))
    assert "our contract" in veo.basis
