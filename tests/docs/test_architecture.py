"""The page on architecture lists the parts that there are, and says where each kind of part goes."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "watchword"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def rows_of(part: str) -> set[str]:
    """Return what stands in the first column of the tables of a part of the page, without `/` and `.py`."""
    first = re.findall(r"^\| (`[^|]+) \|", part, re.MULTILINE)
    return {name.removesuffix(".py").strip("/") for cell in first for name in re.findall(r"`([^`]+)`", cell)}


def test_the_page_lists_every_module_of_the_guard() -> None:
    """Each module stands in the table once it is there, and no longer than that."""
    table = PAGE.partition("In `guard/`:")[2].partition("## Where")[0]
    modules = {path.stem for path in (SOURCE / "guard").glob("*.py")} - {"__init__"}
    assert rows_of(table) == modules


def test_the_page_lists_every_package() -> None:
    """Each folder, and each module beside them that is named there."""
    table = PAGE.partition("## Modules")[2].partition("In `guard/`:")[0]
    named = rows_of(table)
    packages = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    modules = {path.stem for path in SOURCE.glob("*.py")}
    assert packages <= named, sorted(packages - named)
    inner = {name for name in named if "/" in name and ((SOURCE / name).is_dir() or (SOURCE / f"{name}.py").is_file())}
    assert named <= packages | modules | inner, sorted(named - packages - modules - inner)


def test_the_page_shows_the_way_of_a_request_and_where_each_kind_of_part_goes() -> None:
    """A picture, and a section for a scheme, a checker, an adapter, a store and a sink."""
    picture = PAGE.partition("## The way of a request")[2].partition("## Modules")[0]
    for word in ("server", "RequestView", "fast path", "exchange", "Pass", "Respond", "Imitate"):
        assert word in picture
    headings = re.findall(r"^### A[n]? (.*)$", PAGE.partition("## Where do I put")[2], re.MULTILINE)
    assert {"scheme", "checker", "adapter", "store", "sink"} <= set(headings)
