"""Sphinx builds the pages of this folder: `uv run --group docs sphinx-build -W docs docs/_build/html`."""

from __future__ import annotations

from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "watchword"
author = "The watchword authors"
project_copyright = f"2026, {author}"
version = release = installed_version("watchword")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_extra_path = ["cure.schema.json"]  # served under its `$id`
html_theme = "furo"
html_title = f"watchword {release}"

# Each heading down to the third level can be linked to, as in `page.md#heading`. A link that leads nowhere is a warning: an error with -W.
myst_heading_anchors = 3
nitpicky = True
# Signatures name types of the standard library and of modules that the reference does not show: they are text, not links.
nitpick_ignore_regex = [("py:.*", ".*")]

autodoc_member_order = "groupwise"
autodoc_typehints_format = "short"


def keep_colons(_app: Sphinx, what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Keep the docstring of an attribute as it is: what stands before its first colon is no type, as Google's style would have it."""
    if what in {"attribute", "property"}:
        lines[:0] = ["..", ""]  # an empty comment: the first line then has no colon


def setup(app: Sphinx) -> None:
    """Register what stands above, before the extension that reads Google's style."""
    app.connect("autodoc-process-docstring", keep_colons, priority=400)
