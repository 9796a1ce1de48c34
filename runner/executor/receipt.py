"""The saved form of an answer: what the journal keeps before anybody has judged it."""

import base64
from collections.abc import Mapping

from runner.gateway.receipt import Fault, Receipt
from runner.model import JSON

LIMIT = 256 * 1024  # bytes of a body; a job id stands in the first hundred


def save(receipt: Receipt) -> Mapping[str, JSON]:
    body = receipt.body[:LIMIT]
    try:
        kept: Mapping[str, JSON] = {"body": body.decode()}
    except UnicodeDecodeError:
        kept = {"base64": base64.b64encode(body).decode()}
    return {
        "status": receipt.status,
        "headers": [list(pair) for pair in receipt.headers],
        "fault": receipt.fault,
        "detail": receipt.detail,
        "sent": receipt.sent,
        **kept,
    }


def read(saved: Mapping[str, JSON]) -> Receipt:
    body = saved["body"].encode() if "body" in saved else base64.b64decode(saved["base64"])
    return Receipt(
        status=saved["status"],
        headers=tuple((name, value) for name, value in saved["headers"]),
        body=body,
        fault=Fault(saved["fault"]) if saved["fault"] else None,
        detail=saved["detail"],
        sent=saved["sent"],
    )
