"""Presents a principal as a user of Django, where no account of the project stands for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.principal import Principal


class GuardUser:
    """A caller that is no account of the project, with what the framework asks of a user.

    Args:
        principal: the caller.
    """

    is_authenticated = is_active = True
    is_anonymous = is_staff = is_superuser = False

    def __init__(self, principal: Principal) -> None:
        self.principal: Principal = principal
        self.pk: str = principal.id
        self.username: str = principal.display_name

    def get_username(self) -> str:
        """Return the name to show."""
        return self.username

    def has_perm(self, permission: str, _: object = None) -> bool:
        """Tell whether the caller holds a permission, such as `"shop.add_order"`; for any object."""
        return permission in self.principal.permissions

    def has_perms(self, permissions: Iterable[str], _: object = None) -> bool:
        """Tell whether the caller holds all of these permissions."""
        return self.principal.permissions.issuperset(permissions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GuardUser) and self.principal == other.principal

    def __hash__(self) -> int:
        return hash(self.pk)

    def __str__(self) -> str:
        return self.username


__all__ = ["GuardUser"]
