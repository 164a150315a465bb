"""Lists the routes of Django, with those of Django REST framework."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.urls import get_resolver

from watchword.routes.listed import Listed, Param, Pieces, name_of, shape_of, split_template
from watchword.routes.regexes import pieces_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.routes.applications import Place

_PARAM: Final = re.compile(r"<(?:[^<>:]+:)?([^<>]+)>")
_WRAPPED: Final = "WrappedAPIView"  # the class that `api_view` of Django REST framework makes of a function
_DRF: Final = "watchword.adapters.drf"  # whose permission demands a login where it stands as a class
_LANGUAGE: Final = Param("[a-z]{2,3}(?:-[A-Za-z0-9]+)*")


def list_routes(app: Any, place: Place) -> Iterator[Listed]:  # noqa: ANN401 - a handler or a resolver of Django
    """Yield the routes of a project, in the order in which Django tries them.

    Args:
        app: a resolver of Django; or a handler, whose resolver is that of the settings in force.
        place: where it is mounted.
    """
    resolver = app if hasattr(app, "url_patterns") else get_resolver()
    yield from _listed(resolver, place.path + "/", (*place.pieces, "/"), place.host)


def _listed(resolver: Any, path: str, pieces: Pieces, host: str) -> Iterator[Listed]:  # noqa: ANN401 - a resolver of Django
    for one in resolver.url_patterns:
        for text, own in _variants(one.pattern):
            if hasattr(one, "url_patterns"):
                yield from _listed(one, path + text, (*pieces, *own), host)
            else:
                yield from _views(one.callback, partial(Listed, path + text, shape_of((*pieces, *own)), host=host, stops=True, route=one))


def _variants(pattern: Any) -> Iterator[tuple[str, Pieces]]:  # noqa: ANN401 - a pattern of Django
    """Yield the texts of a pattern with their pieces: two where the prefix for a language may be left out."""
    if hasattr(pattern, "prefix_default_language"):
        yield "{language}/", (_LANGUAGE, "/")
        if not pattern.prefix_default_language:
            yield "", ()
    elif hasattr(pattern, "_route"):
        yield str(pattern), split_template(str(pattern), _PARAM, partial(_param, pattern.converters))
    else:
        yield str(pattern).removeprefix("^").removesuffix("$"), pieces_of(str(pattern), is_whole=not pattern._is_endpoint)  # noqa: SLF001 - nothing else says it


def _param(converters: Any, found: re.Match[str]) -> Param:  # noqa: ANN401 - by name
    regex = converters[found[1].strip()].regex
    return Param(regex, rest=re.fullmatch(regex, "x/x") is not None)


def _views(view: Any, make: Any) -> Iterator[Listed]:  # noqa: ANN401 - a view, and what makes its route
    of_class = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if of_class is None:
        # The view says itself which methods it takes, and nothing shows that.
        name = name_of(view)
        yield make(methods=None, endpoint=name, views=(view,), kind="static" if name == "django.views.static.serve" else "http")
        return
    actions = getattr(view, "actions", None)  # of a view set of Django REST framework
    names = actions or {name: name for name in of_class.http_method_names if hasattr(of_class, name)}
    handlers = dict(names)
    if "get" in handlers:
        handlers.setdefault("head", handlers["get"])
    if actions is not None and "options" in of_class.http_method_names:
        handlers.setdefault("options", "options")
    stated = getattr(view, "initkwargs", {}).get("permission_classes", getattr(of_class, "permission_classes", ()))
    permissions = [one() if getattr(one, "__module__", "") == _DRF and isinstance(one, type) else one for one in stated]
    endpoint = f"{of_class.__module__}.{of_class.__name__}" if of_class.__qualname__ == _WRAPPED else name_of(of_class)
    for name, action in handlers.items():
        automatic = name == "options" or (name == "head" and name not in names)
        views = (view, of_class, getattr(of_class, "dispatch", None), *_handlers(of_class, action), *permissions)
        automatics = frozenset({name.upper()} if automatic else ())
        yield make(methods=(name.upper(),), endpoint=endpoint, views=views, automatic=automatics)


def _handlers(of_class: type, action: str) -> Iterator[object]:
    """Yield the method of a class, and the function that it calls where `api_view` has made the class of one."""
    handler = getattr(of_class, action, None)
    yield handler
    if of_class.__qualname__ == _WRAPPED:
        yield from (cell.cell_contents for cell in getattr(handler, "__closure__", None) or ())
