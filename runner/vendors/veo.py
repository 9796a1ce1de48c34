"""Google Veo: flat body, a size token or pixels, one image (3.1), sound described in the prompt.

Portrait is asked for in pixels: `aspect_ratio` beside the token "720p" was accepted and gave
1280x720 (probe 2026-04), so the adapter never sends `aspect_ratio`.
"""

from runner.model import Body, Expected, ModelFacts, Request
from runner.vendors import base

NAME = "veo"
FIELDS = (
    frozenset({"seconds", "audio", "seed", "negative_prompt", "first_frame", "options"})
    | base.FRAMING
)
marker = base.no_marker


def shape(request: Request, facts: ModelFacts) -> Body:
    base.refuse_strangers(request, NAME, FIELDS)
    base.refuse_silence(request, facts)
    body = base.opening(request)
    if size := base.size(request, facts):
        body["size"] = size
    if first := request.medium("first_frame"):
        body["input_reference"] = base.attach(first)
    if request.negative_prompt is not None:
        body["negative_prompt"] = request.negative_prompt
    if request.seed is not None:
        body["seed"] = request.seed
    return base.close(base.join(request, body, request.options), {}, request.extra_body)


def expected(request: Request, facts: ModelFacts) -> Expected:
    return base.expected(request, facts, audio=base.native_sound(request, facts))
