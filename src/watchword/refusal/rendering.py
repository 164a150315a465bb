"""Renders a decision that refuses: status, challenges, and a body for its reader.

Every refusal says `Cache-Control: no-store` (RFC 9111 §3). The body has four readers: `application/problem+json`
for programs (RFC 9457), `text/markdown` for those that ask for it, a page for people, text for the rest; the status never depends on it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from watchword.cache import Bounded
from watchword.decision import Challenged, Failed, Forbidden, Hidden, Malformed, Refusing, Throttled
from watchword.grammar import preferred_type
from watchword.reason import Reason, Secret, shown
from watchword.refusal.prepared import HERE, Headers, Prepared, Refusal, Text
from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from watchword.reasons import Words
    from watchword.refusal.cure import Remedy
    from watchword.request import RequestView

# The status of every decision but Malformed, whose reason says it (RFC 9110 §15.5, RFC 6585 §4 and §5).
_STATUS: dict[type[Refusing], int] = {Challenged: 401, Forbidden: 403, Hidden: 404, Throttled: 429, Failed: 503}
_MALFORMED = frozenset({400, 413, 414, 431})
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

DOCUMENTATION = "https://watchword.readthedocs.io/en/latest/reasons/{code}.html"
"""Where each reason is explained, unless the guard names a place of its own."""

_PROBLEM, _JSON, _HTML, _TEXT = "application/problem+json", "application/json", "text/html", "text/plain"
_MARKDOWN = "text/markdown"
_WITH_CURE = frozenset({_PROBLEM, _JSON, _MARKDOWN})
_PLAIN = ""  # says nothing but that there is nothing
_EXPOSED = ("WWW-Authenticate", "Proxy-Authenticate", "Retry-After")
_ALWAYS = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))

_MOST_TEXTS = 256  # bodies kept by one renderer; only the seconds to wait are not from a closed set
_MOST_PREPARED = 256  # refusals kept by one renderer: a rule has few, and a scheme may make up challenges without end
_LONGEST_CHALLENGES = 2048  # characters: what is longer is written anew each time
_MOST_KINDS = 256  # there are few browsers and fewer libraries
_LONGEST_ACCEPT = 256  # browsers send half of it; a longer one is not worth the memory


class Renderer:
    """How one guard says no.

    Args:
        documentation: an absolute URI at which each reason is documented, with `{code}` for the code; without it, `/<code>` is appended
            (RFC 9457 §3.1.1).
        contact: whom to ask, shown to people: an address or a URL; None: the page names no contact.
        expose: name the fields that scripts of other origins must read in `Access-Control-Expose-Headers`.
        secrets: scheme name to what its credentials hold, so that the words fit.
        endpoints: scheme name to the URL at which its tokens are requested.

    Raises:
        ConfigurationError: the documentation address is not absolute, or the contact cannot be shown.
    """

    __slots__ = ("_contact", "_documentation", "_endpoints", "_expose", "_kind_of", "_ready", "_secret", "_secrets", "_texts")

    def __init__(
        self,
        *,
        documentation: str = DOCUMENTATION,
        contact: str | None = None,
        expose: bool = False,
        secrets: Mapping[str, Secret] | None = None,
        endpoints: Mapping[str, str] | None = None,
    ) -> None:
        address = "Guard(documentation=...)"
        if not isinstance(documentation, str):
            raise invalid(address, "be a string", documentation)
        scheme, colon, rest = documentation.partition(":")
        if (
            not colon
            or not scheme.isalnum()
            or not rest.strip("/")
            or not (documentation.isascii() and documentation.isprintable())
            or " " in documentation
        ):
            raise invalid(address, "be an absolute URI (RFC 9457 §3.1.1)", documentation, 'Write it with its scheme, as in "https://...".')
        if "{code}" not in documentation:
            if "#" in documentation:
                raise invalid(address, "have the code of the reason in its fragment", documentation, "Write it as in `#{code}`.")
            documentation = f"{documentation.rstrip('/')}/{{code}}"
        if contact is not None and (not isinstance(contact, str) or not contact or not contact.isprintable()):
            raise invalid("Guard(contact=...)", "be one printable line", contact, 'Give an address, such as "help@example.com", or a URL.')
        self._documentation = documentation
        self._contact = contact
        self._expose = expose
        self._endpoints = {} if endpoints is None else endpoints
        self._secrets = {} if secrets is None else secrets
        # Where all schemes are of one kind, the kind is known before the caller shows credentials.
        kinds = set(self._secrets.values())
        self._secret: Secret = kinds.pop() if len(kinds) == 1 else ""
        self._texts: Bounded[tuple[str, int, Reason, int | None, str, Secret, tuple[Remedy, ...]], Text] = Bounded(_MOST_TEXTS)
        self._ready: Bounded[tuple[object, ...], Prepared] = Bounded(_MOST_PREPARED)
        self._kind_of = lru_cache(maxsize=_MOST_KINDS)(_preferred)

    def render(self, decision: Refusing, view: RequestView, request_id: str) -> Refusal:
        """Say no.

        Args:
            decision: the decision.
            view: the request, for its method, its `Accept` and its `Origin`.
            request_id: by which the operator finds the log entry; printable ASCII.

        Returns:
            The response.
        """
        return self.write(decision, request_id, view.method, view.field("accept"), by_script=self._expose and view.carries("origin"))

    def write(self, decision: Refusing, request_id: str, method: str, accept: str | None, *, by_script: bool) -> Refusal:
        """Do as `render` does, with all that is read of a request at hand.

        Args:
            decision: the decision.
            request_id: as above.
            method: of the request.
            accept: its field `Accept`; None: it has no such field.
            by_script: whether it has a field `Origin`.
        """
        # Hidden is for servers of one's own that have no 404 to imitate; the adapters send the application's.
        if isinstance(decision, Hidden):
            kind = _PLAIN
        else:
            kind = self._kind_of(accept) if accept is None or len(accept) <= _LONGEST_ACCEPT else _preferred(accept)
        prepared = self._prepare(decision, kind, identified=bool(request_id), exposes=self._expose and by_script)
        return prepared.refusal(request_id, content=method != "HEAD")

    def _prepare(self, decision: Refusing, kind: str, *, identified: bool, exposes: bool) -> Prepared:
        """Return the refusal but for the request id; it is kept, unless something in it is for this request alone.

        Args:
            decision: the decision.
            kind: of body.
            identified: whether there is a request id to tell.
            exposes: whether a script of another origin may read it.
        """
        location, proxy = (decision.location, decision.proxy) if isinstance(decision, Challenged) else (None, False)
        wait = max(0, int(decision.retry_after)) if isinstance(decision, (Throttled, Failed)) else None
        if decision.headers or location is not None or (isinstance(decision, Malformed) and decision.body is not None):
            return self._made(decision, kind, wait, identified=identified, exposes=exposes, repeats=location is None)
        asks = [challenge.serialize() for challenge in decision.challenges]
        key = (type(decision), decision.reason, decision.disclosed, decision.scheme, wait, proxy, kind, identified, exposes, *asks)
        prepared = self._ready.get(key)
        if prepared is None:
            # A scheme may write something new into each challenge, of any length.
            repeats = sum(map(len, asks)) <= _LONGEST_CHALLENGES
            prepared = self._made(decision, kind, wait, identified=identified, exposes=exposes, repeats=repeats)
            if repeats:
                self._ready.keep(key, prepared)
        return prepared

    def _made(self, decision: Refusing, kind: str, wait: int | None, *, identified: bool, exposes: bool, repeats: bool) -> Prepared:
        status, told = status_of(decision), disclosed_reason(decision)
        # Byte for byte the same for all requests in the clear (draft-ietf-httpapi-privacy): no id then.
        mark = HERE if identified and told is not Reason.INSECURE_TRANSPORT else ""
        cure: tuple[Remedy, ...] = ()
        if kind in _WITH_CURE:
            from watchword.refusal.cure import cure_of  # with the first program that is refused

            cure = cure_of(decision, status, wait=wait, contact=self._contact, endpoints=self._endpoints)
        key = (kind, status, told, wait, mark, self._secret_of(decision), cure)
        body = decision.body if isinstance(decision, Malformed) else None
        text = self._texts.get(key) if body is None else Text(body.media_type, body.text)
        if text is None:
            text = self._text(*key)
            if repeats:
                self._texts.keep(key, text)
        fields = [*_challenges(decision), *decision.headers]
        if wait is not None:
            fields.append(("Retry-After", str(wait)))
        fields += _ALWAYS
        if exposes:
            exposed = [name for name in _EXPOSED if any(name == given for given, _ in fields)]
            if exposed:
                fields.append(("Access-Control-Expose-Headers", ", ".join(exposed)))
        return Prepared(status, _PHRASES[status], text, fields)

    def _secret_of(self, decision: Refusing) -> Secret:
        """Return what the credentials in use hold: those that were shown, else those that the challenges ask for, else all of them."""
        if decision.scheme:
            return self._secrets.get(decision.scheme, "")
        asked = {self._secrets.get(challenge.scheme, "") for challenge in decision.challenges}
        return asked.pop() if len(asked) == 1 else self._secret

    def _text(  # noqa: PLR0917 - the key
        self, kind: str, status: int, told: Reason, wait: int | None, reference: str, secret: Secret, cure: tuple[Remedy, ...]
    ) -> Text:
        from watchword.reasons import REASONS  # with the first refusal

        words = REASONS[told].words_for(secret)
        escape = _ESCAPES.get(kind, _as_it_is) if reference else None
        if kind == _PLAIN:
            return Text("text/plain; charset=utf-8", "Not Found")
        if kind in {_PROBLEM, _JSON}:
            return Text(_PROBLEM, self._problem(status, told, words, cure, reference), escape)
        if kind == _MARKDOWN:
            from watchword.refusal.markdown import markdown

            address = self._documentation.replace("{code}", told.value)
            return Text(
                "text/markdown; charset=utf-8",
                markdown(status, words, cure, type_=address, reason=told.value, request_id=reference),
                escape,
            )
        if kind == _HTML:
            from watchword.refusal.page import POLICY, page  # a page is rendered for people alone

            html = page(status, words, wait=wait, contact=self._contact, request_id=reference)
            return Text("text/html; charset=utf-8", html, escape, ("Content-Security-Policy", POLICY))
        lines = [f"{status} {words.title}", "", words.happened, words.next_step, *_more(wait, self._contact, reference)]
        return Text("text/plain; charset=utf-8", "\n".join(lines) + "\n", escape)

    def _problem(self, status: int, told: Reason, words: Words, cure: tuple[Remedy, ...], request_id: str) -> str:
        from json import dumps

        problem = {
            "type": self._documentation.replace("{code}", told.value),
            "title": words.title,
            "status": status,
            "detail": words.developer,
            "reason": told.value,
            "cure": {"alternatives": [one.members() for one in cure]},
        }
        if request_id:
            problem["request_id"] = request_id
        return dumps(problem, ensure_ascii=False) + "\n"


def _as_it_is(text: str) -> str:
    return text


def _in_html(text: str) -> str:
    from html import escape

    return escape(text)


def _in_json(text: str) -> str:
    from json import dumps

    return dumps(text, ensure_ascii=False)[1:-1]


def _in_markdown(text: str) -> str:
    from watchword.refusal.markdown import for_markdown

    return for_markdown(text)


_ESCAPES: dict[str, Callable[[str], str]] = {_PROBLEM: _in_json, _JSON: _in_json, _HTML: _in_html, _MARKDOWN: _in_markdown}


def _preferred(accept: str | None) -> str:
    # Programs that name Markdown list HTML and `*/*` beside it, with the same weight.
    return preferred_type(accept, (_MARKDOWN, _PROBLEM, _JSON, _HTML, _TEXT), otherwise=_TEXT, named={_MARKDOWN})


def status_of(decision: Refusing) -> int:
    """Return the status code of a decision.

    Args:
        decision: one that refuses.
    """
    if isinstance(decision, Malformed):
        from watchword.reasons import REASONS

        return next((status for status in REASONS[decision.reason].statuses if status in _MALFORMED), 400)
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
