"""Finds where below its mount an ASGI request lies, as the router of the application will read it (threats P15, P16)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from watchword.adapters.application import WatchedScope, check_mounted, own_mount, takes_mount_off
from watchword.errors import ConfigurationError
from watchword.mount import Place, check_mount, split_at_mount, strip_mount

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from watchword.authorization.rules import Rules

    Scope = MutableMapping[str, Any]


class Placing:
    """Places the requests for one application.

    Args:
        app: the application.
        rules: of the guard.
        mount: the mount that is pinned; None: the server states it.

    Raises:
        ConfigurationError: the mount cannot be one, or the application sets another by itself.
    """

    __slots__ = ("_app", "_mount", "_rules", "_takes_off", "inspected", "pinned", "settled")

    def __init__(self, app: object, rules: Rules, mount: str | None) -> None:
        self._app = app
        self._mount = None if mount is None else check_mount(mount)
        self._rules = rules
        self._takes_off: bool | None = None
        self.inspected: bool = False
        self.settled: bool = False  # nothing is left to find out: the application is known, or has served a request
        self.pinned: Callable[[], str] | None = self._pin()

    def _pin(self) -> Callable[[], str] | None:
        """Return what reads the mount that nothing moves; None: the server states it."""
        fixed, own = self._mount, own_mount(self._app)
        if fixed is None or own is None:
            return own if fixed is None else lambda: fixed
        if own() != fixed:
            raise ConfigurationError(
                f"GuardMiddleware(mount={fixed!r}): the application sets the mount {own()!r} by itself (root_path of FastAPI, "
                "FORCE_SCRIPT_NAME of Django). Make both the same, or leave one out."
            )
        return own

    def inspect(self) -> None:
        """Inspect the application again, before the first connection: it has its settings and its routes by now.

        Raises:
            ConfigurationError: something within sets a mount by itself.
        """
        self.pinned = self._pin()
        check_mounted(self._app)
        self._takes_off = takes_mount_off(self._app)
        self.settled = self._takes_off is not None
        self.inspected = True

    def is_routed(self, scope: Scope) -> bool:
        """Tell whether a router further out has chosen the handler, so that another path would make no difference."""
        return self._takes_off is None and ("route_handler" in scope or "endpoint" in scope)

    def child(self, scope: Scope) -> Scope:
        """Return a copy of a scope for the application."""
        child = dict(scope)
        if self.pinned is not None:
            child["root_path"] = self.pinned()
        # An application of which nothing is known is watched until it has served a request without stating a mount of its own.
        return child if self.settled else WatchedScope(child)

    def place(self, scope: Scope, path: str, root: str) -> Place:
        """Place a request.

        Args:
            scope: of the connection.
            path: the whole path.
            root: the mount: the pinned one, or the one that the server states.
        """
        place = split_at_mount(path, root)
        if self.pinned is not None:
            stated, other = "", self._routed_as(scope, path, root)
            if other is not None and other != place.path:
                return place._replace(whole=other)
        else:
            # Starlette keeps what the server has stated; what its routers add to it was matched with the path.
            stated = scope.get("app_root_path", root)
            if stated.strip("/") and _anybody_states_it():
                return Place(path, misplaced=True)
            if place.mount and "route_handler" in scope:
                return place._replace(whole=path)
        if not place.mount or self._takes_off or not (stated or self.pinned):
            return place
        # The rule of the whole path counts too: always where the router is known to read it, else where a rule speaks of the mount.
        whole = strip_mount(path, root.removeprefix(stated)) if stated else path
        named = self._rules.begin_with(whole.strip("/").partition("/")[0])
        return place._replace(whole=whole) if self._takes_off is False or named else place

    @staticmethod
    def _routed_as(scope: Scope, path: str, root: str) -> str | None:
        """Return the path by which a router further out has chosen this application; None: there is none, or it took off the same mount."""
        if "route_handler" in scope:
            # Litestar, which routes before its middlewares run, and hands them the path without the mount.
            return path
        stated = scope.get("root_path") or ""
        return split_at_mount(path, stated).path if stated != root and "endpoint" in scope else None


def _anybody_states_it() -> bool:
    """Tell whether a client may have stated the mount: daphne believes its field `Daphne-Root-Path`, and nothing switches that off."""
    return "daphne.server" in sys.modules
