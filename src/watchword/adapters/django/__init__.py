"""Puts a guard into a Django project: middleware, requirements of views, accounts, and sessions.

INSTALLED_APPS = [..., "watchword.adapters.django"]  # the system checks
MIDDLEWARE = [..., "watchword.adapters.django.GuardMiddleware"]
WATCHWORD = {"GUARD": "project.auth.guard"}
"""

from watchword.adapters.django.accounts import DjangoPrincipal, principal_of
from watchword.adapters.django.middleware import GuardMiddleware
from watchword.adapters.django.session import DjangoSession
from watchword.adapters.django.users import DjangoUsers
from watchword.adapters.django.views import requires

__all__ = ["DjangoPrincipal", "DjangoSession", "DjangoUsers", "GuardMiddleware", "principal_of", "requires"]
