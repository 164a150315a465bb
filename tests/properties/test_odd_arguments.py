"""Whatever is handed to the methods by which accounts, keys and tokens are managed: done, or refused by name and nothing changed."""

from __future__ import annotations

import inspect
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import CHEAP
from watchword.checkers import Accounts, APIKeys, OpaqueTokens, PasswordHasher
from watchword.stores import MemoryStore, SQLStore
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable

HASHER = PasswordHasher(time_cost=1, memory_cost=64)
SECRET = "hunter2-which-nobody-is-to-read"


class Unprintable:
    """Cannot even be printed."""

    def __repr__(self) -> str:
        raise RuntimeError(SECRET)


ODD: list[Any] = [
    None,
    0,
    -1,
    2**64,
    10**400,
    10**5000,
    1.5,
    float("nan"),
    float("inf"),
    1e308,
    True,
    b"",
    b"ann",
    bytearray(b"ann"),
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "a\nb",
    "\x7f",
    "\x85",
    "a:b",
    "x" * 1025,
    "x" * 100_000,
    "\u00e9" * 600,
    (),
    {},
    [None],
    [1],
    ["\0"],
    ["\ud800"],
    ["x" * 5000],
    [str(number) for number in range(1001)],
    [["a"]],
    [b"a"],
    ["10.0.0.0/99"],
    object(),
    Unprintable(),
    [Unprintable()],
    int,
    len,
    complex(1, 1),
    "$argon2id$broken",
]

# What the interpreter says where nobody looked at an argument.
INTERPRETER = re.compile(r"' object |object is not|supported between|unhashable|codec|unexpected keyword")

# A call that is right. `KEY` and the others stand for what was made before.
RIGHT: dict[str, dict[str, Any]] = {
    "Accounts.add": {"name": "zoe", "password": "s3cret"},
    "Accounts.change": {"name": "ann"},
    "Accounts.disable": {"name": "ann"},
    "Accounts.enable": {"name": "ann"},
    "Accounts.get": {"name": "ann"},
    "Accounts.lock": {"name": "ann", "until": 5.0},
    "Accounts.remove": {"name": "ann"},
    "Accounts.set_password": {"name": "ann", "password": "s3cret"},
    "Accounts.unlock": {"name": "ann"},
    "APIKeys.create": {"owner": "1"},
    "APIKeys.get": {"id": "KEY ID"},
    "APIKeys.list": {},
    "APIKeys.recognise": {"text": "KEY"},
    "APIKeys.revoke": {"id": "KEY ID"},
    "APIKeys.revoke_all": {"owner": "1"},
    "APIKeys.rotate": {"id": "KEY ID"},
    "OpaqueTokens.create": {"subject": "1"},
    "OpaqueTokens.get": {"token_or_handle": "TOKEN"},
    "OpaqueTokens.list": {},
    "OpaqueTokens.purge": {},
    "OpaqueTokens.recognise": {"text": "TOKEN"},
    "OpaqueTokens.redeem": {"token": "TOKEN"},
    "OpaqueTokens.revoke": {"token_or_handle": "TOKEN"},
    "OpaqueTokens.revoke_all": {"owner": "1"},
}
CHECKERS: dict[str, Any] = {"Accounts": Accounts, "APIKeys": APIKeys, "OpaqueTokens": OpaqueTokens}


def method(name: str) -> Any:
    """Return a method by its full name."""
    checker, _, rest = name.partition(".")
    return getattr(CHECKERS[checker], rest)


CASES = [(name, argument) for name in RIGHT for argument in list(inspect.signature(method(name)).parameters)[1:]]


class Desk:
    """A store with one of each, and what manages it."""

    def __init__(self, make: Callable[[], Any]) -> None:
        clock = FixedClock(1_700_000_000)
        self.store = make()
        self.of: dict[str, Any] = {
            "Accounts": Accounts(self.store, hasher=HASHER, clock=clock),
            "APIKeys": APIKeys(self.store, clock=clock),
            "OpaqueTokens": OpaqueTokens(self.store, clock=clock),
        }
        self.of["Accounts"].add("ann", password_hash=ANN, id="1", names=["annie"])
        key, token = self.of["APIKeys"].create("1"), self.of["OpaqueTokens"].create("1")
        self.made = {"KEY": key.key, "KEY ID": key.record.id, "TOKEN": token.token}

    def listing(self) -> list[Any]:
        """Read everything that is kept."""
        return [*self.store.list_accounts(), *self.store.list_keys(), *self.store.list_tokens()]


ANN = CHEAP.hash("s3cret")


def test_every_method_has_its_row() -> None:
    """A new method is tried, too."""
    for name, checker in CHECKERS.items():
        public = {one for one, _ in inspect.getmembers(checker, inspect.isfunction) if not one.startswith("_")}
        # What takes credentials: tests/properties/test_odd_credentials.py
        assert {f"{name}.{one}" for one in public - {"flow", "check", "acheck", "aredeem", "recognises"}} - {"Accounts.list"} == {
            row for row in RIGHT if row.startswith(f"{name}.")
        }


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("name", "argument"), CASES)
@pytest.mark.parametrize("make", [MemoryStore, partial(SQLStore, "sqlite://")], ids=["memory", "sqlite"])
def test_an_odd_argument_is_taken_or_refused_by_name(make: Callable[[], Any], name: str, argument: str) -> None:
    """By errors of ours, or by ValueError from a store; short, printable, without secrets; and everything stays as it was."""
    desk = Desk(make)
    for odd in ODD:
        given = {key: desk.made.get(value, value) if isinstance(value, str) else value for key, value in RIGHT[name].items()}
        if argument == "password_hash":
            del given["password"]
        given[argument] = odd
        before, why = desk.listing(), ""
        try:
            done = getattr(desk.of[name.partition(".")[0]], name.partition(".")[2])(**given)
            if name.endswith(".list"):
                list(done)
        except (ValueError, LookupError) as error:
            why = str(error)
        if not why:
            if desk.listing() != before:
                desk = Desk(make)
            continue
        assert desk.listing() == before
        assert len(why) < 500
        assert why.isprintable()
        assert SECRET not in why
        assert INTERPRETER.search(why) is None, why


@pytest.mark.parametrize("password", ["", "x" * 1025, "a\0b", "a\nb", "a\tb", "\x7f", "\ud800", 7, b"s3cret"])
def test_a_password_that_cannot_be_sent_is_refused(password: Any) -> None:
    """Whoever sets one could not log in with it (RFC 7617 §2); the message does not show it."""
    desk = Desk(MemoryStore)
    accounts, before = desk.of["Accounts"], desk.listing()
    calls: list[Callable[[Any], object]] = [partial(accounts.set_password, "ann"), partial(accounts.add, "bob")]
    for call in calls:
        with pytest.raises(ValueError, match="password") as caught:
            call(password)
        assert not isinstance(password, str) or not password or password not in str(caught.value)
    assert desk.listing() == before


@pytest.mark.parametrize("name", [None, 7, b"ann", bytearray(b"ann"), ["ann"], object()])
def test_an_account_is_named_by_text(name: Any) -> None:
    """Whatever else is given is said to be of its type."""
    accounts = Desk(MemoryStore).of["Accounts"]
    kind = "None" if name is None else type(name).__name__
    for call in (accounts.get, accounts.disable, accounts.enable, accounts.unlock, accounts.remove, accounts.change):
        with pytest.raises(ValueError, match=f"the name of an account must be a string, got {kind}"):
            call(name)
