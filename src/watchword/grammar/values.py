"""Defines the shared parts of credentials and challenges, which have one syntax (RFC 9110 §11.3, §11.4).

    auth-scheme [ 1*SP ( token68 / #auth-param ) ]

Values are immutable, and hold only content that can be sent.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

from watchword.errors import ConfigurationError, GrammarError
from watchword.grammar.limits import MAX_PARAMETERS
from watchword.grammar.rules import check_quotable, is_token, is_token68, parse_auth_param
from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable


class Frozen:
    """A value that cannot be changed and is equal to every value of its class with the same key."""

    __slots__ = ()

    @abstractmethod
    def _key(self) -> Hashable:
        """Return the key by which values are compared."""

    def __eq__(self, other: object) -> bool:
        # The very class: a challenge is not equal to credentials of the same content.
        if type(other) is not type(self):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        # Challenges are keys of dictionaries, so equal values hash alike: the key has the scheme in lower case.
        return hash(self._key())

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable: cannot set {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable: cannot delete {name!r}")


def add_auth_param(params: dict[str, str], data: bytes, pos: int) -> int:
    """Parse the auth-param at `pos` into `params` and return the position after it.

    Raises:
        GrammarError: no auth-param follows, its name is repeated in any letter case (RFC 9110 §11.2), or the bound is exceeded.
    """
    (name, value), after = parse_auth_param(data, pos)
    # A reader that keeps the first of two and one that keeps the last see different credentials: a name occurs once (RFC 9110 §11.2).
    if name in params:
        raise GrammarError("a parameter name that did not occur before", pos)
    # A client chooses how many there are, and this runs before the caller is known (RFC 9110 §17.5).
    if len(params) == MAX_PARAMETERS:
        raise GrammarError(f"at most {MAX_PARAMETERS} parameters", pos)
    params[name] = value
    return after


def check_scheme(scheme: object) -> None:
    """Refuse a scheme name that cannot be sent.

    Raises:
        ConfigurationError: it is not a token.
    """
    # CR LF in a name would begin a second header field (RFC 9110 §5.5, CWE-113).
    if not isinstance(scheme, str) or not is_token(scheme):
        raise invalid("a scheme name", "be a token such as 'Basic' (RFC 9110 §11.1)", scheme)


def check_token68(scheme: str, token68: object) -> None:
    """Refuse a token68 that cannot be sent. The message does not show it: it may be a secret.

    Raises:
        ConfigurationError: it is not a token68.
    """
    if not isinstance(token68, str) or not is_token68(token68):
        must = 'be letters, digits and -._~+/ with "=" only at its end (RFC 9110 §11.2)'
        raise invalid(f"{scheme}: a token68", must, token68, secret=True)


def check_params(scheme: str, params: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the parameters in the given order with names in lower case, or refuse parameters that cannot be sent.

    Values do not show in messages: they may be secrets.

    Raises:
        ConfigurationError: a name is not a token or is repeated (in any letter case), a value cannot be sent, or the bound is exceeded.
    """
    checked: dict[str, str] = {}
    for name, value in params.items() if isinstance(params, Mapping) else params:
        if not isinstance(name, str) or not is_token(name):
            raise invalid(f"{scheme}: a parameter name", "be a token such as 'realm' (RFC 9110 §11.2)", name)
        if not isinstance(value, str):
            raise invalid(f"{scheme}: the parameter {name!r}", "be a string", value, secret=True)
        # Names compare without regard to letter case, so `realm` and `Realm` are one name (RFC 9110 §11.2).
        if name.lower() in checked:
            raise ConfigurationError(
                f"{scheme}: the parameter {name!r} is repeated, apart from letter case (RFC 9110 §11.2). Give it once."
            )
        try:
            check_quotable(value)
        except ConfigurationError as error:
            raise ConfigurationError(f"{scheme}: the parameter {name!r}: {error}") from None
        # Lower case here, so that readers of the mapping need not convert.
        checked[name.lower()] = value
    # What is built here must be read by the parser here, and by clients with bounds of their own.
    if len(checked) > MAX_PARAMETERS:
        raise ConfigurationError(
            f"{scheme}: {len(checked)} parameters are more than the {MAX_PARAMETERS} that a parser must read. Remove some."
        )
    return checked
