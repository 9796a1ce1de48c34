"""The gateway in memory is held against the built-in one over real HTTP: same story, same books."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest
from fake_gateway import PROFILE, FakeGateway, each_its_own, small_film
from msgspec.structs import replace
from virtual_time import run_virtually

from runner.executor.parts import Client as AnyClient
from runner.gateway.client import Client
from runner.gateway.download import Got
from runner.gateway.filing import State, classify
from runner.gateway.profile import Dedupe, Profile
from runner.gateway.receipt import Receipt
from runner.localgateway.server import start_in_thread
from runner.localgateway.settings import Contract, Settings
from runner.model import JobId, Standing

BODY = b'{"model":"sora-2","prompt":"a pier at night","seconds":"4","size":"1280x720"}'
OTHER = BODY.replace(b"pier", b"boat")


@dataclass(frozen=True)
class Seen:
    """What a client saw of one story; equal for both gateways."""

    same_job_for_a_key: bool
    listed: tuple[str, ...]
    before: State
    after: State
    fetched: Got
    unknown: State


async def story(client: AnyClient, profile: Profile, folder: Path) -> Seen:
    def job(receipt: Receipt) -> JobId:
        verdict = classify(receipt, profile)
        assert verdict.standing is Standing.ACCEPTED
        assert verdict.job
        return verdict.job

    first = job(await client.submit(BODY, "key-1"))
    again = job(await client.submit(BODY, "key-1"))
    job(await client.submit(OTHER, "key-2"))
    listing = await client.list_jobs(0.0)
    before = after = (await client.look(first)).state
    while after in (State.QUEUED, State.RUNNING):
        await asyncio.sleep(0.02)
        after = (await client.look(first)).state
    return Seen(
        same_job_for_a_key=first == again,
        listed=tuple(entry.prompt or "" for entry in listing.jobs),
        before=State.RUNNING if before is State.QUEUED else before,
        after=after,
        fetched=(await client.fetch(first, folder / "film.mp4")).got,
        unknown=(await client.look(JobId("no-such-job"))).state,
    )


def profile_of(contract: str, base_url: str = PROFILE.base_url) -> Profile:
    dedupe = {
        "keyed": Dedupe("keyed", key_header="Idempotency-Key", retention=3600.0),
        "listed": Dedupe("listed", quiet=1.0),
        "quarantine": Dedupe(),
    }[contract]
    return replace(PROFILE, dedupe=dedupe, lists=contract == "listed", base_url=base_url)


def in_memory(contract: str, folder: Path) -> Seen:
    film = small_film(seconds=0.2, audio=False)
    gateway = FakeGateway(each_its_own(film), renders=1.0, profile=profile_of(contract))
    return run_virtually(story(gateway, gateway.profile, folder))


def over_http(contract: Contract, folder: Path) -> Seen:
    async def told(profile: Profile) -> Seen:
        async with Client(profile, "any-key") as client:
            return await story(client, profile, folder)

    settings = Settings(render_seconds=(0.3, 0.3), slates="plain", contract=contract)
    with start_in_thread(settings) as url:
        return asyncio.run(told(profile_of(contract, url)))


@pytest.mark.parametrize("contract", get_args(Contract))
def test_both_gateways_tell_the_same_story(contract: Contract, tmp_path: Path) -> None:
    """A fake that behaves otherwise than the real thing would prove nothing."""
    assert in_memory(contract, tmp_path) == over_http(contract, tmp_path)
