"""Names the subjects of changes in a store: accounts, keys, tokens, families, and tokens of issuers. Cached answers depend on some."""

from __future__ import annotations


def account_subject(id: str) -> str:  # noqa: A002 - the name of the field
    """Return the subject of an account and of the keys and tokens of an owner, who need not have an account."""
    return f"account {id}"


def issued_subject(what: str, id: str) -> str:  # noqa: A002 - as above
    """Return the subject of one key, token or family. `what` is its kind, such as `KeyRecord.what`."""
    return f"{what} {id}"


def issuer_subject(claim: str, issuer: str, value: str) -> str:
    """Return the subject of the tokens of an issuer that have a value in a claim, `jti` or `sub`."""
    return f"{claim} {value} of {issuer}"
