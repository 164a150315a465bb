"""An application that is loaded, and has used its store, before the server forks; nothing is cached, so each login asks the store.

`WATCHWORD_STORE` says where the store is.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from tests.support.command import CHEAP
from tests.support.wire import basic
from watchword import APIKey, Basic, Bearer, Guard, RequestView, public
from watchword.adapters.wsgi import GuardMiddleware
from watchword.checkers import Accounts, APIKeys, OpaqueTokens
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.adapters.wsgi import Environ, StartResponse

store = SQLStore(os.environ["WATCHWORD_STORE"], staleness=0)
guard = Guard(
    Basic(Accounts(store, hasher=CHEAP, remember=0), realm="orders"),
    Bearer(OpaqueTokens(store), realm="orders"),
    APIKey(APIKeys(store), realm="orders"),
    rules={"/healthz": public},
    remember=0,
)
# The pool has a connection, and all locks have been used.
if not guard.decide(RequestView("GET", "/me", [basic("early", "early")])).granted:
    raise RuntimeError("early cannot log in")


def _bare(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    body = json.dumps({"who": environ["watchword.principal"].id}).encode()
    start_response("200 OK", [("Content-Length", str(len(body))), ("X-Pid", str(os.getpid()))])
    return [body]


wsgi = GuardMiddleware(_bare, guard)
