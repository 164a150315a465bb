"""Renders a decision that refuses: status, challenges, and a body for its reader.

Every refusal says `Cache-Control: no-store` (RFC 9111 §3). The body has three readers: `application/problem+json`
for programs (RFC 9457), a page for people, text for the rest; the status never depends on it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from watchword.cache import Bounded
from watchword.decision import Challenged, Failed, Hidden, Malformed, Refusing, Throttled
from watchword.grammar import preferred_type
from watchword.reason import Reason, Secret
from watchword.refusal.prepared import HERE, HTML, JSON, MARKDOWN, PLAIN, PROBLEM, TEXT, Headers, Prepared, Refusal, Text
from watchword.refusal.statuses import PHRASES, disclosed_reason, status_of
from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from watchword.refusal.appearance import Page
    from watchword.refusal.bodies import Bodies
    from watchword.refusal.cure import Remedy
    from watchword.refusal.data import RefusalData, Told
    from watchword.request import RequestView

DOCUMENTATION = "https://watchword.readthedocs.io/en/latest/reasons/{code}.html"
"""Where each reason is explained, unless the guard names a place of its own."""

_WITH_CURE = frozenset({PROBLEM, JSON, MARKDOWN})
_EXPOSED = ("WWW-Authenticate", "Proxy-Authenticate", "Retry-After")
_ALWAYS = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))

_MOST_TEXTS = 256  # bodies kept by one renderer; only the seconds to wait are not from a closed set
_MOST_PREPARED = 256  # refusals kept by one renderer: a rule has few, and a scheme may make up challenges without end
_LONGEST_CHALLENGES = 2048  # characters: what is longer is written anew each time
_MOST_KINDS = 256  # there are few browsers and fewer libraries
_DEFAULT = "en"  # of `LANGUAGES`
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
        realms: scheme name to its realm, which stands on the page of those who have been told it.
        page: what the application says about itself on the page; None: nothing.

    Raises:
        ConfigurationError: the documentation address is not absolute, or the contact cannot be shown.
    """

    __slots__ = (
        "_contact",
        "_endpoints",
        "_expose",
        "_has_template",
        "_kind_of",
        "_language_of",
        "_ready",
        "_realms",
        "_secret",
        "_secrets",
        "_settings",
        "_texts",
        "_writer",
    )

    def __init__(
        self,
        *,
        documentation: str = DOCUMENTATION,
        contact: str | None = None,
        expose: bool = False,
        secrets: Mapping[str, Secret] | None = None,
        endpoints: Mapping[str, str] | None = None,
        realms: Mapping[str, str] | None = None,
        page: Page | None = None,
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
        self._contact = contact
        self._expose = expose
        self._endpoints = {} if endpoints is None else endpoints
        self._secrets = {} if secrets is None else secrets
        # Where all schemes are of one kind, the kind is known before the caller shows credentials.
        kinds = set(self._secrets.values())
        self._secret: Secret = kinds.pop() if len(kinds) == 1 else ""
        self._realms = {} if realms is None else realms
        self._settings = documentation, contact, page
        self._writer: Bodies | None = None
        self._has_template = page is not None and page.template is not None
        self._texts: Bounded[tuple[str, Told, str, tuple[Remedy, ...]], Text] = Bounded(_MOST_TEXTS)
        self._ready: Bounded[tuple[object, ...], Prepared] = Bounded(_MOST_PREPARED)
        self._kind_of = lru_cache(maxsize=_MOST_KINDS)(_preferred)
        self._language_of = lru_cache(maxsize=_MOST_KINDS)(_preferred_language)

    @property
    def documentation(self) -> str:
        """The address at which reasons are documented, with `{code}` for the code."""
        return self._settings[0]

    def render(self, decision: Refusing, view: RequestView, request_id: str) -> Refusal:
        """Say no.

        Args:
            decision: the decision.
            view: the request, for its method, its path, and its `Accept`, `Accept-Language` and `Origin`.
            request_id: by which the operator finds the log entry; printable ASCII.

        Returns:
            The response.
        """
        by_script = self._expose and view.carries("origin")
        accept, language = view.field("accept"), view.field("accept-language")
        return self.write(decision, request_id, view.method, accept, language, by_script=by_script, view=lambda: view)

    def write(
        self,
        decision: Refusing,
        request_id: str,
        method: str,
        accept: str | None,
        accept_language: str | None,
        *,
        by_script: bool,
        view: Callable[[], RequestView],
    ) -> Refusal:
        """Do as `render` does, with nearly all that is read of a request at hand.

        Args:
            decision: the decision.
            request_id: as above.
            method: of the request.
            accept: its field `Accept`; None: it has no such field.
            accept_language: its field `Accept-Language`; None: it has no such field.
            by_script: whether it has a field `Origin`.
            view: makes the view, where the path of the request stands on the page.
        """
        # Hidden is for servers of one's own that have no 404 to imitate; the adapters send the application's.
        if isinstance(decision, Hidden):
            kind = PLAIN
        else:
            kind = self._kind_of(accept) if accept is None or len(accept) <= _LONGEST_ACCEPT else _preferred(accept)
        # Markdown is for programs, as the codes are.
        if accept_language is None or kind == MARKDOWN or len(accept_language) > _LONGEST_ACCEPT:
            language = _DEFAULT  # a field that is longer is not read
        else:
            language = self._language_of(accept_language)
        exposes = by_script and self._expose
        if self._has_template and kind == HTML:
            prepared = self._by_template(decision, language, request_id, view(), exposes=exposes)
        else:
            prepared = self._prepare(decision, kind, language, identified=bool(request_id), exposes=exposes)
        return prepared.refusal(request_id, content=method != "HEAD", view=view)

    def _by_template(self, decision: Refusing, language: str, request_id: str, view: RequestView, *, exposes: bool) -> Prepared:
        """Return a refusal with the page of the application, for this request alone; with the built-in page if the template fails."""
        told = self._told(decision, language)
        text = self._bodies.by_template(told, _id_told(told.reason, request_id), view)
        if text is None:
            return self._prepare(decision, HTML, language, identified=bool(request_id), exposes=exposes)
        return self._with_fields(decision, told, text, exposes=exposes)

    def data(self, decision: Refusing, view: RequestView, request_id: str) -> RefusalData:
        """Return what a visitor is told, for a page of the application's own.

        Args:
            decision: the decision.
            view: the request.
            request_id: by which the operator finds the log entry.
        """
        from watchword.refusal.bodies import path_of

        told = self._told(decision, _preferred_language(view.field("accept-language") or ""))
        return self._bodies.data(told, request_id, path_of(view))

    @property
    def _bodies(self) -> Bodies:
        """What writes the bodies, loaded with the first refusal."""
        if self._writer is None:
            from watchword.refusal.bodies import Bodies

            self._writer = Bodies(*self._settings)
        return self._writer

    def _prepare(self, decision: Refusing, kind: str, language: str, *, identified: bool, exposes: bool) -> Prepared:
        """Return the refusal but for the request id; it is kept, unless something in it is for this request alone.

        Args:
            decision: the decision.
            kind: of body.
            language: of the body.
            identified: whether there is a request id to tell.
            exposes: whether a script of another origin may read it.
        """
        location, proxy = (decision.location, decision.proxy) if isinstance(decision, Challenged) else (None, False)
        wait = _wait(decision) if isinstance(decision, (Throttled, Failed)) else None
        if decision.headers or location is not None or (isinstance(decision, Malformed) and decision.body is not None):
            return self._made(decision, kind, language, identified=identified, exposes=exposes, repeats=location is None)
        asks = [challenge.serialize() for challenge in decision.challenges]
        key = (
            type(decision),
            decision.reason,
            decision.disclosed,
            decision.scheme,
            wait,
            proxy,
            kind,
            language,
            identified,
            exposes,
            *asks,
        )
        prepared = self._ready.get(key)
        if prepared is None:
            # A scheme may write something new into each challenge, of any length.
            repeats = sum(map(len, asks)) <= _LONGEST_CHALLENGES
            prepared = self._made(decision, kind, language, identified=identified, exposes=exposes, repeats=repeats)
            if repeats:
                self._ready.keep(key, prepared)
        return prepared

    def _made(self, decision: Refusing, kind: str, language: str, *, identified: bool, exposes: bool, repeats: bool) -> Prepared:
        told = self._told(decision, language)
        cure: tuple[Remedy, ...] = ()
        if kind in _WITH_CURE:
            from watchword.refusal.cure import cure_of  # with the first program that is refused

            cure = cure_of(decision, told.status, wait=told.wait, contact=self._contact, endpoints=self._endpoints)
        key = (kind, told, _id_told(told.reason, HERE) if identified else "", cure)
        body = decision.body if isinstance(decision, Malformed) else None
        text = self._texts.get(key) if body is None else Text(body.media_type, body.text)
        if text is None:
            text = self._bodies.text(*key)
            if repeats:
                self._texts.keep(key, text)
        return self._with_fields(decision, told, text, exposes=exposes)

    def _with_fields(self, decision: Refusing, told: Told, text: Text, *, exposes: bool) -> Prepared:
        fields = [*_challenges(decision), *decision.headers]
        if told.wait is not None:
            fields.append(("Retry-After", str(told.wait)))
        fields += _ALWAYS
        if exposes:
            exposed = [name for name in _EXPOSED if any(name == given for given, _ in fields)]
            if exposed:
                fields.append(("Access-Control-Expose-Headers", ", ".join(exposed)))
        return Prepared(told.status, PHRASES[told.status], text, fields)

    def _told(self, decision: Refusing, language: str) -> Told:
        from watchword.refusal.data import Told  # with the first refusal

        reason = disclosed_reason(decision)
        return Told(status_of(decision), reason, _wait(decision), self._secret_of(decision), self._realm_of(decision), language)

    def _realm_of(self, decision: Refusing) -> str:
        """Return the realm of which the client has heard: that of its credentials, or the one of all challenges."""
        if decision.scheme:
            return self._realms.get(decision.scheme, "")
        realms = {challenge.params.get("realm", "") for challenge in decision.challenges}
        return realms.pop() if len(realms) == 1 else ""

    def _secret_of(self, decision: Refusing) -> Secret:
        """Return what the credentials in use hold: those that were shown, else those that the challenges ask for, else all of them."""
        if decision.scheme:
            return self._secrets.get(decision.scheme, "")
        asked = {self._secrets.get(challenge.scheme, "") for challenge in decision.challenges}
        return asked.pop() if len(asked) == 1 else self._secret


def _preferred_language(accept_language: str) -> str:
    from watchword.grammar.languages import preferred_language
    from watchword.refusal.languages import LANGUAGES

    return preferred_language(accept_language, LANGUAGES)


def _preferred(accept: str | None) -> str:
    # Programs that name Markdown list HTML and `*/*` beside it, with the same weight.
    return preferred_type(accept, (MARKDOWN, PROBLEM, JSON, HTML, TEXT), otherwise=TEXT, named={MARKDOWN})


def _challenges(decision: Refusing) -> Headers:
    if isinstance(decision, Challenged) and decision.location is not None and not decision.proxy:
        # Sent to a person who navigates: the page there asks.
        return [("Location", decision.location)]
    name = "Proxy-Authenticate" if isinstance(decision, Challenged) and decision.proxy else "WWW-Authenticate"
    return [(name, challenge.serialize()) for challenge in decision.challenges]


def _wait(decision: Refusing) -> int | None:
    return max(0, int(decision.retry_after)) if isinstance(decision, (Throttled, Failed)) else None


def _id_told(reason: Reason, request_id: str) -> str:
    """Return the id that a body has: none in the clear, where it is the same octets for all (draft-ietf-httpapi-privacy)."""
    return "" if reason is Reason.INSECURE_TRANSPORT else request_id


__all__ = ["DOCUMENTATION", "Refusal", "Renderer"]
