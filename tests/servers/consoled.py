"""An application with a console, for `test_console.py`: served by uvicorn, and imported by nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.consoles import check
from watchword import Basic, Guard, public, role
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Accounts, APIKeys, OpaqueTokens, PasswordHasher
from watchword.console import Console, Observed
from watchword.stores import MemoryStore

if TYPE_CHECKING:
    from watchword.adapters.asgi import Receive, Scope, Send


async def _application(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"served"})


_observed = Observed()
_store = MemoryStore()
_accounts = Accounts(_store, hasher=PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
_accounts.add("bob", "a password", roles=["staff"], scopes=["orders:read"])
_accounts.add("<script>alert(1)</script>", "a password")
_guard = Guard(Basic(check, realm="shop"), rules={"/healthz": public, "/admin": role("admin")}, on_event=_observed)
_console = Console(
    Guard(Basic(check, realm="console")),
    observed=_observed,
    accounts=_accounts,
    keys=APIKeys(_store),
    tokens=OpaqueTokens(_store),
)
_of_console, _of_others = _console.asgi(mount="/console"), GuardMiddleware(_application, _guard)


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve both."""
    if scope["type"] != "lifespan":
        await (_of_console if scope["path"].startswith("/console") else _of_others)(scope, receive, send)
