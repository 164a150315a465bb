"""Makes forms, and reads what people type into them."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import TYPE_CHECKING, Final

from watchword.cache import Bounded
from watchword.console.layout import page
from watchword.console.markup import Child, Markup, link, tag
from watchword.console.messages import BadRequest
from watchword.locking import ProcessLock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.console.messages import Asked, Response

_KEPT: Final = 10_000  # forms that were sent; each takes some 100 octets
_LONGEST_MARK: Final = 64
_MOST_DAYS: Final = 3650
DAY: Final = 86_400


class SentForms:
    """Remembers which forms were sent to this process, so that one that is sent again by mistake does not act twice."""

    def __init__(self) -> None:
        self._sent: Bounded[str, bool] = Bounded(_KEPT)
        self._lock = ProcessLock()

    def take(self, asked: Asked) -> None:
        """Note a form.

        Args:
            asked: the request.

        Raises:
            BadRequest: it was sent before, or does not come from a page.
        """
        mark = asked.form.get("once", "")
        if not 0 < len(mark) <= _LONGEST_MARK:
            raise BadRequest("The form is not whole. Send it from the page of the console.")
        with self._lock:
            if self._sent.get(mark):
                raise BadRequest("This form was sent before. Go back, and look at what it has done.", 409)
            self._sent.keep(mark, True)  # noqa: FBT003 - the value of the table


def form(asked: Asked, path: str, button: str, *children: Child, row: bool = False, **hidden: str) -> Markup:
    """Return a form that changes something.

    Args:
        asked: the request for the page.
        path: where it is sent.
        button: what the button says.
        children: the fields.
        row: whether it is one of several in a row of a table.
        hidden: fields that are not shown.
    """
    mark = {"once": token_urlsafe(16), **hidden}
    fields = [tag("input", type="hidden", name=name, value=value) for name, value in mark.items()]
    action = link(asked.base, path)
    return tag("form", fields, children, tag("button", button), method="post", action=action, class_="row" if row else None)


def text_field(name: str, label: str, *, required: bool = False, value: str = "") -> Markup:
    """Return a field for a line of text, with its label.

    Args:
        name: of the field.
        label: what to type.
        required: whether it must not be empty.
        value: what stands in it.
    """
    typed = tag("input", type="text", name=name, value=value, required=required, maxlength=1000, autocomplete="off", spellcheck="false")
    return tag("label", label, typed)


def grant_fields() -> list[Markup]:
    """Return the fields for roles, scopes and permissions."""
    return [text_field(name, f"{name.capitalize()}, separated by spaces") for name in ("roles", "scopes", "permissions")]


def grants_of(asked: Asked) -> dict[str, list[str]]:
    """Return what was typed into `grant_fields`.

    Args:
        asked: the request.
    """
    return {name: asked.form.get(name, "").split() for name in ("roles", "scopes", "permissions")}


def days_field(days: int, label: str = "Days") -> Markup:
    """Return the field for a number of days.

    Args:
        days: what stands in it.
        label: what they are.
    """
    number = tag("input", type="number", name="days", value=days, min=1, max=_MOST_DAYS, required=True)
    return tag("label", label, number)


def days_of(fields: Mapping[str, str]) -> int:
    """Return the number of days that was typed.

    Args:
        fields: of the form or the query.

    Raises:
        BadRequest: it is no number from 1 to 3650.
    """
    text = fields.get("days", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 5 and 1 <= int(text) <= _MOST_DAYS):  # noqa: PLR2004 - digits of the greatest
        raise BadRequest(f"The number of days must be a whole number from 1 to {_MOST_DAYS}. Correct it.")
    return int(text)


def search_form(asked: Asked, path: str, name: str, label: str) -> Markup:
    """Return a form that looks something up.

    Args:
        asked: the request.
        path: of the page that shows it.
        name: of the field.
        label: what to type.
    """
    field = text_field(name, label, value=asked.query.get(name, ""))
    return tag("form", field, tag("button", "Look up"), method="get", action=link(asked.base, path))


def secret_page(asked: Asked, path: str, title: str, *, what: str, secret: str, whose: str) -> Response:
    """Return the page that shows a new secret, the only time.

    Args:
        asked: the request.
        path: of the list that it belongs to.
        title: the heading.
        what: the kind of secret.
        secret: the secret.
        whose: the id of its owner.
    """
    note = tag("p", f"The {what} of ", tag("code", whose), ". Copy it now: it is not kept, and cannot be shown again.")
    shown = tag("p", tag("code", secret, id="secret"))
    return page(
        asked, path, title, tag("div", note, shown, class_="note"), tag("p", tag("a", "Back to the list", href=link(asked.base, path)))
    )


__all__ = ["DAY", "SentForms", "days_field", "days_of", "form", "grant_fields", "grants_of", "search_form", "secret_page", "text_field"]
