"""Imports an application by its import string, and finds the guard in front of it."""

from __future__ import annotations

import sys
from contextlib import contextmanager, redirect_stdout
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchword import Guard
from watchword.cli.failures import Failure
from watchword.routes.applications import AIOHTTP, DJANGO, LITESTAR, chain, is_a

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_HOW = "Write module:attribute, such as project.main:app, module:factory(), or the settings module of a Django project"
_FILE = "{!r} names a file. Write the module that it holds, without .py: {!r}"


def load_app(text: str) -> object:
    """Import an application. The code of its modules runs; what it prints goes to standard error.

    Args:
        text: `module:attribute`, where the attribute may have dots, and `()` at the end calls it; or a settings module of Django.

    Raises:
        Failure: it cannot be imported, or is not there.
    """
    module, colon, attribute = text.partition(":")
    with _imports():
        if colon:
            return _attribute(text, module, attribute)
        found = _module(text, module)
        if not hasattr(found, "ROOT_URLCONF"):
            raise Failure(f"{text!r} names a module that is not a settings module of Django. {_HOW}", "unimportable")
        return _django(module)


def load_guard(text: str) -> Guard:
    """Import a guard.

    Args:
        text: `module:attribute`, as for an application.

    Raises:
        Failure: it cannot be imported, or is not a guard.
    """
    module, colon, attribute = text.partition(":")
    if not colon:
        raise Failure(f"{text!r} names no guard. Write module:attribute, such as project.auth:guard", "unimportable")
    with _imports():
        found = _attribute(text, module, attribute)
    if not isinstance(found, Guard):
        raise Failure(f"{text!r} must be a Guard, got {type(found).__name__}. Name the Guard(...) of the application", "no_guard")
    return found


def find_guard(app: object) -> Guard:
    """Return the guard in front of an application.

    Args:
        app: the application, with its middlewares and extensions.

    Raises:
        Failure: the application shows no guard, or several.
    """
    found = list({id(guard): guard for guard in _guards(app)}.values())
    if len(found) != 1:
        what = "shows no guard" if not found else f"shows {len(found)} guards"
        raise Failure(f"the application {what}. Pass --guard module:attribute", "no_guard")
    return found[0]


def _guards(app: object) -> Iterator[Guard]:
    for layer in [*chain(app), *chain(getattr(app, "wsgi_app", None)), *chain(getattr(app, "asgi_app", None))]:
        for carrier in _carriers(layer):
            guard = carrier if isinstance(carrier, Guard) else getattr(carrier, "guard", None)
            if isinstance(guard, Guard):
                yield guard


def _carriers(layer: Any) -> Iterator[object]:  # noqa: ANN401 - of any framework
    """Yield a layer of an application, and where frameworks keep what stands around their views."""
    yield layer
    extensions = getattr(layer, "extensions", None)  # Flask and Quart
    yield from extensions.values() if isinstance(extensions, dict) else ()
    planned = getattr(layer, "user_middleware", None)  # Starlette builds its middlewares with the first request
    for one in planned if isinstance(planned, list) else ():
        yield from (*getattr(one, "args", ()), *getattr(one, "kwargs", {}).values())
    if is_a(layer, AIOHTTP):
        yield from layer.middlewares
    elif is_a(layer, LITESTAR):
        yield from layer.plugins
    elif is_a(layer, DJANGO):
        from django.conf import settings

        if hasattr(settings, "WATCHWORD"):
            from watchword.adapters.django.configuration import configuration

            yield configuration()


def _attribute(text: str, module: str, attribute: str) -> object:
    called = attribute.endswith("()")
    names = attribute.removesuffix("()").split(".")
    try:
        found: Any = reduce(getattr, names, _module(text, module))
    except AttributeError as error:
        raise Failure(f"{text!r} cannot be imported: {error}. {_HOW}", "unimportable") from None
    if not called:
        return found
    try:
        return found()
    except Exception as error:
        raise Failure(f"{text!r} failed: {type(error).__name__}: {error}", "unimportable") from error


def _module(text: str, name: str) -> ModuleType:
    if name.endswith(".py") or "/" in name:
        stem = name.removesuffix(".py").replace("/", ".").strip(".")
        raise Failure(_FILE.format(text, stem + text[len(name) :]), "unimportable")
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name == missing or name.startswith(f"{missing}."):
            raise Failure(f"there is no module {missing!r} in {Path.cwd()} or on sys.path. {_HOW}", "unimportable") from None
        raise Failure(
            f"importing {name!r} failed: there is no module {missing!r}. Install what the application needs", "unimportable"
        ) from None
    except (ValueError, TypeError):
        raise Failure(f"{text!r} is not an import string. {_HOW}", "unimportable") from None
    except Exception as error:
        raise Failure(f"importing {name!r} failed: {type(error).__name__}: {error}", "unimportable") from error


def _django(module: str) -> object:
    """Return the application that a settings module of Django names; one that Django makes, where it names none."""
    import os

    os.environ["DJANGO_SETTINGS_MODULE"] = module
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.utils.module_loading import import_string

    named = getattr(settings, "WSGI_APPLICATION", None) or getattr(settings, "ASGI_APPLICATION", None)
    try:
        return import_string(named) if named else get_wsgi_application()
    except Exception as error:
        raise Failure(f"the application of {module!r} cannot be made: {type(error).__name__}: {error}", "unimportable") from error


@contextmanager
def _imports() -> Iterator[None]:
    """Import from the current folder as well, as servers do, and keep standard output for the result."""
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        with redirect_stdout(sys.stderr):
            yield
    except SystemExit as error:
        # Otherwise its status would be that of the command, and 0 would say that nothing was found.
        message = f"the code that was imported ended the program with {error.code!r}. Let it do so only where `__name__ == '__main__'`"
        raise Failure(message, "unimportable") from None
