"""Finds out what a view of Django demands: by its marks, and by those of its class, its methods and its permissions."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from copy import copy
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.urls import resolve
from django.utils.translation import get_language, get_language_from_path, override

from watchword.adapters import marks
from watchword.adapters.marks import both, has_hidden, requirement_of
from watchword.authorization import public
from watchword.guard.outcome import Pass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.http import HttpRequest, HttpResponse

    from watchword.authorization import Requirement
    from watchword.guard.exchange import Exchange
    from watchword.guard.outcome import Outcome

SEEN: Final = "_watchword_seen"
"""The attribute of a request that says for which match of the router the guard was asked."""
TARGET: Final = "_watchword_target"
"""The attribute of a request that says by which method and path the guard was asked."""


def demand_here(request: HttpRequest, view: object, exchange: Exchange) -> Requirement | None:
    """Return what is demanded before a view runs: by its mark, and by the rule of a request that was changed since it was decided.

    A middleware behind the guard may replace the method by a field, or rewrite the path (threats P7, P11).
    """
    demanded = demand_of(view, request.method)
    path = request.path_info or "/"
    # The fast path makes no view of the request, so its facts are kept beside it.
    method, seen = getattr(request, TARGET, None) or (exchange.view.method, exchange.view.path)
    if not exchange.decision.granted or (request.method, path) == (method.upper(), seen):
        return demanded
    changed = copy(exchange.view)
    changed.method, changed.path, changed.raw_path = request.method, path, None
    rule = exchange.guard.policy.route(changed).requirement
    return demanded if rule == public else both(demanded, rule)


def demand_of(view: object, method: str) -> Requirement | None:
    """Return what a view demands; None: nothing."""
    kind = getattr(view, "cls", None)
    hiding = [one for one in permissions_of(view) if has_hidden(requirement_of(one))] if _has_stated_permissions(kind) else ()
    return marks.demand_of((*_parts(view, method), *hiding))


def _has_stated_permissions(kind: object) -> bool:
    """Tell whether a class of Django REST framework says what `get_permissions` returns: it has not replaced that."""
    return getattr(getattr(kind, "get_permissions", None), "__module__", "") == "rest_framework.views"


def demand_overtaken(request: HttpRequest, response: HttpResponse) -> Requirement | None:
    """Return what a hidden view demands where something else has answered before that was checked; None: nothing has.

    `CsrfViewMiddleware` does so before the guard sees the view, and Django REST framework before it asks `get_permissions` of a view that
    has replaced it. A 403 or a 406 would tell that the view is there.
    """
    found = request.resolver_match
    if found is None:
        return None
    is_seen = getattr(request, SEEN, None) is found
    demanded = _demand_of_answered(response) if is_seen else demand_of(found.func, request.method)
    return demanded if has_hidden(demanded) else None


def _demand_of_answered(response: HttpResponse) -> Requirement | None:
    """Return what the permissions demand of the view of Django REST framework that has made a response."""
    view = (getattr(response, "renderer_context", None) or {}).get("view")
    if view is not None and not _has_stated_permissions(type(view)):
        with suppress(Exception):  # the view has failed on it already
            return marks.demand_of(view.get_permissions())
    return None


def _parts(view: object, method: str) -> Iterator[object]:
    """Yield a view, its class, and the methods that serve the request."""
    yield view
    serving = ("head", "get") if method == "HEAD" else (method.lower(),)
    actions = getattr(view, "actions", None) or {}
    for name in ("view_class", "cls"):  # of Django and of Django REST framework
        kind = getattr(view, name, None)
        if kind is not None:
            yield kind
            # Of each base: a subclass that replaces `dispatch` demands no less.
            yield from (vars(base).get("dispatch") for base in getattr(kind, "__mro__", ()))
            yield from (getattr(kind, actions.get(one, one), None) for one in serving)


def named_outcome(request: HttpRequest, exchange: Exchange, outcome: Outcome) -> Outcome:
    """Return the outcome; where the rule refuses, its challenges name what the view demands."""
    demanded = None if isinstance(outcome, Pass) else _demand_at(request)
    if demanded is None:
        return outcome
    exchange.demand(demanded)
    return exchange.outcome()


def _demand_at(request: HttpRequest) -> Requirement | None:
    """Return what the view demands that the router would choose, for the challenge of a rule that refuses (decision D63)."""
    with suppress(Exception):  # nothing is there, or a router that fails: the rule has an answer for this caller
        # `i18n_patterns` match by the language of the path, which LocaleMiddleware has not set yet.
        language = get_language_from_path(request.path_info) or settings.LANGUAGE_CODE
        with override(language) if language != get_language() else nullcontext():
            found = resolve(request.path_info, getattr(request, "urlconf", None))
        return marks.demand_of([*_parts(found.func, request.method), *permissions_of(found.func)])
    return None


def permissions_of(view: object) -> Iterable[object]:
    """Return the permissions of Django REST framework, which checks them itself."""
    classes: Iterable[object] = getattr(getattr(view, "cls", None), "permission_classes", ())
    of_action: Iterable[object] = getattr(view, "initkwargs", {}).get("permission_classes", classes)  # of `@action`
    return of_action


__all__ = ["SEEN", "demand_here", "demand_of", "demand_overtaken", "named_outcome", "permissions_of"]
