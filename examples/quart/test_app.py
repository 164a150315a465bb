"""Tests of app.py: who may do what, without passwords; and the passwords themselves. Run it: pytest test_app.py"""

import asyncio
from http import HTTPStatus

from app import app, guard
from quart import Response

from watchword import Principal
from watchword.testing import acting_as, basic_auth


def ask(path: str, headers: dict[str, str] | None = None) -> Response:
    return asyncio.run(app.test_client().get(path, headers=headers))


def test_orders_need_a_login() -> None:
    assert ask("/orders/7").headers["WWW-Authenticate"] == 'Basic realm="office", charset="UTF-8"'
    with acting_as(Principal("bob"), guard):
        assert asyncio.run(ask("/orders/7").json) == {"order": 7, "for": "bob"}


def test_only_auditors_see_reports() -> None:
    with acting_as(Principal("ann", roles={"auditor"}), guard):
        assert ask("/reports").status_code == HTTPStatus.OK
    with acting_as(Principal("bob"), guard):
        assert ask("/reports").status_code == HTTPStatus.FORBIDDEN


def test_the_news_greet_their_reader() -> None:
    async def heard() -> object:
        async with app.test_client().websocket("/news") as socket:
            return await socket.receive()

    with acting_as(Principal("bob"), guard):
        assert asyncio.run(heard()) == "hello bob"


def test_the_password_counts() -> None:
    # Outside of acting_as the checker decides.
    assert ask("/orders/7", basic_auth("ann", "sesame")).status_code == HTTPStatus.OK
    assert ask("/orders/7", basic_auth("ann", "guess")).status_code == HTTPStatus.UNAUTHORIZED
