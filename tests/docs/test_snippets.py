"""README.md and the pages of docs/ are tests: every ```python block runs, one page in one namespace.

A page is one test, so that its blocks run in order whatever shuffles or spreads the tests. What a block needs and a reader need not
see (a file, a small app) stands before it in a comment that is not shown: `<!-- invisible-code-block: python`, the code, `-->`.
"""

from __future__ import annotations

import re
import sys
import traceback
from pathlib import Path
from types import ModuleType

import pytest
from sybil import Document
from sybil.parsers.markdown import PythonCodeBlockParser

from tests.support.each import each

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

# Looked for in another way than sybil does it, so that no block is passed over because of how its fence is written.
PYTHON_FENCE = re.compile(r"^[ \t>*+.)\d-]*(?:`{3,}|~{3,})[ \t]*(?:\{code-block\}[ \t]*|\{)?(?:py|python|python3|pycon)\b", re.MULTILINE)


def parse(page: Path) -> Document:
    """The Python blocks of a page, in order, the ones that are not shown too."""
    return Document.parse(str(page), PythonCodeBlockParser())


def run(page: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs a page's blocks as one module; a failure says in which block, and in which line of the page, it happened."""
    module = ModuleType("snippets")
    module.__file__ = str(page)
    monkeypatch.setitem(sys.modules, module.__name__, module)  # Django, Flask and dataclasses look their module up
    document = parse(page)
    document.namespace = vars(module)
    for example in document:
        failure = None
        try:
            example.evaluate()
        except Exception as error:  # noqa: BLE001 (whatever a snippet raises is its failure)
            lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(page)]
            what = f"{name}:{lines[-1] if lines else example.line}: in the block at line {example.line}: {type(error).__name__}: {error}"
            failure = f"{what}\n\n{traceback.format_exc()}"
        if failure:
            pytest.fail(failure, pytrace=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_snippet_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Python block of a page runs."""
    monkeypatch.chdir(tmp_path)
    run(page, page.relative_to(ROOT).as_posix(), monkeypatch)


@each("page", PAGES)
def test_every_python_fence_is_run(page: Path) -> None:
    """A fence that names Python in any way is written as ```python, so that sybil runs it."""
    text = page.read_text(encoding="utf-8")
    run_lines = [example.line for example in parse(page) if not text.startswith("<!--", example.start)]
    seen_lines = [text.count("\n", 0, fence.start()) + 1 for fence in PYTHON_FENCE.finditer(text)]
    assert seen_lines == run_lines, "write these fences as ```python"


def test_a_failing_snippet_is_reported_with_file_and_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The failure names the page and the line."""
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n```python\none = 1\n```\n\n```python\nassert one == 1\nassert one == 2\n```\n", encoding="utf-8")
    with pytest.raises(pytest.fail.Exception, match=r"^page\.md:9: in the block at line 7: AssertionError"):
        run(page, "page.md", monkeypatch)


@pytest.mark.parametrize("fence", ["```py", "~~~~ python title", "``` python3", "> ```pycon", "```{code-block} python"])
def test_other_spellings_of_a_python_fence_are_found(fence: str) -> None:
    """The second search finds fences that sybil does not run."""
    assert PYTHON_FENCE.search(f"text\n\n{fence}\ncode\n")
