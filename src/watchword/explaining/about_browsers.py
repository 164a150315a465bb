"""Suggests what browsers make of a refusal: CORS, preflights, requests of other sites, cleartext."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.explaining.suggestion import Suggestion
from watchword.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.explaining.suggestion import Case


def cors(case: Case) -> Iterator[Suggestion]:
    """A script of another origin, whose browser hides the refusal from it."""
    origin = case.view.field("origin")
    if origin is None or case.explanation.refusal is None or origin == f"{case.view.scheme}://{case.view.field('host')}":
        return
    if case.configuration.guard.policy.cors_inside:
        text = (
            "This request has an Origin, and the CORS layer stands inside the guard: a script sees a network error in place of the refusal."
        )
    else:
        text = (
            "This request has an Origin, and the guard stands outside CORS: a script sees a network error in place of the refusal. "
            "Put the CORS layer outermost."
        )
    yield Suggestion("preflight" if case.view.is_preflight else "cors", text)


def cross_site(case: Case) -> Iterator[Suggestion]:
    """A page of another origin, with credentials that the browser adds by itself."""
    if case.reason is Reason.CROSS_SITE:
        yield Suggestion(
            "cross_site",
            "A page of another origin made the browser send credentials by itself. If that page is yours, name its origin in "
            "Guard(origins=[...]), or send a token in Authorization.",
        )


def cleartext(case: Case) -> Iterator[Suggestion]:
    """Plain http, where the guard demands TLS."""
    if case.reason is Reason.INSECURE_TRANSPORT:
        yield Suggestion(
            "cleartext",
            "The request came over plain http, and Guard(require_tls=True) refuses that. Behind a proxy that ends TLS, the server must "
            "state https: give Guard(proxies=...), or the option of the server for forwarded fields.",
        )


SUGGESTIONS: Final = (cors, cross_site, cleartext)
