"""Writes the body of a refusal for its reader: a problem document, a page, or text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.reasons import REASONS
from watchword.refusal.prepared import HTML, JSON, MARKDOWN, PATH, PLAIN, PROBLEM, Text
from watchword.target import escape_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.reason import Reason
    from watchword.refusal.appearance import Page
    from watchword.refusal.cure import Remedy
    from watchword.refusal.data import RefusalData, Told
    from watchword.request import RequestView

_VARY: Final = ("Vary", "Accept, Accept-Language")


class Bodies:
    """The bodies of one guard.

    Args:
        documentation: the address of the page of a reason, with `{code}` in it.
        contact: whom to ask; None: no one is named.
        page: the application's part of the page; None: it has none.
    """

    __slots__ = ("_contact", "_documentation", "page")

    def __init__(self, documentation: str, contact: str | None, page: Page | None) -> None:
        self._documentation = documentation
        self._contact = contact
        self.page: Page | None = page

    def data(self, told: Told, request_id: str, here: str) -> RefusalData:
        """Return what a visitor is told.

        Args:
            told: about the decision.
            request_id: by which the operator finds the log entry; empty: it is not told.
            here: the path of the request, percent-encoded.
        """
        from watchword.refusal.appearance import Page  # with the first refusal
        from watchword.refusal.data import refusal_data

        return refusal_data(told, self.page or Page(), contact=self._contact, request_id=request_id, here=here)

    def by_template(self, told: Told, request_id: str, view: RequestView) -> Text | None:
        """Return the page of the application, for one request alone; None: its template has failed, which is logged.

        Args:
            told: about the decision.
            request_id: by which the operator finds the log entry.
            view: the request.
        """
        page = self.page
        if page is None or page.template is None:
            return None
        try:
            html: object = page.template(self.data(told, request_id, path_of(view)))
            if not isinstance(html, str):
                raise TypeError(f"it returned {type(html).__name__}, and no str")  # noqa: TRY301 - as what it raises itself
            html.encode()
        except Exception as error:  # noqa: BLE001 - the refusal stands, whatever fails in its page
            from watchword.observe.log import log_failure

            log_failure("the template of refusals failed", error)
            return None
        return Text("text/html; charset=utf-8", html, None, *_negotiated(told.language), ("Content-Security-Policy", page.policy))

    def text(self, kind: str, told: Told, reference: str, cure: tuple[Remedy, ...] = ()) -> Text:
        """Return a body that is the same for all requests but for the id and the path.

        Args:
            kind: of body.
            told: about the decision.
            reference: `HERE`, or empty: the request id is not told.
            cure: what a program can do.
        """
        escape = _ESCAPES.get(kind, _as_it_is) if reference else None
        if kind == PLAIN:
            return Text("text/plain; charset=utf-8", "Not Found")
        data, negotiated = self.data(told, reference, PATH), _negotiated(told.language)
        if kind in {PROBLEM, JSON}:
            return Text(PROBLEM, self._problem(told, data, cure), escape, *negotiated)
        if kind == MARKDOWN:
            return Text("text/markdown; charset=utf-8", self._markdown(told, reference, cure), escape, *negotiated)
        if kind == HTML:
            from watchword.refusal.page import page  # a page is written for people alone
            from watchword.refusal.style import STYLE, countdown, policy

            styles = [style for style in (STYLE, countdown(told.wait)) if style]
            security = policy(*styles, images="" if self.page is None else self.page.image_source)
            path = path_of if data.action is not None and PATH in data.action.href else None
            more = (*negotiated, ("Content-Security-Policy", security))
            return Text("text/html; charset=utf-8", page(data), escape, *more, path=path)
        lines = [f"{told.status} {data.title}", "", data.happened, data.next_step, *_more(data)]
        return Text("text/plain; charset=utf-8", "\n".join(lines) + "\n", escape, *negotiated)

    def _type_of(self, reason: Reason) -> str:
        return self._documentation.replace("{code}", reason.value)

    def _markdown(self, told: Told, reference: str, cure: tuple[Remedy, ...]) -> str:
        from watchword.refusal.markdown import markdown

        words = REASONS[told.reason].words_for(told.secret)
        return markdown(told.status, words, cure, type_=self._type_of(told.reason), reason=told.reason.value, request_id=reference)

    def _problem(self, told: Told, data: RefusalData, cure: tuple[Remedy, ...]) -> str:
        from json import dumps

        problem = {
            "type": self._type_of(told.reason),
            "title": data.title,
            "status": told.status,
            "detail": REASONS[told.reason].words_for(told.secret).developer,
            "reason": told.reason.value,
            "cure": {"alternatives": [one.members() for one in cure]},
        }
        if data.request_id:
            problem["request_id"] = data.request_id
        return dumps(problem, ensure_ascii=False) + "\n"


def path_of(view: RequestView) -> str:
    """Return the path of a request as a value in a query. It begins with one slash: two, or a backslash, would begin the name of a host.

    Args:
        view: the request. Its query, which may hold a secret, is left out.
    """
    from urllib.parse import quote  # as `escape_path` does

    path = escape_path("/" + (view.mount + view.path).lstrip("/\\"))
    return quote(path, safe="")


def _more(data: RefusalData) -> list[str]:
    from watchword.refusal.languages import catalogue

    _ = catalogue(data.language).gettext
    more = [data.wait_words] if data.wait_words else []
    more += [_("For help: {contact}").format(contact=data.contact)] if data.contact else []
    return more + ([_("Reference: {id}").format(id=data.request_id)] if data.request_id else [])


def _negotiated(language: str) -> tuple[tuple[str, str], ...]:
    return _VARY, ("Content-Language", language)


def _as_it_is(text: str) -> str:
    return text


def _in_html(text: str) -> str:
    from html import escape

    return escape(text)


def _in_markdown(text: str) -> str:
    from watchword.refusal.markdown import for_markdown

    return for_markdown(text)


def _in_json(text: str) -> str:
    from json import dumps

    return dumps(text, ensure_ascii=False)[1:-1]


_ESCAPES: dict[str, Callable[[str], str]] = {PROBLEM: _in_json, JSON: _in_json, HTML: _in_html, MARKDOWN: _in_markdown}


__all__ = ["Bodies", "path_of"]
