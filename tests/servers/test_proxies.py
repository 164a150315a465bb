"""Behind a real nginx: the guard and the application see the client, whatever it claims about itself."""

from __future__ import annotations

import json
import socket
import subprocess
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from tests.support.programs import program
from tests.support.served import until
from tests.support.servers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr warn;
events {{ worker_connections 32; }}
http {{
  access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d;
  scgi_temp_path {folder}/e; underscores_in_headers on;
  server {{
    listen unix:{folder}/unused;
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto https;
    }}
    location /forwarded/ {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_set_header Forwarded "$http_forwarded, for=$remote_addr;proto=https";
    }}
    location /silent {{ proxy_pass http://127.0.0.1:{upstream}; proxy_set_header X-Forwarded-For ""; }}
  }}
}}
"""
SERVERS = ["uvicorn-plain", "hypercorn", "granian", "gunicorn", "wsgiref"]
FORGED = ["127.0.0.5", "127.0.0.1", '127.0.0.5, "', 'for="127.0.0.5', "for=127.0.0.5", "unknown", "\t,,", "1," * 900]


@pytest.fixture(scope="module")
def behind() -> Iterator[dict[str, int]]:
    """Run one nginx for each server, and return its port by the name of the server."""
    found = program("nginx")
    ports: dict[str, int] = {}
    with TemporaryDirectory() as made:
        running = []
        servers = {name: Server(name, "tests.servers.proxied") for name in SERVERS}
        try:
            for name, server in servers.items():
                server.wait("/")
                folder = Path(made, name)
                folder.mkdir()
                with socket.socket() as bound:
                    bound.bind(("127.0.0.1", 0))
                    ports[name] = bound.getsockname()[1]
                text = NGINX.format(folder=folder, port=ports[name], upstream=server.port)
                (folder / "nginx.conf").write_text(text, encoding="utf-8")
                running.append(subprocess.Popen([found, "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]))
            for port in ports.values():
                until(partial(listens, port), "nginx")
            yield ports
        finally:
            for process in running:
                process.terminate()
                process.wait()
            for server in servers.values():
                server.stop()


def listens(port: int) -> bool:
    """Whether somebody accepts connections."""
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


def ask(port: int, path: str, client: str, **fields: str) -> tuple[int, dict[str, object]]:
    """Send a request from an address of the loopback network, and return the status and what the application has seen."""
    connection = HTTPConnection("127.0.0.1", port, source_address=(client, 0))
    try:
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in fields.items()})
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body) if answer.status == 200 else {}
    finally:
        connection.close()


@pytest.mark.parametrize("name", SERVERS)
def test_the_client_is_the_one_that_nginx_has_seen(name: str, behind: dict[str, int]) -> None:
    """By either field, and whatever a client writes into it before."""
    for path, kept in (("/near", ["x-forwarded-for", "x-forwarded-proto"]), ("/forwarded/near", ["forwarded"])):
        assert ask(behind[name], path, "127.0.0.5", X_Real_IP="127.0.0.9") == (
            200,
            {"client": "127.0.0.5", "scheme": "https", "fields": kept},
        )
        for forged in FORGED:
            for field in ("X_Forwarded_For", "Forwarded"):
                assert ask(behind[name], path, "127.0.0.6", **{field: forged})[0] == 403, (path, field, forged)
                assert ask(behind[name], path, "127.0.0.5", **{field: forged})[0] == 200, (path, field, forged)


@pytest.mark.parametrize("name", SERVERS)
def test_where_nginx_states_nothing_the_client_is_unknown(name: str, behind: dict[str, int]) -> None:
    """And is never taken for the proxy."""
    status, seen = ask(behind[name], "/silent", "127.0.0.5", Forwarded="for=127.0.0.9", X_Real_IP="127.0.0.9")
    assert (status, seen["client"], seen["fields"]) == (200, None, [])
