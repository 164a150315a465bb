"""A Django project in one file, behind a guard.

Run it:
    pip install watchword django
    python django_app.py
Then try:
    curl -i -u ann:sesame http://127.0.0.1:8000/orders/7
    curl -i http://127.0.0.1:8000/orders/7
"""

import sys
from secrets import token_hex

from argon2 import PasswordHasher
from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

from watchword import Basic, Guard, Principal, public, scope
from watchword.adapters.wsgi import GuardMiddleware
from watchword.checkers import Users

settings.configure(
    SECRET_KEY=token_hex(32),
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    WSGI_APPLICATION=f"{__name__}.application",
)

users = Users({"ann": PasswordHasher().hash("sesame")}, principals={"ann": Principal("ann", scopes={"orders:read"})})
guard = Guard(
    Basic(users, realm="orders"),
    rules={"/healthz": public, "/orders/{id}": scope("orders:read")},
)


def healthz(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def order(request: HttpRequest, number: int) -> JsonResponse:
    who: Principal = request.META["watchword.principal"]
    return JsonResponse({"order": number, "for": who.id})


urlpatterns = [path("healthz", healthz), path("orders/<int:number>", order)]

# The guard stands outside Django, so static files, error pages and every middleware are behind it.
application = GuardMiddleware(get_wsgi_application(), guard)

if __name__ == "__main__":
    execute_from_command_line([sys.argv[0], "runserver", "--noreload", "127.0.0.1:8000"])
