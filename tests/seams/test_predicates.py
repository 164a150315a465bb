"""A predicate of `where()` is asked once for each decision, so that it may look something up in a table of the application's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.core import ask
from tests.support.each import each
from tests.support.wire import bearer
from watchword import Bearer, Granted, Guard, Principal, Unavailable, network, public, role, scope, where
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from watchword import RequestView, Requirement

ANN = Principal("ann", roles={"admin"}, scopes={"read"})
TOKENS = Tokens({"t": ANN})


class Counted:
    """A predicate that counts."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def __call__(self, principal: Principal) -> Any:
        """Answer about a caller."""
        self.asked.append(principal.id)
        return self.found()

    def of_request(self, view: RequestView) -> Any:
        """Answer about a request."""
        self.asked.append(view.path)
        return self.found()

    def found(self) -> object:
        """Answer, or fail."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


ANSWERS: list[Any] = [True, False, Unavailable("the table is away")]
WITH = {
    "alone": lambda p: p,
    "not": lambda p: ~p,
    "and": lambda p: p & role("admin") & scope("write"),
    "or": lambda p: p | role("other") | network("10.0.0.0/8"),
    "hidden": lambda p: (p & scope("read")).hidden(),
    "twice": lambda p: (p & role("other")) | (p & ~role("other")) | (~p & scope("write")),
}


@each("answer", ANSWERS)
@each("rule", WITH.values())
def test_it_is_asked_once_about_a_caller(rule: Any, answer: object) -> None:
    """Whatever is decided: a refusal evaluates the rule again to find the reason, the cure, and whether to hide."""
    predicate = Counted(answer)
    guard = Guard(Bearer(TOKENS), rules={"/": rule(where(predicate, name="p"))})
    guard.decide(ask("/", bearer("t")))
    assert predicate.asked in (["ann"], [])  # a part before it may have decided
    predicate.asked.clear()
    guard.decide(ask("/"))
    assert predicate.asked in ([""], [])


@each("answer", ANSWERS)
@each("rule", WITH.values())
def test_it_is_asked_once_about_a_request(rule: Any, answer: object) -> None:
    """Before anybody is identified and afterwards."""
    predicate = Counted(answer)
    guard = Guard(Bearer(TOKENS), rules={"/": rule(where(predicate.of_request, name="p", request_only=True))})
    for headers in ([bearer("t")], [bearer("wrong")], []):
        predicate.asked.clear()
        guard.decide(ask("/", *headers))
        assert predicate.asked == ["/"]


def test_one_view_that_is_decided_about_twice_is_asked_about_twice() -> None:
    """What a predicate answered is of one decision."""
    answers = [True, False]
    guard = Guard(Bearer(Tokens({"t": Principal("ann")})), default=where(lambda principal: answers.pop(0), name="changing"))
    view = ask("/", bearer("t"))
    assert [guard.decide(view).granted for _ in range(2)] == [True, False]


def test_each_decision_asks_again() -> None:
    """Also about the same request: a socket may be open for days."""
    predicate = Counted(answer=True)
    asked: Requirement = where(predicate, name="p")
    guard = Guard(Bearer(TOKENS), rules={"/": asked, "/open": public})
    view = ask("/", bearer("t"))
    decision = guard.decide(view)
    predicate.answer = False
    assert isinstance(decision, Granted)
    assert not guard.authorize(decision, view, role("admin")).granted
    assert not guard.decide(view).granted
    assert predicate.asked == ["ann"] * 3
    assert guard.authorize(guard.decide(ask("/open")), ask("/open", bearer("t")), asked).granted is False
