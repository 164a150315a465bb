"""Puts a guard into a Litestar application, and checks the requirements of its handlers.

    app = Litestar([...], plugins=[GuardPlugin(guard)])

The guard stands around the router, inside the CORS layer of the application. So it decides about paths that have no handler too, and its
refusals pass the exception handlers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from litestar.plugins import InitPlugin, ReceiveRoutePlugin

from watchword.adapters.litestar_checks import checking
from watchword.adapters.litestar_documents import documented, link
from watchword.adapters.litestar_refusals import Refused, as_it_is
from watchword.adapters.litestar_routing import GuardedRouter
from watchword.adapters.litestar_views import Required, requires
from watchword.adapters.marks import demand_of, has_hidden
from watchword.adapters.starting import check_routes
from watchword.errors import ConfigurationError
from watchword.guard.guard import as_guard
from watchword.mount import check_mount
from watchword.routes.litestar import handlers_of, views_of

if TYPE_CHECKING:
    from litestar import Litestar
    from litestar.config.app import AppConfig
    from litestar.routes import BaseRoute

    from watchword.guard import Guard


class GuardPlugin(InitPlugin, ReceiveRoutePlugin):
    """The plugin: `Litestar([...], plugins=[GuardPlugin(guard)])`.

    `request.user` is the `Principal`, and `request.auth.scopes` its scopes.

    Args:
        guard: decides.
        mount: the prefix under which the application is served; None: the server states it.

    Raises:
        ConfigurationError: an argument is of another type. When an application is made: it has such a plugin already.
    """

    def __init__(self, guard: Guard, *, mount: str | None = None) -> None:
        self.guard: Guard = as_guard(guard)
        self._mount = None if mount is None else check_mount(mount)

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add the check of marked handlers, and what the guard demands to the OpenAPI document.

        Raises:
            ConfigurationError: the application has such a plugin already.
        """
        if sum(isinstance(plugin, GuardPlugin) for plugin in app_config.plugins) > 1:
            raise ConfigurationError("this application has a GuardPlugin already. Give one guard all rules, and add it once.")
        # First, so that no guard of the application runs for a caller whom a handler refuses.
        app_config.guards = [checking(self.guard), *app_config.guards]
        app_config.on_startup = [*app_config.on_startup, self._inspect]
        app_config.exception_handlers = {**app_config.exception_handlers, cast("Any", Refused): cast("Any", as_it_is)}
        if app_config.openapi_config is not None:
            app_config.openapi_config = documented(app_config.openapi_config, self.guard)
        return app_config

    def _inspect(self, app: Litestar) -> None:
        # With the first request Litestar would show an error of its own in place of what is wrong.
        router: Any = app.asgi_router
        if isinstance(router, GuardedRouter):
            router.inspect()
        else:  # there are no routes
            check_routes(app, self.guard)

    def receive_route(self, route: BaseRoute) -> None:
        """Put the guard around the router of the application, with its first route."""
        app: Any = handlers_of(route)[0].ownership_layers[0]
        if not isinstance(app.asgi_router, GuardedRouter):
            app.asgi_router = GuardedRouter(app.asgi_router, self.guard, self._mount)
            link(app)
        if any(has_hidden(demand_of(views_of(handler))) for handler in handlers_of(route)):
            app.asgi_router.hides = True


__all__ = ["GuardPlugin", "Required", "requires"]
