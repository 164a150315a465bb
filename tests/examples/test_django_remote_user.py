"""Django makes the account that was meant, with the backend of docs/wsgi.md."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "wsgi.md"

PROGRAM = """
import django
from django.conf import settings
from werkzeug.test import Client
from watchword import Bearer, Guard, Principal
from watchword.adapters.wsgi import GuardMiddleware
from watchword.checkers import Tokens

settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="any",
    ROOT_URLCONF="__main__",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    AUTHENTICATION_BACKENDS=["__main__.PrincipalBackend"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.auth.middleware.RemoteUserMiddleware",
    ],
)
django.setup()
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
{backend}
call_command("migrate", verbosity=0)
urlpatterns = [path("", lambda request: HttpResponse(request.user.get_username() + "|" + request.META["watchword.principal"].id))]
app = GuardMiddleware(get_wsgi_application(), Guard(Bearer(Tokens({"t": Principal("zoë ж")}))))
for _ in range(2):
    print(ascii(Client(app).get("/", headers={"Authorization": "Bearer t"}).text))
from django.contrib.auth.models import User
print(User.objects.count())
"""


def test_remote_user_middleware_makes_one_account_for_each_principal() -> None:
    """With the backend of docs/wsgi.md, Django makes the account of the principal, once."""
    lines = (
        PAGE.read_text(encoding="utf-8")
        .split("    from django.contrib.auth.backends import RemoteUserBackend\n")[1]
        .split("\n[Decision")[0]
    )
    backend = "from django.contrib.auth.backends import RemoteUserBackend\n" + textwrap.dedent(lines)
    program = PROGRAM.replace("{backend}", backend)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [ascii("zoë ж|zoë ж"), ascii("zoë ж|zoë ж"), "1"]
