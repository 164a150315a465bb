"""Renders a decision that refuses: status, challenges, and a body for whoever reads it.

Every refusal says `Cache-Control: no-store` (RFC 9111 §3). The body is for whoever reads it: `application/problem+json`
for programs (RFC 9457), a page for people, text for the rest; the status never depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from watchword.cache import Bounded
from watchword.decision import Challenged, Failed, Forbidden, Hidden, Malformed, Refusing, Throttled
from watchword.errors import ConfigurationError
from watchword.grammar import preferred_type
from watchword.reason import Reason, Secret, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from watchword.refusal.texts import ReasonWords
    from watchword.request import RequestView

Headers: TypeAlias = "list[tuple[str, str]]"

# The status of every decision; Malformed by its reason (RFC 9110 §15.5, RFC 6585 §4 and §5).
_STATUS: dict[type[Refusing], int] = {Challenged: 401, Forbidden: 403, Hidden: 404, Malformed: 400, Throttled: 429, Failed: 503}
_MALFORMED_STATUS = {
    Reason.OVERSIZED_CREDENTIALS: 431,
    Reason.OVERSIZED_HEADER: 431,
    Reason.OVERSIZED_CONTENT: 413,
    Reason.OVERSIZED_TARGET: 414,
}
_PHRASES = {
    303: "See Other",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    407: "Proxy Authentication Required",
    413: "Content Too Large",
    414: "URI Too Long",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}

DOCUMENTATION = "https://watchword.readthedocs.io/en/latest/reasons.html"
"""Where the reasons are explained, unless the guard names a place of its own."""

_PROBLEM, _JSON, _HTML, _TEXT = "application/problem+json", "application/json", "text/html", "text/plain"
_PLAIN = ""  # says nothing but that there is nothing
_EXPOSED = ("WWW-Authenticate", "Proxy-Authenticate", "Retry-After")
_ALWAYS = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))

_MOST_TEXTS = 256  # bodies kept by one renderer; only the seconds to wait are not from a closed set
_LONGEST_ACCEPT = 256  # browsers send half of it; a longer one is not worth the memory
_HERE = "\0"  # where the request id goes while a body is prepared; nothing that stands in one holds it


@dataclass(frozen=True, slots=True)
class Refusal:
    """A response that refuses.

    Args:
        status: the status code.
        reason_phrase: the words that go with it in HTTP/1.1.
        headers: name and value pairs, one challenge per pair (RFC 9110 §11.6.1).
        body: the content; empty in answer to HEAD.
    """

    status: int
    reason_phrase: str
    headers: list[tuple[str, str]]
    body: bytes = field(repr=False)


class Renderer:
    """How one guard says no.

    Args:
        documentation: an absolute URI under which the reasons are documented; the code is its fragment (RFC 9457 §3.1.1).
        contact: whom to ask, shown to people: an address or a URL; None: nobody in particular.
        expose: name the fields that scripts of other origins must read in `Access-Control-Expose-Headers`.
        secrets: scheme name to what its credentials hold, so that the words fit.

    Raises:
        ConfigurationError: the documentation address is not absolute, or the contact cannot be shown.
    """

    __slots__ = ("_contact", "_documentation", "_expose", "_secret", "_secrets", "_texts")

    def __init__(
        self,
        *,
        documentation: str = DOCUMENTATION,
        contact: str | None = None,
        expose: bool = False,
        secrets: Mapping[str, Secret] | None = None,
    ) -> None:
        if not isinstance(documentation, str):
            raise ConfigurationError(f"the documentation address is a string, not {documentation!r}")
        scheme, colon, rest = documentation.partition(":")
        if (
            not colon
            or not scheme.isalnum()
            or not rest.strip("/")
            or not (documentation.isascii() and documentation.isprintable())
            or " " in documentation
        ):
            raise ConfigurationError(f"the documentation address is an absolute URI (RFC 9457 §3.1.1), not {documentation!r}")
        if "#" in documentation:
            raise ConfigurationError(f"the documentation address is without a fragment, which the code of a reason is: {documentation!r}")
        if contact is not None and (not isinstance(contact, str) or not contact or not contact.isprintable()):
            raise ConfigurationError(f"the contact is one printable line, such as an address, not {contact!r}")
        self._documentation = documentation
        self._contact = contact
        self._expose = expose
        self._secrets = {} if secrets is None else secrets
        # Where all schemes are of one kind, that is known before anybody has shown anything.
        kinds = set(self._secrets.values())
        self._secret: Secret = kinds.pop() if len(kinds) == 1 else ""
        self._texts: Bounded[tuple[str, int, Reason, int | None, str, Secret], _Text] = Bounded(_MOST_TEXTS)

    def render(self, decision: Refusing, view: RequestView, request_id: str) -> Refusal:
        """Say no.

        Args:
            decision: the decision.
            view: the request, for its method, its `Accept` and its `Origin`.
            request_id: by which the operator finds the log entry; printable ASCII.

        Returns:
            The response.
        """
        status = status_of(decision)
        told = disclosed_reason(decision)
        wait = max(0, int(decision.retry_after)) if isinstance(decision, (Throttled, Failed)) else None
        # Hidden is for servers of one's own that have no 404 to imitate; the adapters send the application's.
        kind = _PLAIN if isinstance(decision, Hidden) else _preferred(view.field("accept"))
        # Byte for byte the same for whoever asks in the clear (draft-ietf-httpapi-privacy): no id then.
        reference = "" if told is Reason.INSECURE_TRANSPORT else request_id
        secret = self._secrets.get(decision.scheme, self._secret)
        key = (kind, status, told, wait, _HERE if reference else "", secret)
        text = self._texts.get(key)
        if text is None:
            text = self._prepared(*key)
            self._texts.keep(key, text)
        body = text.body(reference)
        headers = [text.kind, ("Content-Length", str(len(body))), *text.more]
        headers += _challenges(decision)
        headers += decision.headers
        if wait is not None:
            headers.append(("Retry-After", str(wait)))
        headers += _ALWAYS
        if self._expose and view.carries("origin"):
            exposed = [name for name in _EXPOSED if any(name == given for given, _ in headers)]
            if exposed:
                headers.append(("Access-Control-Expose-Headers", ", ".join(exposed)))
        return Refusal(status, _PHRASES[status], headers, b"" if view.method == "HEAD" else body)

    def _prepared(self, kind: str, status: int, told: Reason, wait: int | None, reference: str, secret: Secret) -> _Text:  # noqa: PLR0917 - the key
        from watchword.refusal.texts import words_for  # with the first refusal

        words = words_for(told, secret)
        escape = _ESCAPES.get(kind, _as_it_is) if reference else None
        if kind == _PLAIN:
            return _Text("text/plain; charset=utf-8", "Not Found")
        if kind in {_PROBLEM, _JSON}:
            return _Text(_PROBLEM, self._problem(status, told, words, reference), escape)
        if kind == _HTML:
            from watchword.refusal.page import POLICY, page  # a page is rendered for people alone

            html = page(status, words, wait=wait, contact=self._contact, request_id=reference)
            return _Text("text/html; charset=utf-8", html, escape, ("Content-Security-Policy", POLICY))
        lines = [f"{status} {words.title}", "", words.happened, words.next_step, *_more(wait, self._contact, reference)]
        return _Text("text/plain; charset=utf-8", "\n".join(lines) + "\n", escape)

    def _problem(self, status: int, told: Reason, words: ReasonWords, request_id: str) -> str:
        from json import dumps

        problem = {
            "type": f"{self._documentation}#{told.value}",
            "title": words.title,
            "status": status,
            "detail": words.developer,
            "reason": told.value,
        }
        if request_id:
            problem["request_id"] = request_id
        return dumps(problem, ensure_ascii=False) + "\n"


class _Text:
    """A body but for the request id, which is all that differs from one refusal to the next.

    Args:
        kind: the media type.
        text: the body, with a mark where the id goes.
        escape: how the id is written in it; None: it is not told here.
        more: header fields that go with it.
    """

    __slots__ = ("_after", "_before", "_escape", "kind", "more")

    def __init__(self, kind: str, text: str, escape: Callable[[str], str] | None = None, *more: tuple[str, str]) -> None:
        # The id comes last of all that is not fixed: an address of the documentation may look like the mark in JSON.
        before, _, after = (text, "", "") if escape is None else text.rpartition(escape(_HERE))
        self._before = before.encode()
        self._after = after.encode()
        self._escape = escape
        self.kind = ("Content-Type", kind)
        self.more = more

    def body(self, request_id: str) -> bytes:
        if self._escape is None:
            return self._before
        # Ids are letters and digits, unless somebody makes their own.
        plain = request_id.isascii() and request_id.isalnum()
        return b"%b%b%b" % (self._before, (request_id if plain else self._escape(request_id)).encode(), self._after)


def _as_it_is(text: str) -> str:
    return text


def _in_html(text: str) -> str:
    from html import escape

    return escape(text)


def _in_json(text: str) -> str:
    from json import dumps

    return dumps(text, ensure_ascii=False)[1:-1]


_ESCAPES: dict[str, Callable[[str], str]] = {_PROBLEM: _in_json, _JSON: _in_json, _HTML: _in_html}


def _preferred(accept: str | None) -> str:
    """Return the kind of body that a client prefers."""
    return _remembered(accept) if accept is None or len(accept) <= _LONGEST_ACCEPT else _kind(accept)


def _kind(accept: str | None) -> str:
    return preferred_type(accept, (_PROBLEM, _JSON, _HTML, _TEXT), otherwise=_TEXT)


_remembered = lru_cache(maxsize=256)(_kind)  # there are few browsers and fewer libraries


def status_of(decision: Refusing) -> int:
    """Return the status code of a decision.

    Args:
        decision: one that refuses.
    """
    if isinstance(decision, Malformed):
        return _MALFORMED_STATUS.get(decision.reason, 400)
    if isinstance(decision, Challenged) and (decision.proxy or decision.location is not None):
        return 407 if decision.proxy else 303
    return _STATUS[type(decision)]


def disclosed_reason(decision: Refusing) -> Reason:
    """Return the reason that the client is told.

    Args:
        decision: one that refuses.
    """
    return decision.disclosed or shown(decision.reason)


def _challenges(decision: Refusing) -> Headers:
    if isinstance(decision, Challenged) and decision.location is not None and not decision.proxy:
        # Sent to a person who navigates: the page there asks.
        return [("Location", decision.location)]
    name = "Proxy-Authenticate" if isinstance(decision, Challenged) and decision.proxy else "WWW-Authenticate"
    return [(name, challenge.serialize()) for challenge in decision.challenges]


def _more(wait: int | None, contact: str | None, request_id: str) -> list[str]:
    more = [f"Wait at least {wait} second{'' if wait == 1 else 's'}."] if wait else []
    more += [f"Contact: {contact}"] if contact else []
    return more + ([f"Reference: {request_id}"] if request_id else [])


__all__ = ["DOCUMENTATION", "Refusal", "Renderer", "disclosed_reason", "status_of"]
