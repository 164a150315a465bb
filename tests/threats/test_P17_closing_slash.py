"""A closing slash (threat P17, decision D64): the handler that a real router runs never runs under a weaker rule than its own."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

from contextlib import suppress
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.drive import ByHand, Request, bearer
from tests.support.people import check_token
from tests.support.slashes import ASGI, HANDLERS, WSGI, get_by_asgi, get_by_wsgi
from watchword import Bearer, ConfigurationError, Guard, Principal, RequestView, Requirement, public, role
from watchword.adapters import asgi, wsgi
from watchword.authorization.pattern import parse_pattern
from watchword.checkers import nonblocking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.drive import Behind, Through

PATHS = ["/", "/q", "/q/", "/orders", "/orders/", "/orders/7", "/orders/7/", "/orders/7/items", "/orders/7/items/", "/orders/7/items/3"]
PATHS += ["/orders/7/items/3/", "/orders/items", "/orders/items/", "/orders/q/w", "/q/w/"]
ROLES = frozenset({"default", *HANDLERS})
TABLES = 12


@nonblocking
def all_but_one(credentials: Any) -> Principal:
    """Accept somebody who holds every role but the one whose number is the token."""
    return Principal("ann", roles=ROLES - {[*sorted(ROLES), ""][int(credentials.token)]})


def without(name: str) -> str:
    """Return the token of whoever holds every role but one."""
    return str([*sorted(ROLES), ""].index(name))


def guarded(rng: Random, handlers: Sequence[str]) -> Guard | None:
    """Return a guard with rules for some of the handlers. Each demands a role of its own, and the default one more; None: ambiguous."""
    rules: dict[str, Requirement] = {handler: role(handler) for handler in handlers if rng.random() < 0.7}
    try:
        return Guard(Bearer(all_but_one), rules=rules, default=role("default"))
    except ConfigurationError:
        return None


def rule_of(guard: Guard, handler: str) -> str:
    """Return the rule of a handler: its own, or the one that decides about a path of it."""
    example = handler.replace("{page}", "p").replace("{id}", "i").replace("{item}", "j").replace("**", "k/l/m")
    texts = [rule.text for rule in guard.policy.rules]
    return handler if handler in texts else guard.policy.rules.binding("GET", example)[0].route.text


def is_written_for(guard: Guard, path: str, handler: str) -> bool:
    """Tell whether a rule says of this very path what it needs, by a closing slash, or by a `**` narrower than the handler.

    The router then prefers another handler than the rules do, with a closing slash or without.
    """
    texts = {bound.route.text for bound in guard.policy.rules.binding("GET", path)} - {"default", handler}
    pattern = parse_pattern(handler)
    return any(text.endswith("/") or (text.endswith("**") and pattern.covers(parse_pattern(text))) for text in texts)


def taken(make: Any, handlers: Sequence[str]) -> list[str]:
    """Return those of the handlers that a router takes side by side, narrow ones first: some routers run the first that matches."""
    kept: list[str] = []
    for handler in sorted(handlers, key=lambda one: [("{" in part) + 2 * (part == "**") for part in one.split("/")]):
        with suppress(Exception):  # each router refuses in its own way what it cannot tell apart
            make([*kept, handler], [])
            kept.append(handler)
    return kept


@pytest.mark.sampled(2)
@pytest.mark.filterwarnings("ignore:'cgi' is deprecated:DeprecationWarning", "ignore:.*pkg_resources")
@pytest.mark.parametrize("name", [*ASGI, *WSGI])
def test_P17_no_handler_runs_under_a_weaker_rule_than_its_own(name: str) -> None:
    """A caller without the role that the rule of a handler demands cannot run it by a closing slash; a caller with the role can."""
    rng = Random(f"slashes {name}")
    make = (ASGI | WSGI)[name]
    runs = 0
    for _ in range(TABLES):
        handlers = taken(make, rng.sample(HANDLERS, rng.randrange(2, 8)))
        guard = guarded(rng, handlers)
        if guard is None:
            continue
        ran: list[str] = []
        app: Any = make(handlers, ran)
        app = asgi.GuardMiddleware(app, guard) if name in ASGI else wsgi.GuardMiddleware(app, guard)
        roles = sorted({rule_of(guard, handler) for handler in handlers})
        for path, lacking in product(PATHS, (*roles, "")):
            ran.clear()
            if name in ASGI:
                get_by_asgi(app, [(path, without(lacking))])
            else:
                get_by_wsgi(app, path, without(lacking))
            runs += bool(ran)
            for handler in ran:
                if path.endswith("/") or handler.endswith("/"):
                    rules = [rule.text for rule in guard.policy.rules]
                    said = f"{path} ran {handler} of {handlers} without {lacking}, under {rules}"
                    assert is_written_for(guard, path, handler) or lacking != rule_of(guard, handler), said
    assert runs > 50


@pytest.mark.filterwarnings("ignore:'cgi' is deprecated:DeprecationWarning", "ignore:.*pkg_resources")
def test_P17_routers_disagree_about_a_closing_slash() -> None:
    """What the decision says of each router is so: the table there is why both rules hold."""
    ran: list[str] = []

    def runs(name: str, path: str, handlers: Sequence[str] = ("/orders", "/orders/**")) -> str:
        ran.clear()
        app = (ASGI | WSGI)[name](handlers, ran)
        if name in ASGI:
            get_by_asgi(app, [(path, "")])
        else:
            get_by_wsgi(app, path, "")
        return ran[0] if ran else "none"

    assert runs("in_falcon", "/orders/", ["/orders", "/orders/{id}"]) == "/orders/{id}"
    assert runs("in_starlette", "/orders/") == "/orders/**"
    assert runs("in_pyramid", "/orders/") == "/orders/**"
    assert runs("in_django", "/orders/") == "/orders/**"
    both = ["/orders", "/orders/{id}"]
    assert {runs(name, "/orders/", both) for name in ("in_lax_flask", "in_litestar", "in_stripping_falcon")} == {"/orders"}
    assert {runs(name, "/orders/", both) for name in ("in_flask", "in_quart", "in_django", "in_pyramid")} == {"none"}
    assert runs("in_lax_flask", "/orders", ["/orders/"]) == "/orders/"


def test_P17_a_rule_written_with_the_slash_decides_alone(through: Through) -> None:
    """`/files/` is public where it is written so, and what lies beside it is not."""
    rules = {"/files": role("admin"), "/files/": public, "/files/**": role("admin")}
    driver = through(Guard(Bearer(check_token), rules=rules))
    assert {path: driver(Request(target=path)).status for path in ("/files", "/files/", "/files/a", "/files/a/")} == {
        "/files": 401, "/files/": 200, "/files/a": 401, "/files/a/": 401,
    }  # fmt: skip


def test_P17_a_hidden_resource_is_hidden_with_a_closing_slash_too(behind: Behind) -> None:
    """A known caller gets the application's 404 for both readings, asked for beside the hidden path, and no handler runs."""
    guard = Guard(Bearer(check_token), rules={"/docs": public, "/docs/{name}": role("root").hidden()})
    for target in ("/docs/x", "/docs/x/", "/docs/"):
        answer = behind(guard)(Request(target=target, headers=(bearer("bob-token"),)))
        assert (answer.status, answer.seen is None or answer.seen.path != target) == (404, True)
    assert behind(guard)(Request(target="/docs")).status == 200
    assert behind(guard)(Request(target="/docs/")).status == 401


def test_P17_the_fast_path_keeps_both_paths_apart(through: Through) -> None:
    """A cached caller gets the decision of the path with the slash, and of the path without, each for itself."""
    driver = through(Guard(Bearer(check_token), rules={"/orders": public, "/orders/{id}": role("admin")}))
    for _ in range(3):
        assert [driver(Request(target=path, headers=(bearer("bob-token"),))).status for path in ("/orders", "/orders/")] == [200, 403]
        assert driver(Request(target="/orders/", headers=(bearer("ann-token"),))).status == 200


def test_P17_explain_says_which_rules_hold_and_why() -> None:
    """Both rules are named; for the one of the other reading the path is shown as a router may read it."""
    guard = Guard(Bearer(check_token), rules={"/orders": role("clerk"), "/orders/{id}": role("admin")})
    lines = str(guard.explain(RequestView("GET", "/orders/"))).splitlines()
    needed = 'role("clerk") & role("admin") & authenticated'
    assert f"rule: '/orders and /orders/{{id}} and default' needs {needed}" in lines
    assert "  '/orders/{id}', because a router may read the path as /orders/" in lines
    assert ByHand(guard)(Request(target="/orders/")).status == 401
