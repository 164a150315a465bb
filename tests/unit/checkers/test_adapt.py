"""Every form of a checker, and what is none."""

from __future__ import annotations

import threading
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import ANN, ask
from tests.support.each import each
from watchword import (
    Accepted,
    APIKey,
    BearerToken,
    Challenged,
    ConfigurationError,
    Failed,
    Granted,
    Guard,
    Operation,
    Principal,
    Reason,
    Refused,
    Unavailable,
    Verdict,
)
from watchword.checkers import FlowChecker, Tokens, adapt, nonblocking
from watchword.operation import only_awaited

if TYPE_CHECKING:
    from watchword.operation import Steps

KEY = ("X-API-Key", "k")


def function(credentials: Any) -> Principal | None:
    """Know the key k."""
    return ANN if credentials.key == "k" else None


async def awaited(credentials: Any) -> Principal | None:
    """Know it too."""
    return function(credentials)


def generated(credentials: Any) -> Steps[Principal | None]:
    """Know it after an operation."""
    return (yield Operation(partial(function, credentials)))


class Plain:
    """An object with check()."""

    def check(self, credentials: Any) -> Principal | None:
        """Check."""
        return function(credentials)


class Async:
    """An object with an async check()."""

    async def check(self, credentials: Any) -> Principal | None:
        """Check."""
        return function(credentials)


class Generating:
    """An object whose check() is a generator."""

    def check(self, credentials: Any) -> Steps[Principal | None]:
        """Check."""
        return (yield Operation(partial(function, credentials)))


class Flowing:
    """An object with flow()."""

    def flow(self, credentials: Any) -> Steps[Principal | None]:
        """Check in steps."""
        return (yield Operation(partial(function, credentials)))


class Based(FlowChecker[Any]):
    """The same, with the base that gives it check() and acheck()."""

    def flow(self, credentials: Any) -> Steps[Verdict]:
        """Check in steps."""
        known = yield Operation(partial(function, credentials))
        return Accepted(ANN) if known else Refused(Reason.UNKNOWN_IDENTITY)


class Callable:
    """A callable object."""

    def __call__(self, credentials: Any) -> Principal | None:
        """Check."""
        return function(credentials)


class AsyncCallable:
    """A callable object whose call is awaited."""

    async def __call__(self, credentials: Any) -> Principal | None:
        """Check."""
        return function(credentials)


class GeneratingCallable:
    """A callable object whose call is a generator."""

    def __call__(self, credentials: Any) -> Steps[Principal | None]:
        """Check."""
        return (yield Operation(partial(function, credentials)))


class Static:
    """A check() that needs no object."""

    @staticmethod
    def check(credentials: Any) -> Principal | None:
        """Check."""
        return function(credentials)


def two(first: object, credentials: Any) -> Principal | None:
    """Take an argument more."""
    return function(credentials)


async def atwo(first: object, credentials: Any) -> Principal | None:
    """Take an argument more, and be awaited."""
    return function(credentials)


@wraps(function)
def decorated(*args: Any, **keywords: Any) -> Principal | None:
    """Call another."""
    return function(*args, **keywords)


BLOCKING: dict[str, Any] = {
    "function": function,
    "lambda": lambda credentials: function(credentials),  # noqa: PLW0108 - a lambda is the point
    "decorated": decorated,
    "generator": generated,
    "object": Plain(),
    "generating object": Generating(),
    "flow": Flowing(),
    "based": Based(),
    "bound method": Plain().check,
    "static method": Static(),
    "partial": partial(two, 1),
    "partial of partial": partial(partial(two), 1),
    "partial of object": partial(Callable()),
    "partial of generator": partial(generated),
    "callable object": Callable(),
    "generating callable": GeneratingCallable(),
    "nonblocking": nonblocking(lambda credentials: function(credentials)),  # noqa: PLW0108 - as above
}
NEEDS_LOOP: dict[str, Any] = {
    "async function": awaited,
    "async object": Async(),
    "async bound method": Async().check,
    "async partial": partial(atwo, 1),
    "async callable": AsyncCallable(),
}
ALL = BLOCKING | NEEDS_LOOP


@each("form", BLOCKING)
def test_every_form_is_driven_without_an_event_loop(form: str) -> None:
    """The same answers from every form: a principal is accepted, None refuses."""
    guard = Guard(APIKey(BLOCKING[form]))
    granted = guard.decide(ask("/", KEY))
    assert isinstance(granted, Granted)
    assert granted.principal.id == "ann"
    refused = guard.decide(ask("/", ("X-API-Key", "x")))
    assert isinstance(refused, Challenged)
    assert refused.disclosed is Reason.INVALID_CREDENTIALS


@pytest.mark.anyio
@pytest.mark.parametrize("form", ALL)
async def test_every_form_is_driven_with_an_event_loop(form: str) -> None:
    """And the async ones as well."""
    guard = Guard(APIKey(ALL[form]))
    assert isinstance(await guard.adecide(ask("/", KEY)), Granted)
    assert isinstance(await guard.adecide(ask("/", ("X-API-Key", "x"))), Challenged)


@pytest.mark.parametrize("form", NEEDS_LOOP)
def test_what_can_only_be_awaited_is_known_beforehand(form: str) -> None:
    """A synchronous adapter refuses the guard; asked all the same, it says what to use."""
    guard = Guard(APIKey(NEEDS_LOOP[form]))
    assert len(guard.async_checkers) == 1
    with pytest.raises(ConfigurationError, match="adecide"):
        guard.decide(ask("/", KEY))


@each("form", BLOCKING)
def test_nothing_else_needs_an_event_loop(form: str) -> None:
    """A guard of plain checkers serves WSGI."""
    assert Guard(APIKey(BLOCKING[form])).async_checkers == ()


# Threads


@pytest.mark.anyio
async def test_a_plain_function_leaves_the_event_loop_alone() -> None:
    """It may block, so it runs in a worker thread; marked as nonblocking, it does not."""
    seen: list[int] = []

    def check(credentials: object) -> Principal:
        seen.append(threading.get_ident())
        return ANN

    class Marked:
        @nonblocking
        def check(self, credentials: object) -> Principal:
            return check(credentials)

    class Called:
        @nonblocking
        def __call__(self, credentials: object) -> Principal:
            return check(credentials)

    async def alike(credentials: object) -> Principal:
        return check(credentials)

    forms: list[Any] = [check, nonblocking(lambda c: check(c)), Marked(), Called(), nonblocking(partial(check)), alike]  # noqa: PLW0108 - a twin
    for form in forms:
        assert isinstance(await Guard(APIKey(form)).adecide(ask("/", KEY)), Granted)
    here = threading.get_ident()
    assert seen[0] != here
    assert seen[1:] == [here] * (len(forms) - 1)


def test_without_an_event_loop_no_thread_is_started() -> None:
    """WSGI servers have threads of their own."""
    seen: list[int] = []

    def check(credentials: object) -> Principal:
        seen.append(threading.get_ident())
        return ANN

    Guard(APIKey(check)).decide(ask("/", KEY))
    assert seen == [threading.get_ident()]


def test_nonblocking_returns_the_function_itself() -> None:
    """It is a mark and no wrapper."""

    def check(credentials: object) -> None:
        return None

    assert nonblocking(check) is check


# Answers


@pytest.mark.parametrize("answer", [Accepted(ANN), ANN], ids=["verdict", "principal"])
def test_a_verdict_or_a_principal_accepts(answer: object) -> None:
    """Either will do."""
    assert adapt(function).verdict(answer) == Accepted(ANN)


@pytest.mark.parametrize(("answer", "reason"), [(None, Reason.INVALID_CREDENTIALS), (Refused(Reason.REVOKED), Reason.REVOKED)], ids=str)
def test_none_or_a_refusal_refuses(answer: object, reason: Reason) -> None:
    """A refusal keeps its reason."""
    assert adapt(function).verdict(answer) == Refused(reason)


WRONG: list[Any] = [True, False, 1, 0, "ann", "", {}, [ANN], Reason.EXPIRED, BearerToken("s3cret"), object()]


@each("form", ["direct", "blocking", "flow"])
@each("answer", WRONG)
def test_any_other_answer_is_a_bug(form: str, answer: object) -> None:
    """Truthiness never lets anybody in, and falseness is no refusal; the message names checker and type, and not the value."""

    def wrong(credentials: object) -> Any:
        return answer

    def steps(credentials: object) -> Any:
        return answer
        yield

    checker = {"direct": nonblocking(lambda credentials: wrong(credentials)), "blocking": wrong, "flow": steps}[form]  # noqa: PLW0108 - a twin
    with pytest.raises(
        TypeError, match=rf"the checker .* must return a Principal, a Verdict or None, got {type(answer).__name__}"
    ) as caught:
        Guard(APIKey(checker)).decide(ask("/", KEY))
    assert "s3cret" not in str(caught.value)


def test_a_coroutine_is_no_answer() -> None:
    """A function that forgets to be async is told so, and leaves no coroutine behind that is never awaited."""
    with pytest.raises(TypeError, match=r"returned a coroutine\. Define it with `async def`"):
        Guard(APIKey(lambda credentials: awaited(credentials))).decide(ask("/", KEY))  # noqa: PLW0108 - a lambda is the point


@pytest.mark.anyio
async def test_a_coroutine_from_a_worker_thread_is_no_answer() -> None:
    """Nor is it awaited on the sly under ASGI, where a worker thread made it; trio says so itself."""
    with pytest.raises(TypeError, match=r"returned a coroutine|expected a sync function"):
        await Guard(APIKey(lambda credentials: awaited(credentials))).adecide(ask("/", KEY))  # noqa: PLW0108 - a lambda is the point


# Outages and bugs


def _raising(error: Exception) -> dict[str, Any]:
    def plain(credentials: object) -> Principal:
        raise error

    async def alike(credentials: object) -> Principal:
        raise error

    def steps(credentials: object) -> Steps[Principal]:
        yield Operation(partial(plain, credentials))
        return ANN

    def early(credentials: object) -> Steps[Principal]:
        plain(credentials)
        yield Operation(lambda: None)
        return ANN

    marked = nonblocking(lambda credentials: plain(credentials))  # noqa: PLW0108 - a twin
    return {"function": plain, "nonblocking": marked, "operation": steps, "flow": early, "async": alike}


FORMS = ["function", "nonblocking", "operation", "flow", "async"]


@pytest.mark.anyio
@pytest.mark.parametrize("form", FORMS)
async def test_an_outage_is_503_and_says_how_long(form: str) -> None:
    """Never 401: the credentials may be good (D13); the operator is told why."""
    checker = _raising(Unavailable("the directory is down", retry_after=9))[form]
    guard, view = Guard(APIKey(checker)), ask("/", KEY)
    decisions = [await guard.adecide(view)] + ([guard.decide(view)] if form != "async" else [])
    for decision in decisions:
        assert isinstance(decision, Failed)
        assert (decision.reason, decision.retry_after) == (Reason.UNAVAILABLE, 9)
        assert (decision.detail, decision.scheme) == ("the directory is down", "ApiKey")
        assert guard.refuse(decision, view).status == 503


@pytest.mark.anyio
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "error", [KeyError("x"), ValueError("x"), ConfigurationError("x"), LookupError("x")], ids=lambda e: type(e).__name__
)
async def test_any_other_exception_propagates(form: str, error: Exception) -> None:
    """A bug is the server's 500, and no 401 that hides it (D13); also a bug that looks like one of ours."""
    checker = _raising(error)[form]
    with pytest.raises(type(error), match="x"):
        await Guard(APIKey(checker)).adecide(ask("/", KEY))
    if form != "async":
        with pytest.raises(type(error), match="x"):
            Guard(APIKey(checker)).decide(ask("/", KEY))


def test_a_flow_may_handle_what_its_operations_raise() -> None:
    """It asks another place, or turns a driver's error into Unavailable."""

    def steps(credentials: object) -> Steps[Principal]:
        try:
            yield Operation(partial(int, "no number"))
        except ValueError as error:
            raise Unavailable("the replica is down") from error
        return ANN

    assert isinstance(Guard(APIKey(steps)).decide(ask("/", KEY)), Failed)


# What is no checker


async def _async_generator(credentials: object) -> Any:
    yield ANN


class _AsyncFlow:
    async def flow(self, credentials: object) -> None:
        """Be no generator."""


class _AsyncGeneratingFlow:
    async def flow(self, credentials: object) -> Any:
        """Be no generator either."""
        yield None


class _Crowded:
    def check(self, credentials: object, realm: str) -> None:
        """Ask for more than there is."""


class _CrowdedFlow:
    def flow(self, credentials: object, *, realm: str) -> Any:
        """Ask for more than there is, step by step."""
        yield None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Plain, "a checker must be an object, got the class Plain"),
        (None, r"a function, or an object with check\(\) or flow\(\), got NoneType"),
        ("check", "got str"),
        ({"token": ANN}, "got dict"),
        (ANN, "got Principal"),
        (_async_generator, "a checker must return one verdict, got the async generator _async_generator"),
        (_AsyncFlow(), r"the flow\(\) of _AsyncFlow must be a generator"),
        (_AsyncGeneratingFlow(), r"the flow\(\) of _AsyncGeneratingFlow must be a generator"),
        (lambda username, password: ANN, "must accept one argument, the credentials: missing a required argument"),
        (lambda: ANN, "must accept one argument, the credentials: too many positional arguments"),
        (_Crowded(), r"the checker _Crowded must accept one argument.* 'realm'"),
        (_CrowdedFlow(), r"the checker _CrowdedFlow must accept one argument.* 'realm'"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_invalid_checker_is_a_configuration_error(wrong: object, message: str) -> None:
    """Found when the guard is made, and the message says what it takes."""
    with pytest.raises(ConfigurationError, match=message):
        Guard(APIKey(wrong))


@pytest.mark.parametrize(
    ("checker", "name"),
    [
        (function, "function"),
        (Plain().check, "Plain.check"),
        (Plain(), "Plain"),
        (partial(two, "s3cret"), "partial"),
        (Tokens({"s3cret": ANN}), "Tokens"),
    ],
    ids=["function", "method", "object", "partial", "tokens"],
)
def test_a_checker_has_a_name_without_a_secret(checker: object, name: str) -> None:
    """For messages and explanations."""
    assert adapt(checker).name == name


# A flow alone


def test_a_flow_checker_is_usable_in_any_program() -> None:
    """`check()` drives it here and now."""
    assert Based().check(_Key("k")) == Accepted(ANN)
    assert Based().check(_Key("x")) == Refused(Reason.UNKNOWN_IDENTITY)


@pytest.mark.anyio
async def test_a_flow_checker_is_usable_in_any_async_program() -> None:
    """`acheck()` drives it without blocking the event loop."""
    seen: list[int] = []

    class Watched(FlowChecker[Any]):
        def flow(self, credentials: Any) -> Steps[Verdict]:
            seen.append((yield Operation(threading.get_ident)))
            return Accepted(ANN)

    assert await Based().acheck(_Key("k")) == Accepted(ANN)
    assert await Watched().acheck(_Key("k")) == Accepted(ANN)
    assert seen != [threading.get_ident()]


def test_a_flow_checker_without_flow_says_so() -> None:
    """It does not refuse everybody in silence."""

    class Empty(FlowChecker[Any]):
        pass

    with pytest.raises(TypeError, match=r"Empty has no flow\(\)"):
        Empty().check(_Key("k"))


def test_an_outage_propagates_from_a_checker_alone() -> None:
    """Without a guard it is the program's to handle."""

    class Down(FlowChecker[Any]):
        def flow(self, credentials: Any) -> Steps[Verdict]:
            yield Operation(only_awaited if credentials is None else lambda: None)
            raise Unavailable("down")

    with pytest.raises(Unavailable, match="down"):
        Down().check(_Key("k"))


class _Key:
    def __init__(self, key: str) -> None:
        self.key = key
