"""Opens the store that a command works on."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from watchword.cli.failures import NO_STORE, Failure, missing_package
from watchword.cli.params import clock, settings
from watchword.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.checkers import Accounts
    from watchword.stores import SQLStore
    from watchword.stores.ports import AccountRecord


@contextmanager
def opened(url: str, *, check: bool = True) -> Iterator[SQLStore]:
    """Open a store for the length of a block.

    Args:
        url: its URL.
        check: whether its tables must be as this version needs them. `watchword store` opens older and empty ones.

    Raises:
        Failure: the store cannot be used, or a package is missing.
    """
    import logging

    # A store that does not answer writes to the log, too. The user of the command reads it once, as the error.
    logger = logging.getLogger("watchword")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    try:
        from watchword.stores import SQLStore

        # A mistyped path must not become a new, empty store: `watchword store init` makes one.
        store = SQLStore(url, create=False, check=check, clock=clock())
    except ModuleNotFoundError as missing:
        raise _explained(missing, url) from None
    except ConfigurationError as error:
        raise Failure(str(error), "store_unusable", NO_STORE) from None
    from watchword.stores.audit import changed_by

    try:
        with changed_by(_actor()):
            yield store
    except Unavailable as error:
        raise Unavailable(f"{error.why} ({store.url}{_trouble(store.url)})", retry_after=error.retry_after) from None
    except ModuleNotFoundError as missing:  # Alembic is imported when tables are made
        raise _explained(missing, url) from None
    finally:
        store.close()


def accounts_of(store: SQLStore, *, ignore_case: bool = False) -> Accounts:
    """Return the accounts of a store, to manage them."""
    from watchword.checkers import Accounts

    return Accounts(store, hasher=settings().hasher, clock=clock(), fold_case=ignore_case)


def find_account(store: SQLStore, name: str, *, ignore_case: bool = False) -> AccountRecord | None:
    """Return the account of a name or id; None: there is no such account."""
    from watchword.checkers.lookups import account_named

    return account_named(store, name, fold_case=ignore_case)


def holder(store: SQLStore, name: str) -> str:
    """Return the id of the account of a name, or else the name itself: a program has no account."""
    found = find_account(store, name)
    return name if found is None else found.id


def list_accounts(store: SQLStore) -> Iterator[AccountRecord]:
    """Yield all accounts, by id. `Accounts(store).list()` does so too, but computes password hashes first."""
    from watchword.checkers.lookups import pages

    return pages(lambda after: store.list_accounts(after=after))


def _actor() -> str:
    """Return who runs the command, for the audit trail: the user of the system, whatever the environment says."""
    try:
        from pwd import getpwuid

        return f"cli:{getpwuid(os.getuid()).pw_name}"
    except (ImportError, KeyError):  # no such file on Windows, and no name for a user of a container
        return f"cli:{os.getuid() if hasattr(os, 'getuid') else os.getlogin()}"


def _trouble(url: str) -> str:
    """Return why SQLite cannot open a file, which its own error does not say; empty: unknown."""
    kind, _, name = url.partition(":///")
    path = Path(name)
    if kind != "sqlite":
        return ""
    if not path.parent.is_dir():
        return f": there is no folder {path.parent}"
    if path.is_dir():
        return ": it is a folder"
    lacking = [what for what, mode in (("read", os.R_OK), ("written", os.W_OK)) if path.exists() and not os.access(path, mode)]
    return f": permission denied, it cannot be {' or '.join(lacking)}" if lacking else ""


def _explained(missing: ModuleNotFoundError, url: str) -> Exception:
    if (missing.name or "").partition(".")[0] not in {"sqlalchemy", "alembic"}:
        return missing  # a broken installation: no extra mends it
    return missing_package(f"a store needs {missing.name}", "sql" if url.startswith("sqlite") else "postgresql")
