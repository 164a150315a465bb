"""The console in a real browser: alone by keyboard, on a phone, in the dark, while things happen, and under attack."""

from __future__ import annotations

import os
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.support.browser import Page, opened_browser
from tests.support.npm import install
from tests.support.served import until
from tests.support.servers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = {
    "/": "Overview",
    "/refusals": "Latest refusals",
    "/routes": "Routes",
    "/accounts": "Accounts",
    "/keys": "Keys",
    "/tokens": "Tokens",
}
PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
DESK = {"width": 1100, "height": 900, "deviceScaleFactor": 1, "mobile": False}


@pytest.fixture(scope="module")
def service() -> Iterator[Server]:
    """The application and its console."""
    server = Server("uvicorn", "tests.servers.consoled")
    server.wait()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def page(service: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser whose user has logged in to the console, with something to see there."""
    for path, name in (("/admin", "admin"), ("/admin", "viewer"), ("/me", "admin"), ("/me", "nobody"), ("/me", "viewer")):
        httpx2.get(service.url + path, auth=(name, "s3cret"))
    with opened_browser(tmp_path_factory.mktemp("profile")) as page:
        page.call("Emulation.setDeviceMetricsOverride", **DESK)
        page.visit(service.url.replace("//", "//admin:s3cret@") + "/console/", "Overview")
        yield page


def press(page: Page, key: str, code: int) -> None:
    """Press a key."""
    text = {"text": "\r"} if key == "Enter" else {}
    for kind in ("keyDown", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **(text if kind == "keyDown" else {}))


def focused(page: Page) -> str:
    """Return the text or the name of what has the focus."""
    found: str = page.evaluate("document.activeElement.textContent || document.activeElement.name || document.activeElement.type || ''")
    return found


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until something has the focus."""
    for _ in range(80):
        press(page, "Tab", 9)
        if focused(page).strip() == wanted:
            return
    raise AssertionError(f"Tab never reaches {wanted!r}")


def wait_for(page: Page, title: str) -> None:
    """Wait until a page is shown."""
    until(lambda: page.evaluate("document.querySelector('h1').textContent") == title, title)


def test_every_page_is_reached_by_keyboard(page: Page, service: Server) -> None:
    """The first Tab leads to the content, the next ones through the pages; Enter opens one."""
    page.visit(f"{service.url}/console/", "Overview")
    press(page, "Tab", 9)
    assert focused(page) == "Skip to the content"
    for name, title in (("Refusals", "Latest refusals"), ("Accounts", "Accounts")):
        tab_to(page, name)
        press(page, "Enter", 13)
        wait_for(page, title)


def test_a_key_is_issued_and_revoked_by_keyboard(page: Page, service: Server) -> None:
    """A form is filled in and sent without a pointer; the key is shown once, and is revoked by its button."""
    page.visit(f"{service.url}/console/keys", "Issue a key")
    for name, text in (("owner", "bob"), ("label", "CI <b>")):
        page.evaluate("document.querySelector('form[method=post] [name=' + {name} + ']').focus()", name=name)
        page.call("Input.insertText", text=text)
    tab_to(page, "Issue a key")
    press(page, "Enter", 13)
    until(lambda: "Copy it now" in page.text(), "the new key")
    key = page.evaluate("document.getElementById('secret').textContent")
    assert key.startswith("ww_")
    page.visit(f"{service.url}/console/keys", "CI <b>")
    assert key not in page.text()
    tab_to(page, "Revoke")
    press(page, "Enter", 13)
    until(lambda: "revoked" in page.text(), "the revoked key")


def test_what_happens_is_shown_without_a_reload(page: Page, service: Server) -> None:
    """The stream tells of it, and the page shows what the server draws; unchecking the box stops that."""
    page.visit(f"{service.url}/console/refusals", "Latest refusals")
    page.evaluate("document.documentElement.dataset.same = 'yes'")
    httpx2.get(f"{service.url}/me", headers={"X-Request-Id": "first-sight", "Accept": "*/*"})
    until(lambda: "first-sight" in page.text(), "the refusal")
    assert page.evaluate("document.documentElement.dataset.same") == "yes"
    page.evaluate("document.querySelector('#pause input').click()")
    httpx2.get(f"{service.url}/me", headers={"X-Request-Id": "second-sight"})
    httpx2.get(f"{service.url}/console/events", auth=("eve", "s3cret"))
    assert "second-sight" not in page.text()
    page.evaluate("document.querySelector('#pause input').click()")
    httpx2.get(f"{service.url}/me", headers={"X-Request-Id": "third-sight"})
    until(lambda: "third-sight" in page.text(), "the next refusal")


def test_nothing_runs_but_the_own_script(page: Page, service: Server) -> None:
    """What gets into a page by some mistake runs no script, sends no form elsewhere and loads nothing."""
    page.visit(f"{service.url}/console/accounts", "<script>alert(1)</script>")
    page.evaluate("addEventListener('securitypolicyviolation', event => { (window.seen ||= []).push(event.effectiveDirective) })")
    page.evaluate(
        'document.body.insertAdjacentHTML(\'beforeend\', \'<img src=/x onerror="window.ran=1"><p style="color:red">x</p>'
        "<form id=evil action=\"https://evil.example/\"></form>'); document.getElementById('evil').submit();"
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))"
    )
    until(lambda: len(page.evaluate("window.seen || []")) >= 4, "the violations")
    assert set(page.evaluate("window.seen")) >= {"img-src", "style-src-attr", "form-action", "script-src-elem"}
    assert page.evaluate("window.ran") is None


@pytest.mark.parametrize(("path", "title"), [*PAGES.items()])
def test_a_page_fits_a_phone(page: Page, service: Server, path: str, title: str) -> None:
    """Nothing but a table scrolls sideways, in its own box."""
    page.call("Emulation.setDeviceMetricsOverride", **PHONE)
    try:
        page.visit(f"{service.url}/console{path}", title)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    finally:
        page.call("Emulation.setDeviceMetricsOverride", **DESK)


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, which finds what assistive technology cannot use."""
    folder = tmp_path_factory.mktemp("axe")
    install(folder, "axe-core@4.11.0")
    return (folder / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Page, service: Server, axe: str, scheme: str) -> None:
    """No contrast too low, no label missing, no order of headings broken, on any page."""
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    for path, title in PAGES.items():
        page.visit(f"{service.url}/console{path}", title)
        page.evaluate(f"{axe};0")
        found: list[dict[str, Any]] = page.evaluate(
            "axe.run().then(r => r.violations.map(v => ({id: v.id, nodes: v.nodes.map(n => n.html + ' ' + n.failureSummary)})))"
        )
        assert found == [], path
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 23, 26)")


@pytest.mark.long
@pytest.mark.skipif("WATCHWORD_SCREENSHOTS" not in os.environ, reason="draws pictures, with WATCHWORD_SCREENSHOTS=docs/_static")
def test_pictures(page: Page, service: Server) -> None:
    """Write the pictures for the page of the documentation."""
    folder = Path(os.environ["WATCHWORD_SCREENSHOTS"])
    size = {"width": 900, "height": 620, "deviceScaleFactor": 1, "mobile": False}
    page.call("Emulation.setDeviceMetricsOverride", **size)
    for name, path, scheme in (("console", "/", "light"), ("console-keys", "/keys", "dark")):
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        page.visit(f"{service.url}/console{path}", "watchword console")
        (folder / f"{name}.png").write_bytes(b64decode(page.call("Page.captureScreenshot", format="png")["data"]))
