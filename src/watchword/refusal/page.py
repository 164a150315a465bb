"""Writes the page that a person sees: readable on a phone, without script; what happened, what to do next, and one link to do it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from watchword.refusal.languages import catalogue
from watchword.refusal.style import STYLE, countdown

if TYPE_CHECKING:
    from watchword.refusal.data import Link, RefusalData

_ACTION = ' class="action"'


def page(data: RefusalData) -> str:
    """Return the page.

    Args:
        data: what to say.

    Returns:
        HTML. Everything that is not a constant of this library is escaped.
    """
    _ = catalogue(data.language).gettext
    title, counting = escape(data.title), countdown(data.wait)
    pause = f"<br>{escape(data.wait_words)}" if data.wait_words else ""
    # Not within an f-string, where no tool finds the texts that are marked.
    footer, ask = _("Error {status}").format(status=data.status), escape(_("For help: {contact}"))
    if data.request_id:
        footer += " · " + _("Reference: {id}").format(id=data.request_id)
    parts = [
        _service(data),
        f"<h1>{title}</h1>",
        f"<p>{escape(data.happened)}</p>",
        f'<p class="next">{escape(data.next_step)}{pause}</p>',
        '<p class="left" aria-hidden="true"></p>' if counting else "",
        "" if data.action is None else f"<p>{_link(data.action, _ACTION)}</p>",
        f'<p class="more">{"".join(map(_link, data.links))}</p>' if data.links else "",
        "" if data.contact is None else f"<p>{ask.replace('{contact}', _contact(data.contact))}</p>",
        f"<footer>{escape(footer)}</footer>",
    ]
    style = "".join(f"<style>{one}</style>" for one in (STYLE, counting) if one)
    name = f" - {escape(data.service)}" if data.service else ""
    return (
        "<!doctype html>\n"
        f'<html lang="{data.language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}{name}</title>{style}</head>\n<body><main>" + "\n".join(part for part in parts if part) + "</main></body></html>\n"
    )


def _service(data: RefusalData) -> str:
    logo = "" if data.logo is None else f'<img src="{escape(data.logo)}" alt="">'
    names = escape(" · ".join(name for name in (data.service, data.realm) if name))
    return f'<p class="service">{logo}{names}</p>' if logo or names else ""


def _link(link: Link, more: str = "") -> str:
    return f'<a{more} href="{escape(link.href)}">{escape(link.label)}</a>'


def _contact(contact: str) -> str:
    shown = escape(contact)
    if contact.startswith(("https://", "http://", "mailto:")):
        return f'<a href="{shown}">{shown.removeprefix("mailto:")}</a>'
    if "@" in contact and " " not in contact:
        return f'<a href="mailto:{shown}">{shown}</a>'
    return shown
