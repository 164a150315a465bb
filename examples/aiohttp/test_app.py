"""Tests of app.py: who may do what, without passwords; and the passwords themselves. Run it: pytest test_app.py"""

import asyncio
from http import HTTPStatus

from aiohttp.test_utils import TestClient, TestServer
from app import guard, make_app

from watchword import Principal
from watchword.testing import acting_as, basic_auth


def ask(path: str, **headers: str) -> tuple[int, str]:
    async def asked() -> tuple[int, str]:
        async with TestClient(TestServer(make_app())) as client:
            answer = await client.get(path, headers=headers)
            return answer.status, answer.headers.get("WWW-Authenticate", "") or await answer.text()

    return asyncio.run(asked())


def test_health_is_public() -> None:
    assert ask("/healthz") == (200, '{"status": "ok"}')


def test_orders_need_a_login() -> None:
    assert ask("/orders/7") == (401, 'Basic realm="orders", charset="UTF-8"')
    with acting_as(Principal("bob"), guard):
        assert ask("/orders/7") == (200, '{"order": "7", "for": "bob"}')


def test_only_auditors_see_reports() -> None:
    with acting_as(Principal("ann", roles={"auditor"}), guard):
        assert ask("/reports") == (200, '{"reports": []}')
    with acting_as(Principal("bob"), guard):
        assert ask("/reports")[0] == HTTPStatus.FORBIDDEN


def test_the_password_counts() -> None:
    # Outside of acting_as the checker decides.
    assert ask("/reports", **basic_auth("ann", "sesame"))[0] == HTTPStatus.OK
    assert ask("/reports", **basic_auth("ann", "guess"))[0] == HTTPStatus.UNAUTHORIZED
