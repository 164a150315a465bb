"""Defines a signal: that something other than an ordinary refusal is going on, with the evidence and the likely cause in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from watchword.observe.log import HANDLER_FAILURES

if TYPE_CHECKING:
    from collections.abc import Mapping

SignalKind: TypeAlias = Literal[
    "spraying",
    "brute_force",
    "shared_credential",
    "keys_changed",
    "clock_off",
    "configuration_changed",
    "store_down",
    "everybody_failing",
]
"""What is going on."""

CAUSES: Mapping[SignalKind, str] = MappingProxyType(
    {
        "spraying": "One address tries many user names: it guesses, or tries passwords from a leak elsewhere.",
        "brute_force": "Many failures about one user name: its password is guessed, or a program still has an old one.",
        "shared_credential": "One credential is used from many networks: it is shared, stolen, or of a program that runs in many places.",
        "keys_changed": "Nearly all tokens fail by their signature: the issuer changed its keys, and this service has other ones.",
        "clock_off": "Nearly all tokens are expired or not valid yet: the clock of this machine, or of the issuer, is wrong.",
        "configuration_changed": "Nearly all tokens are for another audience, issuer or type: a deployment changed the configuration, "
        "here or at the issuer.",
        "store_down": "Nearly all credentials cannot be checked: a store, a key server or a directory does not answer, or is overloaded.",
        "everybody_failing": "Nearly all logins fail, for many names from many addresses: the passwords were replaced or lost here, or "
        "passwords from a leak elsewhere are tried from many addresses.",
    }
)
"""The likely cause of each kind."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal that begins or ends. No secret is in it; an address may identify a person.

    Args:
        kind: what is going on.
        state: whether it begins or ends.
        time: when that was noticed, in Unix seconds.
        since: when it began.
        subject: the address, or the hash of the credential as in `AuthEvent.credential`; for what concerns everybody the scheme.
        evidence: numbers and examples.
        cause: the likely cause, in words.
    """

    kind: SignalKind
    state: Literal["begun", "ended"]
    time: float
    since: float
    subject: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    cause: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON has them."""
        return {
            "kind": self.kind,
            "state": self.state,
            "time": self.time,
            "since": self.since,
            "subject": self.subject,
            "evidence": dict(self.evidence),
            "cause": self.cause,
        }


class SignalSink(Protocol):
    """Takes signals."""

    def __call__(self, signal: Signal, /) -> object:
        """Take one signal; what it returns is ignored."""
        ...


def log_signal(signal: Signal) -> None:
    """Log a signal to `watchword.signals`: a warning when it begins, information when it ends.

    Args:
        signal: the signal.
    """
    from logging import INFO, WARNING, getLogger  # with the first signal

    evidence = ", ".join(f"{name} {value!a}" for name, value in signal.evidence.items())
    words = "signal %s %s: %s (%s). %s"
    said = (signal.kind, signal.state, signal.subject or "everybody", evidence, signal.cause)
    level = WARNING if signal.state == "begun" else INFO
    with HANDLER_FAILURES:
        getLogger("watchword.signals").log(level, words, *said, extra={"watchword": {"event": "signal", **signal.as_dict()}})


def log_store(error: Exception | None) -> None:
    """Log that the store of a group is away, or that it answers again.

    Args:
        error: what it raised; only its type is logged. None: it answers again.
    """
    from logging import INFO, WARNING, getLogger

    log = getLogger("watchword.signals").log
    if error is None:
        log(INFO, "signals: the store answers again; all processes count together")
        return
    log(WARNING, "signals: the store does not answer (%s); each process counts by itself until it does", type(error).__name__)


__all__ = ["CAUSES", "Signal", "SignalKind", "SignalSink", "log_signal", "log_store"]
