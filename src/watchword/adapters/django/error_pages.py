"""Lets a project show its own page for what is forbidden, with the words and the data of the refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import get_template
from django.urls import get_resolver
from django.views.defaults import ERROR_403_TEMPLATE_NAME

from watchword.observe.log import log_failure

if TYPE_CHECKING:
    from django.http import HttpRequest

    from watchword.guard.exchange import Exchange
    from watchword.refusal.data import RefusalData

Handler: TypeAlias = Callable[..., HttpResponse]

_FORBIDDEN = 403


class _Denied(PermissionDenied):  # type: ignore[misc]  # Django has no types
    """What the page is called with.

    Args:
        refusal: what a visitor is told.
    """

    def __init__(self, refusal: RefusalData) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


def handler_of(request: HttpRequest, exchange: Exchange) -> Handler | None:
    """Return the project's own page, its `handler403` or its `403.html`; None: it has neither, or a program asks."""
    refusal = exchange.refusal
    if refusal.status != _FORBIDDEN or not dict(refusal.headers).get("Content-Type", "").startswith("text/html"):
        return None
    resolver = get_resolver(getattr(request, "urlconf", None))
    # Without one of the two, Django's own page says less than that of the guard.
    own = hasattr(resolver.urlconf_module, "handler403") or _has_template()
    return cast("Handler", resolver.resolve_error_handler(_FORBIDDEN)) if own else None


def _has_template() -> bool:
    try:
        get_template(ERROR_403_TEMPLATE_NAME)
    except TemplateDoesNotExist:
        return False
    except TemplateSyntaxError:
        pass  # `styled` logs it
    return True


def styled(handler: Handler, request: HttpRequest, exchange: Exchange) -> HttpResponse | None:
    """Return the project's page; None: it has failed, which is logged. The refusal stands."""
    try:
        request.refusal = exchange.refusal_data
        response = handler(request, exception=_Denied(request.refusal))
        return response.render() if hasattr(response, "render") else response
    except Exception as error:  # noqa: BLE001 - whatever fails in a page
        log_failure("handler403 failed", error)
        return None


__all__ = ["Handler", "handler_of", "styled"]
