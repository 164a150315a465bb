"""A project with Django REST framework in one file: pip install watchword djangorestframework; python app.py

Then try: curl -i -H "Authorization: Bearer 3f7c0d1e5a924b68" http://127.0.0.1:8000/orders/7
"""

from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import path

from watchword import Bearer, Guard, Principal, scope
from watchword.checkers import Tokens

guard = Guard(Bearer(Tokens({"3f7c0d1e5a924b68": Principal("shop", scopes={"orders:read"})}), realm="orders"))
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost", "testserver"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework", "watchword.adapters.django"],
    MIDDLEWARE=["watchword.adapters.django.GuardMiddleware"],
    WATCHWORD={"GUARD": f"{__name__}.guard"},
    REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": ["watchword.adapters.drf.GuardAuthentication"]},
)
from rest_framework.request import Request  # noqa: E402 - after the settings
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from watchword.adapters.drf import GuardPermission  # noqa: E402


class Order(APIView):  # type: ignore[misc]  # the framework has no types
    permission_classes = (GuardPermission(scope("orders:read")),)

    def get(self, request: Request, number: int) -> Response:
        return Response({"order": number, "for": request.auth.id})


urlpatterns = [path("orders/<int:number>", Order.as_view())]
application = get_wsgi_application()
if __name__ == "__main__":
    call_command("runserver", "--noreload", "127.0.0.1:8000")
