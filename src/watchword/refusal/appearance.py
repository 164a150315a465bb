"""Defines what an application says about itself on the page of a refusal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchword.refusal.data import RefusalData

HERE: Final = "{here}"
"""Stands in the address of a login page for the path of the request, percent-encoded, without its query."""

# A path of this host, or an absolute address. `//host` and `/\host` are neither: browsers take them for addresses of another host.
_PATH: Final = re.compile(r"/(?![/\\])[!-~]*|/")
_WEB: Final = re.compile(r"(https?://[A-Za-z0-9.-]+(?::[0-9]+)?)(?:[/?#][!-~]*)?")
_MAIL: Final = re.compile(r"mailto:[!-~]+")
_IMAGE: Final = re.compile(r"data:image/[!-~]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The application's part of the page: names, links, and a template of its own. Status and challenges stay those of the guard.

    An address is a path of this host such as `/help`, or an absolute one with http, https or mailto.

    Args:
        service: the name of the service, shown at the top.
        logo: the address of a picture, or the picture as `data:image/...`. A path must be one that a rule makes `public`.
        home: where a visitor starts.
        login: where people log in; None: at the address itself, in the browser's own dialog. `{here}` in it stands for the path of the
            request, percent-encoded, as in `/login?next={here}`: it begins with one slash, so that it leads to no other host.
        support: where help is.
        links: more addresses, each with its label: `[("Status", "https://status.example.com")]`.
        template: writes the page in place of the built-in one: a function that takes a `RefusalData` and returns HTML. It escapes what it
            shows. It must not block. Where it fails, that is logged, and the built-in page is sent.
        policy: the Content-Security-Policy of the template's page.

    Raises:
        ConfigurationError: a value cannot be shown or followed.
    """

    service: str = ""
    logo: str | None = None
    home: str = "/"
    login: str | None = None
    support: str | None = None
    links: tuple[tuple[str, str], ...] = ()
    template: Callable[[RefusalData], str] | None = None
    policy: str = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

    def __post_init__(self) -> None:
        object.__setattr__(self, "links", tuple(map(tuple, self.links)))
        for label, href in self.links:
            _check_text("Page(links=...)", label)
            _check_address("Page(links=...)", href)
        if self.service:
            _check_text("Page(service=...)", self.service)
        if self.logo is not None and not (isinstance(self.logo, str) and _IMAGE.fullmatch(self.logo)):
            _check_address("Page(logo=...)", self.logo)
        for name, address in self._addresses():
            _check_address(f"Page({name}=...)", address)
        if self.login is not None and self.login.count(HERE) > 1:
            raise invalid("Page(login=...)", f"have {HERE} once at most", self.login)
        if self.template is not None and not callable(self.template):
            raise invalid("Page(template=...)", "be a function that takes a RefusalData and returns HTML", self.template)
        if not isinstance(self.policy, str) or not self.policy.isascii() or not self.policy.isprintable():
            raise invalid("Page(policy=...)", "be printable ASCII", self.policy)

    def _addresses(self) -> Iterator[tuple[str, object]]:
        yield "home", self.home
        for name, href in (("login", self.login), ("support", self.support)):
            if href is not None:
                yield name, href

    @property
    def image_source(self) -> str:
        """From where the page may load its logo, in the terms of Content-Security-Policy; empty: there is none."""
        if self.logo is None:
            return ""
        absolute = _WEB.fullmatch(self.logo)
        return absolute[1] if absolute else "'self'" if self.logo.startswith("/") else "data:"


def _check_text(argument: str, text: object) -> None:
    if not isinstance(text, str) or not text.strip() or not text.isprintable():
        raise invalid(argument, "be one printable line", text)


def _check_address(argument: str, href: object) -> None:
    if not isinstance(href, str) or not any(form.fullmatch(href) for form in (_PATH, _WEB, _MAIL)):
        raise invalid(argument, "be a path or an address with http, https or mailto, in ASCII", href, 'Write it as in "/help".')
