"""The documentation page of FastAPI in a real browser: what its Authorize button sends is what the guard takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import opened_browser
from tests.support.served import until
from tests.support.servers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.browser import Page

# React hears of an input only by the setter of its element and an event.
TYPE = """(() => {{
    const input = document.querySelector({at}); const value = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')
    value.set.call(input, {text}); input.dispatchEvent(new Event('input', {{bubbles: true}}))
}})()"""
CLICK = "document.querySelector({at})?.click()"
THERE = "!!document.querySelector({at})"
SUBMIT = "document.querySelector({at}).closest('form').querySelector('button[type=submit]').click()"
TEXT = "document.querySelector({at})?.innerText ?? ''"
OPERATIONS = """[...document.querySelectorAll('.opblock')].map(
    one => one.id.split('-').pop() + (one.querySelector('.authorization__btn') ? '*' : '')
)"""


@pytest.fixture(scope="module")
def service() -> Iterator[Server]:
    """The application with its documentation page."""
    server = Server("uvicorn", "tests.servers.documented")
    server.wait("/open")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser of a person who has not logged in."""
    with opened_browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


def there(page: Page, at: str) -> None:
    """Wait for an element."""
    until(lambda: page.evaluate(THERE, at=at), f"{at} on the page")


def authorize(page: Page, typed: dict[str, str]) -> None:
    """Press Authorize, and fill in inputs by their id."""
    page.evaluate(CLICK, at=".scheme-container .authorize")
    for at, text in typed.items():
        there(page, at)
        page.evaluate(TYPE, at=at, text=text)
    page.evaluate(SUBMIT, at=next(iter(typed)))
    page.evaluate(CLICK, at=".close-modal")


def execute(page: Page, operation: str) -> tuple[str, str]:
    """Try an operation out, and return status and content."""
    block = f"#operations-default-{operation}"
    page.evaluate(CLICK, at=f"{block}:not(.is-open) .opblock-summary-control")
    there(page, f"{block} .try-out__btn")
    page.evaluate(CLICK, at=f"{block} .try-out__btn:not(.cancel)")
    there(page, f"{block} .execute")
    page.evaluate(CLICK, at=f"{block} .btn-clear")
    page.evaluate(CLICK, at=f"{block} .execute")
    row = f"{block} .live-responses-table tbody"
    there(page, f"{row} .response-col_status")
    status, content = (page.evaluate(TEXT, at=f"{row} .response-col_{column}") for column in ("status", "description"))
    return status.split()[0], content


def test_the_page_shows_what_callers_must_send(page: Page, service: Server) -> None:
    """A padlock for each operation that a rule closes, none for an open one, and nothing of a hidden one."""
    page.visit(f"{service.url}/docs", "/token")
    assert page.evaluate(OPERATIONS) == ["open", "password*", "token*", "key*"]


@pytest.mark.parametrize(
    ("operation", "caller", "typed"),
    [
        ("password", "ann", {"#auth-basic-username": "ann", "#auth-basic-password": "s3cret"}),
        ("token", "bob", {"#auth-bearer-value": "tok-bob"}),
        ("key", "cid", {"#api_key_value": "key-cid"}),
    ],
)
def test_the_authorize_button_works(page: Page, service: Server, operation: str, caller: str, typed: dict[str, str]) -> None:
    """With it the operation is served; without it the page shows the problem, or the browser opens its dialog for a password."""
    page.visit(f"{service.url}/docs", "/token")
    if operation != "password":
        status, content = execute(page, operation)
        assert (status, "missing_credentials" in content) == ("401", True)
    authorize(page, typed)
    status, content = execute(page, operation)
    assert (status, f"served to {caller}" in content) == ("200", True)


def test_a_page_that_needs_a_password_gets_its_document(page: Page, service: Server) -> None:
    """The browser sends the password of the page for the document of a mounted application, too."""
    page.visit(service.url.replace("//", "//ann:s3cret@") + "/private/inner", "served to ann")
    page.visit(f"{service.url}/private/docs", "/inner")
    assert page.evaluate(OPERATIONS) == ["inner*"]
    status, content = execute(page, "inner")
    assert (status, "served to ann" in content) == ("200", True)
