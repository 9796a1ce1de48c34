"""Compares what was asked, what the gateway says it renders, and what the file is."""

from collections.abc import Iterator, Mapping

from runner.model import Expected, Finding, ModelId, Probe

CLOSE = 0.35  # s: codecs round to whole frames, vendors to whole GOPs
WITHIN = 16  # pixels: 1080 lines come back as 1088 (Jimeng's own table)


def review(
    model: ModelId, expected: Expected, echo: Mapping[str, str], probe: Probe
) -> tuple[Finding, ...]:
    """Every difference, as something for a person to look at. Nothing is rendered again for it."""
    return tuple(findings(model, expected, echo, probe))


def findings(
    model: ModelId, expected: Expected, echo: Mapping[str, str], probe: Probe
) -> Iterator[Finding]:
    if echo.get("model") and echo["model"] != model:
        yield Finding("take.model", f"asked for {model}, the gateway says {echo['model']}")
    if expected.seconds is not None and abs(expected.seconds - probe.seconds) > CLOSE:
        yield Finding(
            "take.seconds", f"asked for {expected.seconds:g} s, the file has {probe.seconds:.2f} s"
        )
    if not same_size(expected, probe):
        asked = f"{expected.width}x{expected.height}"
        yield Finding("take.size", f"asked for {asked}, the file has {probe.width}x{probe.height}")
    if expected.audio is True and not probe.audio:
        yield Finding("take.audio", "asked for sound, the file has none")
    if expected.audio is False and probe.audio:
        yield Finding("take.audio", "asked for silence, the file has sound")


def same_size(expected: Expected, probe: Probe) -> bool:
    if not expected.width or not expected.height:
        return True
    return (
        abs(expected.width - probe.width) <= WITHIN
        and abs(expected.height - probe.height) <= WITHIN
    )
