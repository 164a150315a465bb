"""Registers the system checks, where the project has `"watchword.adapters.django"` in `INSTALLED_APPS`."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register


class _WatchwordConfig(AppConfig):  # type: ignore[misc]  # Django has no types
    """The application: system checks, and nothing else."""

    name = "watchword.adapters.django"
    label = "watchword"

    def ready(self) -> None:
        """Register the checks."""
        from watchword.adapters.django.checks import check_project  # not with the settings: it reads them

        register(check_project, "watchword")
