"""A real HTTP server that answers whatever a test wants, octet by octet, and certificates for it."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import anyio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from watchword.operation import Operation, Steps, arun

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_LONGEST = 1 << 20


@dataclass(frozen=True)
class Received:
    """One request, as it came."""

    method: str
    target: str
    fields: dict[str, str]
    content: bytes


@dataclass
class Connection:
    """One connection of a client.

    Args:
        socket: the socket.
        stopping: is set when the test ends.
    """

    socket: socket.socket
    stopping: threading.Event = field(repr=False)

    def send(self, octets: bytes) -> None:
        """Send octets, as long as the client takes them."""
        with suppress(OSError):
            self.socket.sendall(octets)

    def drip(self, octets: bytes, every: float = 0.02, first: bytes = b"") -> None:
        """Send octets one by one after the first ones, for as long as the test goes on, and begin again at the end."""
        self.send(first)
        while True:
            for octet in octets:
                if self.stopping.wait(every):
                    return
                try:
                    self.socket.sendall(bytes([octet]))
                except OSError:
                    return

    def hang(self) -> None:
        """Say nothing until the test ends."""
        self.stopping.wait()


class Server:
    """A server on an address of this machine, for the time of a `with` block.

    Args:
        answer: answers a request. It may be replaced while the server runs.
        tls: serves https.
        address: where it listens.
        port: the port; 0: any.
    """

    def __init__(
        self,
        answer: Callable[[Connection, Received], None],
        *,
        tls: ssl.SSLContext | None = None,
        address: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.answer = answer
        self.requests: list[Received] = []
        self.connections = 0
        self._tls = tls
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listening = socket.socket(family)
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listening.bind((address, port))
        self.address = address
        self.port: int = self._listening.getsockname()[1]

    @property
    def url(self) -> str:
        """The URL of its root, by its address."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'http' if self._tls is None else 'https'}://{host}:{self.port}"

    def __enter__(self) -> Self:
        self._listening.listen(256)
        self._start(self._accept)
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop."""
        self._stopping.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(30)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                accepted, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            self._start(lambda accepted=accepted: self._serve(accepted))  # type: ignore[misc]

    def _serve(self, accepted: socket.socket) -> None:
        with accepted:
            accepted.settimeout(20)
            try:
                used = accepted if self._tls is None else self._tls.wrap_socket(accepted, server_side=True)
            except OSError:
                return
            with used:
                try:
                    received = _received(used)
                except OSError:
                    return
                if received is not None:
                    self.requests.append(received)
                    self.answer(Connection(used, self._stopping), received)


def _received(used: socket.socket) -> Received | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = used.recv(65536)
        data += more
        if not more or len(data) > _LONGEST or data.startswith(b"\x16"):  # a client that begins with TLS
            return None
    head, _, content = data.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = line.split(" ")
    fields = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
    while len(content) < int(fields.get("content-length", "0")):
        content += used.recv(65536)
    return Received(method, target, fields, content)


def response(content: bytes | str = b"", status: int = 200, **fields: str) -> bytes:
    """Return a whole response. `content_type="text/html"` is the field Content-Type; a field of None is left out."""
    octets = content.encode() if isinstance(content, str) else content
    sent = {"Content-Type": "application/json", "Content-Length": str(len(octets)), "Connection": "close"}
    sent |= {name.replace("_", "-").title(): value for name, value in fields.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items() if value)
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode("latin-1") + octets


def answering(content: bytes | str = b"", status: int = 200, **fields: str) -> Callable[[Connection, Received], None]:
    """Return an answer that is always the same."""
    octets = response(content, status, **fields)
    return lambda connection, _: connection.send(octets)


def _by_asyncio(operation: Operation[T]) -> T:
    return anyio.run(_awaited, operation)


def _by_trio(operation: Operation[T]) -> T:
    return anyio.run(_awaited, operation, backend="trio")


async def _awaited(operation: Operation[T]) -> T:
    def steps() -> Steps[T]:
        return (yield operation)

    return await arun(steps())


WORLDS: dict[str, Callable[[Operation[Any]], Any]] = {"sync": lambda operation: operation.run(), "asyncio": _by_asyncio, "trio": _by_trio}
"""How an operation is run: in this thread, and on an event loop of its own."""


class Authority:
    """A certificate authority of the test run."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "watchword test authority")])
        self._certificate = self._signed(self._name, self._key.public_key(), authority=True)
        self._folder = tempfile.TemporaryDirectory()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._folder.cleanup()

    def client(self) -> ssl.SSLContext:
        """Return what a client needs to trust it."""
        return ssl.create_default_context(cadata=self.pem())

    def pem(self) -> str:
        """Return its certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def server(self, *names: str) -> ssl.SSLContext:
        """Return what a server of some names, or addresses, needs."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = self._signed(subject, key.public_key(), names=names)
        path = Path(self._folder.name) / f"{certificate.serial_number}.pem"
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _signed(self, subject: x509.Name, key: Any, *, authority: bool = False, names: tuple[str, ...] = ()) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        own = self._key.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            # Python 3.13 checks strictly, and wants it on leaves.
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(own), critical=False)
            .add_extension(_usage(authority=authority), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _usage(*, authority: bool) -> x509.KeyUsage:
    off = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"), False
    )
    return x509.KeyUsage(digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, **off)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


__all__ = ["WORLDS", "Authority", "Connection", "Received", "Server", "answering", "response"]
