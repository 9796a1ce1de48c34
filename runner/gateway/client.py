"""The calls of a gateway: submit once, look, fetch. Nothing here decides or repeats a submit.

What the far side or the network does comes back as a value. Exceptions are for what is wrong on
this side: a key that cannot be sent, a disk that cannot be written.
"""

import asyncio
import random
import ssl
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from runner.gateway.download import Check, Download, Fetched, is_whole_mp4
from runner.gateway.filing import Report, read_report
from runner.gateway.limits import Pace, Random
from runner.gateway.listing import Listing, read_list
from runner.gateway.profile import Profile
from runner.gateway.receipt import Fault, Receipt
from runner.gateway.wire import Wire, epoch
from runner.model import JobId


class Client:
    """An open line to one gateway. Use as an async context manager; one event loop, many tasks.

    Raises BadInput for a key that cannot stand in a header. No key: nothing is authorised.
    """

    def __init__(
        self,
        profile: Profile,
        key: str | None = None,
        *,
        verify: ssl.SSLContext | None = None,
        check: Check = is_whole_mp4,
        now: Callable[[], float] = epoch,
        rand: Random = random.random,
    ) -> None:
        self.profile = profile
        self._wire = Wire(profile, key, verify)
        self._check = check
        self._now, self._random = now, rand
        self._pace = Pace(profile.poll.a_second)

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._wire.close()

    async def submit(self, body: bytes, key: str | None = None, label: str = "") -> Receipt:
        """Exactly one POST, on a connection of its own. May cost money whatever comes back.

        `key` is the idempotency key and `label` the take's name; each travels only where the
        profile names a header for it.
        Cancelled in flight, the answer is lost and the attempt is in doubt: shield it.
        """
        if len(body) > self.profile.bounds.body:
            why = f"a body of {len(body)} bytes, {self.profile.bounds.body} are allowed"
            return Receipt(fault=Fault.TOO_LARGE, detail=why, sent=False)
        headers = [("Content-Type", "application/json"), ("Accept", "application/json")]
        headers.append(("Connection", "close"))
        if key and self.profile.dedupe.key_header:
            headers.append((self.profile.dedupe.key_header, key))
        if label and self.profile.label_header:
            headers.append((self.profile.label_header, label))
        return await self._wire.exchange(
            "POST",
            self.profile.videos_url,
            headers=headers,
            content=body,
            deadline=self.profile.deadlines.submit,
            use="submit",
        )

    async def look(self, job: JobId) -> Report:
        """One GET of a job's state; looking again after a failure is the poll schedule's affair.

        Waits its turn where the profile bounds looks, and while the gateway asked for a pause.
        """
        loop = asyncio.get_running_loop()
        if (wait := self._pace.book(loop.time())) > 0:
            await asyncio.sleep(wait)
        receipt = await self._wire.exchange(
            "GET",
            self._job_url(job),
            headers=[("Accept", "application/json")],
            deadline=self.profile.deadlines.look,
            use="look",
        )
        report = read_report(receipt, self.profile, job, self._now())
        if report.retry_after:
            self._pace.hold(loop.time() + report.retry_after)
        return report

    async def fetch(self, job: JobId, dest: Path) -> Fetched:
        """The result, whole and checked, in a file of its own beside `dest`.

        `Fetched.path` is that file: the caller makes it durable and moves it. Broken transfers
        are resumed or started again a few times; anything else is the caller's decision.
        Raises Outside when the file cannot be written.
        """
        url = f"{self._job_url(job)}/content"
        return await Download(self._wire, url, dest, self._check, self._random).run()

    async def list_jobs(self, since: float) -> Listing:
        """The account's jobs since a moment of the gateway's clock (epoch seconds).

        Only where the profile says that the gateway lists; else nothing is asked.
        """
        if not self.profile.lists:
            return Listing((), "unsupported", f"{self.profile.name} lists no jobs")
        return await read_list(self._wire, since)

    def _job_url(self, job: JobId) -> str:
        return f"{self.profile.videos_url}/{quote(job, safe='')}"
