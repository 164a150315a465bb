"""Defines the base of schemes (RFC 9110 §11.1): the fields of the credentials, and the challenge for them.

A custom scheme is one class with a name and `extract`, and with `challenge` if it needs more parameters than the realm.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from watchword.credentials import Credentials
from watchword.errors import WatchwordError
from watchword.field import Field
from watchword.grammar import MAX_COOKIE_OCTETS, Challenge, is_token
from watchword.reason import Reason, Secret
from watchword.schemes.known import OF_CREDENTIALS, known
from watchword.validators import check_printable, invalid

if TYPE_CHECKING:
    from watchword.credentials import Carrier
    from watchword.request import RequestView
    from watchword.schemes.resource_metadata import ResourceMetadata

_FIELD = Field()
_COOKIE = Field(limit=MAX_COOKIE_OCTETS, repeat=True)  # cookies of other applications too, in several fields (RFC 9113 §8.2.3)

C_co = TypeVar("C_co", bound=Credentials, covariant=True)


class CredentialsError(WatchwordError):
    """Raised by `extract` for credentials that break the rules of the scheme; the guard refuses them.

    Args:
        expected: the rule in words, for `explain`; never with the value that was sent.
        reason: the reason code.
        bad_request: whether the request itself is at fault, for 400; else 401, so that a browser asks again (decision D2).
    """

    # The message never holds what was sent: `explain` shows it, and tracebacks are logged.
    def __init__(self, expected: str, *, reason: Reason = Reason.MALFORMED_CREDENTIALS, bad_request: bool = False) -> None:
        super().__init__(expected)
        self.expected = expected
        self.reason = reason
        self.bad_request = bad_request


@dataclass(frozen=True, slots=True)
class ChallengeParams:
    """The content of a challenge, limited to facts that help an honest client.

    Args:
        reason: why the credentials or the rights of the caller do not suffice; the scheme maps it to its own error code. None: the
            request has no credentials of this scheme.
        bad_request: whether the request itself is at fault (400).
        scope: the scopes needed, in order.
        max_age: the greatest age of a login in seconds (RFC 9470 §3).
        acr_values: the authentication context classes that suffice, in order of preference (RFC 9470 §3).
    """

    reason: Reason | None = None
    bad_request: bool = False
    scope: tuple[str, ...] = ()
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()


NO_PARAMS = ChallengeParams()


class Scheme(Generic[C_co]):
    """The base of all schemes.

    Args:
        checker: decides whether the credentials are true; in any form that `watchword.checkers` takes.
        realm: the protection space (RFC 9110 §11.5): printable ASCII, and always sent as a quoted-string.

    Raises:
        ConfigurationError: the realm is empty or not printable ASCII, or the scheme has no name.
    """

    name: ClassVar[str] = ""
    """The authentication scheme as it stands in challenges; compared without regard to case."""

    # A checker for user names behind a scheme of tokens would fail at the first request; compared, it fails at start-up.
    credentials: ClassVar[type[Credentials] | None] = None
    """The class that `extract` returns, so that a checker for another class is an error at construction; None: not stated."""

    fields: Collection[str] = ("authorization",)
    """The header fields, lower case, from which it takes credentials, each with its `Field`: `{"dpop": Field(repeat=True)}`.

    Names alone suffice where `Field()` is right; `cookie` has a default of its own. The firewall refuses aliases of these names, and
    fields that break their `Field`.
    """

    header: str | None = None
    """The field, lower case, whose credentials say `"header"` for their carrier; `fields` then names it too. None: no such field."""

    cookies: tuple[str, ...] = ()
    """The cookies from which it takes credentials; `fields` then names `cookie` too."""

    parameters: tuple[bytes, ...] = ()
    """The query parameters from which it takes credentials."""

    rank: ClassVar[int] = 90
    """Its place among the challenges of one response: well-known ones first (decision D22)."""

    prompts: ClassVar[bool] = False
    """Whether a browser answers its challenge with a login dialog."""

    explains_errors: ClassVar[bool] = False
    """Whether its challenge has an `error` parameter (RFC 6750 §3), so that 400 and 403 carry it too."""

    # Nothing by default: a reason tells a guesser which names exist (decision D14, CWE-204).
    discloses: ClassVar[frozenset[Reason]] = frozenset()
    """Reasons that its clients may see, because they have proven their secret."""

    form_parameters: tuple[bytes, ...] | None = None
    """The parameters of a form from which it takes credentials, where it reads content; `()`: none. None: not stated."""

    subprotocol: str | None = None
    """The WebSocket subprotocol behind which it takes credentials; `fields` then names `sec-websocket-protocol` too."""

    metadata: ResourceMetadata | None = None
    """The metadata of the resource, which the guard serves (RFC 9728); None: it serves none."""

    token_endpoint: str | None = None
    """The absolute URL at which clients request its tokens (RFC 6749 §3.2), which refusals name to programs; None: none is told."""

    def __init__(self, checker: object, *, realm: str = "api") -> None:
        # The name begins every challenge, so CR LF in it would begin another field (CWE-113).
        if not is_token(self.name):
            raise invalid(f"{type(self).__name__}.name", "be the name of the scheme, a token (RFC 9110 §11.1)", self.name)
        # There is no reliable way to send other characters in a realm, so browsers show them wrongly (RFC 7617 §3).
        check_printable(f"{self.name}(realm=...)", realm)
        # As given: schemes do not know checkers. The guard adapts it.
        self.checker = checker
        self.realm = realm
        # Made once: most refusals send it as it is.
        self._plain = Challenge(self.name, {"realm": realm})

    def field(self, name: str) -> Field:
        """Return the facts about one of its fields.

        Args:
            name: lower case.
        """
        # Without facts a field gets the strict ones: one line, no list.
        usual = _COOKIE if name == "cookie" else _FIELD
        return self.fields.get(name, usual) if isinstance(self.fields, Mapping) else usual

    @property
    def secret(self) -> Secret:
        """The kind of secret in its credentials, for the words of refusals."""
        row = None if self.credentials is None else OF_CREDENTIALS.get(self.credentials)
        return "" if row is None else row.secret

    @property
    def is_kept_by_browsers(self) -> bool:
        """Whether browsers send credentials of its `Authorization` field by themselves once a person has logged in."""
        return self.prompts or known(self.name).kept_by_browsers

    def carrier_of(self, credentials: Credentials, view: RequestView) -> Carrier:
        """Return which part of the request brought credentials of this scheme.

        `"authorization"` is also the default of custom credentials. So it is believed only for a scheme that reads no other field, or where
        the request has an Authorization field of this scheme. Otherwise the carrier is a cookie if the scheme reads one, which is the
        safe assumption: cookies are subject to the cross-site test.

        Args:
            credentials: the result of `extract`.
            view: the request that brought them.
        """
        # A cookie taken for an Authorization field would skip the cross-site test, so doubt counts as cookie (decision D61, threats S12).
        stated = credentials.carrier
        if stated != "authorization" or tuple(self.fields) == ("authorization",):
            return stated
        sent = view.authorization
        if "cookie" in self.fields:
            return "authorization" if sent is not None and sent.scheme.lower() == self.name.lower() else "cookie"
        return "authorization" if "authorization" in self.fields else "header"

    def is_ambient(self, carrier: Carrier) -> bool:
        """Tell whether a browser sends credentials by itself, so that a page of another origin can make it do so (decision D61).

        Args:
            carrier: the part of the request that brought them.
        """
        # A field that a script must set needs a CORS preflight from another origin. Cookies and kept passwords do not.
        return carrier == "cookie" or (carrier == "authorization" and self.is_kept_by_browsers)

    @property
    def only_authorization(self) -> bool:
        """Whether it reads the Authorization field alone."""
        return tuple(self.fields) == ("authorization",) and not self.parameters and not self.reads_content

    @property
    def reads_content(self) -> bool:
        """Whether it may read the content of a request. Adapters provide a reader only then."""
        # Content must not be read before it is needed: a refusal precedes `100 Continue` (RFC 9110 §10.1.1).
        # Compared, not called: an adapter asks once, before the first request.
        return type(self).wants_content is not Scheme.wants_content

    def wants_content(self, view: RequestView) -> int | None:
        """Return how much content `extract` needs: a form with a token (RFC 6750 §2.2), or what a digest covers (RFC 7616 §3.4.3).

        The guard reads the content once, before `extract`, and keeps it for the application. It is `view.content` then: None where it could
        not be read whole, because the client went away, or because the application has it already (`Guard.authorize`).

        Args:
            view: the request, after the firewall; `view.authorization` and `view.field("content-type")` are there. Untrusted.

        Returns:
            The greatest content in octets: more is answered 413. Where several schemes read it, the least limit counts. None: this
            request's content stays unread.
        """
        return None

    def extract(self, view: RequestView) -> C_co | None:
        """Return the credentials of this scheme in a request.

        Args:
            view: the request; everything in it is untrusted.

        Returns:
            The credentials; None where the request shows none of this scheme.

        Raises:
            CredentialsError: the credentials break the rules of the scheme.
        """
        raise TypeError(f"{type(self).__name__} must define extract().")

    def challenge(self, params: ChallengeParams = NO_PARAMS) -> Challenge:
        """Return the challenge that asks for credentials of this scheme (RFC 9110 §11.3).

        Args:
            params: the content, as far as the scheme has parameters for it.

        Returns:
            The challenge. It is called for every refusal, so a scheme whose challenges stay the same builds them once.
        """
        # The realm alone: error codes belong to single schemes (RFC 9110 §11.5, RFC 6750 §3).
        return self._plain

    def challenges(self, params: ChallengeParams = NO_PARAMS) -> tuple[Challenge, ...]:
        """Return all challenges of this scheme, in order of preference: Digest has one for each algorithm (RFC 7616 §3.7).

        Args:
            params: as in `challenge`.

        Returns:
            The challenges; empty where HTTP has none, as for client certificates. Where only this scheme could help, the answer is then 403
            (decision D16).
        """
        # One challenge, so each field line has one: clients split several in a line wrongly (RFC 9110 §11.6.1, decision D21).
        return (self.challenge(params),)

    def login_location(self, view: RequestView) -> str | None:
        """Return the login page as a URI reference for `Location`; None: the scheme has none.

        Args:
            view: a request by which a browser navigates; untrusted. A reference that is empty, or holds a space, a control character or one
                that is not ASCII, is not sent: the answer is 401 then.
        """
        return None

    def openapi(self) -> Mapping[str, Mapping[str, Any]]:
        """Return how a client sends the credentials, as OpenAPI describes it: Security Scheme Objects, by the name of a component.

        Each of them suffices. The default is `{"type": "http", "scheme": ...}` with the name of the scheme, and `apiKey` for its `header`,
        `parameters` and `cookies`. A scheme of another kind returns its own, such as `{"Login": {"type": "openIdConnect", ...}}`.
        """
        from watchword.schemes.openapi import forms_of  # for documents alone

        http = "authorization" in self.fields
        return forms_of(self.name, http=http, header=self.header, parameters=self.parameters, cookies=self.cookies)

    def __repr__(self) -> str:
        # The checker may hold secrets.
        return f"{type(self).__name__}({type(self.checker).__name__}, realm={self.realm!r})"
