"""ByteDance Jimeng 3.0: flat body, a ratio for size, one image, silent.

1080p is 1920x1088 in the file (seed); with a first frame the image decides the ratio (vendor).
"""

from runner.model import Body, Expected, ModelFacts, Request
from runner.vendors import base

NAME = "jimeng"
FIELDS = frozenset({"seconds", "audio", "seed", "first_frame", "options"}) | base.FRAMING
marker = base.no_marker


def shape(request: Request, facts: ModelFacts) -> Body:
    base.refuse_strangers(request, NAME, FIELDS)
    base.refuse_silence(request, facts)
    body = base.opening(request)
    if size := base.size(request, facts):
        body["size"] = size
    if first := request.medium("first_frame"):
        body["input_reference"] = base.attach(first)
    if request.seed is not None:
        body["seed"] = request.seed
    return base.close(base.join(request, body, request.options), {}, request.extra_body)


def expected(request: Request, facts: ModelFacts) -> Expected:
    framed = request.medium("first_frame") is None
    return base.expected(request, facts, audio=base.native_sound(request, facts), framed=framed)
