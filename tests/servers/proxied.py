"""Applications behind a proxy on 127.0.0.1 that tell who their client is; below `/forwarded` the proxy states it by RFC 7239."""

from __future__ import annotations

import json
from typing import Any

from watchword import Bearer, Guard, Principal, TrustedProxies, network, public
from watchword.adapters.asgi import GuardMiddleware as ASGIGuard
from watchword.adapters.wsgi import GuardMiddleware as WSGIGuard
from watchword.checkers import Tokens


def _guard(header: Any) -> Guard:
    near = network("127.0.0.5/32")
    return Guard(
        Bearer(Tokens({"t": Principal("ann")})),
        rules={"/near": near, "/forwarded/near": near, "/**": public},
        proxies=TrustedProxies(["127.0.0.1"], header),
    )


LIST, ELEMENTS = _guard("x-forwarded-for"), _guard("forwarded")


async def _tell_asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    fields = sorted(name.decode().lower() for name, _ in scope["headers"] if b"forwarded" in name.lower() or b"real" in name.lower())
    body = json.dumps({"client": scope["client"] and scope["client"][0], "scheme": scope["scheme"], "fields": fields}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


def _tell_wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    fields = sorted(name[5:].replace("_", "-").lower() for name in environ if "FORWARDED" in name or "REAL" in name)
    told = {"client": environ["REMOTE_ADDR"] or None, "scheme": environ["wsgi.url_scheme"], "fields": fields}
    body = json.dumps(told).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


_ASGI = [ASGIGuard(_tell_asgi, one) for one in (LIST, ELEMENTS)]
_WSGI = [WSGIGuard(_tell_wsgi, one) for one in (LIST, ELEMENTS)]


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """Serve by the guard that reads what the proxy writes there."""
    await _ASGI[scope.get("path", "").startswith("/forwarded")](scope, receive, send)


def wsgi(environ: dict[str, Any], start_response: Any) -> Any:
    """Serve by the guard that reads what the proxy writes there."""
    return _WSGI[environ["PATH_INFO"].startswith("/forwarded")](environ, start_response)
