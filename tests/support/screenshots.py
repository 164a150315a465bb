"""Takes the pictures of refusals in the documentation: `python -m tests.support.screenshots`. Needs Chromium."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.support.browser import opened_browser
from tests.support.refused_pages import refused_pages

if TYPE_CHECKING:
    from tests.support.browser import Page

STATIC: Final = Path(__file__).parents[2] / "docs" / "_static"


class Shot(NamedTuple):
    """One picture.

    Args:
        path: of the page.
        shown: what it shows.
        width: of the window, in pixels.
        height: of the window, in pixels.
        dark: whether the browser prefers dark colours.
        language: of the visitor.
    """

    path: str
    shown: str
    width: int
    height: int
    dark: bool = False
    language: str = "en"


SHOTS: Final = {
    "refusal.png": Shot("/401", "Not recognised", 720, 560),
    "refusal-dark.png": Shot("/403", "Not allowed", 720, 580, dark=True),
    "refusal-phone.png": Shot("/429", "Zu viele Versuche", 360, 700, language="de"),
}
"""The pictures, by the name of their file."""


def prefer(page: Page, *, dark: bool = False, still: bool = False, language: str = "en", width: int = 720, height: int = 560) -> None:
    """Let a browser prefer colours, motion and a language, and give it a size."""
    page.call(
        "Emulation.setEmulatedMedia",
        features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ],
    )
    page.call("Network.enable")
    page.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)


def take(page: Page, url: str, shot: Shot) -> bytes:
    """Return a picture."""
    prefer(page, dark=shot.dark, language=shot.language, width=shot.width, height=shot.height)
    page.visit(url + shot.path, shot.shown)
    return b64decode(page.call("Page.captureScreenshot", format="png", optimizeForSpeed=False)["data"])


if __name__ == "__main__":
    with TemporaryDirectory() as profile, refused_pages() as url, opened_browser(Path(profile)) as page:
        for name, shot in SHOTS.items():
            (STATIC / name).write_bytes(take(page, url, shot))
