"""The probe looks at Apache httpd and nginx as they come: the faults that are known of them, and no other."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from tests.support.probed import levels
from tests.support.programs import program, tool
from watchword.probe import basic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchword.findings import Report
    from watchword.probe import Presented

PASSWORD = "correct horse battery"

NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr warn;
events {{ worker_connections 32; }}
http {{
  access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d;
  scgi_temp_path {folder}/e;
  server {{
    listen 127.0.0.1:{port}; root {folder}/www;
    location /basic/ {{ auth_basic "orders"; auth_basic_user_file {folder}/users; }}
    location /inside/ {{ deny all; }}
    location /moved/ {{ return 301 http://www.example.com/basic/; }}
    location /cached/ {{
      auth_basic "orders"; auth_basic_user_file {folder}/users; add_header Cache-Control "public, max-age=3600" always;
    }}
  }}
}}
"""

APACHE = """
ServerRoot {folder}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog {folder}/apache.log
User nobody
Group nogroup
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authn_file_module {modules}/mod_authn_file.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule auth_basic_module {modules}/mod_auth_basic.so
LoadModule auth_digest_module {modules}/mod_auth_digest.so
DocumentRoot {folder}/www
<Location /basic/>
  AuthType Basic
  AuthName "orders"
  AuthUserFile {folder}/users
  Require valid-user
</Location>
<Location /digest/>
  AuthType Digest
  AuthName "orders"
  AuthUserFile {folder}/digests
  Require valid-user
</Location>
<Location /inside/>
  Require all denied
</Location>
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """What is served. Not a folder of pytest: workers of both servers give up the rights of root, and could not read those."""
    users = tool("htpasswd", "-nbs", "ann", PASSWORD).strip() + "\n"
    with TemporaryDirectory() as made:
        path = Path(made)
        path.chmod(0o755)
        for name in ("basic", "digest", "inside", "cached"):
            (path / "www" / name).mkdir(parents=True)
            (path / "www" / name / "index.html").write_text("served", encoding="ascii")
        (path / "users").write_text(users, encoding="ascii")
        (path / "digests").write_text("", encoding="ascii")
        yield path


@contextmanager
def _running(command: list[str], port: int) -> Iterator[str]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            for _ in range(600):
                if process.poll() is not None:
                    pytest.fail(process.communicate()[0].decode())
                with socket.socket() as trying:
                    if trying.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.fixture(scope="module")
def nginx(folder: Path) -> Iterator[str]:
    """Run nginx with a login, in front of files."""
    found, port = program("nginx"), _free_port()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port), encoding="utf-8")
    with _running([found, "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")], port) as url:
        yield url


@pytest.fixture(scope="module")
def apache(folder: Path) -> Iterator[str]:
    """Apache httpd with its defaults: without the file of Debian that switches TRACE off."""
    found, port = program("apache2"), _free_port()
    text = APACHE.format(folder=folder, port=port, modules="/usr/lib/apache2/modules")
    (folder / "apache.conf").write_text(text, encoding="utf-8")
    with _running([found, "-d", str(folder), "-f", str(folder / "apache.conf"), "-D", "FOREGROUND"], port) as url:
        yield url


@pytest.fixture(scope="module")
def asked() -> Callable[..., Report]:
    """Probe a URL as the command does."""
    from watchword.cli.probe import report_on
    from watchword.probe import Target, probed_url

    def ask(url: str, presented: Presented | None = None) -> Report:
        return report_on(Target(probed_url(url), presented))

    return ask


def test_nginx(nginx: str, asked: Callable[..., Report]) -> None:
    """Its challenge is right. It has no other fault than what its configuration adds: a refusal that caches keep."""
    for presented in (None, basic("ann", PASSWORD)):
        report = asked(f"{nginx}/basic/", presented)
        assert levels(report) == {}
        assert report.percent == 100
    assert levels(asked(f"{nginx}/basic/", basic("ann", "wrong horse"))) == {"credentials-accepted": "error"}
    assert levels(asked(f"{nginx}/cached/")) == {"R9111-3-1": "warning"}
    assert levels(asked(f"{nginx}/inside/")) == {}  # a rule that no credentials cure
    assert levels(asked(f"{nginx}/moved/", basic("ann", PASSWORD))) == {"redirects": "warning"}


def test_apache_httpd(apache: str, asked: Callable[..., Report]) -> None:
    """TRACE repeats credentials, which is the default. Digest is of MD5 alone."""
    for presented in (None, basic("ann", PASSWORD)):
        assert levels(asked(f"{apache}/basic/", presented)) == {"R9110-9.3.8-1": "warning"}
    assert levels(asked(f"{apache}/digest/")) == {"R7616-3.7-3": "warning", "R9110-9.3.8-1": "warning"}
    assert levels(asked(f"{apache}/inside/")) == {"R9110-9.3.8-1": "warning"}
