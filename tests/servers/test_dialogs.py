"""A real browser at Flask and FastAPI applications with demands of views: its login dialog, the page of a refusal, and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from flask import Flask

from tests.support.browser import opened_browser
from tests.support.in_threads import serving, serving_wsgi
from watchword import Basic, Bearer, Guard, Principal, authenticated, public, role
from watchword.adapters.asgi import GuardMiddleware
from watchword.adapters.fastapi import Requires
from watchword.adapters.flask import Watchword, requires
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.browser import Page

# What a script learns of an answer: the status, the reason in its content, and the challenges.
FETCH = """fetch({url}, {{headers: {{Accept: "application/json"}}}}).then(async answer =>
    [answer.status, JSON.parse(await answer.text()).reason, answer.headers.get('WWW-Authenticate')].join(' '))"""


# What a script learns of the challenges: where Basic would be the only one, it comes under a name that no browser answers.
TOLD = {"flask": 'xBasic realm="office", charset="UTF-8"', "fastapi": 'Bearer realm="api"'}
TOLD["prompting"] = f"{TOLD['flask'].removeprefix('x')}, {TOLD['fastapi']}"


def guard(*schemes: Any, **settings: Any) -> Guard:
    """Make a guard for one application."""
    basic = Basic(lambda shown: Principal("ann") if (shown.username, shown.password) == ("ann", "s3crét") else None, realm="office")
    return Guard(basic, *schemes, rules={"/**": public}, **settings)


def flask_app(guard: Guard) -> Flask:
    """Make an application with a page for everybody, one with a login, and one for administrators."""
    app = Flask(__name__)
    Watchword(app, guard)
    app.add_url_rule("/", "open", lambda: "open to all")
    app.add_url_rule("/me", "me", requires(authenticated)(lambda: "for those who have logged in"))
    app.add_url_rule("/admin", "admin", requires(role("admin"))(lambda: "for administrators"))
    return app


def fastapi_app(guard: Guard) -> FastAPI:
    """Make the same."""
    app = FastAPI(default_response_class=HTMLResponse)
    app.add_middleware(GuardMiddleware, guard=guard)
    app.get("/")(lambda: "open to all")
    app.get("/me", dependencies=[Requires(authenticated)])(lambda: "for those who have logged in")
    app.get("/admin", dependencies=[Requires(role("admin"))])(lambda: "for administrators")
    return app


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    """The addresses of both applications, and of one whose guard lets scripts open dialogs."""
    bearer = Bearer(Tokens({"tok": Principal("bob")}), realm="api")
    quiet: dict[str, Any] = {"xhr_no_prompt": True, "contact": "desk@example.com"}
    asgi = {"fastapi": ("uvicorn", fastapi_app(guard(bearer, **quiet))), "prompting": ("uvicorn", fastapi_app(guard(bearer)))}
    with serving(asgi) as listening, serving_wsgi(flask_app(guard(**quiet))) as flask:
        yield {name: one.url for name, one in {**listening, "flask": flask}.items()}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser of a person who has not logged in."""
    with opened_browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.mark.parametrize("name", ["flask", "fastapi"])
def test_the_dialog_logs_in(page: Page, urls: dict[str, str], name: str) -> None:
    """It opens for Basic, again after a wrong password, and no more after the right one; who may not see a page is told so."""
    with page.dialogs(("ann", "wrong"), ("ann", "s3crét")) as opened:
        page.visit(f"{urls[name]}/me", "for those who have logged in")
        assert opened == ["basic office"] * 2
        page.visit(f"{urls[name]}/admin", "desk@example.com")
        assert "Not allowed" in page.text()
        page.visit(f"{urls[name]}/", "open to all")  # from the page of a refusal, its Content-Security-Policy lets no script fetch
        assert page.evaluate(FETCH, url="/admin") == "403 missing_role "
    assert opened == ["basic office"] * 2


@pytest.mark.parametrize("name", ["flask", "fastapi"])
def test_the_page_is_shown_to_who_cancels(page: Page, urls: dict[str, str], name: str) -> None:
    """The page of the refusal says what to do, and shows the contact."""
    # By another host name, for which the browser has no password.
    url = urls[name].replace("127.0.0.1", "localhost")
    with page.dialogs() as opened:
        page.visit(f"{url}/me", "desk@example.com")
    assert opened == ["basic office"]
    assert "Log in" in page.text()
    assert page.evaluate("document.contentType + ' ' + document.documentElement.lang") == "text/html en"


@pytest.mark.parametrize("name", ["flask", "fastapi", "prompting"])
def test_a_script_opens_no_dialog(page: Page, urls: dict[str, str], name: str) -> None:
    """With `xhr_no_prompt` it reads the reason and the challenges that no browser answers; without, the person is asked."""
    url = urls[name].replace("127.0.0.1", "localhost")
    page.visit(f"{url}/", "open to all")
    with page.dialogs() as opened:
        said = page.evaluate(FETCH, url="/me")
    assert opened == (["basic office"] if name == "prompting" else [])
    assert said == f"401 missing_credentials {TOLD[name]}"
