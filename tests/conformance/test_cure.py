"""The cure of every refusal of the status table: valid by its schema, the same through every adapter, and no more than the fields state."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.support.core import ask
from tests.support.drive import DRIVERS, ByWSGI
from tests.support.each import noting
from tests.support.people import check_password, check_token, orders_guard
from tests.support.requirements import requirements
from tests.support.status_table import ROWS
from tests.support.wire import Request, basic, bearer
from watchword import Basic, Bearer, ConfigurationError, Guard
from watchword.client import cure, read_challenges, read_response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.drive import Answer

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs" / "cure.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
CONTACT = "help@orders.example"
REFUSED = [row for row in ROWS if row.status not in {200, 404}]
ENDPOINT = "https://id.example/token"


@cache
def answers(driver: str) -> list[Answer]:
    """Return the answers to the refused rows of the status table."""
    return [DRIVERS[driver](orders_guard(contact=CONTACT))(row.request) for row in REFUSED]


def leaves(value: object) -> Iterator[str]:
    """Yield all that a JSON value says, without the names of members."""
    if isinstance(value, dict):
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one)
    else:
        yield str(value)


def stated(response: Any) -> set[str]:
    """Return all that the fields of a refusal state."""
    view = read_response(response)
    words = {view.one("retry-after") or "", view.one("location") or ""}
    for challenge in read_challenges(view).found:
        words |= {challenge.scheme, *challenge.params.values()}
        words |= {word for value in challenge.params.values() for word in value.split(" ")}
    return words


def check(response: Any, *more: str) -> dict[str, Any]:
    """Hold one refusal to the schema and to what its fields state; return its content."""
    members = json.loads(read_response(response).body)
    VALIDATOR.validate(members)
    for one in members["cure"]["alternatives"]:
        assert set(leaves({name: value for name, value in one.items() if name != "action"})) <= stated(response) | set(more), one
    return dict(members)


def test_the_schema_is_one() -> None:
    """By the meta-schema of its draft."""
    Draft202012Validator.check_schema(SCHEMA)
    assert not VALIDATOR.is_valid({"cure": {"alternatives": [{"action": "wait"}]}})


@pytest.mark.parametrize("driver", DRIVERS)
def test_R9457_3_2_1_every_refusal_of_the_status_table_has_a_cure(driver: str) -> None:
    """It follows the schema, and says no more than the fields and the contact."""
    for row, answer in zip(REFUSED, answers(driver), strict=True):
        with noting(row.name):
            members = check(answer, CONTACT)
            assert members["cure"]["alternatives"][-1] == {"action": "ask", "contact": CONTACT}


def test_the_cure_is_the_same_through_every_adapter() -> None:
    """Byte for byte."""
    bodies = [[answer.body for answer in answers(driver)] for driver in DRIVERS]
    assert bodies[0] == bodies[1] == bodies[2]


def test_a_cure_is_there_where_a_credential_helps_and_nowhere_else() -> None:
    """401 has an alternative for each challenge, 503 a wait; 400, 431 and 403 without a challenge have none."""
    for row, answer in zip(REFUSED, answers("wsgi"), strict=True):
        with noting(row.name):
            kinds = {one["action"] for one in json.loads(answer.body)["cure"]["alternatives"]} - {"ask"}
            if row.status == 503:
                assert kinds == {"wait"}
            elif row.status == 401:
                assert kinds <= {"authenticate", "renew", "step_up"}
                assert kinds
            else:
                assert kinds == ({"widen"} if row.status == 403 and row.challenges else set())


def test_nothing_tells_a_known_account_from_an_unknown_one() -> None:
    """Wrong password, unknown user and disabled token: one body for each scheme."""
    guard = orders_guard(contact=CONTACT)
    by_password = {ByWSGI(guard)(ask_with(basic(*who))).body for who in (("ann", "wrong"), ("ghost", "wrong"), ("ghost", ""))}
    by_token = {ByWSGI(guard)(ask_with(bearer(token))).body for token in ("disabled", "locked", "unknown_identity", "x")}
    assert len(by_password) == len(by_token) == 1


def ask_with(field: tuple[str, str]) -> Request:
    """A request with credentials."""
    return Request(target="/me", headers=(field,))


def test_a_script_is_told_the_scheme_that_the_guard_takes() -> None:
    """The challenge says `xBasic`, so that no browser prompts (decision D24); the cure says what to send."""
    guard = Guard(Basic(check_password, realm="orders"), xhr_no_prompt=True)
    answer = ByWSGI(guard)(Request(target="/", headers=(("Accept", "application/json"), ("Sec-Fetch-Mode", "cors"))))
    assert answer.challenges[0].startswith("xBasic ")
    assert json.loads(answer.body)["cure"]["alternatives"] == [{"action": "authenticate", "scheme": "Basic", "realm": "orders"}]


@given(
    requirement=requirements(),
    credentials=st.sampled_from(
        [None, basic("ann", "s3cret"), basic("bob", "hunter2"), bearer("ann-token"), bearer("zoe-token"), bearer("x")]
    ),
)
def test_no_rule_makes_a_cure_say_more(requirement: Any, credentials: tuple[str, str] | None) -> None:
    """For any requirement and any caller: no role, permission or network, and no alternative that the challenges do not state."""
    schemes = Basic(check_password, realm="orders"), Bearer(check_token, realm="orders", token_endpoint=ENDPOINT)
    try:
        guard = Guard(*schemes, rules={"/": requirement}, request_id=lambda: "the-id")
    except ConfigurationError:
        return
    view = ask("/", ("Accept", "application/json"), *([] if credentials is None else [credentials]))
    decision = guard.decide(view)
    if decision.granted:
        return
    refusal = guard.refuse(decision, view)
    if refusal.status == 404:
        assert refusal.body == b"Not Found"
        return
    check(refusal, ENDPOINT)
    # A client that reads the fields alone finds the same alternatives, but for where tokens come from.
    bare = cure(read_response(refusal, body=b""))
    whole = cure(refusal, url="https://orders.example/")
    assert [(one.action, one.scheme, one.scopes) for one in bare.alternatives] == [
        (one.action, one.scheme, one.scopes) for one in whole.alternatives
    ]
