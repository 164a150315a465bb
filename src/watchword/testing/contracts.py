"""Contract suites: what every implementation of one's own owes to the rest, as tests to inherit."""

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
    """What every checker owes its guard, whatever its form: a function, async or not, a generator, an object.

    Inherit it in a class whose name begins with `Test`, and pytest runs it. Made for the usual kinds of credentials; for a
    kind of one's own name its secret attributes in `secrets`.

        class TestMyChecker(CheckerContract):
            accepted = BasicCredentials("ann", "s3cret")
            refused = BasicCredentials("ann", "wrong")
            identity = "ann"

            def checker(self):
                return MyChecker(...)
    """

    accepted: Credentials
    """Credentials that are true."""

    refused: Credentials
    """Credentials that are not."""

    identity: str
    """The id of the principal behind the true ones."""

    secrets: tuple[str, ...] = _SECRETS
    """The attributes of the credentials that hold a secret."""

    @abstractmethod
    def checker(self) -> object:
        """Return the checker, in any of the forms that `watchword.checkers` takes."""

    def test_true_credentials_are_accepted(self) -> None:
        """And the principal is the one they belong to; asked twice, the answer is the same."""
        for verdict in (self._ask(self.accepted), self._ask(self.accepted)):
            if not isinstance(verdict, Accepted) or verdict.principal.id != self.identity:
                raise AssertionError(f"the credentials of {self.identity!r} are answered {verdict!r}")

    def test_false_credentials_are_refused(self) -> None:
        """By a verdict or None, and not by an exception."""
        self._must_refuse(self.refused, "credentials that are false")

    def test_a_secret_that_is_nearly_right_is_refused(self) -> None:
        """A letter less or more, another letter case, or something behind a NUL or a space."""
        for name in self._texts():
            if name in self.secrets:
                right: str = getattr(self.accepted, name)
                near_misses = {right[:-1], right + "x", right.swapcase(), right + "\x00", right + "\x00x", right + " ", " " + right}
                for near in near_misses - {right}:
                    self._must_refuse(self._changed(name, near), f"a {name} that is nearly right")

    def test_whatever_is_shown_gets_a_verdict(self) -> None:
        """Empty, absurdly long, not ASCII, no text at all: never an exception, which would be a 500; and none of it is a secret."""
        for name in self._texts():
            for odd in _ODD:
                if odd == getattr(self.accepted, name):
                    continue
                verdict = self._ask(self._changed(name, odd))
                if name in self.secrets and not isinstance(verdict, Refused):
                    raise AssertionError(f"the {name} {odd[:20]!r} is accepted")

    def test_nothing_prints_the_secret(self) -> None:
        """Neither the checker nor its verdicts."""
        for printed in (self.checker(), self._ask(self.accepted), self._ask(self.refused)):
            for credentials in (self.accepted, self.refused):
                for name in self.secrets:
                    secret = getattr(credentials, name, "")
                    if secret and secret in repr(printed) + str(printed):
                        raise AssertionError(f"{type(printed).__name__} prints the {name}")

    def _ask(self, credentials: Credentials) -> Verdict:
        """Ask the checker as both kinds of servers do, and return what it says to both."""
        from anyio import run as run_loop

        adapted = adapt(self.checker())
        if adapted.direct is not None:
            return adapted.verdict(adapted.direct(credentials))
        flow: Any = adapted.flow
        awaited = adapted.verdict(run_loop(arun, flow(credentials)))
        if not adapted.needs_loop and adapted.verdict(run(flow(credentials))) != awaited:
            raise AssertionError("the checker answers one thing with an event loop and another without")
        return awaited

    def _must_refuse(self, credentials: Credentials, what: str) -> None:
        if not isinstance(self._ask(credentials), Refused):
            raise AssertionError(f"{what}: accepted")  # noqa: TRY004 - a test fails

    def _texts(self) -> list[str]:
        """Return the attributes of the credentials that are text and came from the client."""
        if not is_dataclass(self.accepted):
            return []
        return [field.name for field in fields(self.accepted) if field.compare and isinstance(getattr(self.accepted, field.name), str)]

    def _changed(self, name: str, value: str) -> Any:  # noqa: ANN401 - the kind of `accepted`
        changed: Any = self.accepted
        return replace(changed, **{name: value})
