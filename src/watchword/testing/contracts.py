"""Tests the contract of checkers: suites to inherit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from watchword.checkers import adapt
from watchword.errors import Unavailable
from watchword.operation import arun, run
from watchword.verdict import Accepted, Refused

if TYPE_CHECKING:
    from watchword.credentials import Credentials
    from watchword.operation import Operation, Steps
    from watchword.verdict import Verdict

SECRETS = ("password", "token", "key")
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

    secrets: tuple[str, ...] = SECRETS
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

    def test_two_requests_at_once_are_kept_apart(self) -> None:
        """Valid and invalid credentials are checked in turns, step by step, and each gets its own answer."""
        checker, asked = adapt(self.checker()), (self.accepted, self.refused, self.accepted)
        flow = checker.flow
        if flow is None:
            return  # it answers at once, so that nothing can come between
        answers = _awaited_at_once(flow, asked) if checker.needs_loop else _in_turns([flow(one) for one in asked])
        for credentials, answer in zip(asked, answers, strict=True):
            found = checker.verdict(answer)
            if isinstance(found, Accepted) is not (credentials is self.accepted):
                raise AssertionError(f"of several requests at once each must get its own answer, got {found!r}")

    def test_a_lease_is_current_at_first(self) -> None:
        """A lease tells so by a bool. Without a lease the checker is asked for each request."""
        found = self._ask(self.accepted)
        if isinstance(found, Accepted) and found.lease is not None and found.lease.is_current() is not True:
            raise AssertionError("the lease of a new answer must be current: is_current() must return True")

    def test_nothing_prints_the_secret(self) -> None:
        """The checker and its verdicts do not contain it."""
        for printed in (self.checker(), self._ask(self.accepted), self._ask(self.refused)):
            for credentials in (self.accepted, self.refused):
                for name in self.secrets:
                    secret = getattr(credentials, name, "")
                    if secret and secret in repr(printed) + str(printed):
                        raise AssertionError(f"{type(printed).__name__} prints the {name}")

    def _ask(self, credentials: Credentials, checker: object = None) -> Verdict:
        """Ask the checker with and without an event loop, and return the verdict, which must be the same."""
        from anyio import run as run_loop

        adapted = adapt(self.checker() if checker is None else checker)
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


class OutageContract(CheckerContract):
    """Tests a checker whose source can fail, such as a database or a directory, and what `CheckerContract` tests.

    An outage that is answered as a refusal makes clients throw good credentials away. One that is answered by a principal lets people in.
    """

    @abstractmethod
    def broken(self) -> object:
        """Return the checker while its source does not answer."""

    def test_an_outage_is_unavailable(self) -> None:
        """`watchword.Unavailable` is raised, for valid and invalid credentials: the client gets 503."""
        for credentials in (self.accepted, self.refused):
            try:
                answer = self._ask(credentials, self.broken())
            except Unavailable:
                continue
            raise AssertionError(f"while its source does not answer the checker must raise Unavailable, got {answer!r}")


class RevocationContract(CheckerContract):
    """Tests a checker whose credentials can be revoked while it runs, and what `CheckerContract` tests."""

    @abstractmethod
    def revoke(self) -> None:
        """Make the valid credentials invalid, as an operator would, where the checker looks."""

    def test_revoked_credentials_are_refused(self) -> None:
        """A checker that has accepted them refuses them, and the lease of its answer ends, so that the guard forgets the caller."""
        checker = self.checker()
        before = self._ask(self.accepted, checker)
        self.revoke()
        if isinstance(before, Accepted) and before.lease is not None and before.lease.is_current():
            raise AssertionError("after the revocation the lease must have ended: the guard goes on to accept the credentials")
        if not isinstance(self._ask(self.accepted, checker), Refused):
            raise AssertionError("the checker must refuse revoked credentials, and accepts them")  # noqa: TRY004 - a test fails


def _in_turns(flows: list[Steps[object]]) -> list[object]:
    """Drive flows step by step, each one step at a time, and return their answers."""
    answers: dict[int, object] = {}
    waiting: list[tuple[int, Steps[object], Operation[Any] | None]] = [(number, flow, None) for number, flow in enumerate(flows)]
    while waiting:
        number, flow, operation = waiting.pop(0)
        try:
            waiting.append((number, flow, flow.send(None if operation is None else operation.run())))
        except StopIteration as end:
            answers[number] = end.value
    return [answers[number] for number in range(len(flows))]


def _awaited_at_once(flow: Any, asked: tuple[Credentials, ...]) -> list[object]:  # noqa: ANN401 - of any checker
    """Drive a flow for several credentials at once in an event loop, and return the answers."""
    from anyio import create_task_group
    from anyio import run as run_loop

    answers: dict[int, object] = {}

    async def ask(number: int) -> None:
        answers[number] = await arun(flow(asked[number]))

    async def ask_all() -> None:
        async with create_task_group() as tasks:
            for number in range(len(asked)):
                tasks.start_soon(ask, number)

    run_loop(ask_all)
    return [answers[number] for number in range(len(asked))]


__all__ = ["SECRETS", "CheckerContract", "OutageContract", "RevocationContract"]
