"""Defines the protocol of a source of keys, and the source of keys from the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from watchword.checkers.jwt.keys import KeySet
from watchword.errors import ConfigurationError, GrammarError
from watchword.observe.notice import OperatorNotice, log_notice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.checkers.jwt.algorithms import Algorithms
    from watchword.operation import Operation, Steps


class KeySource(Protocol):
    """Gives the keys of one issuer."""

    def keys(self, kid: str | None) -> Steps[KeySet]:
        """Return the set that is to be asked for a token.

        Args:
            kid: the id of the wanted key, from an untrusted source; None: the token names none. Where no key has it, a source may fetch the
                set again, once per cool-down for all tokens together. The returned set may still lack it: then the token is refused.

        Raises:
            Unavailable: there is no set now.
        """
        ...

    def fresh(self) -> KeySet | None:
        """Return the set that `keys` would use without a fetch; None: it would fetch one.

        It is called for each request of a cached caller, on the event loop, so it looks at local state only. A key that is no longer in
        this set ends what was cached by it.
        """
        ...

    def refresh(self) -> Operation[Any] | None:
        """Return work to do after the response to a token that was accepted, such as to fetch the set again; None: there is none."""
        ...


class StaticKeys:
    """Keys from the configuration. They never change.

    Args:
        document: a JWK Set, the mapping that it is as JSON.
        algorithms: those that are allowed.

    Raises:
        ConfigurationError: no key can be used, or a shared secret is weak.
    """

    __slots__ = ("_set",)

    def __init__(self, document: Mapping[str, object], algorithms: Algorithms) -> None:
        try:
            keys = KeySet.read(dict(document), algorithms)
        except (GrammarError, TypeError, ValueError):
            raise ConfigurationError('JWT(keys=...) must be a JWK Set, such as {"keys": [{"kty": "EC", ...}]}.') from None
        # A secret is the developer's own, so a weak one is a mistake to mend. A key set of an issuer may hold whatever it holds.
        faults = keys.weak or keys.skipped
        if keys.weak or not keys.keys:
            raise ConfigurationError(f"JWT(keys=...) must hold keys that can be used: {'; '.join(faults) or 'the set is empty'}.")
        for words in (*keys.skipped, *keys.warnings):
            log_notice(OperatorNotice("unusable_key", words, source="JWT(keys=...)"))
        self._set = keys

    def keys(self, _: str | None) -> Steps[KeySet]:
        """Return the keys."""
        return self._set
        yield

    def fresh(self) -> KeySet:
        """Return the keys."""
        return self._set

    def refresh(self) -> None:
        """Return None: there is nothing to do."""

    def __repr__(self) -> str:
        return f"StaticKeys({len(self._set.keys)} keys)"
