"""Flask, with the extension and `requires` on its views."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flask import Flask

from tests.support.frameworks import METHODS, PATHS, told
from watchword.adapters.flask import Watchword, current_principal, requires

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword import Guard, Requirement

INTERFACE = "wsgi"


@contextmanager
def application(guard: Guard, views: Mapping[str, Requirement]) -> Iterator[Flask]:
    """Make the application."""
    app = Flask(__name__)
    Watchword(app, guard)

    def view() -> tuple[str, dict[str, str]]:
        return told(lambda: current_principal.id), {"Content-Type": "text/plain"}

    def marked(requirement: Requirement) -> Any:
        return requires(requirement)(lambda: view())  # noqa: PLW0108 - a function of its own, which is marked

    for path in PATHS:
        app.add_url_rule(path, path, view, methods=METHODS)
    for path, requirement in views.items():
        app.add_url_rule(path, path, marked(requirement), methods=METHODS)
    yield app
