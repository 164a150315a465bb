"""`watchword explain`."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.command import COMMAND, Inside
from tests.support.each import each
from tests.support.secrets import SECRET, found_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHOP = """
from starlette.applications import Starlette
from starlette.routing import Route
from watchword import APIKey, Basic, Bearer, Guard, Principal, Unavailable, public, role, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.adapters.starlette import requires
from watchword.checkers import Tokens

def away(credentials):
    raise Unavailable("down")

async def awaited(credentials):
    return Principal("ann")

class Blocking:
    def blocked(self, attempt): return 30
    def reserve(self, attempt): return 30; yield

guard = Guard(
    Bearer(Tokens({"t0k3n": Principal("shop", scopes={"orders:read"})}), realm="r"),
    rules={"/orders": scope("orders:read"), "/mistyped": scope("orders:reed"), "/hidden": role("x").hidden(), "/healthz": public},
)
down, loop = Guard(Bearer(away, realm="r")), Guard(Bearer(awaited, realm="r"))
full = Guard(Basic(lambda c: None, realm="r"), throttle=Blocking())

@requires(role("admin"))
async def view(request): ...

app = GuardMiddleware(Starlette(routes=[Route("/orders", view)]), guard)
"""

BEARER = "-H 'Authorization: Bearer t0k3n'"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inside]:
    """The command, in a folder with an application."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "shop.py").write_text(SHOP)
    sys.modules.pop("shop", None)
    yield Inside(tmp_path / "unused.db")
    sys.modules.pop("shop", None)


CASES = [
    ("guard", f"curl https://x/orders {BEARER}", 0, "decision: granted, as shop"),
    ("guard", "curl https://x/healthz", 0, "decision: granted, as an anonymous caller"),
    ("guard", "curl https://x/orders", 41, "HTTP 401 Unauthorized"),
    ("guard", f"curl https://x/mistyped {BEARER}", 43, "did you mean `orders:read`?"),
    ("guard", f"curl https://x/hidden {BEARER}", 44, "HTTP 404 Not Found"),
    ("guard", "curl https://x//orders", 40, "refused at once"),
    ("guard", f"curl https://x/orders -H 'Authorization: Bearer {'x' * 20_000}'", 40, "HTTP 431"),
    ("full", "curl https://x/ -u ann:x", 49, "HTTP 429"),
    ("down", f"curl https://x/ {BEARER}", 53, "HTTP 503"),
    ("loop", f"curl https://x/ {BEARER}", 0, "granted, as ann"),
    ("guard", f"curl https://x/orders {BEARER} -H 'Origin: https://y'", 0, "granted"),
    ("guard", "GET /orders HTTP/1.1\nHost: x\n\n", 41, "GET /orders"),
]


@each(("guard", "asked", "code", "text"), CASES)
def test_the_exit_code_is_that_of_the_decision(guard: str, asked: str, code: int, text: str, shop: Inside) -> None:
    """And the tree and the response are printed; the same with JSON, and on standard input."""
    assert text in shop("explain", "--guard", f"shop:{guard}", asked, code=code).stdout
    assert text in shop("explain", "--guard", f"shop:{guard}", "-", given=asked, code=code).stdout
    facts = shop.json("explain", "--guard", f"shop:{guard}", asked, code=code)
    assert facts["version"] == 1
    assert (facts["status"] is None) is (code == 0)


def test_words_after_two_hyphens(shop: Inside) -> None:
    """The shell has split them, and has replaced its variables."""
    shop("explain", "--guard", "shop:guard", "--", "curl", "https://x/orders", "-H", "Authorization: Bearer t0k3n")
    shop("explain", "--guard", "shop:guard", "--", "wget", "https://x/", code=2)


def test_the_views_of_an_application_count(shop: Inside) -> None:
    """Its guard is found, and what a view demands is demanded."""
    result = shop("explain", "--app", "shop:app", f"curl https://x/orders {BEARER}", code=43)
    assert 'view: needs role("admin"), beside the rule' in result.stdout


def har(*entries: tuple[str, int]) -> str:
    """A HAR file of paths and recorded answers."""
    rows = [
        {"request": {"method": "GET", "url": f"https://x{path}", "headers": []}, "response": {"status": status, "content": {}}}
        for path, status in entries
    ]
    return json.dumps({"log": {"entries": rows}})


THREE = har(("/healthz", 200), ("/orders", 401), ("/hidden", 404))


@each(
    ("options", "code", "path"),
    [
        ([], 41, "GET /orders"),
        (["--entry", "1"], 0, "GET /healthz"),
        (["--entry", "3"], 41, "GET /hidden"),
        (["--entry", "hidd"], 41, "GET /hidden"),
    ],
)
def test_an_entry_of_a_har_file(options: list[str], code: int, path: str, shop: Inside) -> None:
    """By its number, by a part of its URL, or else the first one that was refused."""
    assert f"request: {path} " in shop("explain", "--guard", "shop:guard", "-", *options, given=THREE, code=code).stdout


def test_all_entries(shop: Inside) -> None:
    """A line for each, with the exit code of the first that does not pass; in JSON an object for each."""
    given = har(("/healthz", 200), ("/orders", 401))
    lines = shop("explain", "--guard", "shop:guard", "--all", "-", given=given, code=41).stdout.splitlines()
    assert lines == ["1: pass GET /healthz", "2: 401 GET /orders missing_credentials"]
    rows = shop("explain", "--guard", "shop:guard", "--all", "--json", "-", given=given, code=41).stdout.splitlines()
    assert [(json.loads(row)["entry"], json.loads(row)["status"]) for row in rows] == [(1, None), (2, 401)]


def test_half_a_har_file(shop: Inside) -> None:
    """What stands in it is explained; then an error says that it ends in the middle."""
    result = shop("explain", "--guard", "shop:guard", "--all", "-", given=THREE[:-40], code=2)
    assert "1: pass GET /healthz" in result.stdout
    assert "it was written by half" in result.stderr
    assert "GET /orders" in shop("explain", "--guard", "shop:guard", "--entry", "2", "-", given=THREE[:-40], code=41).stdout


@each(
    ("arguments", "given", "message"),
    [
        (["curl https://x/"], "", "no guard was named"),
        (["--guard", "shop:guard", "--all", "--entry", "1", "-"], "", "exclude each other"),
        (["--guard", "shop:guard", "missing.har"], "", "the file of the request cannot be read: No such file"),
        (["--guard", "shop:guard", SECRET], "", "the file of the request cannot be read"),
        (["--guard", "shop:guard", "-"], "", "there is no request"),
        (["--guard", "shop:guard", "-"], "Invoke-WebRequest x", "this is PowerShell"),
        (["--guard", "shop:guard", "curl --frob x"], "", "option --frob is not known"),
        (["--guard", "shop:guard", "-"], har(("/a", 200), ("/b", 200)), "2 entries, of which none was refused"),
        (["--guard", "shop:guard", "--entry", "9", "-"], THREE, "no entry fits --entry: the file has 3"),
        (["--guard", "shop:guard", "-"], har(), "the file has no entries"),
        (["--guard", "shop:guard", "-"], '{"log": 7}', "no HAR file"),
    ],
)
def test_bad_input(arguments: list[str], given: str, message: str, shop: Inside) -> None:
    """It is exit code 2 and a sentence, without the input."""
    result = shop("explain", *arguments, given=given, code=2)
    assert message.lower() in result.stderr.lower()
    assert result.stdout == ""
    assert found_in(result.stderr) == []


def test_a_guard_that_cannot_be_loaded(shop: Inside) -> None:
    """As for the other commands."""
    assert shop.error("explain", "--guard", "shop:missing", "curl https://x/")[0] == "unimportable"


def test_no_secret_is_printed(shop: Inside) -> None:
    """Whatever came with the request."""
    for asked, code in (
        (f"curl https://x/orders?key={SECRET} -u ann:{SECRET} -b sid={SECRET}", 41),
        (f"curl https://ann:{SECRET}@x/orders", 41),
        (f"curl https://x/orders -H 'Authorization: {SECRET}' -H 'X-API-Key: {SECRET}' -d {SECRET}", 40),
        (f"curl https://x/orders --{SECRET} x", 2),
        (f"GET /orders\n{SECRET} {SECRET}\n", 2),
    ):
        for more in ([], ["--json"]):
            assert found_in(shop("explain", "--guard", "shop:guard", *more, "-", given=asked, code=code).output) == []


def test_in_a_process_of_its_own(shop: Inside) -> None:
    """The exit code reaches the shell."""
    done = subprocess.run([COMMAND, "explain", "--guard", "shop:guard", "curl https://x/orders"], capture_output=True, check=False)
    assert done.returncode == 41
    assert b"HTTP 401" in done.stdout
