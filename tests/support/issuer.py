"""An issuer of tokens on this machine: its key set and metadata, which a test changes while it runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from tests.support.hostile import Server, response
from tests.support.tokens import public_jwk

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from tests.support.hostile import Connection, Received


class Issuer:
    """A server with a key set at `/keys`, and metadata where the standards put it.

    Args:
        kids: the ids of the keys in its set; key `name` is `private_key("ES256", name)`.
        path: the path of the issuer, such as `"/realms/a"`.
        fields: fields of the answer with the key set, such as `cache_control="max-age=60"`.
    """

    def __init__(self, *kids: str, path: str = "", **fields: str) -> None:
        self.kids = list(kids)
        self.fields = fields
        self.content: bytes | str | None = None
        self.status = 200
        self.broken: Callable[[Connection], None] | None = None
        self.gate: threading.Event | None = None
        self.metadata: dict[str, Any] = {}
        self._path = path
        self.server = Server(self._answer)

    def __enter__(self) -> Self:
        self.server.__enter__()
        self.metadata = {
            f"/.well-known/oauth-authorization-server{self._path}": {"issuer": self.issuer, "jwks_uri": self.keys_url},
        }
        return self

    def __exit__(self, *error: object) -> None:
        if self.gate is not None:
            self.gate.set()
        self.server.__exit__(*error)

    @property
    def issuer(self) -> str:
        """How its tokens name it."""
        return self.server.url + self._path

    @property
    def keys_url(self) -> str:
        """The URL of its key set."""
        return f"{self.server.url}/keys"

    @property
    def fetches(self) -> int:
        """How often its key set was asked for."""
        return sum(request.target == "/keys" for request in self.server.requests)

    def key_set(self) -> str:
        """Return its key set."""
        return json.dumps({"keys": [public_jwk("ES256", kid, kid=kid, alg="ES256", use="sig") for kid in self.kids]})

    def _answer(self, connection: Connection, request: Received) -> None:
        if request.target in self.metadata:
            found = self.metadata[request.target]
            connection.send(found if isinstance(found, bytes) else response(json.dumps(found)))
        elif request.target != "/keys":
            connection.send(response("<html>", 404, content_type="text/html"))
        else:
            if self.gate is not None:
                self.gate.wait(60)
            if self.broken is not None:
                self.broken(connection)
            else:
                content = self.key_set() if self.content is None else self.content
                connection.send(response(content, self.status, **self.fields))


__all__ = ["Issuer"]
