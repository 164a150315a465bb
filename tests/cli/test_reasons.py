"""`watchword reasons`: the table of reasons for people, for programs, and as pages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.core import Recorder
from watchword import Basic, Guard, Reason, RequestView
from watchword.cli.reason_pages import END

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Inside


def test_all_reasons_are_listed(inside: Inside) -> None:
    """One line each, with its status and the code that a client sees."""
    lines = inside("reasons").output.splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(Reason)
    assert next(line for line in lines if line.startswith("wrong_secret")).split()[-1] == "invalid_credentials"


def test_a_program_gets_all_that_is_known(inside: Inside) -> None:
    """One JSON value, with the words for each kind of credentials."""
    listed = json.loads(inside("reasons", "--json").output)
    assert [row["code"] for row in listed] == list(Reason)
    one = json.loads(inside("reasons", "insufficient_scope", "--json").output)
    assert one in listed
    assert (one["status"], one["oauth error"]) == ([403], "insufficient_scope")
    assert "token" not in one["words"]["password"]["developer"]


def test_the_page_is_the_type_of_a_problem(inside: Inside) -> None:
    """What a client may look up is what the command names."""
    guard = Guard(Basic(Recorder(), realm="x"))
    view = RequestView("GET", "//x")
    problem = json.loads(guard.refuse(guard.decide(view), view).body)
    assert json.loads(inside("reasons", problem["reason"], "--json").output)["page"] == problem["type"]


def test_pages_are_written_and_what_is_below_is_kept(inside: Inside, tmp_path: Path) -> None:
    """One file for each reason and an index; a second run changes nothing, and keeps what a person wrote."""
    folder = tmp_path / "pages"
    assert inside("reasons", "--write", str(folder)).output == f"{len(Reason) + 1} pages changed in {folder}\n"
    assert {path.stem for path in folder.iterdir()} == {"index", *Reason}
    page = folder / "throttled.md"
    page.write_text(page.read_text().replace("429", "420") + "\nCall us.\n")
    assert inside("reasons", "--write", str(folder)).output.startswith("1 pages changed")
    assert "Status 429." in page.read_text()
    assert page.read_text().endswith(f"{END}\nCall us.\n")


@pytest.mark.parametrize("words", [("nonsense",), ("expired", "--write", "x"), ("--json", "--write", "x")])
def test_a_mistake_is_an_error_of_usage(inside: Inside, words: tuple[str, ...]) -> None:
    """And the message names the argument."""
    assert ("CODE" in inside("reasons", *words, code=2).stderr) is True


def test_a_folder_that_cannot_be_written_is_said(inside: Inside, tmp_path: Path) -> None:
    """With the place, and no traceback."""
    (tmp_path / "file").write_text("")
    said = inside("reasons", "--write", str(tmp_path / "file"), code=1)
    assert "Cannot write the pages into" in said.stderr
