"""Tests the values that stores accept, which are the same for all stores."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from watchword.errors import AlreadyExists
from watchword.stores import MemoryStore, SQLStore
from watchword.stores.ports import AccountRecord, KeyRecord, TokenRecord

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNT = AccountRecord(id="1", names=("ann",), password_hash="h", hash_profile="p", password_changed_at=1.0, created_at=1.0)
KEY = KeyRecord(id="k1", digest=sha256(b"k").digest(), owner="1", created_at=1.0)
TOKEN = TokenRecord(id="t1", digest=sha256(b"t").digest(), owner="1", created_at=1.0)
KINDS: dict[str, Any] = {"account": ACCOUNT, "key": KEY, "token": TOKEN}
FIELDS = [(kind, field.name) for kind, record in KINDS.items() for field in fields(record)]

WRONG: list[Any] = [
    None,
    0,
    -1,
    2**63,
    10**400,
    1.5,
    float("nan"),
    float("inf"),
    True,
    b"",
    b"x" * 32,
    bytearray(b"x"),
    "",
    " ",
    "a\0b",
    "\ud800",
    "x" * 1025,
    "x" * 100_000,
    "\u00e9" * 600,
    (),
    {},
    [None],
    [1],
    ["\0"],
    ["x" * 2000],
    [str(number) for number in range(1001)],
    [["a"]],
    object(),
    int,
    ("a", "a"),
    1e308,
]


def stores() -> list[MemoryStore | SQLStore]:
    """Return one of each that is always there."""
    return [MemoryStore(), SQLStore("sqlite://")]


def listing(store: MemoryStore | SQLStore) -> list[Any]:
    """Read everything that is kept."""
    return [*store.list_accounts(), *store.list_keys(), *store.list_tokens()]


def outcome(store: MemoryStore | SQLStore, call: Callable[[], object]) -> str:
    """Try something: what was kept stays readable, and nothing is changed by what is refused, for a reason that is short and printable."""
    before = listing(store)
    try:
        call()
    except AlreadyExists:
        pytest.fail("nothing of it is there yet")
    except (ValueError, TypeError) as error:
        why = str(error)
    else:
        listing(store)
        return "kept"
    assert listing(store) == before
    assert len(why) < 400
    assert why.isprintable()
    assert re.match(r"(Account|Key|Token)Record\(|an? ", why), why  # names the field; not words of the interpreter or of a driver
    return "refused"


def another(kind: str, number: int) -> Any:
    """Return a record that has nothing in common with any other one."""
    if kind == "account":
        return replace(ACCOUNT, id=f"a{number}", names=(f"ann{number}",))
    return replace(KINDS[kind], id=f"{kind}{number}", digest=sha256(str(number).encode()).digest())


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_an_odd_field_is_refused_by_all_stores_or_by_none(kind: str, field: str) -> None:
    """It raises ValueError and nothing is kept, or it is kept and can be read again."""
    both = stores()
    for number, wrong in enumerate(WRONG):
        record = replace(another(kind, number), **{field: wrong})
        outcomes = [outcome(store, partial(getattr(store, f"add_{kind}"), record)) for store in both]
        assert outcomes[0] == outcomes[1], wrong


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("kind", "field"), [row for row in FIELDS if row[0] != "token"])
def test_an_odd_change_is_refused_by_all_stores_or_by_none(kind: str, field: str) -> None:
    """A change of the id or the version of a record finds nothing to change."""
    both = stores()
    for number, wrong in enumerate(WRONG):
        outcomes = []
        for store in both:
            kept = replace(getattr(store, f"add_{kind}")(another(kind, number)), **{field: wrong})
            outcomes.append(outcome(store, partial(getattr(store, f"replace_{kind}"), kept)))
        assert outcomes[0] == outcomes[1], wrong


@pytest.mark.parametrize("method", ["add_account", "replace_account", "add_key", "replace_key", "add_token"])
def test_an_object_that_is_no_record_raises_a_type_error(method: str) -> None:
    """The message has its class and not the object, which may be a secret."""
    for store in stores():
        for wrong in [*WRONG, "s3cret", *KINDS.values()]:
            if method.endswith(type(wrong).__name__.removesuffix("Record").lower()):
                continue
            with pytest.raises(TypeError, match=r"the store needs an? (Account|Key|Token)Record, got ") as caught:
                getattr(store, method)(wrong)
            assert "s3cret" not in str(caught.value)
        for old, new in ((KEY, "s3cret"), ("s3cret", KEY)):
            with pytest.raises(TypeError, match="the store needs a KeyRecord, got str"):
                store.rotate_key(old, new)  # type: ignore[arg-type]  # the mistake itself


LOOKUPS: list[Callable[[Any, Any], object]] = [
    lambda store, value: store.find_account(value),
    lambda store, value: store.find_account(value, fold_case=True),
    lambda store, value: store.get_account(value),
    lambda store, value: store.find_key(value),
    lambda store, value: store.find_token(value),
    lambda store, value: store.get_token(value),
    lambda store, value: store.swap_hash(value, "h", "n", None),
    lambda store, value: store.swap_hash("1", value, "n", None),
    lambda store, value: store.remove_account(value, 1.0),
    lambda store, value: store.note_login(value, 1.0),
    lambda store, value: store.note_key_use(value, 1.0),
    lambda store, value: store.revoke_token(value, 1.0),
    lambda store, value: any(store.revoke_all(value, 1.0)),
]


@pytest.mark.parametrize("number", range(len(LOOKUPS)))
def test_a_lookup_by_something_odd_finds_nothing(number: int) -> None:
    """It raises nothing, because a client may have sent the value."""
    for store in stores():
        store.add_account(ACCOUNT)
        store.add_key(KEY)
        store.add_token(TOKEN)
        before = listing(store)
        for wrong in WRONG:
            assert LOOKUPS[number](store, wrong) in {None, False}, wrong
        assert listing(store) == before


@pytest.mark.parametrize("method", ["list_accounts", "list_keys", "list_tokens"])
def test_a_page_needs_an_id_and_a_whole_number(method: str) -> None:
    """Any other argument raises TypeError. An unstorable id finds nothing."""
    for store in stores():
        store.add_account(ACCOUNT)
        for wrong in [wrong for wrong in WRONG if not isinstance(wrong, str)]:
            with pytest.raises(TypeError, match=r"after=\.\.\. must be the id that the page follows, got "):
                getattr(store, method)(after=wrong)
        for wrong in [wrong for wrong in WRONG if not isinstance(wrong, int) or isinstance(wrong, bool)]:
            with pytest.raises(TypeError, match=r"limit=\.\.\. must be a whole number of records, got "):
                getattr(store, method)(limit=wrong)
        for text in [wrong for wrong in WRONG if isinstance(wrong, str) and wrong not in {"", " "}]:
            assert not getattr(store, method)(after=text)


@pytest.mark.parametrize("wrong", [None, "x", b"1", [], float("nan"), 10**400, True, object()])
def test_a_time_is_a_number(wrong: Any) -> None:
    """Any other value raises ValueError, and nothing is changed."""
    for store in stores():
        store.add_account(ACCOUNT)
        calls: list[Callable[[], object]] = [
            partial(store.remove_account, "1", wrong),
            partial(store.note_login, "1", wrong),
            partial(store.note_key_use, "k1", wrong),
            partial(store.revoke_token, "t1", wrong),
            partial(store.revoke_all, "1", wrong),
            partial(store.purge_tokens, wrong),
        ]
        for call in calls:
            with pytest.raises(ValueError, match=r"(at|before) must be a number of Unix seconds, got "):
                call()
        assert len(listing(store)) == 1
