"""The exception tree."""

from __future__ import annotations

import pickle
import re
from copy import copy

import pytest

from watchword import ConfigurationError, CredentialsError, FieldTooLong, GrammarError, Reason, Unavailable, WatchwordError, errors
from watchword.errors import Overloaded


@pytest.mark.parametrize("kind", [ConfigurationError, GrammarError, FieldTooLong, Unavailable, Overloaded, CredentialsError])
def test_one_base_catches_everything(kind: type[Exception]) -> None:
    """`except WatchwordError` catches every exception of the library."""
    assert issubclass(kind, WatchwordError)


@pytest.mark.parametrize("kind", [ConfigurationError, GrammarError])
def test_a_wrong_value_is_a_value_error(kind: type[Exception]) -> None:
    """Programs that know nothing of the library catch a wrong value as ValueError."""
    assert issubclass(kind, ValueError)


def test_an_outage_is_no_value_error() -> None:
    """`except ValueError` around a checker does not swallow an outage."""
    assert not issubclass(Unavailable, ValueError)


def test_a_grammar_error_says_what_was_expected_and_where() -> None:
    """The message names both, and the attributes hold them for programs."""
    error = GrammarError("a scheme name", 3)
    assert str(error) == "expected a scheme name at position 3"
    assert (error.expected, error.position) == ("a scheme name", 3)


def test_a_field_that_is_too_long_says_how_long_it_may_be() -> None:
    """The message and the attribute name the bound."""
    error = FieldTooLong(8192)
    assert str(error) == "expected at most 8192 octets at position 8192"
    assert error.limit == 8192


def test_unavailable_keeps_its_words_and_the_time_to_wait() -> None:
    """The guard reads both from the exception."""
    error = Unavailable("the directory is down", retry_after=7)
    assert (str(error), error.why, error.retry_after) == ("the directory is down", "the directory is down", 7)
    assert Unavailable("x").retry_after is None
    assert Unavailable("x", retry_after=0).retry_after == 0


def test_unavailable_takes_the_exception_that_it_stands_for() -> None:
    """`raise Unavailable(error)` keeps the words of the error: an outage must not turn into a bug."""
    assert Unavailable(OSError("connection refused")).why == "connection refused"  # type: ignore[arg-type]  # what people write


def test_overloaded_is_an_unavailable() -> None:
    """A program that catches `Unavailable` catches it, and can tell a full queue from an outage."""
    error = Overloaded("64 wait", retry_after=1)
    assert isinstance(error, Unavailable)
    assert (str(error), error.why, error.retry_after) == ("64 wait", "64 wait", 1)
    assert not isinstance(Unavailable("down"), Overloaded)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    """Every exception stands in it once, below the one that it derives from, and nothing else does."""
    path: list[str] = []
    drawn: dict[str, str] = {}
    for branch, name in re.findall(r"^([ │]{4,}(?:[├└]── )?)([A-Z]\w+)", str(errors.__doc__), re.MULTILINE):
        path[len(branch) // 4 - 1 :] = [name]
        drawn[name] = "/".join(path)
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, WatchwordError)]
    assert drawn == {
        kind.__name__: "/".join(one.__name__ for one in reversed(kind.__mro__) if issubclass(one, WatchwordError)) for kind in kinds
    }


@pytest.mark.parametrize("wait", [-1, 1.5, True, "5"])
def test_a_time_to_wait_is_a_whole_number_of_seconds(wait: object) -> None:
    """Retry-After has no fractions and no past (RFC 9110 §10.2.3); the message shows what was given."""
    with pytest.raises(ConfigurationError, match=f"whole number of seconds.*{wait!r}"):
        Unavailable("x", retry_after=wait)  # type: ignore[arg-type]  # the mistake itself


@pytest.mark.parametrize(
    "error",
    [
        ConfigurationError("wrong"),
        GrammarError("a token", 4),
        FieldTooLong(10),
        Unavailable("down", retry_after=3),
        Overloaded("64 wait", retry_after=1),
        CredentialsError("base64", reason=Reason.AMBIGUOUS_CREDENTIALS, bad_request=True),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_error_survives_pickling_and_copying(error: Exception) -> None:
    """Errors cross process boundaries (task queues, multiprocessing) with everything that they say."""
    for twin in (pickle.loads(pickle.dumps(error)), copy(error)):  # noqa: S301 - its own
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)
