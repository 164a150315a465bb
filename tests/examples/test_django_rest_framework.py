"""Django REST framework behind the guard: its defaults refuse whom the guard let in, and the configuration of docs/wsgi.md does not."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "wsgi.md"

PROGRAM = """
import django, json, sys
from django.conf import settings
from werkzeug.test import Client
from watchword import Basic, Bearer, Guard, Principal, optional
from watchword.adapters.wsgi import GuardMiddleware
from watchword.checkers import Tokens

{documented}
REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"] = ["__main__.GuardAuthentication"]
settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="any",
    ROOT_URLCONF="__main__",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "rest_framework"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware"],
    REST_FRAMEWORK=REST_FRAMEWORK if "documented" in sys.argv else {},
)
django.setup()
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import path
from rest_framework.decorators import api_view
from rest_framework.response import Response

call_command("migrate", verbosity=0)


@api_view(["GET", "POST"])
def view(request):
    return Response({"who": getattr(request.user, "id", None), "roles": sorted(getattr(request.user, "roles", []))})


urlpatterns = [path("open", view), path("me", view)]


def check(credentials):
    return Principal("zoë", roles={"clerk"}) if credentials.password == "right" else None


options = {"strip_credentials": True} if "strip" in sys.argv else {}
guard = Guard(Basic(check, realm="office"), Bearer(Tokens({"t": Principal("job")})), rules={"/open": optional}, **options)
client = Client(GuardMiddleware(get_wsgi_application(), guard))
told = []
for target, who in (("GET /me", "right"), ("POST /me", "right"), ("GET /me", "wrong"), ("GET /me", ""), ("GET /open", "")):
    method, _, path_ = target.partition(" ")
    answer = client.open(path_, method=method, auth=("zoë", who) if who else None)
    told.append([answer.status_code, answer.headers.getlist("WWW-Authenticate"), answer.text if answer.is_json else ""])
answer = client.get("/me", headers={"Authorization": "Bearer t"})
told.append([answer.status_code, [], answer.text])
print(json.dumps(told))
"""


def outcomes(*arguments: str) -> list[tuple[int, list[str], Any]]:
    """Run the program in a process of its own, because Django's settings hold for a whole one; return status, challenges and body."""
    page = PAGE.read_text(encoding="utf-8")
    section = page[page.index("## Django REST framework") : page.index("\n## The mount")]
    code = section[section.index("class GuardAuthentication") : section.index("\n\nassert GuardAuthentication")]
    settings = section[section.index("    REST_FRAMEWORK = {") : section.index("\n\n`Guard(strip")]
    program = PROGRAM.replace("{documented}", f"{code}\n{textwrap.dedent(settings)}\n")
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program, *arguments], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return [(status, challenges, json.loads(body) if body else None) for status, challenges, body in found]


CHALLENGES = ['Basic realm="office", charset="UTF-8"', 'Bearer realm="api"']


def test_the_documented_configuration_uses_the_principal_of_the_guard() -> None:
    """Views get the guard's principal, failures the guard's 401, and on an optional route the framework's own rule decides."""
    right, posted, wrong, nobody, open_to_all, token = outcomes("documented")
    assert right == posted == (200, [], {"who": "zoë", "roles": ["clerk"]})
    assert (wrong[:2], nobody[:2]) == ((401, CHALLENGES), (401, CHALLENGES))
    assert open_to_all[:2] == (401, ['Basic realm="office"']), "IsAuthenticated refuses, with the challenge that the class names"
    assert token == (200, [], {"who": "job", "roles": []})


def test_the_default_classes_refuse_accounts_of_the_guard() -> None:
    """As docs/wsgi.md says: 403 without a challenge, for accounts that only the guard knows."""
    right, posted, wrong, _, open_to_all, token = outcomes()
    assert right == posted == (403, [], {"detail": "Invalid username/password."})
    assert wrong[:2] == (401, CHALLENGES)
    assert (open_to_all[0], token[0]) == (200, 200)


def test_strip_credentials_leaves_the_default_classes_nothing_to_refuse() -> None:
    """With `strip_credentials=True` the request passes, and DRF takes the caller for anonymous."""
    right, posted, wrong, *_ = outcomes("strip")
    assert right == posted == (200, [], {"who": None, "roles": []})
    assert wrong[:2] == (401, CHALLENGES)
