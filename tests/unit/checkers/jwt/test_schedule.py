from __future__ import annotations

from tests.support.each import each
from tests.support.forks import in_child
from watchword.checkers.jwt.schedule import COOL_DOWN, LONGEST, MOST_STALE, SHORTEST, UNSTATED, Schedule
from watchword.testing import FixedClock


def made(lifetime: float | None = 1000) -> tuple[Schedule, FixedClock]:
    """Return the schedule of a set that was just fetched."""
    clock = FixedClock(50)
    schedule = Schedule(clock)
    assert schedule.claim("missing")
    schedule.succeeded(lifetime)
    return schedule, clock


def test_a_set_is_wanted_at_once() -> None:
    """Without a set the first caller fetches, and the others do not, for as long as that may take."""
    schedule = Schedule(FixedClock())
    assert not schedule.is_usable
    assert schedule.claim("missing")
    assert not schedule.claim("missing")
    assert not schedule.is_usable


@each(
    ("stated", "lifetime"),
    [(None, UNSTATED), (0, SHORTEST), (59, SHORTEST), (60, 60), (1000, 1000), (86_400, LONGEST), (86_401, LONGEST), (1 << 31, LONGEST)],
)
def test_a_lifetime_has_bounds(stated: float | None, lifetime: float) -> None:
    """A set lives from a minute to a day, whatever its server says; it is used a day longer where no new one can be had."""
    schedule, clock = made(stated)
    clock.advance(lifetime * 0.75 - 0.5)
    assert not schedule.is_due
    clock.advance(0.5)
    assert schedule.is_due
    assert not schedule.must_wait
    clock.advance(lifetime * 0.25)
    assert schedule.must_wait
    assert schedule.is_usable
    clock.advance(MOST_STALE - 0.5)
    assert schedule.is_usable
    clock.advance(0.5)
    assert not schedule.is_usable


def test_unknown_keys_have_one_cool_down() -> None:
    """All tokens together cause one fetch in 30 seconds; a fetch because of the lifetime does not count among them."""
    schedule, clock = made()
    assert schedule.claim("unknown")  # the set is new, and a key may be newer
    schedule.succeeded(1000)
    assert not schedule.claim("unknown")
    clock.advance(COOL_DOWN - 0.5)
    assert not schedule.claim("unknown")
    clock.advance(0.5)
    assert schedule.claim("unknown")
    schedule.succeeded(1000)
    assert not schedule.claim("unknown")
    clock.advance(750)
    assert schedule.claim("due")
    assert not schedule.claim("due")
    schedule.succeeded(1000)
    assert schedule.claim("unknown")


def test_failures_space_attempts() -> None:
    """While the server fails all causes share one pause: short without a set, which every request needs, and 30 seconds with one."""
    clock = FixedClock()
    schedule = Schedule(clock)
    for pause in (1, 2, 4, 8, 16, 30, 30):
        assert schedule.claim("missing")
        schedule.failed()
        assert schedule.is_failing
        assert schedule.retry_after >= 1
        clock.advance(pause - 0.25)
        assert not schedule.claim("missing")
        assert schedule.retry_after == 1
        clock.advance(0.25)
    assert schedule.claim("missing")
    schedule.succeeded(60)
    assert not schedule.is_failing
    clock.advance(45)
    assert schedule.claim("due")
    schedule.failed()
    assert 30 <= schedule.retry_after <= 31
    for cause in ("unknown", "due", "missing"):
        assert not schedule.claim(cause)
    clock.advance(30)
    assert not schedule.must_wait  # the attempt is made after a response
    assert schedule.claim("unknown")
    assert not schedule.claim("due")


def test_attempts_that_nobody_makes_are_made_by_a_caller() -> None:
    """Where no caller takes the work for after its response, or the one that did is gone, a caller waits for a fetch again."""
    schedule, clock = made(60)
    clock.advance(60)
    assert schedule.must_wait
    assert schedule.claim("due")
    assert not schedule.claim("due")
    schedule.failed()
    assert not schedule.must_wait
    clock.advance(2 * COOL_DOWN)
    assert schedule.must_wait
    assert schedule.claim("due")


def test_a_first_fetch_for_a_key_that_is_not_there_was_a_look() -> None:
    """Made-up keys get no second fetch after the one that had to be made anyway."""
    schedule, clock = made()
    schedule.looked()
    assert not schedule.claim("unknown")
    clock.advance(COOL_DOWN)
    assert schedule.claim("unknown")


@each("step", [-86_400, -1, 86_400 * 365])
def test_a_clock_that_steps_stops_nothing(step: float) -> None:
    """A clock that is set back all the same makes a set due, and ends every pause; one that is set on ends a set in time."""
    schedule, clock = made(1000)
    schedule.looked()
    assert schedule.claim("unknown") is False
    clock.advance(step)
    assert schedule.is_due
    assert schedule.may("due")
    assert schedule.is_usable is False
    assert schedule.claim("missing")
    schedule.succeeded(1000)
    assert schedule.is_usable


def test_an_attempt_of_the_parent_is_no_attempt_of_a_child() -> None:
    """A child fetches at once, though its parent was about to: the thread that fetched does not exist there."""
    schedule = Schedule(FixedClock())
    assert schedule.claim("missing")

    def work() -> None:
        assert schedule.claim("missing")
        assert not schedule.claim("missing")

    assert [in_child(work, "python"), in_child(work, "c")] == [0, 0]
    assert not schedule.claim("missing")
