"""Makes untrusted text safe to print: on terminals, in XML, in Markdown and in messages of SARIF.

A server chooses much of what a report quotes. It must not control a terminal, end an XML element, or set a link in a page.
"""

from __future__ import annotations

import re
from typing import Final

_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()<>#+!|~&@:$-])")
_XML: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def printable(text: str) -> str:
    """Return a text with escapes for unprintable characters, which could control the terminal that shows it.

    Args:
        text: any text; line breaks are escaped too.
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def for_xml(text: str) -> str:
    """Return a text for an attribute or an element. XML 1.0 (§2.2) has no form for most control characters, so they are escaped.

    Args:
        text: any text.
    """
    return printable(text).translate(_XML)


def for_markdown(text: str) -> str:
    """Return a text that Markdown shows as it is: no link, no HTML, no end of a table cell.

    Args:
        text: any text.
    """
    return _MARKDOWN.sub(r"\\\1", printable(text))


def for_sarif(text: str) -> str:
    """Return a text for `message.text`: braces there are placeholders (SARIF 2.1.0 §3.11.5), and brackets begin links (§3.11.6).

    Args:
        text: any text.
    """
    return printable(text).replace("{", "{{").replace("}", "}}").replace("[", "\\[").replace("]", "\\]")


__all__ = ["for_markdown", "for_sarif", "for_xml", "printable"]
