"""The closed set of decisions. A decision says what was decided and why; the package `refusal` alone says it in HTTP.

    Granted      the request goes on, for `principal`
    Answered     200, 404 or 405: the guard answers by itself, with a public document
    Challenged   401: some credential could change the answer, and `challenges` ask for it
    Forbidden    403: no credential could change the answer, or the known caller lacks what is demanded
    Hidden       404: as Forbidden, without revealing that the resource exists
    Malformed    400, 413 or 431: the request can be read in more than one way, or not at all
    Throttled    429: too many failures
    Failed       503: a checker or a store does not answer

No decision holds a credential.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeAlias

from watchword.principal import ANONYMOUS, Principal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from watchword.clock import Clock
    from watchword.content import Body
    from watchword.credentials import Carrier
    from watchword.errors import Unavailable
    from watchword.grammar import Challenge
    from watchword.operation import Operation
    from watchword.reason import Reason

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values of response fields."""


class Rule(Protocol):
    """The rule that a decision was made by, compiled; only the guard makes one."""

    @property
    def text(self) -> str:
        """The pattern as written, or `"default"`; of several rules, all of them."""
        ...

    @property
    def demand(self) -> str:
        """What is demanded, as it is written in Python."""
        ...

    @property
    def owner(self) -> object:
        """The identity of the table of rules, by which a guard knows its own decisions."""
        ...


class Term(Protocol):
    """Tells whether an identification still counts."""

    def is_current(self, clock: Clock) -> bool:
        """Tell whether the identification still counts.

        Args:
            clock: tells the time.
        """
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """The facts about a caller. A decision without them was made before the credentials were read.

    `Guard.authorize` goes on from here, so that no request is authenticated twice.

    Args:
        principal: the caller; `ANONYMOUS`: no credentials were sent, or they could not be checked.
        scheme: the scheme of the credentials, as in its challenge; empty: none were shown.
        carrier: which part of the request brought them; None: none were shown.
        term: for how long the identification counts; None: for this request.
        failure: why the credentials could not be checked; None: they were checked, or not sent.
        cached: whether the credential cache answered in place of the checker.
        credential: as in `AuthEvent`; empty: no event told of it.
    """

    principal: Principal
    scheme: str = ""
    carrier: Carrier | None = None
    term: Term | None = field(default=None, repr=False, compare=False)
    failure: Unavailable | None = field(default=None, compare=False)
    cached: bool = field(default=False, compare=False)
    credential: str = field(default="", repr=False, compare=False)


NOBODY = Caller(ANONYMOUS)
"""The anonymous caller of a request without credentials."""


@dataclass(frozen=True, slots=True)
class CacheAdvice:
    """The cache fields of a granted response, where the application sets none (decision D58).

    Args:
        cache_control: the directive to set where there is no `Cache-Control`; None: none.
        vary: the request fields on which the response depends.
        missing: whether a 404 of the application says `no-store`, because hidden resources imitate it (decision D12).
    """

    cache_control: str | None = None
    vary: tuple[str, ...] = ()
    missing: bool = False

    def __bool__(self) -> bool:
        """Tell whether a field is set."""
        return self.cache_control is not None or bool(self.vary) or self.missing


SILENT = CacheAdvice()


class Decided:
    """The base of all decisions."""

    __slots__ = ()

    granted: ClassVar[bool] = False
    route: Rule | None
    """The rule that decided; None: none was reached, or the decision was made by hand."""
    caller: Caller | None
    """What is known about the caller; None: the credentials were not looked at."""
    headers: Headers
    """Response fields of the scheme, such as a cookie or a nonce; adapters add them."""
    after_response: Operation[Any] | None
    """Work for the time after the response; adapters hand it to `Guard.finish` or `Guard.afinish`."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the decision, without what belongs to one guard in one process."""
        said = {name: value for name, value in self._all() if name not in _OF_ONE_PROCESS}
        return _rebuilt, (type(self), said)

    def _all(self) -> Iterator[tuple[str, Any]]:
        """Yield each field and its value."""
        for base in type(self).__mro__:
            for name in getattr(base, "__slots__", ()):
                yield name, getattr(self, name)


_OF_ONE_PROCESS = {"route", "caller", "after_response"}


def _rebuilt(kind: Callable[..., Decided], said: dict[str, Any]) -> Decided:
    return kind(**said)


class _Fields(NamedTuple):
    principal: Principal
    rule: str
    scheme: str = ""
    cache: CacheAdvice = SILENT
    route: Rule | None = None
    caller: Caller | None = None
    headers: Headers = ()
    after_response: Operation[Any] | None = None


class Granted(Decided, _Fields):
    """The request may go on.

    Args:
        principal: the caller; `ANONYMOUS` where no credentials are needed.
        rule: the rule that decided, as written.
        scheme: the scheme of the credentials that were accepted; empty for anonymous callers.
        cache: what the response must say to caches.
        route: the rule that decided, compiled.
        caller: what is known about the caller; None: the credentials were not looked at.
        headers: response fields of the scheme.
        after_response: what is left to do once the response was sent; None: nothing.
    """

    # Made for every request that passes: a tuple cannot be changed either, and is a third of the cost of a frozen dataclass.
    __slots__ = ()

    granted: ClassVar[bool] = True
    reason: ClassVar[None] = None

    def followed_by(self, after_response: Operation[Any] | None) -> Granted:
        """Return the same decision, with something else to do after the response.

        Args:
            after_response: what to do; None: nothing.
        """
        return self._replace(after_response=after_response)

    def with_headers(self, headers: Headers) -> Granted:
        """Return the same decision, with other response fields.

        Args:
            headers: the fields.
        """
        return self._replace(headers=headers)

    def _all(self) -> Iterator[tuple[str, Any]]:
        return iter(self._asdict().items())

    def __repr__(self) -> str:
        return f"Granted({self.principal!r}, rule={self.rule!r}, scheme={self.scheme!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Responding(Decided):
    """The base of decisions by which the guard responds in place of the application.

    Args:
        after_response: what is left to do once the response was sent.
        route: the rule that decided, compiled.
        caller: what is known about the caller; None: the credentials were not looked at.
        headers: response fields of the scheme, or beside those of a document.
    """

    after_response: Operation[Any] | None = field(default=None, repr=False, compare=False)
    route: Rule | None = field(default=None, repr=False, compare=False)
    caller: Caller | None = field(default=None, repr=False, compare=False)
    headers: Headers = field(default=(), repr=False)

    def followed_by(self, after_response: Operation[Any] | None) -> Self:
        """Return the same decision, with something else to do after the response.

        Args:
            after_response: what to do; None: nothing.
        """
        return replace(self, after_response=after_response)

    def with_headers(self, headers: Headers) -> Self:
        """Return the same decision, with other response fields.

        Args:
            headers: the fields.
        """
        return replace(self, headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(_Responding):
    """The guard answers by itself, for every caller, and the application is not called: the metadata of the resource (RFC 9728 §3).

    It does not grant: after a grant the application runs. `Guard.refuse` returns the response.

    Args:
        status: 200; 404 or 405 for what only looks like a request for the document.
        content: the document, as JSON; empty: no document.
        rule: the path of the document.
    """

    status: int
    content: str = field(default="", repr=False)
    rule: str = ""
    reason: None = None
    detail: str = ""
    principal: Principal = ANONYMOUS
    scheme: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusing(_Responding):
    """The base of all decisions that refuse.

    Args:
        reason: why, for the operator.
        rule: the rule that decided, as written; empty where none was reached.
        detail: more about why, for the operator, without secrets.
        principal: the caller; `ANONYMOUS` where the caller is not known.
        scheme: the scheme of the credentials that were looked at; empty: none were.
        challenges: what is asked for, in the order in which it is sent.
        disclosed: the reason that the client is told.
    """

    reason: Reason
    rule: str = ""
    detail: str = ""
    principal: Principal = ANONYMOUS
    scheme: str = ""
    challenges: tuple[Challenge, ...] = ()
    disclosed: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenged(_Refusing):
    """401, or 407 of a proxy: some credential could change the answer (RFC 9110 §15.5.2).

    Args:
        proxy: whether a proxy asks.
        location: where a person who navigates is sent to log in, by 303 (decision D28); None: nowhere.
    """

    proxy: bool = False
    location: str | None = None


class Forbidden(_Refusing):
    """403: no credential could change the answer, or the known caller lacks what is demanded (RFC 9110 §15.5.4)."""

    __slots__ = ()


class Hidden(_Refusing):
    """404: as `Forbidden`, and the answer does not reveal that the resource exists (RFC 9110 §15.5.5)."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed(_Refusing):
    """400, 413 or 431 by its reason: the request can be read in more than one way, or not at all.

    Args:
        body: the content of the refusal in the terms of a protocol; None: the guard's own.
    """

    body: Body | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled(_Refusing):
    """429: too many failures (RFC 6585 §4).

    Args:
        retry_after: whole seconds to wait.
    """

    retry_after: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(_Refusing):
    """503: a checker or a store does not answer (RFC 9110 §15.6.4).

    Args:
        retry_after: whole seconds to wait.
    """

    retry_after: int = 5


Refusing: TypeAlias = Challenged | Forbidden | Hidden | Malformed | Throttled | Failed
Decision: TypeAlias = Granted | Answered | Refusing
"""What a guard answers."""
