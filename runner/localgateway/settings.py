"""How a gateway is asked to behave for its whole life."""

from pathlib import Path
from typing import Literal

from msgspec import Struct

Contract = Literal["quarantine", "listed", "keyed"]


class Settings(Struct, frozen=True):
    """Times are seconds.

    `contract` says what the gateway can be asked afterwards: nothing (quarantine, as the real
    one), a list of own jobs (listed), or the same POST again under its Idempotency-Key (keyed).
    """

    host: str = "127.0.0.1"
    port: int = 0  # 0: any free one
    key: str | None = None  # None: any key that is not empty
    render_seconds: tuple[float, float] = (2.0, 2.0)  # from, to; drawn per job
    slates: Literal["drawn", "plain"] = "drawn"
    content_bytes: int = 0  # films are padded to at least so many bytes
    ledger: Path | None = None
    chaos: Path | None = None
    contract: Contract = "quarantine"
    accept_delay: float = 0.0  # between the last byte of a POST and the job's existence
    list_lag: float = 0.0  # between a job's existence and its place in the list
    key_retention: float = 86_400.0  # how long an Idempotency-Key is remembered
    retention: float = 86_400.0  # how long a film can be fetched
    seed: int | None = None  # equal ids and films for equal requests in equal order
    keep: Path | None = None  # folder where jobs survive a restart
    strangers: bool = False  # models of unknown vendors are let in
