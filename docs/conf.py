"""Sphinx builds the pages of this folder: `uv run --group docs sphinx-build -W docs docs/_build/html`."""

from importlib.metadata import version as installed_version

project = "watchword"
author = "The watchword authors"
project_copyright = f"2026, {author}"
version = release = installed_version("watchword")

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"watchword {release}"

# Each heading down to the third level can be linked to, as in `page.md#heading`. A link that leads nowhere is a warning: an error with -W.
myst_heading_anchors = 3
nitpicky = True
