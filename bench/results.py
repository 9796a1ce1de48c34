"""Every sample in results.json; what they mean, and whether it is enough, in results.md."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.cold import exponent

HERE = Path(__file__).parent
DATA, PAGE = HERE / "results.json", HERE / "results.md"
Found = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One promise: what was measured against what, the ratio, and the floor."""

    measure: str
    against: str
    value: float
    floor: float
    more: bool = False  # the value must be at least the floor
    unit: str = " x"
    luck: float = 0.0  # as much of the value as nothing could have avoided

    @property
    def holds(self) -> bool:
        return self.value >= self.floor if self.more else self.value <= self.floor

    def line(self) -> str:
        sign = "≥" if self.more else "≤"
        verdict = "holds" if self.holds else "**does not hold**"
        if not self.holds and self.luck > self.floor:
            verdict += f"; luck alone: {self.luck:.3g}{self.unit}"
        floor, value = f"{sign} {self.floor:g}{self.unit}", f"{self.value:.3g}{self.unit}"
        return f"| {self.measure} | {self.against} | {floor} | {value} | {verdict} |"


def read() -> Found:
    return json.loads(DATA.read_text()) if DATA.exists() else {}


def write(found: Found) -> None:
    DATA.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(page(found))


def rows(found: Found) -> Iterator[Row]:
    """The promises whose measures are there."""
    get = {name: section["found"] for name, section in found.items()}
    if "start" in get:
        click = middle(get["start"], "import click")
        for word, floor in (("--version", 1.2), ("--help", 1.4)):
            yield Row(f"`{word}`", "`import click`", middle(get["start"], word) / click, floor)
    if "noop" in get:
        yield from noop_rows(get["noop"])
    if "10000" in get.get("change", {}):
        samples = get["change"]["10000"]
        ratio = middle(samples, "plan, one prompt") / middle(samples, "plan, nothing to do")
        yield Row("`plan`, one prompt of 10,000 changed", "own no-op", ratio, 4)
        if "plan, one prompt, 20 files" in samples:
            whole = middle(samples, "plan, nothing to do, 20 files")
            ratio = middle(samples, "plan, one prompt, 20 files") / whole
            yield Row("the same of a film in 20 files", "own no-op", ratio, 4)
    if "read" in get:
        for kind, name in (("samples", "of three lines"), ("in full", "of nine lines")):
            samples = get["read"][kind]
            ratio = middle(samples, "validate") / middle(samples, "libyaml events")
            what = f"cold `validate`, {get['read']['shots']:,} shots {name}"
            yield Row(what, "libyaml event scan", ratio, 5)
    if "wire" in get:
        walls = {
            name: median(run[0] for run in runs) for name, runs in get["wire"]["samples"].items()
        }
        ratio = walls["httpx, 100 connections"] / walls["reelmake, everything"]
        jobs = f"{get['wire']['jobs']:,} jobs, every durability step, 100 POSTs in flight"
        yield Row(jobs, "the loop on httpx, 100 connections", ratio, 3, more=True)
    if "scale" in get:
        yield from scale_rows(get["scale"])
    if "simulated" in get:
        ends, polls = get["simulated"]["order"], get["simulated"]["polls"]
        yield from makespan_rows(ends)
        firm = [polls[name] for name in ("95 s ± 8 %", "120 s ± 10 %", "300 s ± 10 %")]
        yield Row("looks a job, typical durations", "every 15 s", max(f[0] for f in firm), 0.5)
        yield Row("detection delay, typical durations", "every 15 s", max(f[1] for f in firm), 0.5)


def makespan_rows(ends: Found) -> Iterator[Row]:
    bound, learned = "lower bound", "makespan, renders within 10 % of what the journal expects"
    yield Row(f"{learned}, median", bound, ends["learned, median"], 1.05)
    yield Row(f"{learned}, worst", bound, ends["learned, worst"], 1.15)
    anyhow = "makespan, renders that vary by 2"
    yield Row(f"{anyhow}, median", bound, ends["median"], 1.05)
    yield Row(f"{anyhow}, worst", f"{bound} if nobody can foresee", ends["blind, worst"], 1.15)
    yield Row(f"{anyhow}, worst", bound, ends["worst"], 1.15, luck=ends["luck, worst"])


def noop_rows(noop: Found) -> Iterator[Row]:
    if "10000" in noop:
        samples = noop["10000"]
        ours = middle(samples, "reelmake run")
        yield Row("no-op `run`, 10,000 shots", "ninja", ours / middle(samples, "ninja"), 3)
        yield Row("no-op `run`, 10,000 shots", "doit", middle(samples, "doit") / ours, 4, more=True)
    if "1000" in noop:
        samples = noop["1000"]
        ratio = middle(samples, "snakemake") / middle(samples, "reelmake run")
        against = "Snakemake (too slow to build 10,000)"
        yield Row("no-op `run`, 1,000 shots", against, ratio, 30, more=True)
    samples = noop["100"]
    ratio = middle(samples, "reelmake run") / middle(samples, "import click")
    yield Row("no-op `run`, 100 shots", "`import click`", ratio, 1.7)


def scale_rows(scale: Found) -> Iterator[Row]:
    flight, film = scale["flight"], scale["film"]
    what = f"{flight['takes']:,} in flight, {flight['render seconds']:g} s renders"
    yield Row(what, "processor", flight["cores"], 1, unit=" cores")
    yield Row(what, "memory", flight["MB"], 400, unit=" MB")
    yield Row(what, "latest look, in its intervals", flight["lateness, worst"], 2)
    size = f"a film of {film['bytes'] / 1e9:.1f} GB"
    yield Row(size, "memory it adds", film["MB grown"], 50, unit=" MB")


def middle(samples: dict[str, list[float]], name: str) -> float:
    return median(samples[name])


# ── the page ────────────────────────────────────────────────────────────────────────────────


def page(found: Found) -> str:
    return "\n".join(filter(None, sections(found))) + "\n"


def sections(found: Found) -> Iterator[str]:
    yield "# Measured\n"
    yield "Written by `make bench`; every sample is in `results.json`. Ratios are those of medians"
    yield "of one run, in which everybody took turns on the same machine. How it is done, and what"
    yield "it means: `docs/performance.md`.\n"
    yield "| measure | against | floor | measured | |\n|---|---|---|---|---|"
    yield from (row.line() for row in rows(found))
    get = {name: section["found"] for name, section in found.items()}
    if "start" in get:
        yield "\n## One start\n\nMilliseconds.\n" + table(
            ["", *get["start"]], [["", *ms(get["start"])]]
        )
    if "noop" in get:
        yield "\n## Nothing to do\n\nMilliseconds; every fifth target hangs on the one before.\n"
        yield by_size(get["noop"])
        yield "\nWhere there is no number, building all of it once would have taken too long."
    if "change" in get:
        yield "\n## One prompt changed\n\nMilliseconds.\n\n" + by_size(get["change"])
    if "read" in get:
        yield f"\n## Cold: {get['read']['shots']:,} shots\n\nMilliseconds.\n"
        lean, full = get["read"]["samples"], get["read"]["in full"]
        lines = [["shots of three lines", *ms(lean)], ["shots of nine lines", *ms(full)]]
        yield table(["", *lean], lines)
        yield f"\nWhere it goes (profiled, so slower):\n\n```\n{get['read']['profile']}\n```"
    if "growth" in get:
        yield from growth_section(get["growth"])
    if "wire" in get:
        yield from wire_section(get["wire"])
    if "simulated" in get:
        yield from simulated_section(get["simulated"])
    if "scale" in get:
        yield "\n## Scale\n"
        pairs = {
            **get["scale"]["flight"],
            **{f"film: {k}": v for k, v in get["scale"]["film"].items()},
        }
        yield table(["", ""], [[name, f"{value:,.4g}"] for name, value in pairs.items()])
    yield "\n## Machines\n"
    for name, section in found.items():
        said = section["machine"]
        yield (
            f"- {name}: {said['when']}, {said['system']}, {said['cores']} cores, load"
            f" {said['load']:.1f}, Python {said['python']}"
        )
    versions = next(iter(found.values()))["machine"]["peers"] if found else {}
    yield "- peers: " + ", ".join(f"{name} {version}" for name, version in versions.items())


def growth_section(growth: Found) -> Iterator[str]:
    yield "\n## A plan on paper\n\nA whole `plan` of a film nothing of which exists yet.\n"
    yield table(
        ["shots", "seconds", "peak MB"],
        [
            [f"{int(size):,}", f"{seconds:.2f}", f"{mb:.0f}"]
            for (size, seconds), (_, mb) in zip(growth["seconds"], growth["MB"], strict=True)
        ],
    )
    time, memory = exponent(growth["seconds"]), exponent(growth["MB"])
    yield (
        f"\nBetween the last two sizes time grows with the {time:.2f}th power of the shots,"
        f" memory with the {memory:.2f}th."
    )


def wire_section(wire: Found) -> Iterator[str]:
    yield f"\n## The wire: {wire['jobs']:,} jobs without latency\n"
    base = median(run[0] for run in wire["samples"]["httpx, 100 connections"])
    lines = []
    for name, runs in wire["samples"].items():
        wall, cpu = (median(run[i] for run in runs) for i in (0, 1))
        lines.append(
            [
                name,
                f"{wall:.2f}",
                f"{wire['jobs'] / wall:.0f}",
                f"{cpu:.2f}",
                f"{base / wall:.1f} x",
            ]
        )
    yield table(["client", "s", "jobs/s", "CPU s", "times as fast"], lines)


def simulated_section(simulated: Found) -> Iterator[str]:
    ends = simulated["order"]
    yield "\n## Simulated\n"
    yield (
        f"{ends['films']:,} random films of 100 to 300 shots, limits as vendors publish them; the"
        " end of the film over a bound that no order beats. Where a vendor's models differ and each"
        " render takes within 10 % of what its model usually does: median"
        f" {ends['learned, median']:.3f}, 99 of 100 within {ends['learned, 99 of 100']:.3f}, worst"
        f" {ends['learned, worst']:.3f}. Where renders of one model vary by 2: median"
        f" {ends['median']:.3f}, 99 of 100 within"
        f" {ends['99 of 100']:.3f}, worst {ends['worst']:.3f}. That bound knows every duration"
        f" beforehand: with no shot waiting for another, where order cannot matter, luck alone puts"
        f" {ends['luck, above 1.15']:.0f} of these films beyond 1.15, the worst at"
        f" {ends['luck, worst']:.3f}. Over a bound for orders that cannot foresee:"
        f" median {ends['blind, median']:.3f}, worst {ends['blind, worst']:.3f}.\n"
    )
    yield "Looks at a job after 50 renders of the model, over a look every 15 s:\n"
    yield table(
        ["renders take", "looks", "lateness"],
        [[name, f"{a:.2f} x", f"{b:.2f} x"] for name, (a, b) in simulated["polls"].items()],
    )


def by_size(sizes: Found) -> str:
    names = list(dict.fromkeys(name for samples in sizes.values() for name in samples))
    lines = [
        [name, *(f"{median(s[name]) * 1000:,.0f}" if name in s else "-" for s in sizes.values())]
        for name in names
    ]
    return table(["", *(f"{int(size):,}" for size in sizes)], lines)


def ms(samples: dict[str, list[float]]) -> list[str]:
    return [f"{median(values) * 1000:,.0f}" for values in samples.values()]


def table(head: list[str], lines: list[list[str]]) -> str:
    rule = ["---"] * len(head)
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *lines))
