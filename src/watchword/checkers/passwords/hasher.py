"""Makes hashes, verifies them, and tells which are outdated."""

from __future__ import annotations

from base64 import b64encode
from os import urandom
from typing import TYPE_CHECKING

from watchword.checkers.passwords.octets import MAX_PASSWORD_OCTETS, as_octets
from watchword.checkers.passwords.outage import HashUnavailable, describe, outage
from watchword.errors import ConfigurationError, Unavailable
from watchword.validators import check_whole, invalid

if TYPE_CHECKING:
    from watchword.checkers.passwords.context import Context
    from watchword.checkers.passwords.stored import StoredHash

# As in verify.py, the formats are imported with the first hash.


class PasswordHasher:
    """Makes Argon2id hashes, and verifies those of every known format.

    Args:
        time_cost: the passes over the memory.
        memory_cost: the memory in KiB.
        parallelism: the lanes. OWASP recommends the three defaults: about 20 ms.
        context: a passlib CryptContext, or an object with its methods `hash`, `verify`, `needs_update` and `identify`. It makes new
            hashes, and verifies those that it identifies. Hashes of the known formats that it does not identify are verified as well.
        plain: whether a stored value may be a password in plain text: marked with `{PLAIN}`, or of an unknown format. For migrations
            only: a reader of the store can log in as any user.

    Raises:
        ConfigurationError: a parameter is too small, over the ceilings, or not a number, or the context lacks a method.
    """

    __slots__ = ("_context", "_dummy", "_memory", "_parallelism", "_passes", "_plain", "_probed")

    def __init__(
        self,
        *,
        time_cost: int = 2,
        memory_cost: int = 19456,
        parallelism: int = 1,
        context: object = None,
        plain: bool = False,
    ) -> None:
        self._passes, self._memory, self._parallelism = time_cost, memory_cost, parallelism
        self._plain = plain is True
        self._dummy: dict[str, str] = {}
        self._probed: set[str] = set()  # formats that the context has computed
        for name, number in (("time_cost", time_cost), ("memory_cost", memory_cost), ("parallelism", parallelism)):
            check_whole(f"PasswordHasher({name}=...)", number, least=1)
        self._context = _checked(context)
        from watchword.checkers.passwords.argon2 import MAX_LANES, MAX_MEMORY, MAX_WORK

        if memory_cost < 8 * parallelism:
            raise ConfigurationError(f"PasswordHasher(memory_cost=...) must be 8 KiB or more for each lane: use {8 * parallelism} or more.")
        if memory_cost * time_cost > MAX_WORK or memory_cost > MAX_MEMORY or parallelism > MAX_LANES:
            raise ConfigurationError(
                f"PasswordHasher(...) must stay within memory_cost={MAX_MEMORY}, parallelism={MAX_LANES} and memory_cost * time_cost = "
                f"{MAX_WORK}: a more costly hash is never verified."
            )

    def hash(self, password: str | bytes) -> str:
        """Make a hash. Blocking, and slow on purpose.

        Args:
            password: text, encoded as UTF-8, or octets.

        Raises:
            ValueError: the password is empty, over 1,024 octets, holds a NUL, or is longer than the format of the context reads.
            TypeError: it is not a string or bytes.
        """
        if not isinstance(password, (str, bytes, bytearray)):
            raise TypeError(f"a password must be text or octets, got {type(password).__name__}")
        octets = as_octets(password)
        if not octets:
            raise ValueError("the password is empty")
        # A megabyte of password kept Django busy for a minute (CVE-2013-1443, threats W4).
        if len(octets) > MAX_PASSWORD_OCTETS:
            raise ValueError(f"the password is longer than {MAX_PASSWORD_OCTETS} octets")
        if b"\x00" in octets:
            raise ValueError("the password holds a NUL, where some hash functions stop reading")
        if self._context is not None:
            new = self._read(self.dummy())
            if new is None:
                raise ConfigurationError("PasswordHasher(context=...) no longer identifies its own hashes.")
            # bcrypt reads 72 octets: of a longer password any ending would match (CVE-2025-22228, threats W1).
            if new.limit is not None and len(octets) > new.limit:
                raise ValueError(f"the password is longer than the {new.limit} octets that {new.format} reads")
        return self._make(octets)

    def verify(self, hash: str, password: str | bytes) -> bool:  # noqa: A002 - the name of the argument is public
        """Tell whether a password belongs to a stored hash, as `verify_password` does: one verification.

        Args:
            hash: the stored hash.
            password: the password; text is encoded as UTF-8.

        Raises:
            Unavailable: it cannot be computed now. A bad hash and a bad password raise nothing.
        """
        from watchword.checkers.passwords.verify import matches

        stored = self.find(hash)
        return stored is not None and matches(stored, password)

    def needs_rehash(self, hash: str) -> bool:  # noqa: A002 - as above
        """Tell whether a stored hash differs from new ones in format, in parameters, or in the length of salt or digest.

        Args:
            hash: the stored hash; one that is unknown, malformed, or not identified by the context is outdated.
        """
        try:
            stored = self._read(hash)
            if stored is None or stored.format == "plain":
                return True
            if self._context is not None:
                return self._context.identify(hash) is None or self._context.needs_update(hash) is not False
            return not stored.current or stored.profile != self._argon2_profile()
        except Exception:  # noqa: BLE001 - a context is foreign code
            return True

    def check(self, hash: str, owner: str) -> None:  # noqa: A002 - as above
        """Refuse a stored hash that could never match, or that this machine cannot compute.

        Args:
            hash: the stored hash.
            owner: its owner, for the message; the hash itself is never shown.

        Raises:
            ConfigurationError: it is malformed, of an unknown format or too costly, or its library is missing, broken, or lacks
                the algorithm.
        """
        from watchword.checkers.passwords.check import check_computable, refuse_format

        stored = self.read(hash, owner)
        if self._context is None or stored.library.module:
            check_computable(stored, owner)
        elif stored.format not in self._probed and stored.format != "plain":
            from watchword.checkers.passwords.context import probe

            refuse_format(stored.format, probe(self._context, stored, hash), owner)
            self._probed.add(stored.format)

    def read(self, hash: str, owner: str) -> StoredHash:  # noqa: A002 - as above
        """Return a parsed hash.

        Args:
            hash: the stored hash.
            owner: its owner, for the message.

        Raises:
            ConfigurationError: it is malformed, of an unknown format or too costly, so it matches no password.
        """
        from watchword.checkers.passwords.check import check_found
        from watchword.checkers.passwords.formats import examine

        stored = self._read(hash)
        return check_found(hash, examine(hash, plain_text=self._plain), owner) if stored is None else stored

    def find(self, hash: str) -> StoredHash | None:  # noqa: A002 - as above
        """Return a parsed hash; None: it is malformed, of an unknown format or too costly, so it matches no password.

        Args:
            hash: the stored hash.

        Raises:
            Unavailable: the context or the machine fails.
        """
        try:
            return self._read(hash)
        except Exception as error:  # noqa: BLE001 - a context is foreign code
            unavailable = outage(error, "stored", quote=self._context is None)
        raise unavailable

    def profile(self, hash: str) -> str | None:  # noqa: A002 - as above
        """Name format and cost, such as "argon2id m=19456 t=2 p=1": two hashes of one profile cost the same to verify.

        Args:
            hash: the stored hash.

        Returns:
            None: it is malformed, of an unknown format or too costly, so it is never verified.
        """
        try:
            stored = self.find(hash)
        except Unavailable:
            return None
        return None if stored is None else stored.profile

    def dummy(self) -> str:
        """Return the dummy hash: the hash of a random password, with the parameters of new hashes.

        The first call makes and checks it: it must be well-formed, have the profile of new hashes, match its own password, and not match
        an empty one (threats W3).

        Raises:
            ConfigurationError: this machine cannot compute new hashes, or those of the context fail the check.
        """
        if not self._dummy:
            self._dummy.setdefault("made", self._checked_dummy())  # of two threads the first one wins
        return self._dummy["made"]

    def _checked_dummy(self) -> str:
        from watchword.checkers.passwords.verify import answers

        random = b64encode(urandom(18))
        try:
            made, other = self._compute(random), self._compute(b64encode(urandom(18)))
            stored = self._read(made)
            matches = stored is not None and answers(stored, random[: stored.limit])
        except HashUnavailable as error:
            raise ConfigurationError(f"this machine cannot compute new password hashes: {error.cause}.") from None
        except ConfigurationError:
            raise
        except Exception as error:  # noqa: BLE001 - a context is foreign code
            why = describe(error, quote=True)  # the hashed password is random, and is discarded
            raise ConfigurationError(
                f"this machine cannot compute new password hashes: {why}. Update the libraries of the hasher."
            ) from None
        if stored is None:
            raise ConfigurationError(
                "PasswordHasher(context=...) makes hashes that are malformed, too costly, or not identified by the context itself."
            )
        if stored.profile != (self._argon2_profile() if self._context is None else self.profile(other)):
            raise ConfigurationError(
                "PasswordHasher(context=...) makes hashes of different costs, which reveals who exists. Remove vary_rounds."
            )
        if not matches or self._matches_empty(stored):
            raise ConfigurationError(
                "PasswordHasher(context=...) makes hashes that their own password does not match, or that an empty one matches."
            )
        return made

    def _matches_empty(self, stored: StoredHash) -> bool:
        from watchword.checkers.passwords.verify import answers

        try:
            return answers(stored, b"")
        except HashUnavailable:
            return False  # some functions refuse an empty password

    def _argon2_profile(self) -> str:
        return f"argon2id m={self._memory} t={self._passes} p={self._parallelism}"

    def _make(self, octets: bytes) -> str:
        try:
            return self._compute(octets)
        except ConfigurationError:
            raise
        except Exception as error:  # noqa: BLE001 - its message may hold the password
            if self._context is not None:
                raise ValueError(f"the context does not hash this password: it raised {type(error).__name__}") from None
            unavailable = outage(error, "argon2id", quote=True)
        raise unavailable

    def _compute(self, octets: bytes) -> str:
        if self._context is None:
            from watchword.checkers.passwords.argon2 import make

            return make(octets, time_cost=self._passes, memory_cost=self._memory, parallelism=self._parallelism)
        from watchword.checkers.passwords.context import secret

        made = self._context.hash(secret(octets))
        if not isinstance(made, str):
            raise ConfigurationError(f"hash() of PasswordHasher(context=...) must return str, got {type(made).__name__}.")
        return made

    def _read(self, text: object) -> StoredHash | None:
        from watchword.checkers.passwords.formats import examine

        found = examine(text, plain_text=self._plain)
        if self._context is not None and isinstance(text, str):
            from watchword.checkers.passwords.context import claim

            claimed = claim(self._context, text, found)
            if claimed is not None:
                return claimed if claimed.bounded else None
        return found.usable

    def __repr__(self) -> str:
        made = f"context={type(self._context).__name__}" if self._context is not None else self._argon2_profile()
        return f"PasswordHasher({made}{', plain=True' if self._plain else ''})"


def _checked(context: object) -> Context | None:
    if context is None:
        return None
    from watchword.checkers.passwords.context import Context

    missing = [name for name in ("hash", "verify", "needs_update", "identify") if not callable(getattr(context, name, None))]
    if missing or not isinstance(context, Context):
        must = f"be a CryptContext of passlib, or have its methods {', '.join(missing)}"
        raise invalid("PasswordHasher(context=...)", must, context, secret=True)
    return context
