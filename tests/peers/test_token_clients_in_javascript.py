"""Clients of token endpoints that people use, in JavaScript, against a real server: oauth4webapi, openid-client and jose."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.support.npm import install
from tests.support.programs import tool
from tests.support.token_server import APP, JOB, ODD, ORDERS, SCOPES, serving_tokens
from watchword.issuing import KeyRing

SCRIPT = Path(__file__).with_name("token_clients.mjs")
PACKAGES = ("oauth4webapi@3.8.8", "openid-client@6.9.0", "jose@6.2.18")
CHECKS = 14


def test_the_clients_get_what_they_ask_for(tmp_path: Path) -> None:
    """They find the endpoints, get, refresh, look at and revoke tokens, hear of mistakes, and verify the tokens by the published keys."""
    install(tmp_path, *PACKAGES)
    shutil.copy(SCRIPT, tmp_path)  # where it finds the packages
    clients = {"job": JOB, "odd": ODD, "orders": ORDERS, "app": APP}
    for algorithm in ("ES256", "Ed25519"):
        with serving_tokens(KeyRing.generate(algorithm)) as server:
            logins = {"job": JOB, "app": APP, "again": JOB}
            facts = {
                "url": server.url,
                "api": server.api,
                "algorithm": algorithm,
                "clients": {name: [client.id, client.secret] for name, client in clients.items()},
                "logins": {
                    name: server.issuer.issue("ann", client.id, scopes=SCOPES.split()).refresh_token for name, client in logins.items()
                },
            }
            results = json.loads(tool("node", str(tmp_path / SCRIPT.name), json.dumps(facts)))
        assert [error for _, error in results if error] == []
        assert len(results) == CHECKS
