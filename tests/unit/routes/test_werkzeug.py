"""The routes of Flask and Quart."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView
from quart import Quart

from tests.support.listing import guard_of, lines, report_of
from watchword import role
from watchword.adapters.flask import Watchword, requires
from watchword.routes.listed import shape_of
from watchword.routes.werkzeug import _pieces


def view(**values: object) -> str:
    """Answer."""
    return ""


@requires(role("a"))
def marked() -> str:
    """Answer those who may."""
    return ""


class Orders(MethodView):
    def get(self) -> str:
        """Answer."""
        return ""

    @requires(role("poster"))
    def post(self) -> str:
        """Answer."""
        return ""


@pytest.mark.parametrize("kind", [Flask, Quart])
def test_rules_and_their_methods(kind: type[Any]) -> None:
    """HEAD and OPTIONS are automatic, narrower rules come first, and the folder of files is one of them."""
    app = kind("x", static_folder=".", static_url_path="/static")
    app.add_url_rule("/<path:rest>", "c", view)
    app.add_url_rule("/<int:id>/x-<name>", "b", view, methods=["POST"])
    app.add_url_rule("/x/", "a", view)
    report = report_of(app, {"/7/x-ann": role("a"), "/static/secret": role("s")})
    assert [line for line in lines(report) if "HEAD" not in line and "OPTIONS" not in line] == [
        "static GET /static/<path:filename> = authenticated",
        'static GET /static/<path:filename> at /static/secret = role("s")',
        "GET /x/ = authenticated",
        "POST /<int:id>/x-<name> = authenticated",
        'POST /<int:id>/x-<name> at /7/x-ann = role("a")',
        "GET /<path:rest> = authenticated",
        'GET /<path:rest> at /7/x-ann = role("a")',
    ]
    assert [row.automatic for row in report.routes if row.path == "/x/"] == [row != "GET" for row in ("GET", "HEAD", "OPTIONS")]


def test_flask() -> None:
    """Blueprints, class-based views and marks are found, through the extension and the attribute `wsgi_app`."""
    app = Flask("x", static_folder=None)
    blueprint = Blueprint("b", "x", url_prefix="/b")
    blueprint.add_url_rule("/o", view_func=Orders.as_view("o"))
    app.register_blueprint(blueprint)
    app.add_url_rule("/m", view_func=marked, methods=["PUT"])
    Watchword(app, guard_of())
    expected = [
        "GET /b/o = authenticated",
        "(HEAD) /b/o = authenticated",
        "(OPTIONS) /b/o = authenticated",
        'POST /b/o = authenticated & role("poster")',
        'PUT /m = authenticated & role("a")',
    ]
    assert [line for line in lines(report_of(app)) if "OPTIONS) /m" not in line] == expected
    assert report_of(app.wsgi_app).routes == report_of(app).routes


def test_quart_has_websockets() -> None:
    """A handshake is a GET."""
    app = Quart("x", static_folder=None)
    app.add_websocket("/ws", "ws", view)
    assert lines(report_of(app)) == ["websocket GET /ws = authenticated"]


def test_hosts() -> None:
    """A rule for a subdomain is listed with it, and shadows no rule for another one."""
    app = Flask("x", static_folder=None, subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.com"
    for name in ("a", "b"):
        app.add_url_rule("/x", name, view, subdomain=name, methods=["POST"], provide_automatic_options=False)
    report = report_of(app)
    assert lines(report) == ["POST a/x = authenticated", "POST b/x = authenticated"]
    assert not report.findings


def test_a_rule_without_its_trace() -> None:
    """Where a later werkzeug keeps its rules in another way, their text is read."""
    rule = SimpleNamespace(rule="/a/<int:id>/<any(b, c):name>/<path:rest>")
    assert str(shape_of(_pieces(rule)).pattern) == "/a/{x}/{y}/**"
