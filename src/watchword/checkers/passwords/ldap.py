"""Reads and verifies {SHA} and {SSHA} by passlib, as LDAP servers and `htpasswd -s` write them."""

from __future__ import annotations

from watchword.checkers.passwords.libpass import PASSLIB, matches
from watchword.checkers.passwords.stored import StoredHash, compiled, octets_in

_SHA1 = compiled(r"\{SHA\}([A-Za-z0-9+/]{27})=")
_SALTED = compiled(r"\{SSHA\}([A-Za-z0-9+/]{32,48})={0,2}")
_OCTETS = 20
_LEAST_SALT, _MOST_SALT = 4, 16  # octets: OpenLDAP writes 4, others 8; RFC 3112 asks for up to 16


def read_sha1(text: str) -> StoredHash | None:
    """Read an unsalted digest."""
    found = _SHA1.fullmatch(text)
    if found is None or octets_in(found.group(1)) != _OCTETS:
        return None
    return StoredHash("ldap-sha1", "", PASSLIB, lambda octets: matches("ldap_sha1", text, octets))


def read_salted_sha1(text: str) -> StoredHash | None:
    """Read a digest and the salt behind it."""
    found = _SALTED.fullmatch(text)
    if found is None or len(text.partition("}")[2]) % 4 or not _LEAST_SALT <= octets_in(found.group(1)) - _OCTETS <= _MOST_SALT:
        return None
    return StoredHash("ldap-salted-sha1", "", PASSLIB, lambda octets: matches("ldap_salted_sha1", text, octets))
