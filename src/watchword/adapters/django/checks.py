"""Finds mistakes in a project before it serves anything: the system checks `watchword.E001` and so on.

They run by `manage.py check`, `runserver` and `migrate`, where `"watchword.adapters.django"` is in `INSTALLED_APPS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.checks import Error
from django.core.checks import Warning as Warned
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, get_resolver
from django.views import View

from watchword.adapters import marks
from watchword.adapters.django.configuration import configuration
from watchword.adapters.django.demands import demand_of, permissions_of
from watchword.adapters.django.rest_checks import find_mistakes_in_rest_views
from watchword.adapters.django.session import DjangoSession
from watchword.adapters.django.stack import GUARD, LOGIN_REQUIRED, Mistake, find_mistakes, names_of, places_of
from watchword.adapters.marks import both
from watchword.errors import ConfigurationError
from watchword.request import RequestView

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from watchword.adapters.django.configuration import Configuration
    from watchword.authorization import Requirement


def check_project(**_: object) -> list[Any]:
    """Return what is wrong in the project, as Django's system checks do."""
    return [(Error if one.is_error else Warned)(one.message, hint=one.hint, id=f"watchword.{one.id}") for one in find_mistakes_of_project()]


def find_mistakes_of_project() -> Iterator[Mistake]:
    """Yield the mistakes."""
    views = [*_views()]
    demands = {_name(view): demanded for view in views for demanded in [_demand(view)] if demanded is not None}
    if not places_of(GUARD):
        yield from _unguarded(demands)
        return
    try:
        yield from _mistakes_of(configuration(), views, demands)
    except ConfigurationError as error:
        yield _misconfigured(error)


def _mistakes_of(configured: Configuration, views: list[object], demands: dict[str, Requirement]) -> Iterator[Mistake]:
    yield from find_mistakes(configured)
    yield from _unmet(configured, demands)
    yield from _login_page(configured)
    yield from _asked_twice(configured, views)
    yield from find_mistakes_in_rest_views(configured, views)


def _unguarded(demands: dict[str, Requirement]) -> Iterator[Mistake]:
    if demands:
        yield Mistake(
            "E002",
            f"views demand something, and GuardMiddleware is not in MIDDLEWARE, so that they answer 500: {names_of(demands)}.",
            'Add "watchword.adapters.django.GuardMiddleware" to MIDDLEWARE. Silence this where watchword.adapters.wsgi or '
            "watchword.adapters.asgi stands around the project.",
        )


def _misconfigured(error: ConfigurationError) -> Mistake:
    message, _, hint = str(error).rpartition(". ")
    return Mistake("E001", f"{message}.", hint)


def _unmet(configured: Configuration, demands: dict[str, Requirement]) -> Iterator[Mistake]:
    for name, demanded in demands.items():
        if not configured.guard.policy.rules.can_be_met(demanded):
            yield Mistake("E008", f"{name} demands {demanded}, which no caller of this guard can meet.", "Add the scheme to the guard.")


def _login_page(configured: Configuration) -> Iterator[Mistake]:
    if not any(isinstance(scheme, DjangoSession) for scheme in configured.guard.schemes):
        return
    try:
        page = resolve_url(settings.LOGIN_URL)
    except NoReverseMatch:
        page = str(settings.LOGIN_URL)
    if page.startswith("/") and not getattr(configured.guard.start(RequestView("GET", page)), "granted", False):
        yield Mistake("E009", f"the rules close the login page {page}, so that no one can log in.", f"Add the rule {page!r}: public.")


def _asked_twice(configured: Configuration, views: Iterable[object]) -> Iterator[Mistake]:
    asking = names_of({_name(view) for view in views if _asks_for_a_login(view)})
    if not configured.finds_users and (asking or places_of(LOGIN_REQUIRED)):
        yield Mistake(
            "W010",
            "login_required asks for a user of Django, and the guard knows none: its callers are sent to the login page: "
            f"{asking or 'LoginRequiredMiddleware'}.",
            'Use requires(...) there, or DjangoUsers or DjangoSession in the guard, or WATCHWORD["USER"].',
            is_error=False,
        )


def _asks_for_a_login(view: object) -> bool:
    mixins = getattr(getattr(view, "view_class", None), "__mro__", ())
    # `login_required` leaves its arguments on the view.
    return hasattr(view, "redirect_field_name") or any(one.__qualname__ == "LoginRequiredMixin" for one in mixins)


def _views() -> Iterator[object]:
    try:
        yield from _views_in(get_resolver().url_patterns)
    except Exception:  # noqa: BLE001 - Django's own check says what is wrong with the URLconf
        return


def _views_in(patterns: Iterable[Any]) -> Iterator[object]:
    for pattern in patterns:
        inner = getattr(pattern, "url_patterns", None)
        if inner is None:
            yield pattern.callback
        else:
            yield from _views_in(inner)


def _demand(view: object) -> Requirement | None:
    found = next((one for one in (demand_of(view, method) for method in View.http_method_names) if one is not None), None)
    stated = marks.demand_of(permissions_of(view))
    return found if stated is None else both(found, stated)


def _name(view: Any) -> str:  # noqa: ANN401 - a function, a partial or an object
    named = getattr(view, "view_class", view)
    return f"{getattr(named, '__module__', '')}.{getattr(named, '__qualname__', type(named).__qualname__)}"


__all__ = ["check_project"]
