"""Hands the caller of the guard to views of Django REST framework, and checks what they demand.

MIDDLEWARE = [..., "watchword.adapters.django.GuardMiddleware"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["watchword.adapters.drf.GuardAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["watchword.adapters.drf.GuardPermission"],
}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from asgiref.sync import async_to_sync

from watchword.adapters.django.authorizing import Refused, exchange_in
from watchword.adapters.django.caller import GuardUser
from watchword.adapters.django.telling import inform, is_account
from watchword.adapters.marks import check_requirement, demand_of, mark
from watchword.authorization import authenticated, optional

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView

    from watchword.authorization import Requirement
    from watchword.guard.exchange import Exchange
    from watchword.principal import Principal
    from watchword.refusal import Refusal

    # The framework has no types.
    class BaseAuthentication: ...

    class BasePermission: ...
else:
    from rest_framework.authentication import BaseAuthentication
    from rest_framework.permissions import BasePermission

_ASKING: Final = "_watchword_asks_the_view"


class GuardAuthentication(BaseAuthentication):
    """Takes the caller from the guard: `request.auth` is the principal, `request.user` its account in the project, or a `GuardUser`.

    A view needs no other class. Where the framework refuses an unknown caller, the answer is 401 with every challenge of the guard.

    Trust: the decision of the guard alone. No credentials are read here.
    """

    def authenticate(self, request: Request) -> tuple[Any, Principal] | None:
        """Return the caller; None: no credentials were sent.

        Raises:
            Refused: the credentials are false, which a rule `public` does not ask, or the caller lacks what `GuardPermission` demands.
            ConfigurationError: no guard stands in front of the view.
        """
        view = (request.parser_context or {}).get("view")
        if view is not None:
            # The framework asks the first class alone, and answers 403 where that has no challenge.
            view.get_authenticate_header = self.authenticate_header
        exchange = _authorized(request, optional if view is None else _demand_of(view, request))
        principal = exchange.principal
        if not principal.is_authenticated:
            return None
        return request._request.user if is_account(exchange) else GuardUser(principal), principal  # noqa: SLF001 - as below

    def authenticate_header(self, request: Request) -> str:
        """Return the challenges. The framework asks for them only where it refuses a caller, so the decision becomes a refusal, too."""
        exchange, refusal = _authorize(request, authenticated)
        if refusal is None:  # another class has refused a caller whom the guard knows
            return ", ".join(str(one.serialize()) for scheme in exchange.guard.schemes for one in scheme.challenges())
        return ", ".join(value for name, value in refusal.headers if name.lower() == "www-authenticate")


class GuardPermission(BasePermission):
    """Demands something of the callers of a view, beside the rule of its path: `permission_classes = [GuardPermission(scope("read"))]`.

    Args:
        requirement: what the view demands. The class itself, without a call, demands a login.

    Raises:
        ConfigurationError: it is not a requirement, or it is `public`.
    """

    def __init__(self, requirement: Requirement = authenticated) -> None:
        self.requirement: Requirement = check_requirement(requirement, "GuardPermission(...)")
        mark(self, requirement)

    def __call__(self) -> GuardPermission:
        """Return itself: the framework calls what stands in `permission_classes`."""
        return self

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Check the caller.

        Returns:
            True. False where the framework only asks which other methods the caller may use, as for its forms.

        Raises:
            Refused: the caller may not. The answer is the refusal of the guard; an EXCEPTION_HANDLER may replace its content.
            ConfigurationError: no guard stands in front of the view.
        """
        asked = request._request  # noqa: SLF001 - as below
        if _is_probe(request):
            exchange = exchange_in(asked, self.requirement)
            # Each probe of one request would verify the credentials again, and count a failure.
            return exchange.principal.is_authenticated and _ask(exchange.beside(exchange.decision), self.requirement) is None
        _authorized(request, self.requirement)
        return True


def _demand_of(view: APIView, request: Request) -> Requirement:
    """Return what the permissions demand together, so that the challenges name all of it."""
    # `get_permissions` may read `request.user`, which asks here again: who the caller is must be known first, and nothing more.
    if _is_probe(request) or vars(request).get(_ASKING):
        return optional
    setattr(request, _ASKING, True)
    demanded = demand_of(view.get_permissions())
    return optional if demanded is None else demanded


def _is_probe(request: Request) -> bool:
    """Tell whether the framework only asks which other methods the caller may use."""
    return bool(request.method != request._request.method)  # noqa: SLF001 - as below


def _authorized(request: Request, requirement: Requirement) -> Exchange:
    exchange, refusal = _authorize(request, requirement)
    if refusal is not None:
        raise Refused(exchange)
    return exchange


def _authorize(request: Request, requirement: Requirement) -> tuple[Exchange, Refusal | None]:
    asked = request._request  # noqa: SLF001 - the framework offers no other way to Django's
    exchange = exchange_in(asked, requirement)
    refusal = _ask(exchange, requirement)
    inform(asked, exchange)
    return exchange, refusal


def _ask(exchange: Exchange, requirement: Requirement) -> Refusal | None:
    if not exchange.guard.async_checkers:
        return exchange.authorize(requirement)
    # They need the event loop; the framework runs in a thread of it.
    refusal: Refusal | None = async_to_sync(exchange.aauthorize)(requirement)
    return refusal


__all__ = ["GuardAuthentication", "GuardPermission", "GuardUser", "Refused"]
