"""Servers that do exactly what a test says, byte by byte, on real sockets in real threads."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Script = Callable[["Connection"], None]


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass
class Connection:
    """The server's end of one connection."""

    sock: socket.socket
    server: "Scripted"

    def request(self) -> Asked:
        """Reads one whole request and notes it."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._some(1)
        lines = head.decode("latin-1").split("\r\n")[:-2]
        method, target, _ = lines[0].split(" ")
        headers = tuple((k, v.strip()) for k, _, v in (line.partition(":") for line in lines[1:]))
        length = next((int(v) for k, v in headers if k.lower() == "content-length"), 0)
        body = b""
        while len(body) < length:
            body += self._some(min(65536, length - len(body)))
        asked = Asked(method, target, headers, body)
        self.server.asked.append(asked)
        return asked

    def _some(self, size: int) -> bytes:
        got = self.sock.recv(size)
        if not got:
            raise ConnectionError("the client went away")
        return got

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def reset(self) -> None:
        """Closes with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def hang(self) -> None:
        """Says nothing until the client goes away."""
        with suppress(OSError):
            while self.sock.recv(65536):
                pass

    def drip(self, data: bytes) -> None:
        """One byte at a time, for ever if need be, until the client goes away."""
        self.sock.settimeout(0.01)
        with suppress(OSError):
            for byte in data:
                self.sock.sendall(bytes([byte]))
                with suppress(TimeoutError):
                    if not self.sock.recv(1):
                        return


@dataclass
class Scripted:
    """A server on loopback: connection n gets script n, the last one all that follow."""

    scripts: tuple[Script, ...]
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    name: str | None = None  # what to call it in the URL
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((self.host, 0))
        self._listener.listen(64)
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        host = self.name or (f"[{self.host}]" if ":" in self.host else self.host)
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            script = self.scripts[min(self.connections, len(self.scripts) - 1)]
            self.connections += 1
            self._open.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock, script), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, script: Script) -> None:
        with suppress(OSError):
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
                self._open.append(sock)
            script(Connection(sock, self))
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()

    def finished(self) -> list[threading.Thread]:
        """The threads of the connections so far; joining them waits until they are closed."""
        return self._threads[1:]

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for sock in self._open:
            sock.close()


@contextmanager
def serving(*scripts: Script, tls: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    server = Scripted(scripts, tls)
    try:
        yield server
    finally:
        server.close()


def reply(
    status: int = 200, body: bytes = b"", *headers: tuple[str, str], length: int | None = None
) -> bytes:
    """An HTTP/1.1 answer; `length` may lie."""
    lines = [f"HTTP/1.1 {status} Said So"]
    lines += [f"{key}: {value}" for key, value in headers]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def says(*answers: bytes) -> Script:
    """Answers one request after another on the same connection, then closes it."""

    def script(at: Connection) -> None:
        for answer in answers:
            at.request()
            at.send(answer)

    return script


def forever(answer: bytes) -> Script:
    """The same answer to every request, on a connection that is kept."""

    def script(at: Connection) -> None:
        while True:
            at.request()
            at.send(answer)

    return script


def box(name: bytes, payload: bytes = b"") -> bytes:
    """An MP4 box."""
    return struct.pack(">I", 8 + len(payload)) + name + payload


def film(filler: int = 2000) -> bytes:
    """Bytes with the outline of an MP4; whether it plays is nobody's business here."""
    pattern = bytes(range(256)) * (filler // 256 + 1)
    return (
        box(b"ftyp", b"isom\x00\x00\x02\x00isomiso2")
        + box(b"moov", box(b"trak", box(b"tkhd", b"\0" * 84)))
        + box(b"mdat", pattern[:filler])
    )
