"""Hides who the people are in the events of one sink."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from watchword.networks import network_of, parse_address
from watchword.validators import check_type, check_whole, invalid

if TYPE_CHECKING:
    from watchword.observe.event import AuthEvent, EventSink


class Pseudonyms:
    """Wraps a sink: it gets a keyed hash in place of the principal, and the network in place of the address.

    Equal principals have equal hashes under one key, so that they can be counted and, by whoever has the key, found again. An address that
    cannot be read becomes None.

    Args:
        sink: takes the events.
        key: 16 to 64 octets; a secret. Destroy it, and no hash can be found again.
        ipv4: how many bits of an IPv4 address are kept.
        ipv6: how many bits of an IPv6 address are kept.
    """

    def __init__(self, sink: EventSink, key: bytes, *, ipv4: int = 24, ipv6: int = 48) -> None:
        if not callable(sink):
            raise invalid("Pseudonyms(sink=...)", "be a function that takes an AuthEvent", sink)
        check_type("Pseudonyms(key=...)", key, bytes, "secrets.token_bytes(32)", secret=True)
        if not 16 <= len(key) <= 64:  # noqa: PLR2004 - as for `Guard(event_key=...)`
            raise invalid("Pseudonyms(key=...)", "be 16 to 64 octets", key, "Use secrets.token_bytes(32).", secret=True)
        self._bits = check_whole("Pseudonyms(ipv4=...)", ipv4, most=32), check_whole("Pseudonyms(ipv6=...)", ipv6, most=128)
        self._keyed = blake2b(key=key, digest_size=16, person=b"watchword who")
        self._sink: Any = sink
        self.name: str = getattr(sink, "name", None) or getattr(sink, "__name__", None) or type(sink).__name__
        self.blocking: bool = getattr(sink, "blocking", False)

    def is_enabled(self) -> bool:
        """Return whether the sink takes events now."""
        return not hasattr(self._sink, "is_enabled") or bool(self._sink.is_enabled())

    def __call__(self, event: AuthEvent, /) -> None:
        """Hand an event on."""
        self._sink(replace(event, principal=self.hash(event.principal), client=self._network(event.client)))

    def hash(self, principal: str) -> str:
        """Return what stands in events for a principal: 32 hexadecimal digits, or an empty string for nobody.

        Args:
            principal: the id.
        """
        if not principal:
            return ""
        state = self._keyed.copy()
        state.update(principal.encode("utf-8", "surrogatepass"))
        return state.hexdigest()

    def _network(self, client: str | None) -> str | None:
        return network_of(parse_address(client), *self._bits) or None

    def __repr__(self) -> str:
        return f"Pseudonyms({self.name})"


__all__ = ["Pseudonyms"]
