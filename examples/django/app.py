"""A Django project in one file, with the accounts of django.contrib.auth: pip install watchword django; python app.py

Then try: curl -i -u ann:sesame http://127.0.0.1:8000/orders/7
"""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.utils import get_random_secret_key
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

from watchword import Basic, Guard, public, role
from watchword.adapters.django import DjangoUsers, requires

guard = Guard(Basic(DjangoUsers(), realm="orders"), rules={"/healthz": public})
settings.configure(
    SECRET_KEY=get_random_secret_key(),
    ALLOWED_HOSTS=["127.0.0.1", "localhost", "testserver"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "watchword.adapters.django"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},  # of one thread
    MIDDLEWARE=["watchword.adapters.django.GuardMiddleware"],
    WATCHWORD={"GUARD": f"{__name__}.guard"},
)


@requires(role("buyers"))  # a group of django.contrib.auth
def order(request: HttpRequest, number: int) -> JsonResponse:
    return JsonResponse({"order": number, "for": request.user.get_username()})


urlpatterns = [path("healthz", lambda _: JsonResponse({"status": "ok"})), path("orders/<int:number>", order)]
application = get_wsgi_application()
if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    get_user_model().objects.create_user("ann", password="sesame").groups.create(name="buyers")
    call_command("runserver", "--noreload", "--nothreading", "127.0.0.1:8000")
