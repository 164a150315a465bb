"""The closed set of decisions. A decision says what was decided and why; the package `refusal` alone says it in HTTP.

    Granted      go on, as `principal`
    Challenged   401: some credential could change the answer, and `challenges` ask for it
    Forbidden    403: no credential could, or the caller is known and may not
    Hidden       404: as Forbidden, without revealing that the resource exists
    Malformed    400, 413 or 431: the request can be read in more than one way, or not at all
    Throttled    429: too many failures
    Failed       503: it cannot be told now

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


class Term(Protocol):
    """How long an identification counts."""

    def is_current(self, clock: Clock) -> bool:
        """Tell whether it still counts.

        Args:
            clock: tells the time.
        """
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """What the guard knows about the caller. A decision without it was made before the credentials were looked at.

    `Guard.authorize` goes on from here, so that no request is authenticated twice.

    Args:
        principal: the caller; `ANONYMOUS`: no credentials were sent, or they could not be checked.
        scheme: the scheme of the credentials, as in its challenge; empty: none were shown.
        carrier: which part of the request brought them; None: none were shown.
        term: for how long the identification counts; None: for this request.
        failure: why the credentials could not be checked; None: they were checked, or not sent.
        cached: whether the credential cache answered in place of the checker.
    """

    principal: Principal
    scheme: str = ""
    carrier: Carrier | None = None
    term: Term | None = field(default=None, repr=False, compare=False)
    failure: Unavailable | None = field(default=None, compare=False)
    cached: bool = field(default=False, compare=False)


NOBODY = Caller(ANONYMOUS)
"""The caller of a request that shows no credentials, for certain."""


@dataclass(frozen=True, slots=True)
class CacheAdvice:
    """What a granted response must say to caches, as far as the application says nothing (decision D58).

    Args:
        cache_control: the directive to set where there is no `Cache-Control`; None: none.
        vary: the request fields on which the response depends.
        missing: whether a 404 of the application says `no-store`, because hidden resources imitate it (decision D12).
    """

    cache_control: str | None = None
    vary: tuple[str, ...] = ()
    missing: bool = False

    def __bool__(self) -> bool:
        """Tell whether there is anything to say at all."""
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
    """What is left to do once the response was sent; adapters hand it to `Guard.finish` or `Guard.afinish`."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what the decision says. What belongs to one guard in one process stays there."""
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
class _Refusing(Decided):
    """What all refusing decisions have.

    Args:
        reason: why, for the operator.
        rule: the rule that decided, as written; empty where none was reached.
        detail: more about why, for the operator, without secrets.
        principal: who it is, as far as that is known.
        scheme: the scheme of the credentials that were looked at; empty: none were.
        challenges: what is asked for, in the order in which it is sent.
        disclosed: the reason that the client is told.
        after_response: what is left to do once the response was sent.
        route: the rule that decided, compiled.
        caller: what is known about the caller; None: the credentials were not looked at.
        headers: response fields of the scheme.
    """

    reason: Reason
    rule: str = ""
    detail: str = ""
    principal: Principal = ANONYMOUS
    scheme: str = ""
    challenges: tuple[Challenge, ...] = ()
    disclosed: Reason | None = None
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
class Challenged(_Refusing):
    """Some credential could change the answer: 401, or 407 of a proxy (RFC 9110 §15.5.2).

    Args:
        proxy: whether a proxy asks.
        location: where a person who navigates is sent to log in, by 303 (decision D28); None: nowhere.
    """

    proxy: bool = False
    location: str | None = None


class Forbidden(_Refusing):
    """No credential could change the answer, or the caller is known and may not: 403 (RFC 9110 §15.5.4)."""

    __slots__ = ()


class Hidden(_Refusing):
    """As Forbidden, and it is to look as if there were nothing: 404 (RFC 9110 §15.5.5)."""

    __slots__ = ()


class Malformed(_Refusing):
    """The request cannot be read in one way only: 400, 413 or 431 by its reason."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled(_Refusing):
    """Too many failures: 429 (RFC 6585 §4).

    Args:
        retry_after: whole seconds to wait.
    """

    retry_after: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(_Refusing):
    """It cannot be told now: 503 (RFC 9110 §15.6.4).

    Args:
        retry_after: whole seconds to wait.
    """

    retry_after: int = 5


Refusing: TypeAlias = Challenged | Forbidden | Hidden | Malformed | Throttled | Failed
Decision: TypeAlias = Granted | Refusing
"""What a guard answers."""
