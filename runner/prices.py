"""What a take is expected to cost: a request, a model's facts and a table of offers, nothing else.

A price that nobody publishes is None, never a guess; a length that cannot be known beforehand is
priced at its maximum and marked as a bound. All arithmetic is `Decimal`; amounts come out in USD.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import ROUND_UP, Decimal, InvalidOperation
from typing import Literal, get_args

from msgspec import Struct, field

from runner.model import JSON, Estimate, FrameSize, Loc, Medium, ModelFacts, Money, Problem, Request

Unit = Literal["second", "clip", "million_tokens"]
UNITS = get_args(Unit)
CENT = Decimal("0.01")
FINEST = Decimal("0.0001")  # USD; rounded up, so that a budget never reserves too little
MOST = Decimal(1_000_000)  # nobody means more; keeps arithmetic exact
FPS = 24  # of Seedance, in whose token formula it stands (vendor)

# Parameters that change the bill when they go past the neutral fields.
BILLED_IN_EXTRA_BODY = frozenset(
    {"seconds", "duration", "frames", "resolution", "size", "mode", "sound", "generate_audio"}
    | {"content", "video_list", "model", "model_name"}
)
BILLED_IN_OPTIONS = frozenset({"duration", "frames", "resolution", "size"})

SecondsOf = Callable[[Medium], float | None]


class Row(Struct, frozen=True):
    """A price, and what must hold for it. None: it does not matter."""

    amount: Decimal
    resolution: str | None = None
    audio: bool | None = None
    video: bool | None = None  # a video goes in: reference or base
    option: str | None = None  # this option is set


class Offer(Struct, frozen=True):
    """Prices of one model or family from one source."""

    unit: Unit
    rows: tuple[Row, ...]
    source: str
    date: str
    currency: str = "USD"
    sound_by_default: bool = False
    modes: Mapping[str, str] = field(default_factory=dict)  # options.mode -> resolution
    longest_input: Decimal | None = None  # s of reference video that may be billed
    longest_edit: Decimal | None = None  # s of a base video, whose length the result has
    cheaper_with: tuple[str, ...] = ()  # options that lower the price, nobody says how far


class Rate(Struct, frozen=True):
    """USD for one unit of a currency."""

    usd: Decimal
    source: str
    date: str


class PriceTable(Struct, frozen=True):
    """Offers by model id or family, the project's own before the published ones."""

    layers: tuple[Mapping[str, tuple[Offer, ...]], ...] = ()
    rates: Mapping[str, Rate] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def offers(self, facts: ModelFacts) -> Iterator[Offer]:
        """Those of the model itself hide those of its family, even where there are none."""
        for layer in self.layers:
            yield from layer.get(facts.id, layer.get(facts.family, ()))


def estimate(
    request: Request,
    facts: ModelFacts,
    table: PriceTable,
    seconds_of: SecondsOf = lambda medium: None,
) -> Estimate | None:
    """What the request is expected to cost, or None where nobody says.

    `seconds_of` may know the length of an input video; without it the longest legal one is
    assumed. Parameters sent past the neutral fields that change the bill make it unknown.
    """
    if request.extra_body.keys() & BILLED_IN_EXTRA_BODY:
        return None
    if request.options.keys() & BILLED_IN_OPTIONS:
        return None
    bills = (_Bill(offer, request, facts, seconds_of) for offer in table.offers(facts))
    for bill in bills:
        if row := bill.row():
            return _priced(bill, row, table)
    return None


def _priced(bill: "_Bill", row: Row, table: PriceTable) -> Estimate | None:
    offer, amount = bill.offer, bill.amount()
    rate = Decimal(1) if offer.currency == "USD" else _rate(table, offer.currency)
    if rate is None or amount is None:
        return None
    units, words, bound = amount
    bound = bound or any(name in bill.request.options for name in offer.cheaper_with)
    basis = f"{'at most ' if bound else ''}{words} x {row.amount} {offer.currency}"
    basis += {"second": "/s", "clip": " a clip", "million_tokens": "/M"}[offer.unit]
    if offer.currency != "USD":
        basis += f" x {rate} USD/{offer.currency}"
    basis += f" ({', '.join(filter(None, (offer.source, offer.date)))})"
    return Estimate(Money(_rounded(units * row.amount * rate)), basis, bound)


class _Bill(Struct, frozen=True):
    """A request as one offer would bill it. Lengths come with whether they are a bound."""

    offer: Offer
    request: Request
    facts: ModelFacts
    seconds_of: SecondsOf

    def row(self) -> Row | None:
        resolution, audio = self.resolution(), self.audio()
        video = any(medium.kind == "video" for medium in self.request.media)
        for row in self.offer.rows:
            if (
                row.resolution in (None, resolution)
                and row.audio in (None, audio)
                and row.video in (None, video)
                and (row.option is None or self.request.options.get(row.option))
            ):
                return row
        return None

    def amount(self) -> tuple[Decimal, str, bool] | None:
        """(units, in words, whether a bound); None: not even a bound is known."""
        if self.offer.unit == "clip":
            return Decimal(1), "1 clip", False
        length = self.seconds_out()
        if length is None:
            return None
        seconds, bound = length
        if self.offer.unit == "second":
            return seconds, f"{seconds} s", bound
        came_in, frame = self.seconds_in(), self.pixels()
        if came_in is None or frame is None:
            return None
        tokens = (seconds + came_in[0]) * frame[0] * FPS / 1024
        return tokens / 1_000_000, f"{tokens:.0f} tokens", bound or came_in[1] or frame[1]

    def seconds_out(self) -> tuple[Decimal, bool] | None:
        if edited := self.request.medium("base_video"):
            return self._measured(edited, self.offer.longest_edit)
        seconds = self.request.seconds
        if seconds is None:
            seconds = self.facts.default_seconds
        if seconds is not None and seconds > 0:
            return _decimal(seconds), False
        return (Decimal(max(self.facts.seconds)), True) if self.facts.seconds else None

    def seconds_in(self) -> tuple[Decimal, bool] | None:
        """Reference videos together; their limit is one for all of them (vendor)."""
        total = Decimal(0)
        for medium in self.request.references:
            if medium.kind == "video":
                length = self._measured(medium, self.offer.longest_input)
                if length is None or length[1]:
                    return length
                total += length[0]
        return total, False

    def pixels(self) -> tuple[int, bool] | None:
        """Of one frame; an adaptive ratio is priced at the largest frame of its class."""
        resolution = self.resolution()
        made = [row for row in self.facts.sizes if row.resolution == resolution and row.width]
        for row in made:
            if row.aspect_ratio == self.request.aspect_ratio:
                return row.width * row.height, False
        largest = max((row.width * row.height for row in made), default=None)
        return None if largest is None else (largest, True)

    def resolution(self) -> str | None:
        """The class that is billed; None when an explicit size stands in no table."""
        request, facts = self.request, self.facts
        if request.size is not None:
            row = _row_of(request.size, facts)
            return row.resolution if row else None
        by_mode = self.offer.modes.get(str(request.options.get("mode")))
        if by_mode and any(row.resolution == by_mode for row in facts.sizes):
            return by_mode
        if request.resolution is not None:
            return request.resolution
        usual = _row_of(facts.default_size, facts) if facts.default_size else None
        return usual.resolution if usual else facts.default_resolution

    def audio(self) -> bool:
        if self.facts.audio != "switch":
            return self.facts.audio != "never"
        return self.offer.sound_by_default if self.request.audio is None else self.request.audio

    def _measured(self, medium: Medium, longest: Decimal | None) -> tuple[Decimal, bool] | None:
        seconds = self.seconds_of(medium)
        if seconds is not None:
            return _decimal(seconds), False
        return None if longest is None else (longest, True)


def _row_of(size: str, facts: ModelFacts) -> FrameSize | None:
    names = ((row, (row.native, f"{row.width}x{row.height}")) for row in facts.sizes)
    return next((row for row, words in names if size in words), None)


def _rate(table: PriceTable, currency: str) -> Decimal | None:
    rate = table.rates.get(currency)
    return rate.usd if rate else None


def _rounded(amount: Decimal) -> Decimal:
    fine = amount.quantize(FINEST, ROUND_UP)
    return fine.quantize(CENT) if fine == fine.quantize(CENT) else fine


def _decimal(number: float) -> Decimal:
    return Decimal(str(number)).normalize() + 0


# ── the table from its data ─────────────────────────────────────────────────────────────────


def read_table(data: JSON, overrides: JSON = None, *, file: str = "reelmake.yaml") -> PriceTable:
    """The published table with a project's `prices:` laid over it.

    An override is a model id or family with USD a second, one offer, or a list of offers; `rates`
    beside them holds USD by currency. What is wrong stands in `.problems`, with JSON pointers into
    `file`, and is left out.
    """
    problems: list[Problem] = []
    published = _Reader("schemas/prices.yaml", "", problems)
    own = _Reader(file, "/prices", problems)
    below = published.mapping(data, ())
    above = own.mapping(overrides, ())
    models = {key: value for key, value in above.items() if key != "rates"}
    return PriceTable(
        layers=(own.models(models, ()), published.models(below.get("models"), ("models",))),
        rates=published.rates(below.get("rates")) | own.rates(above.get("rates")),
        problems=tuple(problems),
    )


Path = tuple[object, ...]
OFFER_KEYS = frozenset(Offer.__struct_fields__) | {"amount"}
ROW_KEYS = frozenset(Row.__struct_fields__)


class _Reader(Struct, frozen=True):
    """Reads plain data and notes what is wrong with it, with a pointer to where."""

    file: str
    root: str
    problems: list[Problem]

    def models(self, data: JSON, path: Path) -> dict[str, tuple[Offer, ...]]:
        found = {}
        for model, given in self.mapping(data, path).items():
            at = (*path, model)
            if isinstance(given, list):
                read = [self.offer(offer, (*at, n)) for n, offer in enumerate(given)]
            else:
                read = [self.offer(given, at)]
            found[str(model)] = tuple(offer for offer in read if offer)
        return found

    def offer(self, data: JSON, path: Path) -> Offer | None:
        if not isinstance(data, Mapping):
            amount = self.amount(data, path)
            return None if amount is None else Offer("second", (Row(amount),), self.file, "")
        self.known(data, OFFER_KEYS, path)
        unit = data.get("unit", "second")
        if unit not in UNITS:
            self.complain((*path, "unit"), unit, f"one of {', '.join(UNITS)}")
            return None
        return Offer(
            unit=unit,
            rows=self.rows(data, path),
            source=str(data.get("source", self.file)),
            date=str(data.get("date", "")),
            currency=str(data.get("currency", "USD")),
            sound_by_default=data.get("sound_by_default") is True,
            modes=self.mapping(data.get("modes"), (*path, "modes")),
            longest_input=self.optional(data, "longest_input", path),
            longest_edit=self.optional(data, "longest_edit", path),
            cheaper_with=self.words(data.get("cheaper_with"), (*path, "cheaper_with")),
        )

    def rows(self, data: Mapping[str, JSON], path: Path) -> tuple[Row, ...]:
        if "rows" not in data:
            amount = self.amount(data.get("amount"), (*path, "amount"))
            return () if amount is None else (Row(amount),)
        if not isinstance(data["rows"], list):
            self.complain((*path, "rows"), data["rows"], "a list of rows")
            return ()
        rows = [self.row(row, (*path, "rows", n)) for n, row in enumerate(data["rows"])]
        return tuple(row for row in rows if row)

    def row(self, data: JSON, path: Path) -> Row | None:
        data = self.mapping(data, path)
        self.known(data, ROW_KEYS, path)
        amount = self.amount(data.get("amount"), (*path, "amount"))
        others = {key: data.get(key) for key in ROW_KEYS - {"amount"}}
        return None if amount is None else Row(amount, **others)

    def rates(self, data: JSON) -> dict[str, Rate]:
        found = {}
        for currency, given in self.mapping(data, ("rates",)).items():
            entry = given if isinstance(given, Mapping) else {"usd": given, "source": self.file}
            usd = self.amount(entry.get("usd"), ("rates", currency))
            if usd is not None:
                source, date = str(entry.get("source", "")), str(entry.get("date", ""))
                found[str(currency)] = Rate(usd, source, date)
        return found

    def optional(self, data: Mapping[str, JSON], key: str, path: Path) -> Decimal | None:
        return self.amount(data[key], (*path, key)) if key in data else None

    def amount(self, value: JSON, path: Path) -> Decimal | None:
        """A number from nothing to a million, with the digits it was written with."""
        try:
            number = Decimal(str(value)) if isinstance(value, int | float | str) else None
        except InvalidOperation:
            number = None
        if isinstance(value, bool) or number is None or not number.is_finite():
            number = None
        if number is None or not 0 <= number <= MOST:
            self.complain(path, value, 'a number of at least 0, like "0.10"')
            return None
        return number

    def words(self, value: JSON, path: Path) -> tuple[str, ...]:
        if value is None or (isinstance(value, list) and all(isinstance(w, str) for w in value)):
            return tuple(value or ())
        self.complain(path, value, "a list of names of options")
        return ()

    def mapping(self, value: JSON, path: Path) -> Mapping[str, JSON]:
        if isinstance(value, Mapping):
            return value
        if value is not None:
            self.complain(path, value, "a mapping")
        return {}

    def known(self, data: Mapping[str, JSON], keys: frozenset[str], path: Path) -> None:
        for key in data:
            if key not in keys:
                self.complain((*path, key), data[key], f"one of {', '.join(sorted(keys))}")

    def complain(self, path: Path, value: object, wanted: str) -> None:
        parts = [str(part).replace("~", "~0").replace("/", "~1") for part in path]
        pointer = "/".join((self.root, *parts))
        message = f"{path[-1] if path else 'prices'} is {value!r}"
        at = Loc(self.file, 1, 1, pointer)
        self.problems.append(Problem("prices.value", message, at, hint=f"write {wanted}"))
