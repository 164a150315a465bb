"""The endpoints of an issuer whose clock stands still. `WATCHWORD_RING` and `WATCHWORD_STORE` say what it keeps."""

from __future__ import annotations

import os

from tests.support.token_server import TokenServer
from watchword.issuing import KeyRing
from watchword.stores import SQLStore
from watchword.testing import FixedClock

URL = "https://auth.example.com"
CLOCK = FixedClock(1_700_000_000)

if "WATCHWORD_RING" in os.environ:
    served = TokenServer(URL, KeyRing.from_json(os.environ["WATCHWORD_RING"]), CLOCK, SQLStore(os.environ["WATCHWORD_STORE"], clock=CLOCK))
    asgi, wsgi = served.asgi, served.wsgi
