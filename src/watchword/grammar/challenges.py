"""Parses and builds challenges: the value of WWW-Authenticate and Proxy-Authenticate (RFC 9110 §11.3, §11.6.1, §11.7.1).

WWW-Authenticate = #challenge
challenge        = auth-scheme [ 1*SP ( token68 / #auth-param ) ]

A list of lists: the same comma separates challenges, and the parameters of one challenge. A parameter name is followed by "=", and a
scheme name never is (see `is_auth_param`).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, final

from watchword.errors import ConfigurationError, GrammarError
from watchword.grammar.abnf import OWS
from watchword.grammar.limits import MAX_CHALLENGES, MAX_FIELD_OCTETS
from watchword.grammar.lists import parse_list
from watchword.grammar.octets import field_octets
from watchword.grammar.rules import build_auth_param, is_auth_param, maybe_token68, parse_token, skip_ows, skip_sp
from watchword.grammar.values import Frozen, add_auth_param, check_params, check_scheme, check_token68

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# RFC 7616, Section 3.3: a sender must not quote the values of stale and algorithm, and its examples do not quote userhash.
# Everything else is quoted: realm has to be (RFC 9110 §11.5), and some clients expect it of the rest.
_BARE: Final = frozenset({"algorithm", "stale", "userhash"})


@final
class Challenge(Frozen):
    """One challenge, as a value that is safe to send.

    It is checked when it is made, so a realm with a line break is an error at start-up and never a second header field. Two are
    equal if their schemes are, without regard to case (RFC 9110 §11.1), and their content is; the order of parameters does not
    count.

    Args:
        scheme: a token, sent as given.
        params: a mapping or pairs; names are tokens, each at most once in any letter case (RFC 9110 §11.2); values are made of
            HTAB, SP, %x21-7E and %x80-FF.
        token68: letters, digits and `-._~+/`, with "=" only at its end; not together with parameters.

    Attributes:
        scheme: as given.
        params: a read-only mapping, names in lower case, in the given order; may be empty.
        token68: or None.

    Raises:
        ConfigurationError: an argument cannot be sent.
    """

    __slots__ = ("_line", "params", "scheme", "token68")

    scheme: str
    params: Mapping[str, str]
    token68: str | None
    _line: str

    def __init__(
        self,
        scheme: str,
        params: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        token68: str | None = None,
    ) -> None:
        check_scheme(scheme)
        checked = check_params(scheme, () if params is None else params)
        if token68 is not None:
            check_token68(scheme, token68)
            if checked:
                raise ConfigurationError(f"a {scheme} challenge has a token68 or parameters, got both (RFC 9110 §11.3). Leave one out.")
        for name, value in (("scheme", scheme), ("params", MappingProxyType(checked)), ("token68", token68)):
            # One challenge serves all requests of a guard: a read-only mapping keeps one response from changing the next.
            object.__setattr__(self, name, value)

    def serialize(self) -> str:
        """Build the field value, one challenge long, that `parse_challenges` reads back as an equal value.

        Parameter values are quoted, except those that RFC 7616 §3.3 defines without quotes. Of these, a value that is not a token is quoted
        too.
        """
        try:
            return self._line
        except AttributeError:
            # Built once: a scheme sends the same challenge again and again.
            object.__setattr__(self, "_line", self._serialized())
            return self._line

    def _serialized(self) -> str:
        if self.token68 is not None:
            return f"{self.scheme} {self.token68}"
        if not self.params:
            return self.scheme
        params = (build_auth_param(name, value, bare=name in _BARE) for name, value in self.params.items())
        return f"{self.scheme} {', '.join(params)}"

    def _key(self) -> tuple[str, str | None, frozenset[tuple[str, str]]]:
        # Scheme names compare without regard to case (RFC 9110 §11.1), values do not.
        return self.scheme.lower(), self.token68, frozenset(self.params.items())

    def __repr__(self) -> str:
        content = f", {dict(self.params)!r}" if self.params else "" if self.token68 is None else f", token68={self.token68!r}"
        return f"{type(self).__name__}({self.scheme!r}{content})"

    def __reduce__(self) -> tuple[type[Challenge], tuple[str, dict[str, str], str | None]]:
        return type(self), (self.scheme, dict(self.params), self.token68)


def parse_challenges(value: str | bytes, *, limit: int = MAX_FIELD_OCTETS) -> list[Challenge]:
    """Parse the value of one WWW-Authenticate field, in which several challenges may stand (RFC 9110 §11.6.1).

    For clients of other servers (introspection, key sets), and for tests that read the challenges of watchword. The value is untrusted.

    Args:
        value: the field value; a `str` holds one character per octet (latin-1).
        limit: the longest value to be read, in octets.

    Returns:
        The challenges in the order sent, at least one.

    Raises:
        FieldTooLong: `value` is longer than `limit`.
        GrammarError: `value` is not a list of at least one and at most `MAX_CHALLENGES` challenges.
    """
    # OWS around a value is not part of it (RFC 9110 §5.5).
    data = field_octets(value, limit).rstrip(OWS)
    drafts: list[_Draft] = []

    def consume(data: bytes, pos: int) -> int:
        # The same comma separates challenges and parameters (RFC 9110 §11.6.1), so the text after it decides.
        if is_auth_param(data, pos):
            if not drafts or drafts[-1].closed:
                raise GrammarError("a challenge, which starts with a scheme name", pos)
            return add_auth_param(drafts[-1].params, data, pos)
        # Bounded here too: another server chooses the value, and a client of it must not pay without limit.
        if len(drafts) == MAX_CHALLENGES:
            raise GrammarError(f"at most {MAX_CHALLENGES} challenges", pos)
        draft, pos = _parse_challenge_start(data, pos)
        drafts.append(draft)
        return pos

    parse_list(data, skip_ows(data, 0), consume)
    # A 401 must carry one challenge at least (RFC 9110 §11.6.1).
    if not drafts:
        raise GrammarError("a challenge", len(data))
    return [Challenge(draft.scheme, draft.params, draft.token68) for draft in drafts]


class _Draft:
    """A challenge of which more parameters may come, unless it is closed."""

    __slots__ = ("closed", "params", "scheme", "token68")

    def __init__(self, scheme: str) -> None:
        self.scheme = scheme
        self.params: dict[str, str] = {}
        self.token68: str | None = None
        self.closed = False


def _parse_challenge_start(data: bytes, pos: int) -> tuple[_Draft, int]:
    """Parse a scheme name and what belongs to it before the next comma: a token68, the first parameter, or nothing."""
    scheme, after_scheme = parse_token(data, pos, "a scheme name")
    draft = _Draft(scheme)
    pos = skip_sp(data, after_scheme)
    # Without SP no parameters can follow: in `Negotiate, a=1` nothing owns `a`. With SP they can: the list in `Digest ,a=1` starts
    # with an empty element.
    draft.closed = pos == after_scheme
    if draft.closed or _ends_element(data, pos):
        return draft, after_scheme
    # token68 first: `realm=` is a token68 too, and only what follows tells it from a parameter (decision D8).
    token68 = maybe_token68(data, pos)
    if token68 is not None and _ends_element(data, token68[1]):
        draft.closed = True
        draft.token68, pos = token68
        return draft, pos
    return draft, add_auth_param(draft.params, data, pos)


def _ends_element(data: bytes, pos: int) -> bool:
    pos = skip_ows(data, pos)
    return data[pos : pos + 1] in {b"", b","}
