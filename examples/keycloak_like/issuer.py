"""An issuer in the shape of Keycloak, for tests: metadata, a key set that rotates, and tokens with roles of the realm."""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import RSAKey


class Issuer:
    """A realm on a free port, for the time of a `with` block."""

    def __init__(self) -> None:
        self.paths: list[str] = []  # what was asked for
        self.is_down = False
        self._keys: list[RSAKey] = []
        self.rotate()
        realm = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                realm.paths.append(self.path)
                document = None if realm.is_down else realm.documents().get(self.path)
                content = json.dumps(document or {"error": "not found"}).encode()
                self.send_response(200 if document else 503 if realm.is_down else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Cache-Control", "no-cache")  # as Keycloak does
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self._server.server_port}/realms/shop"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def documents(self) -> dict[str, Any]:
        certs = "/realms/shop/protocol/openid-connect/certs"
        keys = [key.as_dict(private=False) for key in self._keys]
        other = {**keys[0], "kid": "enc", "use": "enc", "alg": "RSA-OAEP"}  # Keycloak publishes one for encryption, too
        return {
            "/realms/shop/.well-known/openid-configuration": {
                "issuer": self.url,
                "jwks_uri": self.url.removesuffix("/realms/shop") + certs,
            },
            certs: {"keys": [*keys, other]},
        }

    def rotate(self) -> None:
        """Sign with a new key from now on. The old one stays in the set."""
        self._keys.insert(0, RSAKey.generate_key(2048, parameters={"kid": uuid4().hex, "use": "sig", "alg": "RS256"}))

    def token(self, name: str, *, roles: tuple[str, ...] = (), scope: str = "orders", **claims: object) -> str:
        """Return an access token."""
        now = int(time.time())
        body = {"exp": now + 300, "iat": now, "jti": uuid4().hex, "iss": self.url, "aud": ["orders-api", "account"], "sub": f"id-of-{name}"}
        body |= {"typ": "Bearer", "azp": "web", "acr": "1", "realm_access": {"roles": [*roles, "offline_access"]}, "scope": scope}
        key = self._keys[0]
        return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": key.kid}, {**body, "preferred_username": name, **claims}, key)
