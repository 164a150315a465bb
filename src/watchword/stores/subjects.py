"""Names the subjects of changes in a store: accounts, keys and tokens. A cached answer depends on some of these names."""

from __future__ import annotations


def account_subject(id: str) -> str:  # noqa: A002 - the name of the field
    """Return the subject of an account and of the keys and tokens of an owner, who need not have an account."""
    return f"account {id}"


def issued_subject(what: str, id: str) -> str:  # noqa: A002 - as above
    """Return the subject of one key or token. `what` is its kind, such as `KeyRecord.what`."""
    return f"{what} {id}"
