"""Tests the contract of checkers: a suite to inherit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from watchword.checkers import adapt
from watchword.operation import arun, run
from watchword.verdict import Accepted, Refused

if TYPE_CHECKING:
    from watchword.credentials import Credentials
    from watchword.verdict import Verdict

_SECRETS = ("password", "token", "key")
_ODD = ("", " ", "\x00", "\ud800", "ä", "é", "a" * 73, "a" * 100_000, "%s", "'", "\\", "\n", ":", "None")


class CheckerContract(ABC):
    """Tests what a guard requires of every checker: a function, async or not, a generator, or an object.

    Inherit it in a class whose name begins with `Test`, and pytest runs it. For credentials of your own kind, name their secret attributes
    in `secrets`.

        class TestMyChecker(CheckerContract):
            accepted = BasicCredentials("ann", "s3cret")
            refused = BasicCredentials("ann", "wrong")
            identity = "ann"

            def checker(self):
                return MyChecker(...)
    """

    accepted: Credentials
    """Valid credentials."""

    refused: Credentials
    """Invalid credentials."""

    identity: str
    """The id of the principal of the valid credentials."""

    secrets: tuple[str, ...] = _SECRETS
    """The attributes of the credentials that hold a secret."""

    @abstractmethod
    def checker(self) -> object:
        """Return the checker, in any form that `watchword.checkers` takes."""

    def test_true_credentials_are_accepted(self) -> None:
        """Their principal is returned, and the same one for a second call."""
        for verdict in (self._ask(self.accepted), self._ask(self.accepted)):
            if not isinstance(verdict, Accepted) or verdict.principal.id != self.identity:
                raise AssertionError(f"the credentials of {self.identity!r} must be accepted, got {verdict!r}")

    def test_false_credentials_are_refused(self) -> None:
        """A verdict or None refuses them, and not an exception."""
        self._must_refuse(self.refused, "invalid credentials")

    def test_a_secret_that_is_nearly_right_is_refused(self) -> None:
        """One letter less or more, another case, or a NUL or a space is not accepted."""
        for name in self._texts():
            if name in self.secrets:
                right: str = getattr(self.accepted, name)
                near_misses = {right[:-1], right + "x", right.swapcase(), right + "\x00", right + "\x00x", right + " ", " " + right}
                for near in near_misses - {right}:
                    self._must_refuse(self._changed(name, near), f"a nearly right {name}")

    def test_odd_credentials_get_a_verdict(self) -> None:
        """Empty, very long or non-ASCII text raises nothing, which would be a 500, and is not accepted as a secret."""
        for name in self._texts():
            for odd in _ODD:
                if odd == getattr(self.accepted, name):
                    continue
                verdict = self._ask(self._changed(name, odd))
                if name in self.secrets and not isinstance(verdict, Refused):
                    raise AssertionError(f"the {name} {odd[:20]!r} is accepted")

    def test_nothing_prints_the_secret(self) -> None:
        """The checker and its verdicts do not contain it."""
        for printed in (self.checker(), self._ask(self.accepted), self._ask(self.refused)):
            for credentials in (self.accepted, self.refused):
                for name in self.secrets:
                    secret = getattr(credentials, name, "")
                    if secret and secret in repr(printed) + str(printed):
                        raise AssertionError(f"{type(printed).__name__} prints the {name}")

    def _ask(self, credentials: Credentials) -> Verdict:
        """Ask the checker with and without an event loop, and return the verdict, which must be the same."""
        from anyio import run as run_loop

        adapted = adapt(self.checker())
        if adapted.direct is not None:
            return adapted.verdict(adapted.direct(credentials))
        flow: Any = adapted.flow
        awaited = adapted.verdict(run_loop(arun, flow(credentials)))
        if not adapted.needs_loop and adapted.verdict(run(flow(credentials))) != awaited:
            raise AssertionError("the checker must give the same answer with and without an event loop")
        return awaited

    def _must_refuse(self, credentials: Credentials, what: str) -> None:
        if not isinstance(self._ask(credentials), Refused):
            raise AssertionError(f"the checker must refuse {what}, and accepts it")  # noqa: TRY004 - a test fails

    def _texts(self) -> list[str]:
        """Return the attributes of the credentials that are text from the client."""
        if not is_dataclass(self.accepted):
            return []
        return [field.name for field in fields(self.accepted) if field.compare and isinstance(getattr(self.accepted, field.name), str)]

    def _changed(self, name: str, value: str) -> Any:  # noqa: ANN401 - the kind of `accepted`
        changed: Any = self.accepted
        return replace(changed, **{name: value})
