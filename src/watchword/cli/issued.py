"""What the commands for keys and those for tokens share."""

from __future__ import annotations

from math import isinf
from typing import TYPE_CHECKING, Any, Literal

from watchword.cli.failures import Failure
from watchword.cli.opening import find_account
from watchword.cli.output import printable, say, say_json, when

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.stores import SQLStore


def holder_of(store: SQLStore, name: str, *, client: bool, quiet: bool) -> tuple[str, Literal["user", "client"]]:
    """Return the id for which a key or token is to stand, and whether that is a person or a program.

    A name that no account has is taken for a program that acts for itself; in case it was a slip, that is said.

    Args:
        store: the store.
        name: an account, by a name or its id; or a program.
        client: whether it is a program, whatever accounts there are.
        quiet: whether nothing is said.
    """
    if client:
        return name, "client"
    found = find_account(store, name)
    if found is not None:
        return found.id, "user"
    if not quiet:
        say(f"There is no account {printable(name)}, so this stands for a program of that name. --client says so.", err=True)
    return name, "client"


def finite(moment: float | None) -> float | None:
    """Return a time, or None for never.

    Args:
        moment: Unix seconds, or infinity.
    """
    return None if moment is None or isinf(moment) else moment


def show_created(what: str, secret: str, facts: dict[str, Any], undo: Callable[[], object], *, as_json: bool) -> None:
    """Show a new key or token: on standard output, alone, this one time.

    Args:
        what: `"key"` or `"token"`.
        secret: the key or token.
        facts: what there is to know about it.
        undo: revokes it. What nobody has seen is of no use to its owner.
        as_json: whether it goes into one object with its facts.
    """
    try:
        if as_json:
            say_json({what: secret, **facts})
        else:
            say(secret)
    except (OSError, Failure) as error:
        undo()
        raise Failure(f"the new {what} {facts['id']} could not be written to standard output, so it was revoked", "output") from error
    if not as_json:
        ends = "it does not expire" if facts["expires_at"] is None else f"it expires {when(facts['expires_at'])}"
        owner = printable(facts.get("owner") or facts["subject"])
        say(f"The {what} {facts['id']} of {owner}; {ends}. It is shown this once, and cannot be shown again.", err=True)
