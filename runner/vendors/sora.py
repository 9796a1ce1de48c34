"""OpenAI Sora: flat body, pixels for size, one image as an object.

It never takes `duration` or `aspect_ratio` (seed; the upstream answers "Unknown parameter").
"""

from runner.model import Body, Expected, ModelFacts, Request
from runner.vendors import base

NAME = "sora"
FIELDS = frozenset({"seconds", "audio", "first_frame", "options"}) | base.FRAMING
marker = base.no_marker


def shape(request: Request, facts: ModelFacts) -> Body:
    base.refuse_strangers(request, NAME, FIELDS)
    base.refuse_silence(request, facts)
    body = base.opening(request)
    if size := base.size(request, facts):
        body["size"] = size
    if first := request.medium("first_frame"):
        # A bare string is answered 400 "expected an object" (seen 2026-06 by the gateway's own
        # request shaper), although the gateway's page prints strings.
        body["input_reference"] = {"image_url": base.attach(first)}
    return base.close(base.join(request, body, request.options), {}, request.extra_body)


def expected(request: Request, facts: ModelFacts) -> Expected:
    return base.expected(request, facts, audio=base.native_sound(request, facts))
