"""The page of a refusal in a real browser: by mouse, by keyboard, on a phone, in the dark, and for a screen reader (axe-core)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import opened_browser
from tests.support.npm import install
from tests.support.refused_pages import PAGES, refused_pages
from tests.support.screenshots import SHOTS, STATIC, prefer, take
from tests.support.served import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.browser import Page

AXE = "axe-core@4.10.3"
FIND = "axe.run().then(found => JSON.stringify(found.violations.map(one => [one.id, one.nodes.map(node => node.html)])))"
LEFT = """(() => {{
    const [one] = document.getAnimations(); one.pause(); one.currentTime = {at} * 1000
    const left = document.querySelector('.left')
    return [getComputedStyle(left).getPropertyValue('--left'), getComputedStyle(left, '::after').getPropertyValue('--minutes')].join(' ')
}})()"""
STYLE = "getComputedStyle(document.querySelector({at})).getPropertyValue({name})"
TITLES = {"de": "Zu viele Versuche", "es": "Demasiados intentos", "fr": "Trop de tentatives", "ja": "試行回数が多すぎます"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of the service."""
    with refused_pages() as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser."""
    with opened_browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(browser: Page) -> Page:
    """The browser, with nothing preferred."""
    prefer(browser)
    return browser


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core."""
    folder = tmp_path_factory.mktemp("axe")
    install(folder, AXE)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, axe: str) -> Any:
    """Return what axe-core finds on the page that is open."""
    page.call("Runtime.evaluate", expression=axe)
    return json.loads(page.evaluate(FIND))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_screen_reader_can_read_every_page(page: Page, url: str, axe: str, dark: bool) -> None:  # noqa: FBT001 - a parameter
    """axe-core finds nothing: landmarks, headings, contrast, names of links, language."""
    prefer(page, dark=dark)
    for path in ("/403", "/429") if dark else PAGES:
        page.visit(url + path, f"Error {path[1:]}")
        assert violations(page, axe) == [], path


def test_what_axe_looks_for_it_would_find(page: Page, url: str, axe: str) -> None:
    """On a page with a mistake."""
    page.visit(f"{url}/401", "Error 401")
    page.evaluate("document.querySelector('h1').style.color = '#eee'; document.documentElement.lang = ''")
    assert {name for name, _ in violations(page, axe)} == {"color-contrast", "html-has-lang"}


@pytest.mark.parametrize("language", TITLES)
def test_every_language_fits_a_phone(page: Page, url: str, axe: str, language: str) -> None:
    """Nothing is wider than the screen, and the language is that of the words."""
    prefer(page, language=language, width=320, height=568)
    for path in ("/401", "/429"):
        page.visit(url + path, TITLES[language] if path == "/429" else path)
        until(lambda: page.evaluate("document.documentElement.lang") == language, "the language")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert violations(page, axe) == []


@pytest.mark.parametrize(("dark", "colour"), [(False, "rgb(11, 87, 208)"), (True, "rgb(138, 180, 248)")], ids=["light", "dark"])
def test_the_style_and_the_logo_pass_the_policy(page: Page, url: str, dark: bool, colour: str) -> None:  # noqa: FBT001 - a parameter
    """In the colours that the browser prefers."""
    prefer(page, dark=dark)
    page.visit(f"{url}/401", "Error 401")
    assert page.evaluate(STYLE, at=".action", name="background-color") == colour
    until(lambda: page.evaluate("document.querySelector('img').naturalWidth"), "the logo")
    blocked = "try { new Function('x')(); 'ran' } catch { 'blocked' }"
    assert page.evaluate(
        f"(() => {{ const s = document.createElement('script'); s.text = 'window.ran = 1'; document.body.append(s) }})(); {blocked}"
    )
    assert page.evaluate("window.ran") is None


@pytest.mark.parametrize(
    ("path", "at", "left"), [("/503", 0, "30 0"), ("/503", 10, "20 0"), ("/429", 0, "300 5"), ("/429", 200, "100 1"), ("/429", 300, "0 0")]
)
def test_the_countdown_counts_without_a_script(page: Page, url: str, path: str, at: int, left: str) -> None:
    """Seconds, and minutes of them, at a moment that the test chooses."""
    page.visit(url + path, f"Error {path[1:]}")
    assert page.evaluate(LEFT.format(at=at)) == left


def test_who_prefers_no_motion_sees_no_countdown(page: Page, url: str) -> None:
    """The sentence beside it says how long to wait."""
    prefer(page, still=True)
    page.visit(f"{url}/429", "Wait at least 5 minutes.")
    assert page.evaluate(STYLE, at=".left", name="display") == "none"


def press(page: Page, key: str) -> None:
    """Press a key."""
    codes = {"Tab": 9, "Enter": 13}
    text = {"text": "\r"} if key == "Enter" else {}
    page.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=codes[key], **text)
    page.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=codes[key])


def test_the_keyboard_reaches_the_action_first(page: Page, url: str) -> None:
    """With a focus that can be seen; Enter follows the link, to the same page with its query."""
    page.visit(f"{url}/503?try=1", "Error 503")
    press(page, "Tab")
    assert page.evaluate("document.activeElement.className") == "action"
    assert page.evaluate(STYLE, at=".action", name="outline-style") == "solid"
    page.evaluate("window.old = true")
    press(page, "Enter")
    until(lambda: page.evaluate("window.old") is None, "the page anew")
    until(lambda: page.text().startswith(f"{url}/503?try=1 "), "the same address")


def test_the_login_link_opens_the_dialog_again(page: Page, url: str) -> None:
    """A visitor who has closed the dialog logs in by the link, and gets the page that was asked for, with its query."""
    with page.dialogs() as cancelled:
        page.visit(f"{url}/orders?id=7", "Login required")
        assert cancelled == ["basic office"]
    with page.dialogs(("ann", "s3cret")) as opened:
        page.evaluate("document.querySelector('.action').click()")
        until(lambda: "served to ann" in page.text(), "the page after the login")
        assert opened == ["basic office"]
    assert page.text().startswith(f"{url}/orders?id=7 ")


@pytest.mark.parametrize("name", SHOTS)
def test_the_pictures_of_the_documentation_can_be_taken(page: Page, url: str, name: str) -> None:
    """They are there, are small, and have the size of a new one."""
    picture, kept = take(page, url, SHOTS[name]), (STATIC / name).read_bytes()
    assert kept[:8] == picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert kept[16:24] == picture[16:24]  # width and height
    assert len(kept) < 60_000
