"""Finds weak and stale records. It prints nothing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from math import inf
from typing import TYPE_CHECKING, Literal

from watchword.cli.output import span
from watchword.cli.shapes import ended
from watchword.stores.ports import KeyRecord, TokenRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from watchword.checkers.passwords import PasswordHasher
    from watchword.stores.ports import AccountRecord, Issued

Severity = Literal["high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low")

CODES: dict[str, tuple[Severity, str]] = {
    "plain_password": ("high", "the password is stored as it is"),
    "unusable_hash": ("high", "the hash is malformed, of an unknown format, or too costly: the account cannot log in"),
    "weak_hash": ("high", "the hash is of a format that is guessed by the billion a second"),
    "key_owner_gone": ("high", "the key stands for an account that does not exist"),
    "token_subject_gone": ("high", "the token stands for an account that does not exist"),
    "outdated_hash": ("medium", "the hash is not what would be made now"),
    "password_over_age": ("medium", "the password is older than --max-password-age"),
    "disabled_holds_credentials": ("medium", "the account is disabled, and holds keys or tokens that work again when it is enabled"),
    "key_owner_disabled": ("medium", "the key stands for a disabled account"),
    "key_never_expires": ("medium", "the key does not expire"),
    "token_never_expires": ("medium", "the token does not expire"),
    "account_never_used": ("low", "the account was never used to log in"),
    "account_unused": ("low", "the account was not used to log in for long"),
    "key_never_used": ("low", "the key was never used"),
    "key_unused": ("low", "the key was not used for long"),
    "key_leftover": ("low", "the key has expired or was revoked, and is still listed"),
    "token_leftover": ("low", "the token has expired or was revoked, and is still kept"),
}
"""The severity and the text of each finding. Stable: programs look for the codes."""

# Fast hashes, and one that reads 8 characters: a graphics card tries billions a second. Other formats are merely outdated.
FAST_FORMATS = frozenset({"apr1", "des-crypt", "ldap-salted-sha1", "ldap-sha1", "md5-crypt"})
_PLAIN = "{PLAIN}"


@dataclass(frozen=True, slots=True)
class Finding:
    """A weak or stale record. The owner of an account is the account itself."""

    code: str
    kind: Literal["account", "key", "token"]
    id: str
    owner: str
    detail: str

    @property
    def severity(self) -> Severity:
        """How grave it is."""
        return CODES[self.code][0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The time, and how many seconds records may be unused and passwords may last."""

    now: float
    unused_after: float
    max_password_age: float = inf


def examine_store(
    accounts: Iterable[AccountRecord], keys: Iterable[KeyRecord], tokens: Iterable[TokenRecord], hasher: PasswordHasher, limits: Limits
) -> list[Finding]:
    """Return the findings about all records of a store, the gravest first.

    Args:
        accounts: all accounts.
        keys: all keys.
        tokens: all tokens.
        hasher: the hasher of the application: a hash that differs from its new ones is outdated.
        limits: the time, and what counts as long.
    """
    disabled: dict[str, bool] = {}
    found: list[Finding] = []
    for account in accounts:
        disabled[account.id] = account.disabled
        found += [Finding(code, "account", account.id, account.id, detail) for code, detail in _account(account, hasher, limits)]
    held: dict[str, dict[str, int]] = {}
    for record in chain(keys, tokens):
        kind: Literal["key", "token"] = "key" if isinstance(record, KeyRecord) else "token"
        found += [Finding(code, kind, record.id, record.owner, detail) for code, detail in _issued(record, disabled, limits)]
        if disabled.get(record.owner) and not ended(record, limits.now):
            held.setdefault(record.owner, {"key": 0, "token": 0})[kind] += 1
    for id_, count in held.items():
        detail = f"it is disabled, and holds {count['key']} keys and {count['token']} tokens that work again when it is enabled"
        found.append(Finding("disabled_holds_credentials", "account", id_, id_, detail))
    order = list(CODES)
    return sorted(found, key=lambda finding: (order.index(finding.code), finding.id))


def _account(account: AccountRecord, hasher: PasswordHasher, limits: Limits) -> Iterator[tuple[str, str]]:
    if account.password_hash is not None:
        trouble = _hash_trouble(account.password_hash, hasher)
        if trouble:
            yield trouble
        since = account.created_at if account.password_changed_at is None else account.password_changed_at
        if limits.now - since >= limits.max_password_age:
            yield "password_over_age", f"its password was set {span(limits.now - since)} ago"
    if account.disabled:
        return
    if account.last_login_at is None:
        if limits.now - account.created_at >= limits.unused_after:
            yield "account_never_used", f"added {span(limits.now - account.created_at)} ago, and never used to log in"
    elif limits.now - account.last_login_at >= limits.unused_after:
        yield "account_unused", f"the last login was {span(limits.now - account.last_login_at)} ago"


def _hash_trouble(stored: str, hasher: PasswordHasher) -> tuple[str, str] | None:
    if stored.startswith(_PLAIN):
        return "plain_password", CODES["plain_password"][1]
    profile = hasher.profile(stored)
    if profile is None:
        return "unusable_hash", f"{CODES['unusable_hash'][1]} (a password that is stored as it is looks like that, too)"
    if profile.partition(" ")[0] in FAST_FORMATS:
        return "weak_hash", f"{profile.partition(' ')[0]} is guessed by the billion a second"
    if hasher.needs_rehash(stored):
        return "outdated_hash", f"it is {profile}, new ones are {hasher.profile(hasher.dummy())}; the next login renews it"
    return None


def _issued(record: Issued, disabled: dict[str, bool], limits: Limits) -> Iterator[tuple[str, str]]:
    what, is_key = record.what, isinstance(record, KeyRecord)
    end = ended(record, limits.now)
    if end and isinstance(record, TokenRecord) and record.sid is not None:
        return  # an issuer makes one every few minutes
    if end:
        yield f"{what}_leftover", f"it is {end}" + ("" if is_key else "; `watchword token purge` deletes it")
        return
    if record.kind == "user" and record.owner not in disabled:
        code = "key_owner_gone" if is_key else "token_subject_gone"
        yield code, CODES[code][1]
    if is_key and disabled.get(record.owner):
        yield "key_owner_disabled", CODES["key_owner_disabled"][1]
    if record.expires_at is None:
        yield f"{what}_never_expires", "it does not expire"
    if not is_key:
        return  # the use of tokens is not recorded
    since = record.created_at if record.not_before is None else max(record.created_at, record.not_before)
    if record.last_used_at is None:
        if limits.now - since >= limits.unused_after:
            yield "key_never_used", f"it is valid since {span(limits.now - since)}, and was never used"
    elif limits.now - record.last_used_at >= limits.unused_after:
        yield "key_unused", f"it was last used {span(limits.now - record.last_used_at)} ago"
