"""`watchword routes`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.command import COMMAND, Inside
from watchword.routes import read_report

if TYPE_CHECKING:
    from collections.abc import Iterator

APP = """
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from watchword import Bearer, Guard, Principal, public, role
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Tokens

print("imported")
guard = Guard(Bearer(Tokens({"t": Principal("ann")}), realm="r"), rules={"/admin": RULE})

async def view(request): ...

class Space:
    routes = [Route("/admin", view), Route("/orders/{id}", view, methods=["PUT"])]
    app = Starlette(routes=routes, middleware=[Middleware(GuardMiddleware, guard=guard)])

def make():
    return GuardMiddleware(Space.app, guard)

def fail():
    raise ValueError("no settings")

app, bare, text = Space.app, Starlette(routes=Space.app.routes), "no application"
two = GuardMiddleware(GuardMiddleware(bare, guard), Guard(Bearer(Tokens({"t": Principal("ann")}), realm="r")))
"""


class Project:
    """A folder with an application, in which the command runs.

    Args:
        folder: where.
    """

    def __init__(self, folder: Path) -> None:
        self.run = Inside(folder / "unused.db")
        self.folder = folder
        self.write('role("admin")')

    def write(self, rule: str) -> None:
        """Write the application with another rule, so that it is imported anew."""
        (self.folder / "shop.py").write_text(APP.replace("RULE", rule))
        sys.modules.pop("shop", None)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A folder with an application, which is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield Project(tmp_path)
    for name in ("shop", "broken", "incomplete"):
        sys.modules.pop(name, None)


def test_a_table_for_people(project: Project) -> None:
    """The methods of a route stand in one row, those that the framework adds in brackets, and findings below."""
    result = project.run("routes", "shop:app")
    rows = [[cell.strip() for cell in line.split("  ") if cell] for line in result.stdout.splitlines()]
    assert rows[1:] == [
        ["GET (HEAD)", "/admin", 'role("admin")', "/admin", "Bearer", "shop.view"],
        ["PUT", "/orders/{id}", "authenticated", "default", "Bearer", "shop.view"],
    ]


@pytest.mark.parametrize("name", ["shop:app", "shop:Space.app", "shop:make()"])
def test_import_strings(project: Project, name: str) -> None:
    """An attribute may have dots, a factory is called, and what the modules print goes to standard error."""
    result = project.run("routes", name, "--json")
    report = read_report(json.loads(result.stdout))
    assert [row.path for row in report.routes] == ["/admin", "/admin", "/orders/{id}"]
    assert result.stderr == "imported\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nothing:app"], "unimportable", "There is no module 'nothing' in "),
        (["shop"], "unimportable", "not a settings module of Django. Write module:attribute"),
        (["shop.py:app"], "unimportable", "Write the module that it holds, without .py: 'shop:app'"),
        (["shop:nothing"], "unimportable", "module 'shop' has no attribute 'nothing'"),
        (["shop:"], "unimportable", "module 'shop' has no attribute ''"),
        ([":app"], "unimportable", "':app' is not an import string"),
        (["shop:fail()"], "unimportable", "'shop:fail()' failed: ValueError: no settings"),
        (["broken:app"], "unimportable", "Importing 'broken' failed: ZeroDivisionError: division by zero"),
        (
            ["incomplete:app"],
            "unimportable",
            "Importing 'incomplete' failed: there is no module 'not_there'. Install what",
        ),
        (["shop:bare"], "no_guard", "The application shows no guard. Pass --guard module:attribute"),
        (["shop:two"], "no_guard", "The application shows 2 guards"),
        (["shop:app", "--guard", "shop:app"], "no_guard", "'shop:app' must be a Guard, got Starlette"),
        (["shop:app", "--guard", "shop"], "unimportable", "'shop' names no guard"),
        (["shop:text", "--guard", "shop:guard"], "invalid", "The routes of builtins.str are not known"),
        (["shop:app", "--baseline", "nothing.json"], "unreadable", "'nothing.json' cannot be read: No such file"),
        (["shop:app", "--baseline", "shop.py"], "unreadable", "'shop.py' holds no JSON"),
        (["shop:app", "--baseline", "other.json"], "invalid", "Not a report of `watchword routes`"),
        (["shop:app", "--write-baseline", "no/folder.json"], "output", "'no/folder.json' cannot be written"),
    ],
)
def test_errors(project: Project, arguments: list[str], code: str, words: str) -> None:
    """Each mistake is named with what to write instead."""
    (project.folder / "broken.py").write_text("1 / 0")
    (project.folder / "incomplete.py").write_text("import not_there")
    (project.folder / "other.json").write_text("{}")
    result = project.run("routes", *arguments, "--json", code=1)
    error = json.loads(result.stderr.splitlines()[-1])
    assert error["code"] == code
    assert words in error["error"]


def test_the_guard_may_be_named(project: Project) -> None:
    """Where the application does not show its guard, or several, an option names it."""
    for name in ("shop:bare", "shop:two"):
        assert project.run("routes", name, "--guard", "shop:guard").exit_code == 0


def test_a_baseline(project: Project) -> None:
    """An exit code of its own says that protection got weaker, and in words what a change has made public."""
    project.run("routes", "shop:app", "--write-baseline", "routes.json")
    project.run("routes", "shop:app", "--baseline", "routes.json")
    project.write("public")
    result = project.run("routes", "shop:app", "--baseline", "routes.json", code=4)
    assert "this change made GET /admin public\n" in result.stderr
    assert 'weaker  GET /admin   role("admin")  public' in result.stdout
    changes = json.loads(project.run("routes", "shop:app", "--baseline", "routes.json", "--json", code=4).stdout)["changes"]
    assert changes[0] == {"effect": "weaker", "subject": "GET /admin", "before": 'role("admin")', "after": "public"}
    # The new report is the baseline from now on: the change is accepted.
    project.run("routes", "shop:app", "--baseline", "routes.json", "--write-baseline", "routes.json", code=4)
    assert project.run("routes", "shop:app", "--baseline", "routes.json").exit_code == 0


def test_the_output_in_json_is_a_baseline(project: Project) -> None:
    """A report that was redirected to a file serves as well as one that was written."""
    Path("routes.json").write_text(project.run("routes", "shop:app", "--json").stdout)
    project.write('role("admin") & role("boss")')
    report: dict[str, Any] = json.loads(project.run("routes", "shop:app", "--baseline", "routes.json", "--json").stdout)
    assert {change["effect"] for change in report["changes"]} == {"stronger"}


def test_findings_decide_the_exit_code(project: Project) -> None:
    """By default only grave ones do; a code may be left out, and one that was mistyped is an error."""
    project.write("public")
    assert project.run("routes", "shop:app").exit_code == 0
    project.run("routes", "shop:app", "--fail-on", "low", code=1)
    project.run("routes", "shop:app", "--fail-on", "low", "--ignore", "public")
    project.run("routes", "shop:app", "--ignore", "publc", code=2)
    (project.folder / "shop.py").write_text(APP.replace("RULE", "public").replace('"/admin": ', '"/admn": role("a"), "/admin": '))
    sys.modules.pop("shop", None)
    report = json.loads(project.run("routes", "shop:app", "--json", code=1).stdout)
    assert report["findings"][0]["code"] == "rule_without_route"


def test_the_installed_command_imports_from_the_current_folder(project: Project) -> None:
    """As servers do, which the folder of the command is not."""
    done = subprocess.run([COMMAND, "routes", "shop:app", "--json"], cwd=project.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["schemes"] == ["Bearer"]


@pytest.mark.parametrize("command", [["routes"], ["check", "--guard"]], ids=lambda command: command[0])
@pytest.mark.parametrize(
    ("code", "name"),
    [("sys.exit(0)", "guard"), ("def make(): sys.exit(0)", "make()"), ("def __getattr__(name): sys.exit(0)", "guard")],
    ids=["import", "factory", "attribute"],
)
def test_an_application_that_ends_the_program(command: list[str], code: str, name: str, tmp_path: Path) -> None:
    """Its status is not that of the command: a check in CI would pass without a look at anything."""
    (tmp_path / "ending.py").write_text(f"import sys\n{code}\n")
    done = subprocess.run([COMMAND, *command, f"ending:{name}"], cwd=tmp_path, capture_output=True, input="", text=True, check=False)
    assert done.returncode == 1
    assert "ended the program with 0" in done.stderr
    assert "Traceback" not in done.stderr
