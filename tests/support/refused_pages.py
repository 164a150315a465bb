"""Serves the pages of refusals to a browser, for `test_refusal_page.py` and for the screenshots of the documentation."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from argon2 import PasswordHasher
from werkzeug.serving import make_server

from watchword import Basic, Challenged, Failed, Forbidden, Guard, Malformed, Page, Reason, RequestView, Throttled, public, role
from watchword.adapters.wsgi import GuardMiddleware
from watchword.checkers import Users

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from watchword.decision import Refusing

LOGO = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" viewBox="0 0 40 40">'
    b'<rect width="40" height="40" rx="8" fill="#0b57d0"/><path d="M12 15h16l-2 14H14z" fill="#fff"/>'
    b'<path d="M16 15a4 4 0 0 1 8 0" fill="none" stroke="#fff" stroke-width="2"/></svg>'
)
PAGES: dict[str, Refusing] = {
    "/400": Malformed(reason=Reason.AMBIGUOUS_PATH),
    "/401": Challenged(reason=Reason.WRONG_SECRET, scheme="Basic"),
    "/403": Forbidden(reason=Reason.MISSING_ROLE, scheme="Basic"),
    "/413": Malformed(reason=Reason.OVERSIZED_CONTENT),
    "/429": Throttled(reason=Reason.THROTTLED, retry_after=300),
    "/503": Failed(reason=Reason.OVERLOADED, retry_after=30),
}
"""A page for each kind of refusal."""

_hash = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash
GUARD = Guard(
    Basic(Users({"ann": _hash("s3cret")}), realm="office"),
    rules={"/login": public, "/logo.svg": public, "/help": public, "/admin": role("admin"), **dict.fromkeys(PAGES, public)},
    contact="helpdesk@example.com",
    page=Page(
        service="Example Shop",
        logo="/logo.svg",
        support="/help",
        links=(("Status", "https://status.example.com/"),),
    ),
    request_id=lambda: "3f0c9a17d2b84e65",
)


def _application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Serve a refusal at each path of `PAGES`, the logo, and who the caller is elsewhere."""
    path = environ["PATH_INFO"]
    if path in PAGES:
        fields = [(name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")]
        refusal = GUARD.refuse(PAGES[path], RequestView("GET", path, fields))
        start_response(f"{refusal.status} {refusal.reason_phrase}", refusal.headers)
        return [refusal.body]
    body = LOGO if path == "/logo.svg" else f"<!doctype html><title>served</title><p>served to {environ.get('REMOTE_USER')}".encode()
    kind = "image/svg+xml" if path == "/logo.svg" else "text/html"
    start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]


@contextmanager
def refused_pages() -> Iterator[str]:
    """Serve them in a thread, and yield the address."""
    server = make_server("127.0.0.1", 0, GuardMiddleware(_application, GUARD), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
