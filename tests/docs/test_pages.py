"""Pages that list what the sources define are complete, and stay so."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest

from watchword import Guard
from watchword.cli.reason_pages import INDEX, page_of
from watchword.observe.notice import Kind
from watchword.protection import RULES
from watchword.reason import Reason
from watchword.refusal import DOCUMENTATION

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def sections(page: str) -> dict[str, str]:
    """The sections of a page whose headings are one code each, and their text."""
    text = (DOCS / page).read_text(encoding="utf-8")
    parts = re.split(r"^### `(\w+)`\n", text, flags=re.MULTILINE)
    return {
        name: re.split(r"^#", content, maxsplit=1, flags=re.MULTILINE)[0] for name, content in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_the_firewall_page_lists_every_rule_and_no_other() -> None:
    """Each rule of the firewall has a section, and each section is a rule."""
    assert list(sections("firewall.md")) == list(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_each_firewall_rule_says_why_and_when_to_switch_it_off(rule: str) -> None:
    """Each section states what the rule refuses, an example, the reason, and when to switch it off."""
    text = sections("firewall.md")[rule]
    assert RULES[rule] in text
    assert all(f"* {word}" in text for word in ("For example:", "Why:", "Switch it off"))


@pytest.mark.parametrize("name", [INDEX, *Reason])
def test_the_page_of_each_reason_is_made_of_the_table(name: str) -> None:
    """To make it again changes nothing. If this fails, run `watchword reasons --write docs/reasons`."""
    page = (DOCS / "reasons" / f"{name}.md").read_text(encoding="utf-8")
    assert page_of(name, page) == page


def test_each_reason_has_a_page_and_no_other_page_is_there() -> None:
    """The `type` of a refusal is the address of one of them."""
    assert {path.stem for path in (DOCS / "reasons").iterdir()} == {INDEX, *Reason}
    assert DOCUMENTATION.endswith("/reasons/{code}.html")


def test_the_status_table_names_every_reason() -> None:
    """The table of why-401.md names each code that a client can see."""
    page = (DOCS / "why-401.md").read_text(encoding="utf-8").partition("```python")[0]
    assert [reason for reason in Reason if reason.disclosed_as is None and f"`{reason}`" not in page] == []


@pytest.mark.parametrize(
    "module",
    [
        "watchword",
        "watchword.checkers",
        "watchword.checkers.passwords",
        "watchword.stores",
        "watchword.testing",
        "watchword.testing.stores",
    ],
)
def test_the_reference_has_every_public_name(module: str) -> None:
    """Each public name is in api.md: by itself, in a table, or with its module."""
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    # Sphinx leaves out what has no docstring that it can find: constants stand in a table.
    whole = f".. automodule:: {module}\n   :members:\n" in page
    things = {name: getattr(import_module(module), name) for name in import_module(module).__all__ if not name.startswith("_")}
    elsewhere = {name for name, thing in things.items() if whole and inspect.getdoc(thing) and hasattr(thing, "__name__")}
    named = set(re.findall(rf"\b{re.escape(module)}\.(\w+)\n", page)) | set(re.findall(r"`(\w+)`[,| ]", page))
    assert things.keys() - named - elsewhere == set()


@pytest.mark.parametrize("kind", get_args(Kind))
def test_the_reference_lists_every_kind_of_notice(kind: str) -> None:
    """The table in api.md has a row for each kind."""
    assert f"| `{kind}` |" in (DOCS / "api.md").read_text(encoding="utf-8")


def test_the_readme_has_the_two_commands() -> None:
    """The README shows the demo and the tests as one command each, and exactly these."""
    commands = re.findall(r"^```console\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert commands[:2] == ["pip install uv && uv run watchword demo\n", "pip install uv && uv run pytest\n"]


def test_the_files_that_the_readme_links_exist() -> None:
    """Sphinx does not check the README."""
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_cited_decision_has_a_row() -> None:
    """A number such as D61 in sources, tests or pages has a row in decisions/on-the-wire.md."""
    page = (DOCS / "decisions" / "on-the-wire.md").read_text(encoding="utf-8")
    sources = [*(ROOT / "src").rglob("*.py"), *DOCS.rglob("*.md"), *(ROOT / "tests").rglob("*.py")]
    cited = {number for path in sources for number in re.findall(r"\bD[1-9][0-9]?\b", path.read_text(encoding="utf-8"))}
    assert sorted(number for number in cited if f"| {number} |" not in page) == []


def test_the_table_of_options_has_every_option_of_the_guard() -> None:
    """Each option of `Guard` has one row in guard-options.md."""
    listed = re.findall(r"^\| `(\w+)` \|", (DOCS / "guard-options.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    options = [name for name in inspect.signature(Guard).parameters if name != "schemes"]
    assert sorted(listed) == sorted(options)
