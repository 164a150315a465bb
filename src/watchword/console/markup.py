"""Builds HTML and SVG of which every value is escaped: only functions of this module make `Markup`, and all else is text.

User names, labels, paths and reasons come from clients. A text is escaped wherever it stands, so a page cannot forget to do it.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import quote

from watchword.findings.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

_VOID: Final = frozenset({"br", "input", "meta"})
# Scripts and styles by attribute: the policy of the pages forbids them, and an attribute is where escaping does not help.
_NEVER: Final = ("on", "style", "srcdoc")


class Markup:
    """A piece of HTML or SVG, well formed and escaped. Only functions of this module make one.

    Args:
        html: the piece.
    """

    __slots__ = ("html",)

    def __init__(self, html: str) -> None:
        self.html: str = html

    def __repr__(self) -> str:
        return f"Markup({self.html!r})"


Child: TypeAlias = "Markup | str | int | Iterable[Child] | None"
"""What an element may hold: markup as it is, text and numbers escaped, None as nothing, and several of these."""

Attribute: TypeAlias = "str | int | bool | Link | None"
"""The value of an attribute: None and False leave it out, True states its name alone."""


class Link(str):
    """A path below the mount of the console, for `href` and `action`. `link` makes it: no other text is an address."""

    __slots__ = ()


def link(base: str, path: str, **query: str) -> Link:
    """Return the address of a page of the console.

    Args:
        base: the mount, percent-encoded.
        path: of the page, a constant.
        query: the parameters; each is percent-encoded. Those that are empty are left out.
    """
    pairs = "&".join(f"{name}={quote(value, safe='', errors='replace')}" for name, value in query.items() if value)
    return Link(f"{base}{path}?{pairs}" if pairs else f"{base}{path}")


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """Return an element.

    Args:
        name: of the element, a constant.
        children: its content.
        attributes: by name, where a closing underscore is dropped, and others stand for hyphens: `class_="x"`, `aria_label="x"`.

    Raises:
        ValueError: an attribute would run a script or hold a style, or an address was not made by `link`.
    """
    written = "".join(_attribute(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{_html(children)}</{name}>")


def join(*children: Child) -> Markup:
    """Return several pieces, one after the other."""
    return Markup(_html(children))


def _attribute(name: str, value: Attribute) -> str:
    if name.startswith(_NEVER):
        raise ValueError(f"the attribute {name} would run a script or hold a style. Leave it out.")
    if name in {"href", "action", "src"} and not isinstance(value, Link):
        raise ValueError(f"the attribute {name} must be made by link(), got {value!r}.")
    if value is None or value is False:
        return ""
    if value is True:
        return f" {name}"
    # What a form sends back is not shown, and must be the very text: its escape may be the name of another account.
    return f' {name}="{escape(str(value) if name == "value" else printable(str(value)))}"'


def _html(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child.html
    if isinstance(child, (str, int)):
        # What cannot be printed is shown as its escape: marks of direction would make one name look like another.
        return escape(printable(str(child)))
    return "".join(map(_html, child))


__all__ = ["Attribute", "Child", "Link", "Markup", "join", "link", "tag"]
