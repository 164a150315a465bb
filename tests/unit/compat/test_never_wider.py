"""Compares the names of Flask-HTTPAuth with Flask-HTTPAuth itself: whom it refuses is not let in here."""

from __future__ import annotations

import logging
from base64 import b64encode
from itertools import product
from typing import Any

import flask_httpauth as theirs
import pytest
from flask import Flask

from watchword.compat import flask_httpauth as ours

PEOPLE = {("ann", "x"), ("ann", "x:y"), ("ann", ""), ("gar\xe7on", "\xe1"), (" ann", "x")}
TOKENS = {"t1", "t1=", "t,1", "t 1", "a=b"}
PAIRS = [
    b"ann:x",
    b"ann:y",
    b"ann:",
    b":",
    b":x",
    b"ann",
    b"ann:x:y",
    b" ann:x",
    b"Ann:x",
    b"ann:x\x00",
    "gar\xe7on:\xe1".encode("latin-1"),
]
FIELDS = [
    *(form.format(name, b64encode(pair).decode()) for form, name, pair in product(["{} {}"], ["Basic", "xB", "Bearer", "Digest"], PAIRS)),
    *(
        form.format(b64encode(b"ann:x").decode())
        for form in ["{}", "Basic {}=", "Basic {}!", "Basic\t{}", "Basic  {}", "Basic {0},Basic {0}"]
    ),
    *(
        form.format(token)
        for form, token in product(["{}", "Bearer {}", "Bearer\t{}", "Token {}", "Basic {}"], sorted(TOKENS | {"t2", ""}))
    ),
]
REQUESTS: list[dict[str, str]] = [
    {},
    *({"Authorization": field} for field in FIELDS),
    *({"X-Key": key} for key in sorted(TOKENS | {"t2", "", "t1,t1", "Bearer t1"})),
    *({"Authorization": field, "X-Key": key} for field, key in product([FIELDS[0], FIELDS[1], "Bearer t1", "Bearer t2"], ["t1", "t2"])),
]


def made(module: Any) -> dict[str, Any]:
    """Make clients of applications that use the names of a module."""

    def people(**settings: Any) -> Any:
        auth = module.HTTPBasicAuth(**settings)
        auth.verify_password(lambda username, password: username if (username, password) in PEOPLE else None)
        auth.get_user_roles(lambda user: ["a", "b"] if user == "ann" else None)
        return auth

    def tokens(*arguments: Any, **settings: Any) -> Any:
        auth = module.HTTPTokenAuth(*arguments, **settings)
        auth.verify_token(lambda token: token in TOKENS)
        auth.get_user_roles(lambda sent: "a" if sent.token == "t1" else "c")
        return auth

    def client(auth: Any, role: Any) -> Any:
        app = Flask(__name__)
        app.add_url_rule("/", view_func=auth.login_required(role=role)(lambda: f"{auth.current_user()}"))
        return app.test_client()

    every = {
        "basic": people(),
        "other": people(scheme="xB"),
        "token": tokens(),
        "key": tokens(header="X-Key"),
        "several": module.MultiAuth(people(), tokens(), tokens("Token", header="X-Key")),
    }
    return {f"{name} {role}": client(auth, role) for name, auth in every.items() for role in (None, "a", [["a", "b"], "c"])}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", made(ours))
def test_whom_flask_httpauth_refuses_is_refused(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is sent, the answer is its answer or a refusal; and never an error of the server."""
    caplog.set_level(logging.CRITICAL + 1)
    asked, other = made(ours)[name], made(theirs)[name]
    let_in = 0
    for headers in REQUESTS:
        answer = asked.get("/", headers=headers)
        assert answer.status_code in {200, 400, 401, 403}, headers
        if answer.status_code == 200:
            its = other.get("/", headers=headers)
            assert (its.status_code, its.text) == (200, answer.text), headers
            let_in += 1
    assert let_in
