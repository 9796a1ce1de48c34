"""`reelmake models [VENDOR]`: what each model can do, how long, how large, for how much."""

import json
import os
from pathlib import Path

from runner.errors import BadInput, ExitCode
from runner.model import JSON, ModelFacts, Request
from runner.progress import Out
from runner.project import Project, project_here
from runner.schema.complaint import listed
from runner.schema.shots import rules_for


def main(out: Out, *, vendor: str | None, fmt: str) -> ExitCode:
    """The catalogue, with the project's own models and prices if run inside one."""
    project = project_here(Path.cwd(), os.environ)
    known = sorted({facts.vendor for facts in project.catalogue.models.values()})
    if vendor is not None and vendor not in known:
        raise BadInput(f"there is no vendor {vendor!r}", do=f"one of: {', '.join(known)}")
    models = [m for m in project.catalogue.models.values() if vendor in (None, m.vendor)]
    if fmt == "json":
        out.result(json.dumps({"models": [as_json(project, m) for m in models]}, indent=2))
        return ExitCode.DONE
    width = max(len(model.id) for model in models)
    for model in models:
        for line in lines(project, model, width):
            out.result(line)
    return ExitCode.DONE


def lines(project: Project, facts: ModelFacts, width: int) -> list[str]:
    status: str = facts.status
    if facts.retired:
        status = f"retired {facts.retired}"
        if facts.replacement:
            status += f", use {facts.replacement}"
    seconds = f"{listed(facts.seconds)} s" if facts.seconds else "lengths unknown"
    sizes = ", ".join(dict.fromkeys(size.resolution for size in facts.sizes)) or "sizes unknown"
    price = price_of(project, facts)
    return [
        f"{facts.id:{width}}  {status}",
        f"{'':{width}}  {seconds}; {sizes}; sound {facts.audio}; {price}",
        f"{'':{width}}  {' '.join(sorted(facts.capabilities))}",
    ]


def price_of(project: Project, facts: ModelFacts) -> str:
    """The price of the model's default clip, for orientation."""
    seconds = facts.default_seconds or next(iter(facts.seconds), None)
    estimate = project.estimate(Request(facts.id, "", seconds=seconds))
    if estimate is None:
        return "price unknown"
    return f"{estimate.cost} for {seconds} s ({estimate.basis})"


def as_json(project: Project, facts: ModelFacts) -> dict[str, JSON]:
    seconds = facts.default_seconds or next(iter(facts.seconds), None)
    estimate = project.estimate(Request(facts.id, "", seconds=seconds))
    return {
        "id": facts.id,
        "vendor": facts.vendor,
        "family": facts.family,
        "status": facts.status,
        "retired": facts.retired,
        "replacement": facts.replacement,
        "capabilities": sorted(facts.capabilities),
        "seconds": list(facts.seconds),
        "default_seconds": facts.default_seconds,
        "sizes": [
            {
                "resolution": size.resolution,
                "aspect_ratio": size.aspect_ratio,
                "native": size.native,
                "width": size.width or None,
                "height": size.height or None,
            }
            for size in facts.sizes
        ],
        "audio": facts.audio,
        "rules": sorted(
            rule.id
            for on in ("shot", "medium", "media")
            for rule, _ in rules_for(project.catalogue, facts, on)
        ),
        "price": estimate
        and {
            "amount": str(estimate.cost.amount),
            "currency": estimate.cost.currency,
            "seconds": seconds,
            "basis": estimate.basis,
        },
        "notes": facts.notes,
        "source": facts.source,
    }
