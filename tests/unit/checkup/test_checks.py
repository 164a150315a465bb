"""Each check finds what it is for, and nothing where that is not so."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.each import each
from tests.support.examples import load_example
from tests.support.hostile import Server, response
from tests.support.issuer import Issuer
from tests.support.secrets import SECRET, found_in
from tests.unit.findings.test_writing import sarif_schema
from watchword import APIKey, Basic, Bearer, Guard, Principal, TrustedProxies, authenticated, optional, permission, public, role, scope
from watchword.checkers import JWT, Accounts, APIKeys, Introspection, OpaqueTokens, PasswordHasher, Tokens, Users
from watchword.checkup import CHECKS, ROWS, Setup, Untold, check_guard
from watchword.checkup.asvs import write_page
from watchword.checkup.stores import file_system
from watchword.errors import ConfigurationError, Unavailable
from watchword.findings.writing import FORMATS
from watchword.protection.firewall import Firewall
from watchword.stores import MemoryStore, SQLStore
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

    from watchword.findings import Finding, Report

NOW = 1_700_000_000
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
RANDOM = Tokens({"2a97516c354b68848cdbd8f54a226a0a": Principal("shop")})
STRONG = "Kq7 violet-tractor munich"
TOKENS = Bearer(RANDOM, realm="r")


def users(**hashes: str) -> Basic:
    """Basic over a table of passwords."""
    return Basic(Users({name: CHEAP.hash(password) for name, password in hashes.items()}, hasher=CHEAP), realm="r")


def report_of(guard: Guard, **more: Any) -> Report:
    """The report about a guard."""
    return check_guard(Setup(guard, "shop:guard", **more), "0")


def found(rule: str, guard: Guard, **more: Any) -> list[Finding]:
    """The findings of one rule. It must have been looked at."""
    (checked,) = [one for one in report_of(guard, **more).checked if one.rule.id == rule]
    assert not checked.skipped, checked.skipped
    return list(checked.findings)


def skipped(rule: str, guard: Guard, **more: Any) -> str:
    """Why a rule could not be looked at."""
    (checked,) = [one for one in report_of(guard, **more).checked if one.rule.id == rule]
    return checked.skipped


class Everybody:
    """A proxies step that trusts some networks."""

    fields = ("x-forwarded-for",)

    def __init__(self, *networks: str) -> None:
        self.networks = networks

    def resolve(self, _: object) -> None:
        """Nothing was said."""


class Open:
    """A throttle that blocks nobody."""

    def blocked(self, _: object) -> None:
        """Nobody."""

    def reserve(self, _: object) -> Any:
        """No room is taken."""
        yield


HMAC = JWT(
    issuer="https://id.example.com",
    audience="a",
    algorithms=["HS256"],
    keys={"keys": [{"kty": "oct", "alg": "HS256", "k": "vJ5nCXyBhOq2cPqFvYV3SPCVsVKc8wLZxqQ7yZkq5qY"}]},
)

CASES: list[tuple[str, Guard, Guard]] = [
    ("basic-without-tls", Guard(users(ann=STRONG)), Guard(users(ann=STRONG), require_tls=True)),
    ("tokens-without-tls", Guard(TOKENS), Guard(TOKENS, require_tls=True)),
    ("origin-without-tls", Guard(TOKENS, origins=["http://a.test"]), Guard(TOKENS, origins=["https://a.test", "http://localhost:3000"])),
    ("proxies-trust-all", Guard(TOKENS, proxies=Everybody("0.0.0.0/0")), Guard(TOKENS, proxies=Everybody("10.0.0.0/8"))),
    ("secret-in-query", Guard(APIKey(RANDOM, query="key")), Guard(APIKey(RANDOM))),
    ("no-throttle", Guard(users(ann=STRONG)), Guard(users(ann=STRONG), throttle=Open())),
    ("basic-beside-tokens", Guard(users(ann=STRONG), TOKENS), Guard(TOKENS)),
    ("default-open", Guard(TOKENS, default=public), Guard(TOKENS, default=authenticated)),
    ("audience-missing", Guard(Bearer(Introspection("https://a.test/i", "a", "b", issuer="https://a.test", audience=None))), Guard(TOKENS)),
    ("shared-secret", Guard(Bearer(HMAC)), Guard(TOKENS)),
    ("cors-inside", Guard(TOKENS, cors_inside=True), Guard(TOKENS)),
    ("firewall-off", Guard(TOKENS, firewall=Firewall(off=["semicolon"])), Guard(TOKENS)),
    (
        "any-origin",
        Guard(users(ann=STRONG), rules={"/": authenticated.from_any_origin()}),
        Guard(TOKENS, rules={"/": authenticated.from_any_origin()}),
    ),
    ("documentation-elsewhere", Guard(TOKENS), Guard(TOKENS, documentation="https://docs.shop.org/reasons/{code}")),
    (
        "documentation-elsewhere",
        Guard(TOKENS, documentation="https://docs.example.com/x"),
        Guard(TOKENS, documentation="https://docs.shop.org/x"),
    ),
    ("name-nobody-holds", Guard(TOKENS, rules={"/": role("clark")}), Guard(TOKENS, rules={"/": authenticated})),
    ("store-in-memory", Guard(Bearer(OpaqueTokens(MemoryStore()))), Guard(TOKENS)),
]


@each(("rule", "with_it", "without_it"), CASES)
def test_a_finding_and_its_absence(rule: str, with_it: Guard, without_it: Guard) -> None:
    """The finding names severity, cause and remedy; the other guard has none."""
    (finding,) = found(rule, with_it)
    assert finding.message.endswith(".")
    assert finding.remedy
    assert finding.place
    assert found(rule, without_it) == []


def test_every_check_is_tested() -> None:
    """A new one stands in a table or has a test of its own below."""
    own = {
        "default-secret",
        "key-server",
        "issuer-clock",
        "introspection-server",
        "store-schema",
        "sqlite-on-network",
        "unusable-hash",
        "key-lives-long",
        "proxy-undeclared",
    }
    routes = {check.rule.id for check in CHECKS if check.rule.id.startswith("route-")}
    assert {check.rule.id for check in CHECKS} == {rule for rule, *_ in CASES} | own | routes
    assert len({check.rule.id for check in CHECKS}) == len(CHECKS)


def test_a_platform_with_a_proxy_that_is_not_declared() -> None:
    """Found where the environment names the platform."""
    assert found("proxy-undeclared", Guard(TOKENS)) == []
    (finding,) = found("proxy-undeclared", Guard(TOKENS), platform="Heroku")
    assert finding.message.startswith("Heroku puts a proxy in front")
    assert found("proxy-undeclared", Guard(TOKENS, proxies=TrustedProxies(["10.0.0.0/8"])), platform="Heroku") == []


def test_default_secrets() -> None:
    """The name itself, passwords of lists, tokens of examples."""
    assert found("default-secret", Guard(users(ann=STRONG, bob=STRONG), TOKENS)) == []
    (finding,) = found("default-secret", Guard(users(ann=STRONG, admin="changeme", bob="bob")))
    assert "'admin', 'bob'" in finding.message
    (finding,) = found("default-secret", Guard(Bearer(Tokens({"changeme": Principal("a"), SECRET: Principal("b")}))))
    assert "1 well-known token" in finding.message
    store = MemoryStore()
    Accounts(store, hasher=CHEAP).add("demo", "demo")
    assert len(found("default-secret", Guard(Basic(Accounts(store, hasher=CHEAP), realm="r")))) == 1
    assert store.find_account("demo").last_login_at is None  # type: ignore[union-attr]
    assert skipped("default-secret", Guard(TOKENS), online=False)


def test_the_tries_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many accounts there are, and those with usual names come first. Then it cannot be told."""
    many = Guard(users(**{f"a{at}": STRONG for at in range(30)}, root=STRONG))
    assert skipped("default-secret", many) == "10 of 31 accounts were tried, and none has a well-known password"
    assert "'root'" in found("default-secret", Guard(users(**{f"a{at}": STRONG for at in range(30)}, root="changeme")))[0].message
    monkeypatch.setattr("watchword.checkup.guessing.LONGEST", -1.0)
    assert skipped("default-secret", many) == "0 of 31 accounts were tried, and none has a well-known password"


def test_names_that_nobody_holds() -> None:
    """Each kind, with a close one; where names come from elsewhere it cannot be told."""
    shop = Bearer(Tokens({"2a97516c354b68848cdbd8f54a226a0a": Principal("shop", scopes={"orders:read"}, permissions={"x"})}), realm="r")
    guard = Guard(shop, rules={"/a": scope("orders:reed"), "/b": permission("y"), "/c": scope("orders:read")})
    first, second = found("name-nobody-holds", guard)
    assert (first.place, "'orders:read'" in first.cause) == ("/a", True)
    assert second.place == "/b"
    assert "issuer" in skipped("name-nobody-holds", Guard(Bearer(HMAC)))


def test_proxies_that_do_not_say_whom_they_trust() -> None:
    """It is said that it cannot be told."""
    silent = Everybody()
    silent.networks = None  # type: ignore[assignment]
    assert "does not say" in skipped("proxies-trust-all", Guard(TOKENS, proxies=silent))


def test_routes() -> None:
    """What `watchword routes` finds is found here as well, with its severity."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    async def view(_: Any) -> None: ...

    app = Starlette(routes=[Route("/orders", view)])
    guard = Guard(TOKENS, rules={"/ordres": authenticated, "/orders": public})
    (finding,) = found("route-rule-without-route", guard, app=app)
    assert (finding.level, finding.place) == ("error", "/ordres")
    assert found("route-public", guard, app=app)[0].level == "note"
    assert found("route-rule-without-route", Guard(TOKENS, rules={"/orders": authenticated}), app=app) == []
    assert skipped("route-public", guard) == "no application was named: give --app"
    assert "not known" in skipped("route-public", guard, app=object())


def test_a_store_of_another_version(tmp_path: Path) -> None:
    """An older schema, a database that is away, and one that is right."""
    url = f"sqlite:///{tmp_path}/auth.db"
    with SQLStore(url) as store:
        assert found("store-schema", Guard(Bearer(OpaqueTokens(store)))) == []
        assert found("store-in-memory", Guard(Bearer(OpaqueTokens(store)))) == []

    class Old:
        status = staticmethod(lambda: replace(SQLStore("sqlite://").status(), state="outdated", revision="0001"))

        def __repr__(self) -> str:
            return "Old()"

    class Away(Old):
        @staticmethod
        def status() -> Any:
            raise Unavailable("no answer")

    for kind, words in ((Old, "is outdated: its schema is 0001"), (Away, "does not answer")):
        checker = OpaqueTokens(MemoryStore())
        checker._store = kind()  # type: ignore[assignment]
        (finding,) = found("store-schema", Guard(Bearer(checker)))
        assert words in finding.message
        assert finding.level == "error"


MOUNTS = """22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /srv/data rw - nfs4 server:/export rw
31 22 0:41 / /srv/with\\040space rw shared:2 master:1 - cifs //server/share rw
32 30 8:2 / /srv/data/local rw - xfs /dev/sdb1 rw
broken line
"""


@each(
    ("path", "kind"),
    [
        ("/auth.db", "ext4"),
        ("/srv/data/auth.db", "nfs4"),
        ("/srv/database/auth.db", "ext4"),
        ("/srv/data/local/auth.db", "xfs"),
        ("/srv/with space/auth.db", "cifs"),
    ],
)
def test_the_file_system_of_a_path(path: str, kind: str) -> None:
    """The deepest mount point decides, by whole names."""
    assert file_system(path, MOUNTS) == kind


def test_sqlite_on_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file on NFS is a finding, one on a disk is none; where mounts are not listed it cannot be told."""
    mounts = tmp_path / "mountinfo"
    monkeypatch.setattr("watchword.checkup.stores._MOUNTS", str(mounts))
    with SQLStore(f"sqlite:///{tmp_path}/auth.db") as store:
        guard = Guard(Bearer(OpaqueTokens(store)))
        assert "does not list" in skipped("sqlite-on-network", guard)
        mounts.write_text(f"1 0 8:1 / / rw - ext4 x rw\n2 1 0:1 / {tmp_path} rw - nfs x rw\n")
        assert "is on nfs" in found("sqlite-on-network", guard)[0].message
        mounts.write_text("1 0 8:1 / / rw - ext4 x rw\n")
        assert found("sqlite-on-network", guard) == []
    assert found("sqlite-on-network", Guard(TOKENS)) == []


def test_hashes_that_cannot_be_verified() -> None:
    """A malformed hash, or one whose library is missing, as far as the store's samples show."""
    store = MemoryStore()
    accounts = Accounts(store, hasher=CHEAP)
    accounts.add("ann", STRONG)
    guard = Guard(Basic(accounts, realm="r"))
    assert found("unusable-hash", guard) == []
    store.hash_samples = lambda: (("$unknown$x", 3),)  # type: ignore[method-assign]
    assert len(found("unusable-hash", guard)) == 1


def test_keys_that_live_long() -> None:
    """Without an end, or beyond a year; what is revoked does not count."""
    clock = FixedClock(NOW)
    store = MemoryStore(clock=clock)
    keys = APIKeys(store, clock=clock)
    guard = Guard(APIKey(keys), clock=clock)
    keys.create("shop", kind="client", expires_at=NOW + 90 * 86_400)
    assert found("key-lives-long", guard) == []
    keys.revoke(keys.create("shop", kind="client", expires_at=None).record.id)
    assert found("key-lives-long", guard) == []
    keys.create("shop", kind="client", expires_at=None)
    keys.create("shop", kind="client", expires_at=NOW + 800 * 86_400)
    assert "2 keys never end" in found("key-lives-long", guard)[0].message


def guard_of(issuer: Issuer, at: float) -> Guard:
    """A guard that fetches the keys of an issuer."""
    return Guard(Bearer(JWT(issuer=issuer.issuer, audience="a"), realm="r"), clock=FixedClock(at))


def test_key_servers_and_their_clocks() -> None:
    """One that answers, one whose clock is off, one that states no date, one that has no key, and one that is away."""
    with Issuer("1", date="Tue, 14 Nov 2023 22:13:20 GMT") as issuer:
        assert found("key-server", guard_of(issuer, NOW)) == []
        assert found("issuer-clock", guard_of(issuer, NOW + 3)) == []
        (finding,) = found("issuer-clock", guard_of(issuer, NOW + 30))
        assert ("30 s behind" in finding.message, finding.level) == (True, "warning")
        (finding,) = found("issuer-clock", guard_of(issuer, NOW - 90))
        assert ("90 s ahead" in finding.message, finding.level) == (True, "error")
        issuer.fields = {"date": "Tue, 14 Nov 2023 22:03:20 GMT", "age": "600"}
        assert found("issuer-clock", guard_of(issuer, NOW)) == []
        for date in ("", "x" * 100, "Tue, 99 Nov 2023"):
            issuer.fields = {"date": date}
            assert "states no Date" in skipped("issuer-clock", guard_of(issuer, NOW))
        issuer.status = 500
        (finding,) = found("key-server", guard_of(issuer, NOW))
        assert (finding.level, "500" in finding.cause) == ("error", True)
        assert skipped("issuer-clock", guard_of(issuer, NOW)) == "no key server answers"
        gone = guard_of(issuer, NOW)
    assert len(found("key-server", gone)) == 1


def test_a_look_at_keys_changes_nothing() -> None:
    """The next request fetches them as if nobody had looked."""
    with Issuer("1") as issuer:
        guard = guard_of(issuer, NOW)
        assert found("key-server", guard) == []
        (part,) = Setup(guard).parts
        assert part.checker.key_source.fresh() is None  # type: ignore[attr-defined]


def test_introspection_servers() -> None:
    """One that calls a made-up token inactive, one that refuses this application, and one that is away."""
    answers: list[tuple[bytes, int]] = [(b'{"active": false}', 200)]
    server = Server(lambda connection, _: connection.send(response(*answers[-1])))
    with server:
        checker = Introspection(f"{server.url}/i", "a", SECRET, issuer="https://a.test", audience="a", on_event=lambda _: None)
        guard = Guard(Bearer(checker, realm="r"))
        assert found("introspection-server", guard) == []
        assert found("audience-missing", guard) == []
        answers.append((b"", 401))
        (finding,) = found("introspection-server", guard)
        assert finding.level == "error"
        assert found_in(str(finding)) == []


def test_nothing_is_asked_offline() -> None:
    """Neither stores nor servers nor checkers."""
    guard = Guard(Bearer(JWT(issuer="https://id.test", audience="a")), Basic(Accounts(MemoryStore(), hasher=CHEAP), realm="r"))
    for rule in (
        "default-secret",
        "name-nobody-holds",
        "key-server",
        "issuer-clock",
        "introspection-server",
        "store-schema",
        "unusable-hash",
        "key-lives-long",
    ):
        assert skipped(rule, guard, online=False) == "--offline was given"


@each("form", list(FORMATS))
def test_no_secret_is_in_a_report(form: str) -> None:
    """Whatever the configuration holds."""
    guard = Guard(
        users(ann=SECRET, admin="changeme"),
        Bearer(Tokens({SECRET: Principal("a"), "changeme": Principal("b")})),
        APIKey(RANDOM, query="key"),
        rules={"/": role("x"), "/y": optional},
        default=public,
    )
    assert found_in(FORMATS[form](report_of(guard))) == []


def test_our_examples_are_clean() -> None:
    """But for what an example leaves to a proxy in front, and to the throttle of the next release."""
    justified = {"basic-without-tls", "no-throttle"}
    for name in (
        "own_scheme",
        "own_server",
        "flask/app",
        "starlette/app",
        "fastapi/app",
        "quart/app",
        "flask_refresh/app",
        "mcp_server/app",
    ):
        module = load_example(name)
        report = report_of(module.guard, app=getattr(module, "app", None), online=False)
        assert {one.rule.id for one in report.findings if one.level != "note"} <= justified, name


def test_asvs_rows() -> None:
    """Each module and test is there, each check is one, numbers are of ASVS 5.0 and sorted, and the page is the table."""
    import ast
    from pathlib import Path

    root = Path(__file__).parents[3]
    checks = {check.rule.id for check in CHECKS}
    for row in ROWS:
        assert (root / "src" / "watchword" / row.module).is_file(), row.module
        file, _, test = row.test.partition("::")
        tree = ast.parse((root / "tests" / file).read_text(encoding="utf-8"))
        names = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
        assert test in names if test else any(name.startswith("test_") for name in names), row.test
        assert set(row.checks) <= checks, row.checks
        assert row.level in {1, 2, 3}
    numbers = [tuple(map(int, row.id.split("."))) for row in ROWS]
    assert numbers == sorted(set(numbers))
    assert {number[0] for number in numbers} <= {3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16}
    assert (root / "docs" / "asvs.md").read_text(encoding="utf-8") == write_page()


def test_the_outcome_of_a_row() -> None:
    """It follows the findings; what cannot be told is said."""
    rows = {row.id: row for row in ROWS}
    weak, strong = report_of(Guard(users(ann=STRONG))), report_of(Guard(users(ann=STRONG), throttle=Open(), require_tls=True))
    assert (rows["6.3.1"].outcome(weak), rows["6.3.1"].outcome(strong)) == ("violated", "holds")
    assert (rows["12.2.1"].outcome(weak), rows["12.2.1"].outcome(strong)) == ("violated", "holds")
    assert rows["12.2.1"].outcome(report_of(Guard(TOKENS))) == "untold"
    assert rows["8.2.1"].outcome(strong) == "untold"
    assert rows["9.1.1"].outcome(weak) == "holds"


def test_reports_in_sarif_are_valid() -> None:
    """They follow the schema of SARIF 2.1.0, and list the rules of all checks."""
    log = json.loads(FORMATS["sarif"](report_of(Guard(users(ann=STRONG)))))
    sarif_schema().validate(log)
    run = log["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [check.rule.id for check in CHECKS]
    assert {result["ruleId"] for result in run["results"]} >= {"basic-without-tls", "no-throttle"}


def test_construction_refuses_what_no_check_can_see() -> None:
    """A short or made-up HMAC secret, and a token checker without an audience."""
    with pytest.raises(ConfigurationError):
        JWT(
            issuer="https://id.test",
            audience="a",
            algorithms=["HS256"],
            keys={"keys": [{"kty": "oct", "k": "Y2hhbmdlbWU", "alg": "HS256"}]},
        )
    with pytest.raises(ConfigurationError):
        JWT(issuer="https://id.test", audience=())


def test_untold_is_a_sentence_in_the_report() -> None:
    """It is neither a failure nor a pass."""
    assert str(Untold("why")) == "why"
