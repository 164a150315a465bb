"""An adapter stays small: what two of them would both do belongs in the core, or in a module that they share."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.support.each import noting

ADAPTERS = Path(__file__).resolve().parents[2] / "src" / "watchword" / "adapters"
OF_FRAMEWORKS = re.compile(r"(aiohttp|django|drf|fastapi|flask|litestar|quart|starlette)")
MOST_LINES, MOST_OF_FUNCTIONS = 150, 10
HOT = {"asgi.py": 240, "wsgi.py": 200}  # a call costs every request there: longer functions, and no limit for them
WHOLE = {
    ("aiohttp_requests.py", "view_of"): "one call, with an argument in each line",
    ("django/requests.py", "_view_of_scope"): "one call, with an argument in each line",
    ("django/stack.py", "find_mistakes"): "a table of mistakes, each with its condition",
}


def test_an_adapter_is_at_most_a_page_and_its_functions_ten_lines() -> None:
    """Each module for a framework has at most 150 lines, and functions of ten but for comments; ASGI and WSGI have 240 and 200."""
    modules = {path.relative_to(ADAPTERS).as_posix(): path for path in ADAPTERS.rglob("*.py")}
    adapters = {name: path for name, path in modules.items() if name in HOT or OF_FRAMEWORKS.match(name)}
    assert len(adapters) > 30
    long: set[tuple[str, str]] = set()
    for name, path in adapters.items():
        lines = path.read_text(encoding="utf-8").splitlines()
        with noting(name):
            assert len(lines) <= HOT.get(name, MOST_LINES)
        functions = [one for one in ast.walk(ast.parse("\n".join(lines))) if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))]
        long |= {(name, one.name) for one in functions if name not in HOT and _lines_of(one, lines) > MOST_OF_FUNCTIONS}
    assert long == WHOLE.keys()


def _lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    """Count the lines of the body of a function, but for its docstring, comments and empty lines."""
    body = function.body[ast.get_docstring(function) is not None :]
    if not body:
        return 0
    first = min(body[0].lineno, *(one.lineno for one in getattr(body[0], "decorator_list", ())), body[0].lineno)
    written = (line.strip() for line in lines[first - 1 : body[-1].end_lineno])
    return sum(line != "" and not line.startswith("#") for line in written)
