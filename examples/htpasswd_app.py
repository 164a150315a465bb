"""A WSGI application behind an htpasswd file, which is looked after while the application runs.

Make the file, with Apache's tool or with OpenSSL's:
    htpasswd -cB users.htpasswd ann
    echo "bob:$(openssl passwd -6)" >> users.htpasswd
Run it:
    pip install 'watchword[bcrypt,passlib]'
    python htpasswd_app.py
Then try:
    curl -i -u ann http://127.0.0.1:8000/
    htpasswd -D users.htpasswd ann
    curl -i -u ann http://127.0.0.1:8000/

The second request of ann is refused, and nothing was started anew. The log names each line of the file that lets nobody in.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from wsgiref.simple_server import make_server

from watchword import Basic, Guard, Principal, public, role
from watchword.adapters.wsgi import GuardMiddleware
from watchword.checkers import Htpasswd

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    body = f"{environ['PATH_INFO']} for {environ.get('REMOTE_USER', 'everybody')}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]


def make_app(path: str) -> WSGIApplication:
    # The file says who there is. What somebody may do stands here.
    users = Htpasswd(path, principals={"ann": Principal("ann", roles={"admin"})})
    guard = Guard(Basic(users, realm="office"), rules={"/healthz": public, "/admin/**": role("admin")})
    return GuardMiddleware(application, guard)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    with make_server("127.0.0.1", 8000, make_app("users.htpasswd")) as server:
        server.serve_forever()
