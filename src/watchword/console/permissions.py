"""Names the permissions of the console: one for each kind of thing that a page shows or does."""

from __future__ import annotations

from typing import Final

VIEW: Final = "watchword:console"
"""See outcomes, reasons, times, refusals and routes."""

ACCOUNTS_READ: Final = "watchword:accounts:read"
"""See accounts."""

ACCOUNTS_WRITE: Final = "watchword:accounts:write"
"""Add, disable, enable and unlock accounts, and set passwords."""

SECRETS_READ: Final = "watchword:secrets:read"
"""See keys and tokens; never their secrets, which nobody can see."""

SECRETS_WRITE: Final = "watchword:secrets:write"
"""Issue and revoke keys and tokens."""

AUDIT_READ: Final = "watchword:audit:read"
"""See who changed what."""

PERMISSIONS: Final = (VIEW, ACCOUNTS_READ, ACCOUNTS_WRITE, SECRETS_READ, SECRETS_WRITE, AUDIT_READ)
"""All of them. Who has one that ends in `:write` can act as anybody: give it to administrators alone."""
