"""Finds what is weak or stale in a store. It looks at records, and prints nothing."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Literal

from watchword.cli.output import span
from watchword.cli.shapes import ended

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from watchword.checkers.passwords import PasswordHasher
    from watchword.stores.ports import AccountRecord, KeyRecord, TokenRecord

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
"""Every finding there is: how grave it is, and what it says. Stable: programs look for them."""

# Made for speed, or cut to 8 characters: a graphics card tries billions a second. The rest that is not Argon2id is merely outdated.
FAST_FORMATS = frozenset({"apr1", "des-crypt", "ldap-salted-sha1", "ldap-sha1", "md5-crypt"})
_PLAIN = "{PLAIN}"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is weak or stale.

    Args:
        code: one of `CODES`.
        kind: what it is about.
        id: of the account or key, or the handle of the token.
        owner: for whom a key or token stands; of an account its id.
        detail: in words.
    """

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
    """What counts as long.

    Args:
        now: Unix seconds.
        unused_after: seconds without use.
        max_password_age: seconds; infinity: passwords do not age.
    """

    now: float
    unused_after: float
    max_password_age: float = inf


def examine_store(
    accounts: Iterable[AccountRecord], keys: Iterable[KeyRecord], tokens: Iterable[TokenRecord], hasher: PasswordHasher, limits: Limits
) -> list[Finding]:
    """Return what is weak or stale, the gravest first.

    Args:
        accounts: all of them.
        keys: all of them.
        tokens: all of them.
        hasher: as the application has it: what differs from what it would make is outdated.
        limits: what counts as long.
    """
    disabled: dict[str, bool] = {}
    found: list[Finding] = []
    for account in accounts:
        disabled[account.id] = account.disabled
        found += _account(account, hasher, limits)
    held: dict[str, list[int]] = {}
    for key in keys:
        found += _key(key, disabled, limits)
        if disabled.get(key.owner) and not ended(key, limits.now):
            held.setdefault(key.owner, [0, 0])[0] += 1
    for token in tokens:
        found += _token(token, disabled, limits)
        if disabled.get(token.subject) and not ended(token, limits.now):
            held.setdefault(token.subject, [0, 0])[1] += 1
    for id_, (key_count, token_count) in held.items():
        detail = f"it is disabled, and holds {key_count} keys and {token_count} tokens that work again when it is enabled"
        found.append(Finding("disabled_holds_credentials", "account", id_, id_, detail))
    order = list(CODES)
    return sorted(found, key=lambda finding: (order.index(finding.code), finding.id))


def _account(account: AccountRecord, hasher: PasswordHasher, limits: Limits) -> Iterator[Finding]:
    def finding(code: str, detail: str) -> Finding:
        return Finding(code, "account", account.id, account.id, detail)

    if account.password_hash is not None:
        trouble = _hash_trouble(account.password_hash, hasher)
        if trouble:
            yield finding(*trouble)
        since = account.created_at if account.password_changed_at is None else account.password_changed_at
        if limits.now - since >= limits.max_password_age:
            yield finding("password_over_age", f"its password was set {span(limits.now - since)} ago")
    if account.disabled:
        return
    if account.last_login_at is None:
        if limits.now - account.created_at >= limits.unused_after:
            yield finding("account_never_used", f"added {span(limits.now - account.created_at)} ago, and never used to log in")
    elif limits.now - account.last_login_at >= limits.unused_after:
        yield finding("account_unused", f"the last login was {span(limits.now - account.last_login_at)} ago")


def _hash_trouble(stored: str, hasher: PasswordHasher) -> tuple[str, str] | None:
    if stored.startswith(_PLAIN):
        return "plain_password", CODES["plain_password"][1]
    profile = hasher.profile(stored)
    if profile is None:
        return "unusable_hash", f"{CODES['unusable_hash'][1]} (a password that is stored as it is looks like that, too)"
    if profile.partition(" ")[0] in FAST_FORMATS:
        return "weak_hash", f"{profile.partition(' ')[0]} is guessed by the billion a second"
    if hasher.needs_rehash(stored):
        return "outdated_hash", f"it is {profile}, new ones are {hasher.profile(hasher.dummy())}; the next login makes it anew"
    return None


def _key(key: KeyRecord, disabled: dict[str, bool], limits: Limits) -> Iterator[Finding]:
    def finding(code: str, detail: str) -> Finding:
        return Finding(code, "key", key.id, key.owner, detail)

    end = ended(key, limits.now)
    if end:
        yield finding("key_leftover", f"it is {end}")
        return
    if key.kind == "user" and key.owner not in disabled:
        yield finding("key_owner_gone", CODES["key_owner_gone"][1])
    if disabled.get(key.owner):
        yield finding("key_owner_disabled", CODES["key_owner_disabled"][1])
    if key.expires_at is None:
        yield finding("key_never_expires", "it does not expire")
    since = key.created_at if key.not_before is None else max(key.created_at, key.not_before)
    if key.last_used_at is None:
        if limits.now - since >= limits.unused_after:
            yield finding("key_never_used", f"it is valid since {span(limits.now - since)}, and was never used")
    elif limits.now - key.last_used_at >= limits.unused_after:
        yield finding("key_unused", f"it was last used {span(limits.now - key.last_used_at)} ago")


def _token(token: TokenRecord, disabled: dict[str, bool], limits: Limits) -> Iterator[Finding]:
    def finding(code: str, detail: str) -> Finding:
        return Finding(code, "token", token.id, token.subject, detail)

    end = ended(token, limits.now)
    if end:
        yield finding("token_leftover", f"it is {end}; `watchword token purge` forgets it")
        return
    if token.kind == "user" and token.subject not in disabled:
        yield finding("token_subject_gone", CODES["token_subject_gone"][1])
    if token.expires_at is None:
        yield finding("token_never_expires", "it does not expire")
