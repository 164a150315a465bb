"""Whether the adapter of a framework does what the bare guard says, about the rule of the path and the demand of the view."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tests.support.differential import bare_view, without_twins
from tests.support.frameworks import framework, site
from tests.support.random_requests import is_routed, random_visit
from tests.support.trio import FORMS, SETTINGS, quick
from watchword import ConfigurationError, Failed, Guard, Hidden, RequestView, authenticated, fresh, network, optional, role, scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from random import Random

    from tests.support.drive import Answer
    from tests.support.wire import Request
    from watchword import Decision, Requirement

# Paths of random requests, which have a rule each, and what a view demands there.
DEMANDS: dict[str, Requirement] = {
    "/orders/7/items": role("admin"),
    "/admin/users": authenticated,
    "/admin/inside": scope("orders:read"),
    "/vault/inside": role("admin"),
    "/person": fresh(300),
    "/print": optional,
    "/where": role("admin") | scope("orders:read"),
    "/unknown": role("root").hidden(),
    "/secure": network("10.0.0.0/8"),
}
# What a framework answers by itself, without a view.
OWN = {301, 307, 308, 400, 404, 405, 406, 501}
OF_SERVERS = {"date", "server", "connection"}


@dataclass(frozen=True)
class Differential:
    """One guard behind an adapter, and once more bare.

    Args:
        name: of the framework.
        setting: a key of `SETTINGS`.
        form: a key of `FORMS`, of the checkers behind the adapter.
    """

    name: str
    setting: str
    form: str

    @property
    def is_possible(self) -> bool:
        """Whether the framework takes the guard. Django reads the content by itself, and a proxy has no views."""
        reads_content = self.setting == "everywhere"
        return self.setting != "proxy" and not (reads_content and self.name in {"django_wsgi", "django_asgi", "drf"})

    async def differences(self, rng: Random, tries: int) -> Iterator[str]:
        """Return in what the adapter does not do what the bare guard says.

        Args:
            rng: makes up the requests.
            tries: how many.
        """
        guard, bare = SETTINGS[self.setting](FORMS[self.form]), SETTINGS[self.setting](quick)
        views = {path: demand for path, demand in DEMANDS.items() if _can_be_met(bare, path, demand)}
        found = []
        async with site(self.name, guard, views) as ask:
            while tries > 0:
                for request in filter(None, map(self._served, random_visit(rng))):
                    different = self._different(bare, views, request, await ask(request))
                    found += [f"{self}: {different}\n{request!r}"] if different else []
                    tries -= 1
        return iter(found)

    def _served(self, request: Request) -> Request | None:
        """Return a request as this framework may get it; None: no server hands it over."""
        request = replace(request, kind="http")
        interface = framework(self.name).INTERFACE
        if interface == "wsgi":
            request = without_twins(request)
        # aiohttp reads what stands on the wire: no mount, and no other form of the target.
        if interface == "aiohttp" and (request.mount or request.target[:1] != "/" or "#" in request.target):
            return None
        if interface == "aiohttp":
            request = replace(request, raw=True)
        fields_hold_lines = any("\n" in value for _, value in request.headers)  # Quart makes an error of it, aiohttp two fields
        return request if request.method and is_routed(request) and not fields_hold_lines else None

    def _different(self, bare: Guard, views: Mapping[str, Requirement], request: Request, answer: Answer) -> str | None:
        if self.name == "aiohttp" and answer.status == 400 and not answer.all("x-content-type-options"):
            return None  # its parser
        view = bare_view(request)
        demand = views.get(_path(request))
        if demand is not None and self.name == "drf":
            demand = demand & optional  # its authentication asks who the caller is
        before = bare.decide(view)
        after = before if demand is None else bare.decide(bare_view(request), demand)
        if not before.granted:
            may = [before]
            if demand is not None:  # with the scopes of the view (D63), where the router finds it; aiohttp decides about both at once
                may.append(after if self.name == "aiohttp" else bare.with_demand(before, view, demand))
            return min((_unlike(bare, view, one, answer) for one in may), key=lambda different: different is not None)
        if answer.status in OWN and not answer.all("x-content-type-options"):
            return None
        if answer.status < 300 and request.method.upper() == "OPTIONS":
            # Litestar's own answer, in which no view has a part.
            return None if after.granted or self.name == "litestar" else f"OPTIONS is answered, and {after} says no"
        if not after.granted:
            return _unlike(bare, view, after, answer)
        content = {"", after.principal.id} if request.method.upper() == "HEAD" else {after.principal.id}
        return None if answer.status == 200 and answer.body.decode() in content else f"{answer} in place of {after.principal}"


def _can_be_met(bare: Guard, path: str, demand: Requirement) -> bool:
    try:
        bare.decide(RequestView("GET", path), demand)
    except ConfigurationError:
        return False
    return True


def _path(request: Request) -> str:
    """Return the path as routers see it, below the mount; with or without the closing slash it is the same view, or none."""
    path = unquote(request.path)
    return (path.removeprefix(request.mount) if request.mount else path).rstrip("/") or "/"


def _unlike(bare: Guard, view: RequestView, decision: Decision, answer: Answer) -> str | None:
    if isinstance(decision, Hidden):
        # As for a path without a view: 404, or what the application answers for every path, such as Django's 400 for a Host.
        is_own = answer.status == 404 or (answer.status == 400 and not answer.all("x-content-type-options"))
        return None if is_own else f"{answer.status} for what is hidden"
    refusal = bare.refuse(decision, view)
    if refusal.status >= 500 and not isinstance(decision, Failed):
        return f"status {refusal.status} without an outage"
    got = answer.status, answer.body, sorted(field for field in answer.headers if field[0] not in OF_SERVERS)
    expected = refusal.status, refusal.body, sorted((name.lower(), value) for name, value in refusal.headers)
    return None if got == expected else f"{got}\nin place of\n{expected}"


__all__ = ["Differential"]
