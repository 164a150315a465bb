from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.forks import in_child
from watchword import Unavailable
from watchword.fetching import Breaker, Fetched, NoAnswer, configured_url
from watchword.fetching.breaker import MOST_SILENT
from watchword.operation import Operation, run

if TYPE_CHECKING:
    from watchword.operation import Steps

ANSWER = Fetched(configured_url("x", "https://id.example.com/"), 500, {}, b"")
DONE: Operation[Any] = Operation(lambda: ANSWER)


def _raise(error: Exception) -> Any:
    raise error


SILENT: Operation[Any] = Operation(lambda: _raise(NoAnswer("it did not answer.")))
ERROR: Operation[Any] = Operation(lambda: _raise(Unavailable("it redirects.")))


def begun(breaker: Breaker, about: bytes = b"b", lane: str = "") -> Steps[Any]:
    """Return an exchange that is under way."""
    steps = breaker.asking(DONE, about, lane)
    next(steps)
    return steps


def silent(breaker: Breaker, *about: int, lane: str = "") -> None:
    """Let the server be silent about some things."""
    for number in about:
        with pytest.raises(NoAnswer):
            run(breaker.asking(SILENT, b"%d" % number, lane))


def is_open(breaker: Breaker, lane: str = "") -> bool:
    """Tell whether one caller at a time is let through."""
    first, second = begun(breaker, lane=lane), breaker.asking(DONE, b"c", lane)
    try:
        next(second)
    except Unavailable:
        return True
    finally:
        first.close()
        second.close()
    return False


def test_only_silence_opens_it() -> None:
    """An answer that is an error lets everybody ask on; silence lets one ask, until any answer."""
    breaker = Breaker()
    for number in range(MOST_SILENT + 3):
        with pytest.raises(Unavailable, match="redirects"):
            run(breaker.asking(ERROR, b"%d" % number))
        assert [run(breaker.asking(DONE, b"a")) for _ in range(2)] == [ANSWER] * 2
    silent(breaker, *range(MOST_SILENT))
    one = begun(breaker)
    for _ in range(3):
        with pytest.raises(Unavailable, match=r"did not answer\. One request at a time") as refused:
            next(breaker.asking(DONE, b"a"))
        assert refused.value.retry_after == 1
    with pytest.raises(StopIteration):
        one.send(ANSWER)
    several = [begun(breaker) for _ in range(3)]
    assert len(several) == 3


def test_silence_about_one_thing_is_not_that_of_the_server() -> None:
    """However often a client asks what the server is silent about: it takes several different things, with no answer in between."""
    breaker = Breaker()
    silent(breaker, *[1] * 20)
    assert not is_open(breaker)
    for number in range(20):
        silent(breaker, *range(number, number + MOST_SILENT - 1))
        with pytest.raises(Unavailable, match="redirects"):
            run(breaker.asking(ERROR, b"a"))
    assert not is_open(breaker)
    silent(breaker, *range(MOST_SILENT))
    assert is_open(breaker)
    silent(breaker, 7)
    assert is_open(breaker)
    run(breaker.asking(DONE, b"a"))
    silent(breaker, *range(MOST_SILENT - 1))
    assert not is_open(breaker)


def test_silence_that_began_before_an_answer_does_not_count() -> None:
    """Who asks about many things at once, while the server answers others, has shown nothing about the server."""
    breaker = Breaker()
    asking = [breaker.asking(SILENT, b"%d" % number) for number in range(100)]
    for one in asking:
        next(one)
    run(breaker.asking(DONE, b"a"))
    for one in asking:
        with pytest.raises(NoAnswer):
            one.throw(NoAnswer("it did not answer."))
    assert not is_open(breaker)


def test_lanes_are_apart() -> None:
    """Silence about what callers of one lane ask holds nobody of another back; an answer to one is an answer to all."""
    breaker = Breaker()
    silent(breaker, *range(MOST_SILENT))
    assert (is_open(breaker), is_open(breaker, "other")) == (True, False)
    silent(breaker, *range(MOST_SILENT), lane="other")
    assert is_open(breaker, "other")
    run(breaker.asking(DONE, b"a", "other"))
    assert (is_open(breaker), is_open(breaker, "other")) == (False, False)


def test_a_caller_who_is_gone_holds_nobody_back() -> None:
    """Where the caller that tries is cancelled, the next one tries."""
    breaker = Breaker()
    silent(breaker, *range(MOST_SILENT))
    begun(breaker).close()
    assert run(breaker.asking(DONE, b"a")) == ANSWER


def test_a_try_of_the_parent_is_none_of_a_child() -> None:
    """A child asks by itself: the caller that tries in the parent does not exist there."""
    breaker = Breaker()
    silent(breaker, *range(MOST_SILENT))
    trying = begun(breaker)

    def work() -> None:
        assert run(breaker.asking(DONE, b"a")) == ANSWER

    assert [in_child(work, "python"), in_child(work, "c")] == [0, 0]
    trying.close()
