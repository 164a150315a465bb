"""Names what a change in a store is about: an account, a key or a token. A cached answer depends on some of these names."""

from __future__ import annotations


def account_subject(id: str) -> str:  # noqa: A002 - the name of the field
    """Return the subject of an account, and of whatever stands for it: all keys and tokens of one owner.

    Args:
        id: the id of the account or program. There need not be an account of that id.
    """
    return f"account {id}"


def issued_subject(what: str, id: str) -> str:  # noqa: A002 - as above
    """Return the subject of one key or token.

    Args:
        what: which of them, such as `KeyRecord.what`.
        id: the public part of the key, or the handle of the token.
    """
    return f"{what} {id}"
