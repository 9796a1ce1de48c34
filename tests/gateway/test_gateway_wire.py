"""Names, certificates and proxies: what happens before a byte of the request may leave."""

import asyncio
import datetime
import os
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import trustme
from scripted import Connection, Scripted, reply, says, serving
from wires import BODY, KEY, STRICT, judged, profile, submitted

from runner.errors import Outside
from runner.gateway.client import Client
from runner.gateway.filing import Verdict, classify
from runner.gateway.receipt import Fault
from runner.model import Standing

ANSWER = reply(200, b'{"id":"v1","status":"queued"}')
CA = trustme.CA()
TRUSTING = ssl.create_default_context()
CA.configure_trust(TRUSTING)
YESTERDAY = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)


@pytest.fixture(autouse=True)
def _no_proxies_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def certified(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def old_protocol() -> ssl.SSLContext:
    context = certified(CA.issue_cert("127.0.0.1"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def test_a_trusted_certificate_is_good() -> None:
    """TLS to a server whose certificate fits: the request goes through as ever, every time."""
    tls = certified(CA.issue_cert("127.0.0.1"))
    with serving(says(ANSWER), tls=tls) as server:
        for _ in range(10):
            assert judged(server, verify=TRUSTING).job == "v1"


@pytest.mark.parametrize(
    "tls",
    [
        lambda: certified(trustme.CA().issue_cert("127.0.0.1")),
        lambda: certified(CA.issue_cert("other.example")),
        lambda: certified(CA.issue_cert("127.0.0.1", not_after=YESTERDAY)),
        old_protocol,
    ],
    ids=["unknown issuer", "other name", "expired", "old protocol"],
)
def test_a_bad_certificate_gets_no_key(tls: Callable[[], ssl.SSLContext]) -> None:
    """Nothing was sent, nothing gets better by trying, and the server never saw the key."""
    with serving(says(ANSWER), tls=tls()) as server:
        receipt = submitted(server, verify=TRUSTING)
        verdict = classify(receipt, profile(server))
    assert receipt.fault is Fault.TLS
    assert (verdict.standing, verdict.again, verdict.stops_all) == (Standing.NOT_SENT, False, True)
    assert server.asked == []


def test_the_usual_authorities_are_trusted_by_default() -> None:
    """Without a context of its own the client trusts no certificate of a test."""
    with serving(says(ANSWER), tls=certified(CA.issue_cert("127.0.0.1"))) as server:
        assert submitted(server).fault is Fault.TLS


@pytest.mark.parametrize("read", [0, 1, 50], ids=lambda read: f"{read} bytes")
def test_a_handshake_cut_short_may_be_tried_again(read: int) -> None:
    """The line broke before any secret: not sent, and the next try may get through."""

    def cut(at: Connection) -> None:
        if read:
            at.sock.recv(read)
        at.reset()

    with serving(cut) as server:
        url = server.url.replace("http:", "https:")
        verdicts = [judged(profile(url), verify=TRUSTING) for _ in range(5)]
    assert {(one.standing, one.again) for one in verdicts} == {(Standing.NOT_SENT, True)}


def test_a_handshake_that_hangs_ends() -> None:
    """The connect deadline covers the handshake."""
    with serving(lambda at: at.hang()) as server:
        url = server.url.replace("http:", "https:")
        verdict = judged(profile(url, deadlines=STRICT), verify=TRUSTING)
    assert (verdict.standing, verdict.again) == (Standing.NOT_SENT, True)


def test_a_server_without_tls_gets_no_key() -> None:
    """Plain HTTP behind an https URL: the key is not sent in the clear."""
    with serving(lambda at: at.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        url = server.url.replace("http:", "https:")
        receipt = submitted(profile(url), verify=TRUSTING)
    assert classify(receipt, profile(server)).standing is Standing.NOT_SENT
    assert server.asked == []


# ── names ───────────────────────────────────────────────────────────────────────────────────

Address = tuple[socket.AddressFamily, str, int]


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: Address) -> None:
    """The name service, and nothing else, is under the test's control."""

    def resolve(*_: object, **__: object) -> list[object]:
        return [
            (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))
            for family, host, port in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_the_second_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead first address costs a moment: one POST, at the living one."""
    with serving(says(ANSWER), tls=certified(CA.issue_cert("gateway.test"))) as server:
        resolve_to(
            monkeypatch,
            (socket.AF_INET, "127.0.0.2", server.port),
            (socket.AF_INET, "127.0.0.1", server.port),
        )
        known = profile(f"https://gateway.test:{server.port}")
        verdict = judged(known, verify=TRUSTING)
    assert verdict.job == "v1"
    assert len(server.asked) == 1


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port on ::1 where connections are never answered: its queue is full."""
    with socket.socket(socket.AF_INET6) as hole:
        hole.bind(("::1", 0))
        hole.listen(0)
        crowd = [socket.socket(socket.AF_INET6) for _ in range(4)]
        for sock in crowd:
            sock.setblocking(False)
            sock.connect_ex(hole.getsockname())
        yield hole.getsockname()[1]
        for sock in crowd:
            sock.close()


def test_an_ipv6_black_hole_is_walked_around(
    monkeypatch: pytest.MonkeyPatch, black_hole: int
) -> None:
    """IPv6 swallows everything, IPv4 is fine: found within the connect deadline."""
    with serving(says(ANSWER), tls=certified(CA.issue_cert("gateway.test"))) as server:
        resolve_to(
            monkeypatch,
            (socket.AF_INET6, "::1", black_hole),
            (socket.AF_INET, "127.0.0.1", server.port),
        )
        known = profile(f"https://gateway.test:{server.port}")
        verdict = judged(known, verify=TRUSTING)
    assert verdict.job == "v1"
    assert len(server.asked) == 1


@pytest.mark.parametrize("code", [socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL])
def test_a_name_service_that_fails(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Not found, busy, broken: nothing was sent, and the host is named."""

    def resolve(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(code, "no")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    receipt = submitted(profile("https://gateway.test"), verify=TRUSTING)
    assert receipt.fault is Fault.RESOLVE
    assert "gateway.test" in receipt.detail
    assert classify(receipt, profile("https://gateway.test")).standing is Standing.NOT_SENT


def test_a_name_service_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connect deadline covers the name, too."""
    asleep = threading.Event()

    def resolve(*_: object, **__: object) -> list[object]:
        asleep.wait(10)
        raise socket.gaierror(socket.EAI_AGAIN, "late")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    known = profile("https://gateway.test", deadlines=STRICT)

    async def run() -> Verdict:
        async with Client(known, KEY, verify=TRUSTING) as client:
            verdict = classify(await client.submit(BODY), known)
        asleep.set()
        return verdict

    assert asyncio.run(run()).standing is Standing.NOT_SENT


# ── proxies ─────────────────────────────────────────────────────────────────────────────────

PASSWORD = "proxy-pass-0123456789"


def through(monkeypatch: pytest.MonkeyPatch, proxy: Scripted) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", f"//user:{PASSWORD}@"))


def tunnel_to(port: int) -> Callable[[Connection], None]:
    """An ordinary CONNECT proxy with one destination."""

    def script(at: Connection) -> None:
        at.request()
        at.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", port)) as far:
            back = threading.Thread(target=pump, args=(far, at.sock))
            back.start()
            pump(at.sock, far)
            back.join()

    return script


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def test_through_a_proxy_the_request_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy learns the host and nothing else; the gateway gets one POST."""
    with (
        serving(says(ANSWER), tls=certified(CA.issue_cert("gateway.test"))) as server,
        serving(tunnel_to(server.port)) as proxy,
    ):
        through(monkeypatch, proxy)
        verdict = judged(profile(f"https://gateway.test:{server.port}"), verify=TRUSTING)
    assert verdict.job == "v1"
    assert [asked.method for asked in proxy.asked] == ["CONNECT"]
    assert proxy.asked[0].header("authorization") is None
    assert len(server.asked) == 1
    assert server.asked[0].header("proxy-authorization") is None


@pytest.mark.parametrize(
    "answer",
    [reply(407), reply(403), reply(502), b"HTTP/1.1 2", b"", b"SSH-2.0-x\r\n\r\n"],
    ids=["407", "403", "502", "cut", "closed", "not HTTP"],
)
def test_a_proxy_that_refuses_means_not_sent(
    monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    """Nothing of ours passed it; its own password is not shown."""
    with serving(says(answer)) as proxy:
        through(monkeypatch, proxy)
        receipt = submitted(profile("https://gateway.test"), verify=TRUSTING)
    assert classify(receipt, profile("https://gateway.test")).standing is Standing.NOT_SENT
    assert PASSWORD not in repr(receipt)


def test_this_machine_is_never_reached_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The local gateway is here; a proxy would look for it elsewhere."""
    with serving(says(ANSWER)) as server, serving(says(reply(502))) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        assert judged(server).job == "v1"
    assert proxy.connections == 0


def test_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts named in NO_PROXY are reached directly."""
    with (
        serving(says(ANSWER), tls=certified(CA.issue_cert("gateway.test"))) as server,
        serving(says(reply(502))) as proxy,
    ):
        through(monkeypatch, proxy)
        monkeypatch.setenv("NO_PROXY", "gateway.test")
        resolve_to(monkeypatch, (socket.AF_INET, "127.0.0.1", server.port))
        verdict = judged(profile(f"https://gateway.test:{server.port}"), verify=TRUSTING)
    assert verdict.job == "v1"
    assert proxy.connections == 0


def test_a_proxy_that_cannot_be_spoken_to_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A SOCKS proxy needs a library; the message says which, and hides the password."""
    monkeypatch.setenv("ALL_PROXY", f"socks5://user:{PASSWORD}@127.0.0.1:1")
    with pytest.raises(Outside, match="socks") as caught:
        submitted(profile("https://gateway.test"), verify=TRUSTING)
    assert PASSWORD not in str(caught.value)


def test_a_netrc_file_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Credentials lying around in the home folder go nowhere."""
    home = tmp_path_factory.mktemp("home")
    (home / ".netrc").write_text("machine 127.0.0.1 login someone password else\n")
    (home / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NETRC", str(home / ".netrc"))
    with serving(says(ANSWER)) as server:
        submitted(server)
    assert server.asked[0].header("authorization") == f"Bearer {KEY}"
