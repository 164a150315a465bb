"""Renders a refusal in Markdown (RFC 7763), for programs that read text: the same words and the same cure as in a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.findings.escaping import for_markdown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from watchword.reasons import Words
    from watchword.refusal.cure import Remedy

_DO: Final = {
    "authenticate": "Send credentials of the scheme {scheme}{realm}.",
    "renew": "The token of the scheme {scheme}{realm} is not valid or has ended. Get another one, by its refresh token or by a new login.",
    "widen": "The token of the scheme {scheme}{realm} lacks a scope. Request one with all of the scopes below.",
    "step_up": "The login behind the credentials of the scheme {scheme}{realm} is too old or too weak. Log in again.",
    "log_in": "A person logs in on the page below.",
    "wait": "Repeat the same request with the same credentials{wait}.",
    "ask": "No program can do more. Ask the contact below.",
}


def markdown(status: int, words: Words, cure: Iterable[Remedy], *, type_: str, reason: str, request_id: str) -> str:
    """Return the document.

    Args:
        status: the status code.
        words: what the client is told.
        cure: the alternatives.
        type_: the URI at which the reason is documented.
        reason: the code of the reason.
        request_id: the reference, or where it goes; empty: none is told.
    """
    lines = [f"# {status} {words.title}", "", words.developer, "", "## What to do", ""]
    lines += [line for one in cure for line in _item(one)] or ["Nothing that a program sends changes the answer."]
    lines += ["", f"Reason: [{reason}](<{type_}>)"]
    # Last: what the id is replaced by stands nowhere behind it.
    return "\n".join([*lines, *(["", f"Reference: {for_markdown(request_id)}"] if request_id else [])]) + "\n"


def _item(one: Remedy) -> Iterator[str]:
    wait = "" if one.wait is None else f" after {one.wait} second{'' if one.wait == 1 else 's'}"
    realm = f" for the realm {_code(one.realm)}" if one.realm else ""
    # One number for all: each item is an alternative, and Markdown counts.
    yield "1. " + _DO[one.action].format(scheme=_code(one.scheme), realm=realm, wait=wait)
    facts = {
        "Scopes": " ".join(one.scopes),
        "Greatest age of the login in seconds": "" if one.max_age is None else str(one.max_age),
        "Classes of login that suffice": " ".join(one.acr_values),
        "Metadata that names the authorization servers": one.resource_metadata,
        "Token endpoint": one.token_endpoint,
        "Page": one.login,
        "Contact": one.contact,
    }
    yield from (f"   - {name}: {_code(value)}" for name, value in facts.items() if value)


def _code(text: str) -> str:
    # A program copies the text as it is, so nothing is escaped where a code span holds it.
    return f"`{text}`" if "`" not in text else for_markdown(text)


__all__ = ["for_markdown", "markdown"]
