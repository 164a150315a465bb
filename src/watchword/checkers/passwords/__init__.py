"""Verifies passwords, makes and checks hashes, and picks the dummy hash for an unknown name.

The hash libraries are imported when the first password is verified.
"""

from watchword.checkers.passwords.dummy_hashes import DummyHashes
from watchword.checkers.passwords.hasher import PasswordHasher
from watchword.checkers.passwords.octets import BCRYPT_OCTETS, MAX_PASSWORD_OCTETS
from watchword.checkers.passwords.verify import check_hash, identify, verify_password

__all__ = ["BCRYPT_OCTETS", "MAX_PASSWORD_OCTETS", "DummyHashes", "PasswordHasher", "check_hash", "identify", "verify_password"]
