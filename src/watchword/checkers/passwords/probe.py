"""Tests whether this machine can compute a format, before the first login depends on it (threat W12)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from watchword.checkers.passwords.formats import examine
from watchword.checkers.passwords.outage import describe, ends_program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.checkers.passwords.stored import Library, StoredHash

PASSWORD = b"probe"

# One cheap hash of PASSWORD for each format: a table with all formats starts within 30 ms.
HASHES: Mapping[str, str] = {
    "argon2id": "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$V/D8LrbLfVeMLTz7kgebSx8VMWlroKBgCWK3nuq9GYk",
    "argon2i": "$argon2i$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$PjINCtDResIkGh3NYPL9ufVhtnc7t/9/c6+WM9/O13A",
    "argon2d": "$argon2d$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$qDSGB1tymC/FW0yKLrUNzy/y6dwa/xw/NSm+ZDkMkr4",
    "bcrypt": "$2b$04$WnbxGPCyWijDOf9UqRuMgeknd.jBU3ejZCK6IhYmrlPOoPe58pqme",
    "scrypt": "$scrypt$ln=4,r=8,p=1$OQdgzDlnzBkj5LwXgtDamw$Rtvss9g6+FRhD+2nElxcHP6IuvetAjZQ1FHxs+nzZ5s",
    "pbkdf2-sha1": "$pbkdf2$2$X.vdGyPEuLd2bo0R4jynNA$UCU3g/vDjs5la9uxWs46p4tseI0",
    "pbkdf2-sha256": "$pbkdf2-sha256$2$grB2DgEgBIAwJmSM8R5jTA$B3kqkkrqZrzRjS/.4VP9PDLI13ZY89Pup0OXJFMA7ns",
    "pbkdf2-sha512": (
        "$pbkdf2-sha512$2$CaEUQkgppTRGqLXWuncOQQ$apIWeEpwVRJWF4kPJnPgccJ4nSbOL.kvS0zv4NRbEe8hcN0YILa.1CiBmrWUrhV9BLjxLS9Zw2jVfXeWslVabA"
    ),
    "django-pbkdf2-sha256": "pbkdf2_sha256$2$0123456789abcdef$ujoYUBlpwqZ0dog595Fq/Diro1lJSAyaewicfLt6UyU=",
    "django-pbkdf2-sha1": "pbkdf2_sha1$2$0123456789abcdef$YJST7iOHiJveBLiXDHk+wtuLR6Q=",
    "django-bcrypt-sha256": "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuu3ktIdK85GZXhUR8EnT/GWlrz53/jxXy",
    "django-bcrypt": "bcrypt$$2b$04$abcdefghijklmnopqrstuuvECSRpvNtT4ce7tJaBLZ4/mG2moXt2O",
    "django-argon2": "argon2$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$V/D8LrbLfVeMLTz7kgebSx8VMWlroKBgCWK3nuq9GYk",
    "django-scrypt": (
        "scrypt$16$0123456789abcdef$8$1$hqY/itBG2Fop1/W9Y4mn09h26JwYBjfCkVFRNfkEFQFlWXlfRu4aLNaKNZZmwnedI26zMhokxz47U8epQ8ooSw=="
    ),
    "werkzeug-scrypt": (
        "scrypt:128:8:1$NKiZj4cAzF68PVrj$33e982ad06b2f32bb82338d11ae51633d5102c2ceec176c8cdf5c16659edc1eb"
        "8bae5d31fd76a949123e10983aa6699ceae2181f64c192f34fc756072c51b153"
    ),
    "werkzeug-pbkdf2": "pbkdf2:sha256:2$NRvDM5egYnST1gzb$87dc2d2f1037d1178fec496acdd33a5325a932c97f7a6abe63c76256392c8ed3",
    "apr1": "$apr1$eThivvp.$aT8Bo8fy8NHSQDV4z7Kpx/",
    "md5-crypt": "$1$dqBZWDy9$CV0QnEkO2sZA8yKPXn0h.0",
    "sha256-crypt": "$5$rounds=1000$1RYN0Wq86OImOdk7$d4pwRy7VWTl4ZUi6NGBN2BEg8o1Wwu7URn2l5EAcEZ2",
    "sha512-crypt": (
        "$6$rounds=1000$fB853uCvSl01NLFT$puizCD3n4jE/irq1atubYt2zOUhRgQxqspYunS2TAGtK//b4zx6VEu4w0xoGtzBr1h4t0lIBsdKUGfvj0.da2."
    ),
    "ldap-sha1": "{SHA}qUnFMHEPn8p2tFd2Jnxoln+okec=",
    "ldap-salted-sha1": "{SSHA}9Bk6cE5YqfJ1qTr5rVHF31pDjt0xJoTw",
    "phpass": "$P$5vXodZWBUJUjYGmCODnFYAa8iPQZKs/",
    "des-crypt": "frebtyG7Nwg4M",
}


def trouble(stored: StoredHash) -> str:
    """Return why hashes of this format cannot be computed here, and what to do; empty if they can."""
    library = stored.library
    if not library.module:
        return ""
    try:
        loaded = library.load()
    except Exception as error:  # noqa: BLE001 - a broken installation raises anything
        return _import_trouble(library, error)
    try:
        matches = _matches(stored.format, loaded)
    except BaseException as error:
        if ends_program(error):
            raise
        return f"this machine cannot compute it ({describe(error, quote=True)}). Mend the library, or set a new password"
    return "" if matches else "its library computes wrong answers here. Install it again, or set a new password"


def _import_trouble(library: Library, error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == library.module:
        return f"{library.missing}: pip install '{library.install}'"
    return (
        f"its library cannot be imported here ({describe(error, quote=True)}). "
        f"Mend that, or install it again: pip install --force-reinstall '{library.install}'"
    )


@lru_cache(maxsize=64)
def _matches(name: str, library: object) -> bool:  # noqa: ARG001 - each import of the library is tested again
    """Compute one cheap hash twice. An exception is not cached: it may pass."""
    probe = examine(HASHES[name]).stored
    return probe is not None and probe.verify(PASSWORD) is True and probe.verify(PASSWORD + b"-") is not True
