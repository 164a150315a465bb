"""The console changes accounts, keys and tokens: for whom it may, from its own pages, once, and without keeping a secret."""

from __future__ import annotations

import logging
import re
from html import unescape
from itertools import count
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from tests.support.consoles import ADMIN, INTERFACES, OWN, VIEWER, ask, check, make_console, own_guard, text_of
from tests.support.each import each
from tests.unit.console.test_markup import HOSTILE, Seen
from watchword import Basic, BasicCredentials, Bearer, BearerToken, ConfigurationError, Guard, Principal, Refused, Unavailable
from watchword.checkers import Accounts, APIKeys, OpaqueTokens, PasswordHasher
from watchword.console import PERMISSIONS, Console, Observed
from watchword.stores import MemoryStore, SQLStore
from watchword.stores.ports import AccountRecord
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_700_000_000.0
CHANGES = ["/accounts/add", "/accounts/disable", "/accounts/password", "/keys/create", "/keys/revoke", "/tokens/create", "/tokens/revoke"]
FOREIGN: list[dict[str, Any]] = [
    {},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://sibling.example"},
    {"Origin": "null"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://service.example.evil.example"},
    {"Sec-Fetch-Site": "same-origin, cross-site"},
]


class Managed:
    """A console over a store, with an account."""

    def __init__(self, guard: Guard | None = None, store: Any = None) -> None:
        store, clock = store or MemoryStore(), FixedClock(NOW)
        hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
        self.accounts = Accounts(store, hasher=hasher, clock=clock)
        self.keys, self.tokens = APIKeys(store, clock=clock), OpaqueTokens(store, clock=clock)
        self.accounts.add("bob", "old password", roles=["staff"])
        self.store, self.marks = store, count()
        self.console: Console = make_console(
            guard=guard or own_guard(clock=clock), accounts=self.accounts, keys=self.keys, tokens=self.tokens, audit=store
        )

    def post(self, interface: str, path: str, *, headers: Any = None, **fields: Any) -> httpx.Response:
        """Send a form as a page of the console sends it."""
        fields.setdefault("once", f"mark{next(self.marks)}")
        return ask(self.console, interface, "POST", path, headers=OWN if headers is None else headers, data=fields)

    def state(self) -> tuple[Any, ...]:
        """Return all records."""
        return (*self.accounts.list(), *self.keys.list(), *self.tokens.list())


def secret_of(answer: httpx.Response) -> str:
    """Return the secret that a page shows."""
    found = re.search(r'<code id="secret">([^<]+)</code>', answer.text)
    assert found is not None, answer.text
    return unescape(found[1])


def is_right(accounts: Accounts, password: str, name: str = "bob") -> bool:
    """Tell whether a password is accepted."""
    return not isinstance(accounts.check(BasicCredentials(name, password)), Refused)


@pytest.mark.parametrize("interface", INTERFACES)
def test_accounts_are_changed(interface: str) -> None:
    """Added, disabled, enabled, unlocked, and given a password, which is made by the console; each takes effect."""
    managed = Managed()
    accounts = managed.accounts
    which = {"name": "bob", "id": "bob"}
    answer = managed.post(interface, "/accounts/disable", **which)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/accounts?find=bob")
    assert accounts.get("bob").disabled
    assert "disabled" in text_of(ask(managed.console, interface, "GET", "/accounts", params={"find": "bob"}))
    managed.post(interface, "/accounts/enable", **which)
    assert not accounts.get("bob").disabled
    accounts.lock("bob", NOW + 60)
    assert "Unlock" in text_of(ask(managed.console, interface, "GET", "/accounts"))
    managed.post(interface, "/accounts/unlock", **which)
    assert accounts.get("bob").locked_until is None
    password = secret_of(managed.post(interface, "/accounts/password", **which))
    assert is_right(accounts, password)
    assert not is_right(accounts, "old password")
    added = managed.post(interface, "/accounts/add", name="zoe", roles="staff lead", scopes="orders:read", permissions="")
    assert is_right(accounts, secret_of(added), "zoe")
    assert accounts.get("zoe").roles == {"staff", "lead"}


@pytest.mark.parametrize("interface", INTERFACES)
def test_keys_and_tokens_are_issued_and_revoked(interface: str) -> None:
    """A new one works until it is revoked, and expires when it should."""
    managed = Managed()
    for path, manager in (("/keys", managed.keys), ("/tokens", managed.tokens)):
        made = managed.post(interface, f"{path}/create", owner="bob", label="<CI>", kind="client", scopes="orders:read", days="30")
        assert made.status_code == 200
        secret = secret_of(made)
        assert not isinstance(manager.check(BearerToken(secret)), Refused)
        (record,) = manager.list("bob")
        assert (record.expires_at, record.kind, [*record.scopes]) == (NOW + 30 * 86_400, "client", ["orders:read"])
        listed = ask(managed.console, interface, "GET", path, params={"owner": "bob"})
        assert record.id in listed.text
        assert secret not in listed.text
        assert "&lt;CI&gt;" in listed.text
        assert managed.post(interface, f"{path}/revoke", id=record.id).status_code == 303
        assert isinstance(manager.check(BearerToken(secret)), Refused)
        assert managed.post(interface, f"{path}/revoke", id=record.id, again="1").status_code == 409


@pytest.mark.parametrize("interface", INTERFACES)
def test_a_secret_is_in_its_page_alone(interface: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in the log, nor in an address, nor in a cache; the log says who did what."""
    managed = Managed()
    with caplog.at_level(logging.DEBUG):
        answers = [
            managed.post(interface, "/accounts/password", name="bob", id="bob"),
            managed.post(interface, "/keys/create", owner="bob", days="1"),
            managed.post(interface, "/tokens/create", owner="bob", days="1"),
        ]
    for answer in answers:
        secret = secret_of(answer)
        assert secret not in caplog.text
        assert secret not in str(answer.url)
        assert secret not in str(answer.headers)
        assert answer.headers["cache-control"] == "no-store"
        assert secret not in repr(managed.console)
    notes = [record.getMessage() for record in caplog.records if "console_change" in record.getMessage()]
    assert len(notes) == 3
    assert notes[0] == "console_change: bob: admin set a new password of the account"


@pytest.mark.parametrize("interface", INTERFACES)
def test_the_audit_trail_says_who_did_what(interface: str) -> None:
    """By the id of the caller of the console; it can be looked up by actor and by what was changed, and needs its permission."""
    managed = Managed()
    managed.post(interface, "/accounts/disable", name="bob", id="bob")
    managed.post(interface, "/keys/create", owner="<b>zoe</b>", days="1")
    entries = [(one.actor, one.action, one.owner) for one in managed.store.list_audit()]
    assert entries == [("", "account.added", "bob"), ("admin", "account.changed", "bob"), ("admin", "key.added", "<b>zoe</b>")]
    shown = ask(managed.console, interface, "GET", "/audit", params={"actor": "admin"})
    assert "&lt;b&gt;zoe" in shown.text
    assert "account.changed" in shown.text
    assert "account.added" not in shown.text
    assert "key.added" not in text_of(ask(managed.console, interface, "GET", "/audit", params={"about": "bob"}))
    for query, status in (({"days": "x"}, 400), ({"after": "<b>"}, 200), ({"about": "\0"}, 200), ({"actor": "x" * 3000}, 200)):
        assert ask(managed.console, interface, "GET", "/audit", params=query).status_code == status
    assert ask(managed.console, interface, "GET", "/audit", headers=VIEWER).status_code == 403


@pytest.mark.parametrize("interface", INTERFACES)
def test_whom_the_trail_cannot_name_changes_nothing(interface: str) -> None:
    """An id from a token may be longer than a store keeps."""
    guard = Guard(Basic(lambda _: Principal("x" * 5000, permissions=PERMISSIONS), realm="r"))
    managed = Managed(guard)
    assert managed.post(interface, "/keys/create", owner="bob", days="1").status_code == 400
    assert list(managed.keys.list()) == []


@pytest.mark.parametrize("interface", INTERFACES)
@each("headers", FOREIGN)
def test_a_change_from_elsewhere_is_refused(interface: str, headers: dict[str, Any]) -> None:
    """From another origin, or without a word about it: 403, and nothing is changed."""
    managed = Managed()
    before = managed.state()
    for path in CHANGES:
        answer = managed.post(interface, path, headers=headers, name="bob", id="bob", owner="bob", days="1")
        assert answer.status_code == 403, path
    assert managed.state() == before


@pytest.mark.parametrize("interface", INTERFACES)
def test_neither_tokens_nor_listed_origins_are_exempt(interface: str) -> None:
    """The guard lets these pass; the console does not."""
    ann = Principal("ann", permissions=PERMISSIONS)
    guard = Guard(Bearer(lambda _: ann, realm="r"), Basic(check, realm="r"), origins=["https://app.example"])
    managed = Managed(guard)
    for headers in ({"Authorization": "Bearer t"}, {"Origin": "https://app.example"}):
        assert managed.post(interface, "/keys/create", headers=headers, owner="bob", days="1").status_code == 403
    assert list(managed.keys.list()) == []


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("path", CHANGES)
def test_a_change_needs_its_own_permission(interface: str, path: str) -> None:
    """Who may look may not change, and is offered no form. Another permission does not help."""
    managed = Managed()
    before = managed.state()
    fields = {"name": "bob", "id": "bob", "owner": "bob", "days": "1"}
    assert managed.post(interface, path, headers={**OWN, **VIEWER}, **fields).status_code == 403
    assert managed.post(interface, path, headers={**OWN, "Authorization": None}, **fields).status_code == 401
    name = "secrets" if path.startswith("/accounts") else "accounts"
    held = {f"watchword:{name}:write", "watchword:accounts:read", "watchword:secrets:read", "watchword:console"}
    guard = Guard(Basic(lambda _: Principal("ann", permissions=held), realm="r"))
    console = Console(guard, observed=Observed(), accounts=managed.accounts, keys=managed.keys, tokens=managed.tokens)
    assert ask(console, interface, "POST", path, headers=OWN, data={"once": "1", **fields}).status_code == 403
    shown = ask(console, interface, "GET", "/" + path.split("/")[1])
    assert shown.status_code == 200
    assert 'method="post"' not in shown.text
    assert managed.state() == before


@pytest.mark.parametrize("interface", INTERFACES)
def test_a_form_acts_once(interface: str) -> None:
    """Sent again, by a reload or by a thief who has recorded it: 409. Without a mark, or with a long one: 400."""
    managed = Managed()
    fields = {"owner": "bob", "days": "1"}
    assert managed.post(interface, "/keys/create", once="m1", **fields).status_code == 200
    assert managed.post(interface, "/keys/create", once="m1", **fields).status_code == 409
    assert managed.post(interface, "/tokens/create", once="m1", **fields).status_code == 409
    assert managed.post(interface, "/keys/create", once="", **fields).status_code == 400
    assert managed.post(interface, "/keys/create", once="x" * 65, **fields).status_code == 400
    assert len(list(managed.keys.list())) == 1


@pytest.mark.parametrize("interface", INTERFACES)
def test_what_is_typed_is_checked(interface: str) -> None:
    """Each mistake is a page that says what is wrong, and nothing is changed."""
    managed = Managed()
    before = managed.state()
    wrong: list[tuple[str, dict[str, str], int]] = [
        ("/keys/create", {"owner": "", "days": "1"}, 400),
        ("/keys/create", {"owner": "bob", "days": "0"}, 400),
        ("/keys/create", {"owner": "bob", "days": "1e9"}, 400),
        ("/keys/create", {"owner": "bob", "days": "99999"}, 400),
        ("/keys/create", {"owner": "bob", "days": "1", "kind": "admin"}, 400),
        ("/keys/create", {"owner": "bob\n", "days": "1"}, 400),
        ("/keys/create", {"owner": "b" * 5000, "days": "1"}, 400),
        ("/tokens/create", {"owner": "bob", "days": "1", "scopes": 'a"b'}, 400),
        ("/accounts/add", {"name": ""}, 400),
        ("/accounts/add", {"name": "a:b"}, 400),
        ("/accounts/add", {"name": "bob"}, 409),
        ("/accounts/disable", {"name": "nobody", "id": "nobody"}, 404),
        ("/accounts/disable", {"name": "bob", "id": "ann"}, 409),
        ("/keys/revoke", {"id": "nothing"}, 409),
        ("/tokens/revoke", {"id": "<b>"}, 409),
    ]
    for path, fields, status in wrong:
        answer = managed.post(interface, path, **fields)
        assert (answer.status_code, path, fields) == (status, path, fields)
        assert 'role="alert"' in answer.text
    assert managed.state() == before


@pytest.mark.parametrize("interface", INTERFACES)
def test_a_form_is_bounded_before_it_is_read(interface: str) -> None:
    """Too large, of another type, not UTF-8, one field twice, too many: a clear answer, and nothing is changed."""
    managed = Managed()
    before = managed.state()
    form = {"Content-Type": "application/x-www-form-urlencoded", **OWN}
    for headers, content, status in (
        (form, b"owner=" + b"x" * 20_000, 413),
        (form, b"a&" * 8000, 413),
        ({**form, "Content-Type": "multipart/form-data; boundary=x"}, b"--x--", 415),
        ({**form, "Content-Type": "text/plain"}, b"owner=bob&days=1&once=1", 415),
        (form, b"owner=%ff&days=1&once=1", 400),
        (form, b"owner=bob&owner=ann&days=1&once=1", 400),
    ):
        answer = ask(managed.console, interface, "POST", "/keys/create", headers=headers, content=content)
        assert answer.status_code == status, content[:30]
    assert ask(managed.console, interface, "GET", "/keys/create", headers=OWN).status_code == 405
    assert ask(managed.console, interface, "PUT", "/keys/create", headers=form, content=b"owner=bob").status_code == 405
    override = {**form, "X-HTTP-Method-Override": "POST"}
    assert ask(managed.console, interface, "GET", "/keys/create?_method=POST", headers=override).status_code == 405
    assert managed.state() == before


@pytest.mark.anyio
async def test_an_endless_form_is_not_kept() -> None:
    """By ASGI content may come in pieces without end: it is read up to the bound."""
    managed = Managed()
    sent: list[dict[str, Any]] = []
    asked = 0

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        await anyio.lowlevel.checkpoint()
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = {"content-type": "application/x-www-form-urlencoded", **ADMIN, **OWN}
    scope = {
        "type": "http", "method": "POST", "path": "/keys/create", "query_string": b"", "scheme": "http",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()], "client": ("127.0.0.1", 1),
    }  # fmt: skip
    await managed.console.asgi()(scope, receive, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 413
    assert asked == 17


@pytest.mark.parametrize("interface", INTERFACES)
@each("text", [text for text in HOSTILE if "\u202e" not in text])
def test_what_records_hold_is_text(interface: str, text: str) -> None:
    """Markup in names, roles, notes and owners, and in what is looked up: no element and no address comes of it."""
    managed = Managed()
    managed.accounts.add(text.replace(":", ""), "a password", roles=[text], permissions=[text])
    managed.keys.create(text, label=text, roles=[text])
    managed.tokens.create(text, label=text, permissions=[text])
    for path, query in (
        ("/accounts", {}),
        ("/accounts", {"find": text}),
        ("/accounts", {"after": text}),
        ("/keys", {}),
        ("/tokens", {"owner": text}),
        ("/audit", {}),
        ("/audit", {"actor": text, "about": text}),
    ):
        answer = ask(managed.console, interface, "GET", path, params=query)
        assert answer.status_code in {200, 404}
        seen = Seen()
        seen.feed(answer.text)
        assert not {"img", "b", "script"} & set(seen.elements), path
        assert not [name for name, _ in seen.attributes if name.startswith("on") and name != "once"]
        addresses = [value for name, value in seen.attributes if name in {"href", "src", "action"}]
        assert all(value is not None and value.startswith(("/console/", "#")) for value in addresses)


@pytest.mark.parametrize("in_database", [False, True])
def test_no_text_breaks_a_page(in_database: bool, tmp_path: Path) -> None:  # noqa: FBT001 - which store
    """What no store can keep, is too long, or means something to a database, in every parameter and field: no 5xx."""
    store = SQLStore(f"sqlite:///{tmp_path}/auth.db", create=True) if in_database else MemoryStore()
    managed = Managed(store=store)
    odd = ["\0", "x" * 3000, "é" * 600, "\x1b[2J", "%", "' OR 1=1 --", "../..", "\u2028", "{}", "\ufeff", "0" * 400]
    before = managed.state()
    for text in odd:
        for path, names in (("/accounts", ("find", "after")), ("/keys", ("owner", "after")), ("/tokens", ("owner", "after"))):
            for name in names:
                assert ask(managed.console, "wsgi", "GET", path, params={name: text}).status_code in {200, 400, 404}, (path, name, text)
        for name in ("actor", "about", "after", "days"):
            assert ask(managed.console, "wsgi", "GET", "/audit", params={name: text}).status_code in {200, 400}, (name, text)
        for path in CHANGES:
            if path.endswith(("disable", "password", "revoke")):
                answer = managed.post("wsgi", path, name=text, id=text)
                assert answer.status_code in {400, 404, 409, 413}, (path, text)
        answer = managed.post("wsgi", "/keys/create", owner="bob", days=text, kind=text, roles=text, label=text, scopes=text)
        assert answer.status_code in {400, 413}, text
    assert managed.state() == before
    if isinstance(store, SQLStore):
        store.close()


@pytest.mark.parametrize("interface", INTERFACES)
def test_lists_come_in_pages(interface: str) -> None:
    """Fifty at a time, each once, in the order of their ids."""
    managed = Managed()
    for number in range(119):
        managed.keys.create(f"owner{number:03}")
    found: list[str] = []
    path: str | None = "/keys"
    while path is not None:
        shown = ask(managed.console, interface, "GET", path).text
        found += re.findall(r'<th scope="row"><code>([^<]+)</code>', shown)
        further = re.search(r'href="/console(/keys\?after=[^"]+)"', shown)
        path = None if further is None else unescape(further[1])
    assert found == [key.id for key in managed.keys.list()]


@pytest.mark.parametrize("interface", INTERFACES)
def test_the_id_of_one_account_may_be_a_name_of_another(interface: str) -> None:
    """The change reaches the account that was shown."""
    managed = Managed()
    managed.accounts.add("carol", "a password", id="c1")
    managed.store.add_account(AccountRecord(id="c2", names=("c1",)))
    shown = ask(managed.console, interface, "GET", "/accounts", params={"find": "carol"})
    assert 'name="name" value="carol"' in shown.text
    assert managed.post(interface, "/accounts/disable", name="carol", id="c1").status_code == 303
    assert [account.disabled for account in map(managed.accounts.get, ("carol", "c1"))] == [True, False]


@pytest.mark.parametrize("interface", INTERFACES)
def test_no_name_is_taken_for_the_one_that_it_looks_like(interface: str) -> None:
    """A character that cannot be printed is shown as its escape, which may be the name of another account. The form has the name itself."""
    managed = Managed()
    real, twin = "a\u200db", "a\\u200db"
    managed.accounts.add(real, "a password")
    managed.accounts.add(twin, "a password")
    shown = ask(managed.console, interface, "GET", "/accounts", params={"find": real})
    fields = {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(name|id)" value="([^"]*)"', shown.text)}
    assert fields == {"name": real, "id": real}
    assert managed.post(interface, "/accounts/disable", **fields).status_code == 303
    assert [managed.accounts.get(name).disabled for name in (real, twin)] == [True, False]


@pytest.mark.parametrize("interface", INTERFACES)
def test_a_store_that_does_not_answer_is_503(interface: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address of the database, which the error may hold, is not shown."""
    managed = Managed()

    def fail(**_: object) -> Any:
        raise Unavailable("postgresql://user:secret@db")

    monkeypatch.setattr(managed.accounts, "list", fail)
    answer = ask(managed.console, interface, "GET", "/accounts")
    assert answer.status_code == 503
    assert "postgresql" not in answer.text
    assert answer.headers["retry-after"] == "5"


def test_what_is_managed_is_checked() -> None:
    """A store in the place of a checker is an error that says what to write."""
    for name, example in (("accounts", "Accounts(store)"), ("keys", "APIKeys(store)"), ("tokens", "OpaqueTokens(store)")):
        with pytest.raises(ConfigurationError, match=re.escape(example)):
            make_console(**{name: MemoryStore()})


@pytest.mark.parametrize("interface", INTERFACES)
def test_what_is_not_managed_is_not_there(interface: str) -> None:
    """Without accounts there is neither a page nor a link to it."""
    assert ask(make_console(), interface, "GET", "/accounts").status_code == 404
    assert "/console/accounts" not in ask(make_console(), interface, "GET", "/").text


@pytest.mark.parametrize("mount", ["//evil.example", "///evil.example", "//evil.example/console"])
def test_no_mount_leads_to_another_host(mount: str) -> None:
    """A router may take the mount from the request: links, forms and redirects stay on this host all the same."""
    console = Managed().console
    with httpx.Client(transport=httpx.WSGITransport(console.wsgi(), script_name=mount), base_url="http://service.example") as client:
        page = client.get("/accounts", headers=ADMIN)
        fields = {"once": "x", "name": "bob", "id": "bob"}
        done = client.post("/accounts/unlock", headers={**ADMIN, **OWN}, data=fields)
    assert page.status_code == 200
    assert not re.search(r'(?:href|action)="//', page.text)
    assert done.status_code == 303
    assert done.headers["Location"] == f"/{mount.lstrip('/')}/accounts?find=bob"
