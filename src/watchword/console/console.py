"""The console: which pages there are, what each needs, and what a request gets. It knows no server."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from watchword.authorization import permission, where
from watchword.authorization.requirement import Requirement
from watchword.authorization.worlds import admits_anonymous
from watchword.checkers import Accounts, APIKeys, OpaqueTokens
from watchword.console.accounts import AccountPages
from watchword.console.assets import HEADERS
from watchword.console.changes import changing
from watchword.console.coverage import Coverage
from watchword.console.forms import SentForms
from watchword.console.issued import KEYS, TOKENS, IssuedPages
from watchword.console.layout import page
from watchword.console.markup import link, tag
from watchword.console.messages import MAX_FORM, MAX_QUERY, Answer, Asked, BadRequest, Response, read_fields
from watchword.console.observed import Observed
from watchword.console.overview import Overview
from watchword.console.permissions import AUDIT_READ, PERMISSIONS, VIEW
from watchword.console.refusals import Refusals
from watchword.console.trail import Trail
from watchword.decision import Decided
from watchword.errors import AlreadyExists, ConfigurationError, NotFound, Unavailable
from watchword.guard import Guard
from watchword.guard.cross_site import find_cross_site
from watchword.signals import Signals
from watchword.target import escape_path
from watchword.validators import check_methods, check_type, invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from watchword.adapters.asgi import ASGIApp
    from watchword.adapters.wsgi import WSGIApp
    from watchword.clock import Clock
    from watchword.guard.exchange import Exchange
    from watchword.request import RequestView
    from watchword.routes.report import RouteReport
    from watchword.stores.ports import AuditStore

EVENTS: Final = "/events"
"""The path of the stream of events, where the interface has one."""


class Page(NamedTuple):
    """One page, or one change.

    Args:
        answer: makes the answer.
        needed: the name of the permission that it needs.
        requirement: what it needs, of the caller and of the request.
    """

    answer: Answer
    needed: str
    requirement: Requirement


class Console:
    """Shows what guards decide. It serves nothing until it is mounted, and then through a guard of its own.

    Every request passes the rules of that guard, and needs the permission of its page beside them. A change is a POST by a page of the
    console itself, whatever the credentials.

    Args:
        guard: decides who may see the console. Its rules are compared with paths below the mount of the console: best it has none.
        observed: the sink of the guards whose decisions are shown, `Guard(..., on_event=observed)`.
        signals: the sink of the same guards that watches for attacks and faults, `Guard(..., on_event=[observed, signals])`. None: no
            signals are shown.
        routes: reports the routes of the application, such as `lambda: guard.check_routes(app)`; called for each look at them. None:
            none are shown.
        accounts: the accounts to look at and to change; None: none are shown.
        keys: the keys to look at, to issue and to revoke; None: none are shown.
        tokens: the tokens to look at, to issue and to revoke; None: none are shown.
        audit: the store whose audit trail is shown, the one that the others use; None: none is shown.
        requirements: what each permission means, by its name, such as `{"watchword:console": role("admin")}`. One that is not named
            needs the permission with that name.

    Raises:
        ConfigurationError: the guard would let anonymous callers, or pages of other origins, use the console. Or an argument is wrong.

    Trust: who has a permission that ends in `:write` can act as anybody.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        observed: Observed,
        signals: Signals | None = None,
        routes: Callable[[], RouteReport] | None = None,
        accounts: Accounts | None = None,
        keys: APIKeys | None = None,
        tokens: OpaqueTokens | None = None,
        audit: AuditStore | None = None,
        requirements: Mapping[str, Requirement] | None = None,
    ) -> None:
        self.guard: Guard = check_type("Console(guard)", guard, Guard, 'Guard(Basic(checker, realm="console"))', secret=True)
        self.observed: Observed = check_type("Console(observed=...)", observed, Observed, "Observed()")
        if signals is not None:
            check_type("Console(signals=...)", signals, Signals, "Signals()")
        if routes is not None and not callable(routes):
            raise invalid("Console(routes=...)", "be a function that returns a report", routes, "Write lambda: guard.check_routes(app).")
        self._requirements = _requirements(requirements or {})
        clock = guard.policy.clock
        self._pages: dict[tuple[str, str], Page] = {}
        self._add("GET", "/", VIEW, Overview(observed, clock, signals))
        self._add("GET", "/refusals", VIEW, Refusals(observed))
        self._add("GET", "/routes", VIEW, Coverage(observed, routes))
        self._add("GET", EVENTS, VIEW, _no_stream)
        for each in _managing(accounts, keys, tokens, clock):
            self._add(*each)
        if audit is not None:
            check_methods("Console(audit=...)", audit, "be a store with an audit trail", "list_audit")
            self._add("GET", "/audit", AUDIT_READ, Trail(audit, clock))
        for method, path in self._pages:
            self._check_closed(method, path)
        self._paths = frozenset(path for _, path in self._pages)

    def asgi(self, *, mount: str | None = None) -> ASGIApp:
        """Return the console as an ASGI application, with its guard.

        Args:
            mount: the prefix under which it is served; None: the `root_path` that the server or the router around it states.
        """
        from watchword.console.asgi import mounted  # with the interface that is used

        return mounted(self, mount)

    def wsgi(self, *, mount: str | None = None) -> WSGIApp:
        """Return the console as a WSGI application, with its guard.

        Args:
            mount: the prefix under which it is served; None: the `SCRIPT_NAME` that the server or the router around it states.
        """
        from watchword.console.wsgi import mounted

        return mounted(self, mount)

    def find(self, exchange: Exchange) -> Page | Response:
        """Return what a request asks for, or the answer if there is no such page.

        Args:
            exchange: of the request, which the guard of this console has let in.

        Raises:
            RuntimeError: another guard has, or none.
        """
        if exchange.guard is not self.guard or not exchange.decision.granted:
            raise RuntimeError("the console serves what its own guard lets in alone. Mount console.asgi() or console.wsgi().")
        method, path = exchange.view.method, exchange.view.path or "/"
        found = self._pages.get(("GET" if method == "HEAD" else method, path))
        if found is not None:
            return found
        others = sorted({other for other, at in self._pages if at == path})
        if not others:
            return _error(self.asked(exchange), 404, "There is no such page.")
        allowed = ", ".join([*others, "HEAD"] if "GET" in others else others)
        return _error(self.asked(exchange), 405, "This page is not for that method.", (("Allow", allowed),))

    def asked(self, exchange: Exchange, *, polls: bool = False) -> Asked:
        """Return the request for a page, without its query and form.

        Args:
            exchange: of the request, which was let in.
            polls: whether the interface has no stream of events.
        """
        may = frozenset(name for name, requirement in self._requirements.items() if self._holds(exchange, requirement))
        # One slash: an address that begins with two names another host, and a router may have taken the mount from the request.
        mount = escape_path(exchange.view.mount).decode().lstrip("/") if exchange.view.mount else ""
        base = f"/{mount}" if mount else ""
        return Asked(base=base, principal=exchange.principal, may=may, polls=polls, pages=self._paths)

    def answer(self, one: Page, asked: Asked, query: bytes, form: bytes = b"") -> Response:
        """Answer a request whose caller may make it. This may block, for a store.

        Args:
            one: the page.
            asked: the request.
            query: the query, untrusted.
            form: the content of a POST, untrusted.
        """
        try:
            return one.answer(replace(asked, query=read_fields(query, MAX_QUERY), form=read_fields(form, MAX_FORM)))
        except BadRequest as error:
            return _error(asked, error.status, str(error))
        except NotFound as error:
            return _error(asked, 404, str(error))
        except AlreadyExists as error:
            return _error(asked, 409, str(error))
        except ConfigurationError as error:  # what was typed is wrong; the message says how to write it
            return _error(asked, 400, str(error))
        except Unavailable as error:
            # Why is for the log: it may hold the address of a database.
            return _error(asked, 503, "The store does not answer. Try again in a moment.", (("Retry-After", str(error.retry_after or 5)),))

    def refuse_form(self, asked: Asked, view: RequestView, content: bytes | None) -> Response | None:
        """Return why a POST is not read; None: it is.

        Args:
            asked: the request.
            view: the same, as the guard sees it.
            content: its content, up to one octet beyond `MAX_FORM`; None: its end is not known, or did not come.
        """
        if not view.is_form:
            return _error(asked, 415, "Send the form from the page of the console.")
        if content is None:
            return _error(asked, 400, "The form did not come to its end. Send it again.")
        return _error(asked, 413, "The form is too long. Send less.") if len(content) > MAX_FORM else None

    def _add(self, method: str, path: str, needed: str, answer: Answer) -> None:
        requirement = self._requirements[needed]
        # One object for each page, so that the guard combines it with its rules once.
        is_change = method != "GET"
        self._pages[method, path] = Page(
            changing(answer) if is_change else answer, needed, requirement & _OWN_PAGE if is_change else requirement
        )

    def _holds(self, exchange: Exchange, requirement: Requirement) -> bool:
        # Not `exchange.authorize`: what is not offered is no refusal, and leaves no event.
        begun = self.guard.start_authorize(exchange.decision, exchange.view, requirement)
        return isinstance(begun, Decided) and begun.granted

    def _check_closed(self, method: str, path: str) -> None:
        route = self.guard.policy.rules.find(method, path)
        if admits_anonymous(route.requirement) is not False:
            raise ConfigurationError(
                f"Console(guard) must ask every caller to log in, and its rule {route.text!r} for {method} {path} lets anonymous "
                f"callers in: {route.demand}. Give the console a guard of its own, without rules: Guard(Basic(checker, realm='console'))."
            )


def _managing(
    accounts: Accounts | None, keys: APIKeys | None, tokens: OpaqueTokens | None, clock: Clock
) -> Iterator[tuple[str, str, str, Answer]]:
    sent = SentForms()
    if accounts is not None:
        check_type("Console(accounts=...)", accounts, Accounts, "Accounts(store)")
        yield from AccountPages(accounts, clock, sent).pages()
    if keys is not None:
        check_type("Console(keys=...)", keys, APIKeys, "APIKeys(store)")
        yield from IssuedPages(keys, KEYS, clock, sent).pages()
    if tokens is not None:
        check_type("Console(tokens=...)", tokens, OpaqueTokens, "OpaqueTokens(store)")
        yield from IssuedPages(tokens, TOKENS, clock, sent).pages()


def _requirements(given: Mapping[str, Requirement]) -> dict[str, Requirement]:
    unknown = sorted(set(given) - set(PERMISSIONS))
    if unknown:
        raise invalid("Console(requirements=...)", f"name permissions among {', '.join(PERMISSIONS)}", unknown[0])
    meant = {name: given.get(name, permission(name)) for name in PERMISSIONS}
    for name, requirement in meant.items():
        if not isinstance(requirement, Requirement):
            raise invalid("Console(requirements=...)", f"have a requirement for {name}", requirement, 'Write role("admin").')
        if admits_anonymous(requirement) is not False:
            message = f'Console(requirements=...) lets anonymous callers have {name}: {requirement}. Write role("admin").'
            raise ConfigurationError(message)
    return meant


def _is_own_page(view: RequestView) -> bool:
    # As for a cookie, also where the guard makes no such test: for tokens, and for `from_any_origin()` rules and listed origins.
    return find_cross_site(view, frozenset(), cookie=True) is None


_OWN_PAGE: Final = where(_is_own_page, name="a page of the console", request_only=True)


def _no_stream(asked: Asked) -> Response:
    return _error(asked, 404, "This interface has no stream of events.")


def _error(asked: Asked, status: int, words: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    back = tag("p", tag("a", "Back to the console", href=link(asked.base, "/")))
    made = page(asked, "", "That did not work", tag("p", words, class_="note", role="alert"), back, status=status)
    return Response(status, made.html, headers)


def fields_of(response: Response, length: int) -> list[tuple[str, str]]:
    """Return all header fields of an answer.

    Args:
        response: the answer.
        length: of its content, in octets.
    """
    return [*HEADERS, *response.headers, ("Content-Length", str(length))]


__all__ = ["EVENTS", "Console", "Page", "fields_of"]
