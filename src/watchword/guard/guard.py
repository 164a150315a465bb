"""The guard: schemes, checkers and rules together, and the one place that decides."""

from __future__ import annotations

from os import urandom
from typing import TYPE_CHECKING, Any

from watchword.authorization.identified import authenticated
from watchword.cache import FOR, MOST, check_bounds
from watchword.clock import as_clock, ticks
from watchword.decision import Answered, Decided, Granted
from watchword.guard.cache import CredentialCache
from watchword.guard.deciding import Deciding
from watchword.guard.identity_headers import IDENTITY_HEADERS
from watchword.guard.policy import Policy
from watchword.guard.preflight import REMEDY, REMEDY_INSIDE, is_refused_preflight
from watchword.networks import network_of
from watchword.observe.event import event_of
from watchword.observe.log import finishing, is_logged, log_preflight, log_refusal, log_rest
from watchword.operation import arun, run
from watchword.protection.firewall import Firewall
from watchword.refusal import DOCUMENTATION, Refusal, Renderer
from watchword.validators import check_bool, check_methods, check_sequence, check_type, invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from watchword.authorization.requirement import Requirement
    from watchword.clock import Clock
    from watchword.credentials import Credentials
    from watchword.decision import Decision, Refusing
    from watchword.guard.exchange import Exchange
    from watchword.guard.explain import Explanation
    from watchword.guard.fast_path import FastPath
    from watchword.guard.undeclared import UndeclaredProxy
    from watchword.observe.event import EventSink
    from watchword.observe.flood import Flood
    from watchword.observe.sinks import Sinks
    from watchword.operation import Steps
    from watchword.protection.attempts import Throttling
    from watchword.protection.proxies import Proxies
    from watchword.refusal.appearance import Page
    from watchword.refusal.data import RefusalData
    from watchword.request import RequestView
    from watchword.routes.report import RouteReport
    from watchword.schemes.base import Scheme


class Guard:
    """Decides about requests: who the caller is, and what the caller may do. The same object serves ASGI, WSGI and any other server.

    Closed by default: a path that no rule names needs `default`. Mistakes in the configuration are errors here, at
    construction.

    Args:
        schemes: how callers may identify themselves, such as `Basic(checker, realm="office")`; one per scheme name.
        rules: pattern to requirement, such as `{"GET /orders/{id}": scope("orders:read")}`. The most specific wins.
        default: what a request needs that no rule matches.
        firewall: refuses what is ambiguous; None: all of its rules are on.
        clock: tells the time; None: the machine's.
        order: scheme names in the order of their challenges; empty: well-known ones first (decision D22).
        contact: whom a person may ask, shown on the page: an address or a URL.
        documentation: absolute URI of the page that explains a reason: `{code}` stands for the code, and without it `/<code>` is appended
            (RFC 9457 §3.1.1).
        page: what the application says about itself on the page of a refusal, or a template of its own; None: nothing.
        identity_headers: request fields in which proxies name the user; those that a client sends never reach the application. `*` at the
            end of a name stands for any rest.
        origins: origins whose pages may act by credentials that a browser sends by itself (Basic, cookies), beside the host's own:
            `["https://app.example.com", "capacitor://localhost"]`. Where the server states https, http is not the host's own (decision
            D61).
        require_tls: answer 403 over plain http, but for public routes and the loopback interface (decision D20). The
            scheme is what the server states, so it is off by default: TLS usually ends in a proxy in front.
        xhr_no_prompt: offer scripts only challenges that open no login dialog (decision D24).
        strip_credentials: hide the credential fields, cookies and parameters from the application (RFC 9110 §17.16.3); those of
            a form only where it was read, which it is not on public routes.
        cors_inside: let a CORS layer inside the guard answer preflights that the rules refuse. The application is asked about a path with
            a random last segment, without content and credentials; the answer goes out without content, and only if it is 2xx with
            `Access-Control-Allow-Origin` (decision D57). A view for every path that does not look at the method runs then. Better:
            put the CORS layer outside.
        cors_expose: name `WWW-Authenticate` and `Retry-After` in `Access-Control-Expose-Headers` of refusals.
        proxy: act as a proxy: `Proxy-Authorization`, 407, `Proxy-Authenticate` (RFC 9110 §11.7).
        throttle: limits failures with guessable secrets; None: nothing does.
        proxies: finds out who the client is behind trusted proxies, before anything else; None: the peer of the connection is the client.
        scope_implies: which scopes imply others, such as `{"orders:admin": ["orders:write", "orders:read"]}`, transitively. Who was issued
            the first one holds the others; `evidence.scopes` keeps what was issued. None: scopes imply nothing.
        on_event: is called with an `AuthEvent` for every decision, granted ones too. One sink, or several; None: no sink. A function must
            not block: `watchword.observe.Queued` calls it in a thread.
        event_key: the key of `AuthEvent.credential`, 16 to 64 octets. Give the same one to all processes whose events are looked at
            together. None: a random one, which workers that are forked later share.
        request_id: makes the id by which a refusal is found in the log where the client sent no `X-Request-Id`; None: random.
        strict_routes: refuse to serve an application in which a rule that demands something matches no route: an error at start-up, or at
            the first request where an interface has no start-up. None: log what may be a mistake, where the framework says that it is in
            development. False: look at no routes.
        remember: how many callers are remembered at most, so that a password is hashed once and not for every request; 0: none.
        remember_for: for how many seconds. What changes about a caller meanwhile is noticed all the same.

    Raises:
        ConfigurationError: something cannot be right; the message says what, where, and how to mend it.
    """

    __slots__ = (
        "_deciding",
        "_flood",
        "_new_id",
        "_policy",
        "_renderer",
        "_sinks",
        "_to_warn",
        "_traceless",
        "_undeclared",
        "fast_path",
        "strict_routes",
    )

    def __init__(
        self,
        *schemes: Scheme[Any],
        rules: Mapping[str, Requirement] | None = None,
        default: Requirement = authenticated,
        firewall: Firewall | None = None,
        clock: Clock | None = None,
        order: Sequence[str] = (),
        contact: str | None = None,
        documentation: str = DOCUMENTATION,
        page: Page | None = None,
        identity_headers: Sequence[str] = IDENTITY_HEADERS,
        origins: Sequence[str] = (),
        require_tls: bool = False,
        xhr_no_prompt: bool = False,
        strip_credentials: bool = False,
        cors_inside: bool = False,
        cors_expose: bool = False,
        proxy: bool = False,
        throttle: Throttling | None = None,
        proxies: Proxies | None = None,
        scope_implies: Mapping[str, Sequence[str]] | None = None,
        on_event: EventSink | Sequence[EventSink] | None = None,
        event_key: bytes | None = None,
        request_id: Callable[[], str] | None = None,
        strict_routes: bool | None = None,
        remember: int = MOST,
        remember_for: float = FOR,
    ) -> None:
        # A string is a sequence of letters, so that `origins="https://a.example"` would allow none of what it names.
        for name, given in (("order", order), ("identity_headers", identity_headers), ("origins", origins)):
            check_sequence(f"Guard({name}=...)", given)
        if firewall is not None:
            check_type("Guard(firewall=...)", firewall, Firewall, 'Firewall(off=["semicolon"])')
        if request_id is not None and not callable(request_id):
            raise invalid("Guard(request_id=...)", "be a function that makes an id", request_id)
        if page is not None:
            from watchword.refusal.appearance import Page  # with the guards that have one

            check_type("Guard(page=...)", page, Page, 'Page(service="Orders")')
        if throttle is not None:
            check_methods("Guard(throttle=...)", throttle, "be a Throttle, with blocked() and reserve()", "blocked", "reserve")
        if proxies is not None:
            check_methods("Guard(proxies=...)", proxies, "have fields and resolve()", "resolve")
        check_bool("Guard(cors_inside=...)", cors_inside, fix="Name allowed origins in the CORS layer.")
        if strict_routes is not None:
            check_bool("Guard(strict_routes=...)", strict_routes, fix="Leave it out to be warned in development.")
        check_bounds("Guard", remember, remember_for)
        self._policy = Policy(
            schemes=schemes,
            rules={} if rules is None else rules,
            default=default,
            firewall=Firewall() if firewall is None else firewall,
            clock=as_clock(clock, "Guard"),
            order=order,
            identity_headers=identity_headers,
            origins=origins,
            require_tls=require_tls,
            xhr_no_prompt=xhr_no_prompt,
            strip_credentials=strip_credentials,
            cors_inside=cors_inside,
            proxy=proxy,
            throttle=throttle,
            proxies=proxies,
            scope_implies=scope_implies,
            event_key=event_key,
        )
        if event_key is not None:
            _ = self._policy.credential_names  # a key that cannot be used is an error now
        # One cache for each guard: what one guard accepted says nothing about the schemes and networks of another (threat C2).
        self._deciding = Deciding(self._policy, CredentialCache(self._policy.clock, entries=remember, ttl=remember_for))
        self._traceless: Deciding | None = None  # made with the first explanation
        self.fast_path: FastPath = self._deciding.fast_path
        """Decides about callers who were let in before; for adapters."""
        # The words of a refusal fit the scheme: "key or token" means nothing to a person who has typed a password.
        secrets = {entry.scheme.name: entry.scheme.secret for entry in self._policy.entries}
        endpoints = {entry.scheme.name: entry.scheme.token_endpoint for entry in self._policy.entries if entry.scheme.token_endpoint}
        realms = {entry.scheme.name: entry.scheme.realm for entry in self._policy.entries}
        self._renderer = Renderer(
            documentation=documentation,
            contact=contact,
            expose=cors_expose,
            secrets=secrets,
            endpoints=endpoints,
            realms=realms,
            page=page,
        )
        self._new_id = request_id or _random_id
        self._sinks = None if on_event is None else _sinks(on_event, has_event_key=event_key is not None)
        self._flood: Flood | None = None
        self._undeclared: UndeclaredProxy | None = None
        self._to_warn = [True]  # a list, because `pop` is one step for threads
        self.strict_routes: bool | None = strict_routes

    @property
    def policy(self) -> Policy:
        """The compiled configuration, for adapters."""
        return self._policy

    @property
    def documentation(self) -> str:
        """The address at which reasons are documented, with `{code}` for the code."""
        return self._renderer.documentation

    @property
    def schemes(self) -> tuple[Scheme[Any], ...]:
        """The schemes, in the order of their challenges."""
        return tuple(entry.scheme for entry in self._policy.entries)

    @property
    def listens(self) -> bool:
        """Whether a sink takes events now; for adapters: then the fast path makes a view for it."""
        return self._sinks is not None and self._sinks.are_enabled

    @property
    def sinks(self) -> Sinks | None:
        """The sinks of events, with the number of events that each has lost; None: there are none."""
        return self._sinks

    @property
    def async_checkers(self) -> tuple[str, ...]:
        """The checkers that can only be awaited; a synchronous adapter refuses a guard that has any."""
        return tuple(entry.checker.name for entry in self._policy.entries if entry.checker.needs_loop)

    def start(self, view: RequestView, requirement: Requirement | None = None) -> Decision | Steps[Decision]:
        """Decide as far as possible without hashing, querying or fetching; for adapters.

        No event is emitted and nothing is logged: an adapter hands the decision that stands in the end to `conclude`.

        Args:
            view: the request.
            requirement: what the view demands beside the rule; None: nothing.

        Returns:
            The decision, or the steps that are left for `watchword.operation.run` or `arun`.
        """
        if self._sinks is not None and self._sinks.are_enabled:
            # No clock is read where no event repays it.
            view.started, view.shown = ticks(), None
        return self._deciding.start(view, requirement)

    def steps(self, view: RequestView, requirement: Requirement | None = None) -> Steps[Decision]:
        """Decide in steps, for a driver of one's own.

        Args:
            view: the request.
            requirement: what the view demands beside the rule; None: nothing.

        Returns:
            A generator that yields each `Operation`, is sent its result, and returns the decision.
        """
        begun = self.start(view, requirement)
        return self._concluded(begun if isinstance(begun, Decided) else (yield from begun), view)

    def decide(self, view: RequestView, requirement: Requirement | None = None) -> Decision:
        """Decide; this may block.

        Args:
            view: the request; see `RequestView` for what is trusted in it.
            requirement: what the view demands beside the rule, which must be met too; None: nothing. Under a `public` or `optional` rule
                credentials are looked at as soon as it needs a caller.

        Returns:
            The decision; `decision.granted` tells whether the request may go on, as `decision.principal`.

        Raises:
            ConfigurationError: a checker can only be awaited; use `adecide`. Or the requirement can never be met.
            Exception: what a checker raises beside `Unavailable`. A bug is a bug, and no 401.
        """
        begun = self.start(view, requirement)
        return self._concluded(begun if isinstance(begun, Decided) else run(begun), view)

    async def adecide(self, view: RequestView, requirement: Requirement | None = None) -> Decision:
        """Decide, without blocking the event loop; asyncio and trio. The same decision as `decide`.

        Args:
            view: the request.
            requirement: as in `decide`.

        Returns:
            The decision.

        Raises:
            Exception: what a checker raises beside `Unavailable`.
        """
        begun = self.start(view, requirement)
        return self._concluded(begun if isinstance(begun, Decided) else await arun(begun), view)

    def start_authorize(self, decision: Decision, view: RequestView, requirement: Requirement) -> Decision | Steps[Decision]:
        """Do as `authorize` does, as far as possible without an operation; for adapters.

        Args:
            decision: about the request, made by this guard.
            view: the request.
            requirement: what the view demands beside the rule.

        Returns:
            The decision, or the steps that are left. As with `start`, it is for the adapter to call `conclude`.

        Raises:
            ValueError: another guard has made the decision.
        """
        return self._deciding.authorize(decision, view, requirement)

    def with_demand(self, decision: Decision, view: RequestView, requirement: Requirement) -> Decision:
        """Return a refusal of the rule whose challenges name the scopes of the view as well (decision D63); for adapters.

        Args:
            decision: about the request, made by this guard. One that is no 401 or 403 stays as it is.
            view: the request.
            requirement: the demand of the view that the router would choose. It changes neither status nor reason.

        Raises:
            ValueError: another guard has made the decision.
        """
        return self._deciding.with_demand(decision, view, requirement)

    def authorize(self, decision: Decision, view: RequestView, requirement: Requirement) -> Decision:
        """Decide about a view that is reached later in a request that was granted; this may block.

        Where `decide(view)` grants, the answer has the status of `decide(view, requirement)`, and no credentials are verified twice.

        Args:
            decision: about the request, made by this guard. One that refuses stands.
            view: the request.
            requirement: what the view demands beside the rule.

        Returns:
            The decision that takes the place of the first one.

        Raises:
            ConfigurationError: a checker can only be awaited; use `aauthorize`. Or the requirement can never be met.
            ValueError: the decision was made by another guard, or by hand.
        """
        begun = self.start_authorize(decision, view, requirement)
        return self._concluded(begun if isinstance(begun, Decided) else run(begun), view)

    async def aauthorize(self, decision: Decision, view: RequestView, requirement: Requirement) -> Decision:
        """Do as `authorize` does, without blocking the event loop.

        Args:
            decision: as in `authorize`.
            view: the request.
            requirement: as in `authorize`.
        """
        begun = self.start_authorize(decision, view, requirement)
        return self._concluded(begun if isinstance(begun, Decided) else await arun(begun), view)

    def verify(self, credentials: Credentials, view: RequestView, scheme: str | None = None) -> Decision:
        """Verify credentials that came in a form of the application's own, such as a login form; this may block.

        They are verified as those of a request are: cross-site test, throttle, credential cache, checker. No rule is asked.

        Args:
            credentials: what was typed, such as `BasicCredentials(name, password)`; untrusted.
            view: the request that brought the form.
            scheme: the name of the scheme whose checker verifies them; None: the one that has such credentials.

        Returns:
            `Granted` with the principal, or why not. To answer, use `refuse`, or a page of the application.

        Raises:
            ConfigurationError: the checker can only be awaited; use `averify`.
            ValueError: no scheme of this guard takes such credentials, or several do.
        """
        # `start`, which notes the time elsewhere, is not called for a form.
        if self.listens:
            view.started = ticks()
        begun = self._deciding.verify(credentials, view, scheme)
        return self._concluded(begun if isinstance(begun, Decided) else run(begun), view)

    async def averify(self, credentials: Credentials, view: RequestView, scheme: str | None = None) -> Decision:
        """Do as `verify` does, without blocking the event loop.

        Args:
            credentials: as in `verify`.
            view: as in `verify`.
            scheme: as in `verify`.
        """
        if self.listens:
            view.started = ticks()
        begun = self._deciding.verify(credentials, view, scheme)
        return self._concluded(begun if isinstance(begun, Decided) else await arun(begun), view)

    def exchange(self, view: RequestView, *, views: bool = False) -> Exchange:
        """Return what an adapter drives: the request, the decision that stands about it, and what to do.

        Args:
            view: the request.
            views: whether views have requirements of their own, so that the decision may be replaced until the response starts.
        """
        from watchword.guard.exchange import Exchange  # with adapters, not with every program that checks a password

        return Exchange(self, view, views=views)

    def conclude(self, decision: Decision, view: RequestView, *, time: float | None = None, duration: float | None = None) -> None:
        """Emit the one event of a decision, and log a refusal under the id that stands in its body too.

        Every decision passes here once. `decide`, `authorize`, `verify`, `steps` and exchanges call it; call it after `start` and
        `start_authorize`.

        Args:
            decision: the one that stands.
            view: the request.
            time: when it was made, in Unix seconds; None: now.
            duration: how long it took, in seconds; None: since `start`.

        Raises:
            ValueError: another guard has made the decision.
        """
        self._policy.rules.check_own(decision.route)
        if not isinstance(decision, (Granted, Answered)):
            # Asked first: to find the fields of a request costs more than the rest of a refusal that no handler writes.
            if is_logged(decision):
                self._policy.scan(view)
                self._log(decision, view, self.request_id(view))
            if view.method == "OPTIONS" and self._to_warn and is_refused_preflight(view, decision):
                self._warn_of_preflight(view)
        sinks = self._sinks
        # Where nobody took events when the decision began, no time was noted. So that is asked once for a decision.
        if sinks is None or (duration is None and not view.started):
            return
        # A monotonic clock measures, because the other one may be set back meanwhile.
        if duration is None:
            duration = ticks() - view.started
        self._policy.scan(view)
        time = self._policy.clock.now() if time is None else time
        event = event_of(
            decision, view, time=time, request_id=self.request_id(view), duration=duration, credential=self._credential_of(decision, view)
        )
        sinks.emit(event)

    def _log(self, decision: Refusing, view: RequestView, request_id: str) -> None:
        if self._flood is None:
            from watchword.observe.flood import Flood  # with the first refusal that is logged, as `logging` is

            self._flood = Flood(log_rest)
            if self._policy.proxies is None:
                from watchword.guard.undeclared import UndeclaredProxy  # as above

                self._undeclared = UndeclaredProxy()
        if self._undeclared is not None:
            self._undeclared.look(view)
        name = decision.principal.id or self._credential_of(decision, view)
        network = network_of(view.address)
        if self._flood.lets_through(decision.reason, network, name, request_id, self._policy.clock.now()):
            log_refusal(decision, view, request_id)

    def _credential_of(self, decision: Decision, view: RequestView) -> str:
        """Return the name of the credentials in events. On the fast path the view was made for the event, and the cache knows it."""
        caller = decision.caller
        if caller is not None and caller.credential:
            return caller.credential
        return "" if view.shown is None else self._policy.credential_names.of(view.shown)

    def _concluded(self, decision: Decision, view: RequestView) -> Decision:
        if view.started or not decision.granted:
            self.conclude(decision, view)
        return decision

    def refuse(self, decision: Decision, view: RequestView, *, request_id: str | None = None) -> Refusal:
        """Say no in HTTP; or send the document with which the guard answers by itself.

        Args:
            decision: one that does not grant.
            view: the request that it was made for.
            request_id: the id that stands in the body; None: the one under which the log line is found, `request_id(view)`.

        Returns:
            Status, reason phrase, headers and body.

        Raises:
            ValueError: the decision grants, or another guard has made it.
        """
        self._policy.rules.check_own(decision.route)
        if isinstance(decision, Granted):
            raise ValueError("this decision grants: there is nothing to refuse")  # noqa: TRY004 - its value, not its type, is at fault
        if isinstance(decision, Answered):
            from watchword.refusal.answering import write_answer  # as few guards need it

            return write_answer(decision, view.method)
        if request_id is None:
            request_id = self.request_id(view)
        # `Accept` and `Origin` decide the form of the content, and the decision may come from another process.
        view.scan(self._policy.index)
        return self._renderer.render(decision, view, request_id)

    def refuse_unseen(self, decision: Refusing, method: str, said: Mapping[str, str], view: Callable[[], RequestView]) -> Refusal:
        """Log a decision of the fast path, and say no; for adapters. Where nothing is logged, no view is made.

        Args:
            decision: the decision.
            method: of the request.
            said: as `FastPath.said` returns it.
            view: makes the view.
        """
        request_id = self._id_of(said.get("x-request-id"))
        if is_logged(decision):
            seen = view()
            if self._policy.proxies is not None:
                self._policy.scan(seen)  # which finds out who the client is
            self._log(decision, seen, request_id)
        accept, language = said.get("accept"), said.get("accept-language")
        return self._renderer.write(decision, request_id, method, accept, language, by_script="origin" in said, view=view)

    def refusal_data(self, decision: Refusing, view: RequestView) -> RefusalData:
        """Return what a visitor is told about a refusal, in the visitor's language: for a page of the application's own.

        Args:
            decision: the decision.
            view: the request that it was made for.

        Returns:
            Words and links. No HTML is in it: what shows it escapes it.
        """
        view.scan(self._policy.index)
        return self._renderer.data(decision, view, self.request_id(view))

    def _warn_of_preflight(self, view: RequestView) -> None:
        """Log once how to let preflights through: browsers show scripts nothing but a network error."""
        try:
            self._to_warn.pop()  # one of several threads gets it
        except IndexError:
            return
        log_preflight(view, REMEDY_INSIDE if self._policy.cors_inside else REMEDY)

    def finish(self, decision: Decision) -> None:
        """Do what was left for after the response, such as to note a login; this may block. Adapters call it by themselves.

        Args:
            decision: one whose response was sent. Where nothing is left to do, nothing is done; a failure is logged and
                never raised, for the request is over.
        """
        if decision.after_response is not None:
            run(finishing(decision.after_response))

    async def afinish(self, decision: Decision) -> None:
        """Do the same as `finish`, without blocking the event loop.

        Args:
            decision: one whose response was sent.
        """
        if decision.after_response is not None:
            await arun(finishing(decision.after_response))

    def request_id(self, view: RequestView) -> str:
        """Return the id under which a request is found in the log: the client's `X-Request-Id` if it is one, else a new one.

        It is made when it is first asked for, and kept on the view.

        Args:
            view: the request.
        """
        known = view.request_id
        if known is None:
            if view.index is not self._policy.index:
                self._policy.scan(view)
            known = view.request_id = self._id_of(view.field("x-request-id"))
        return known

    def _id_of(self, sent: str | None) -> str:
        # A client chooses what is sent. Anything but a short token could begin another line of the log (CWE-117).
        return sent if sent is not None and _is_id(sent) else self._new_id()

    def check_routes(self, app: object) -> RouteReport:
        """Report what is in force at each route of an application, and what may be a mistake: a rule that matches no route, for instance.

        Nothing is decided and no checker is asked. The routes are read from the router of the application, so call it when they are all
        there.

        Args:
            app: the application, or a middleware around it: of Starlette, FastAPI, Flask, Quart, Django, Litestar, aiohttp, Falcon, Pyramid
                or Bottle.

        Raises:
            ConfigurationError: the routes of such an application are not known.
        """
        from watchword.routes.applications import list_routes  # for people, never on the way of a request
        from watchword.routes.guarding import make_report

        schemes = [entry.scheme.name for entry in self._policy.entries]
        return make_report(list_routes(app), self._policy.rules, schemes, answered=self._policy.resources)

    def explain(self, view: RequestView, requirement: Requirement | None = None) -> Explanation:
        """Decide, and say why: each step, what the checker answered, the rule as a tree, the cure, and the exact response.

        It leaves no trace: no attempt is counted, no login and no use of a key is noted, no event is emitted, and nothing is logged.

        Args:
            view: the request.
            requirement: what the view demands beside the rule; None: nothing.

        Returns:
            The explanation; print it. No secret is in it, but it is for operators, because it says more than any client may know.

        Raises:
            ConfigurationError: a checker can only be awaited; use `aexplain`. Or the requirement can never be met.
            Exception: what a checker raises beside `Unavailable`.
        """
        begun = self._start_explaining(view, requirement)
        return self._explained(begun if isinstance(begun, Decided) else run(begun), view, requirement)

    async def aexplain(self, view: RequestView, requirement: Requirement | None = None) -> Explanation:
        """Do the same as `explain`, without blocking the event loop.

        Args:
            view: the request.
            requirement: as in `explain`.
        """
        begun = self._start_explaining(view, requirement)
        return self._explained(begun if isinstance(begun, Decided) else await arun(begun), view, requirement)

    def _start_explaining(self, view: RequestView, requirement: Requirement | None) -> Decision | Steps[Decision]:
        if self._traceless is None:
            from watchword.guard.traceless import deciding_without_trace  # for people, never on the way of a request

            self._traceless = deciding_without_trace(self._policy)
        # Not of that object alone: tests let the guard decide for a caller of theirs (`watchword.testing.acting_as`).
        return self._deciding.verifying_as(self._traceless).start(view, requirement)

    def _explained(self, decision: Decision, view: RequestView, requirement: Requirement | None) -> Explanation:
        from watchword.guard.explain import explanation

        return explanation(self._policy, self._renderer, view, decision, self.request_id(view), requirement)

    def __repr__(self) -> str:
        names = ", ".join(entry.scheme.name for entry in self._policy.entries)
        return f"Guard({names}; {len(self._policy.rules.routes)} rules, default={self._policy.rules.default.requirement})"


def as_guard(given: object) -> Guard:
    """Return what an adapter was given, if it is a guard.

    Args:
        given: what stands where the guard should.

    Raises:
        ConfigurationError: it is something else: a scheme alone, or the application in its place.
    """
    # What was given may be a checker with a table of secrets: the message names its type alone.
    return check_type("GuardMiddleware(app, guard)", given, Guard, 'Guard(Basic(checker, realm="office"))', secret=True)


def _sinks(given: EventSink | Sequence[EventSink], *, has_event_key: bool) -> Sinks:
    from watchword.observe.sinks import Sinks  # only where somebody takes events

    return Sinks(given, has_event_key=has_event_key)


def _is_id(text: str) -> bool:
    return 0 < len(text) <= 64 and text.isascii() and text.replace("-", "").replace("_", "").replace(".", "").isalnum()  # noqa: PLR2004 - longer than any id


def _random_id() -> str:
    # 64 bits: among a million ids two are alike with a probability of 3 in 100 million.
    return urandom(8).hex()
