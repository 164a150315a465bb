"""Describes schemes as OpenAPI does: one Security Scheme Object for each place that may carry the credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def forms_of(
    name: str, *, http: bool, header: str | None = None, parameters: Sequence[bytes] = (), cookies: Sequence[str] = ()
) -> dict[str, dict[str, str]]:
    """Return the Security Scheme Objects of a scheme, by the name of a component. Each of them suffices.

    Args:
        name: of the scheme. The first object has it as the name of its component.
        http: whether the Authorization field carries the credentials.
        header: another field that does.
        parameters: query parameters that do.
        cookies: cookies that do.
    """
    # An `http` object names a scheme of the Authorization field, any other place is an `apiKey` (OpenAPI, Security Scheme Object).
    found: dict[str, dict[str, str]] = {name: {"type": "http", "scheme": name.lower()}} if http else {}
    for where, what in _places(header, parameters, cookies):
        found[f"{name}-{where}-{what}" if found else name] = {"type": "apiKey", "in": where, "name": what}
    return found


def _places(header: str | None, parameters: Sequence[bytes], cookies: Sequence[str]) -> Iterator[tuple[str, str]]:
    if header is not None:
        yield "header", "-".join("API" if part == "api" else part.capitalize() for part in header.split("-"))
    for parameter in parameters:
        yield "query", parameter.decode("utf-8")
    for cookie in cookies:
        yield "cookie", cookie


__all__ = ["forms_of"]
