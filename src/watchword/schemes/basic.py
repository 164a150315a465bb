"""Extracts a user name and a password by the Basic scheme (RFC 7617)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from watchword.credentials import BasicCredentials
from watchword.errors import GrammarError
from watchword.grammar import Challenge, decode_base64
from watchword.grammar.composed import composed
from watchword.schemes.base import NO_PARAMS, ChallengeParams, CredentialsError, Scheme
from watchword.validators import check_choice, invalid

if TYPE_CHECKING:
    from watchword.credentials import Credentials
    from watchword.grammar import Authorization
    from watchword.request import RequestView

# CTL of RFC 5234 B.1, which RFC 7617 §2 bars from user-id and password
_CONTROLS = bytes(range(0x20)) + b"\x7f"


class Basic(Scheme[BasicCredentials]):
    """User name and password (RFC 7617).

    Args:
        checker: called with `BasicCredentials`.
        realm: the protection space, shown by browsers in the login dialog; required (RFC 7617 §2).
        charset: `"UTF-8"`, the only value that §2.1 allows, for the challenge; None: the challenge has no charset.
        fallback: `"latin-1"` reads octets that are not UTF-8 as ISO 8859-1, for old clients; None: refuse them.

    Raises:
        ConfigurationError: the realm is missing or cannot be sent, or the charset or fallback is unknown.

    Trust: the result of `extract` is untrusted. It has no control characters and is in Normalization Form C.
    """

    name = "Basic"
    credentials: ClassVar[type[Credentials] | None] = BasicCredentials
    rank = 10
    # Every browser opens its login dialog for this challenge, and keeps the password until it is closed.
    prompts = True

    def __init__(
        self, checker: object, *, realm: str | None = None, charset: str | None = "UTF-8", fallback: Literal["latin-1"] | None = None
    ) -> None:
        # No default: the dialog shows it, and two applications of one host with one realm would share a login (RFC 7617 §2.2).
        if realm is None:
            raise invalid("Basic(realm=...)", "be given (RFC 7617 §2)", realm, 'Write Basic(checker, realm="office").')
        super().__init__(checker, realm=realm)
        # "UTF-8" is the only value allowed, and compared without regard to letter case (RFC 7617 §2.1).
        if charset is not None and (not isinstance(charset, str) or charset.upper() != "UTF-8"):
            fix = 'For old clients use fallback="latin-1".'
            raise invalid("Basic(charset=...)", 'be "UTF-8" or None (RFC 7617 §2.1)', charset, fix)
        check_choice("Basic(fallback=...)", fallback, ("latin-1", None))
        if charset is not None:
            self._plain = Challenge(self.name, {"realm": realm, "charset": "UTF-8"})
        self._fallback = fallback

    def extract(self, view: RequestView) -> BasicCredentials | None:
        """Return user name and password, split at the first colon (RFC 7617 §2).

        Raises:
            CredentialsError: the field breaks RFC 7617: base64, UTF-8, control characters, or no colon.
        """
        sent = view.authorization
        return None if sent is None or sent.scheme.lower() != "basic" else self.read(sent)

    def read(self, sent: Authorization) -> BasicCredentials:
        """Return the user name and the password of an Authorization field.

        Args:
            sent: the field; untrusted.

        Raises:
            CredentialsError: it breaks RFC 7617.
        """
        # §2 defines base64 alone. Another reader would not see credentials in parameters.
        if sent.token68 is None:
            raise CredentialsError("base64 after the scheme, not parameters (RFC 7617 §2)")
        try:
            # Canonical only: other spellings of a password would be other keys of the throttle and the cache.
            octets = decode_base64(sent.token68)
        except GrammarError as error:
            raise CredentialsError(f"{error.expected} (RFC 4648 §4)") from None
        # A NUL cuts a password for C libraries (bcrypt), a line break forges lines of logs and of htpasswd files.
        if len(octets.translate(None, _CONTROLS)) != len(octets):
            raise CredentialsError("no control characters (RFC 7617 §2)")
        # Both were encoded as one text (RFC 7617 §2), so they are decoded as one.
        user_id, colon, password = self._decode(octets).partition(":")
        if not colon:
            raise CredentialsError("a colon between user name and password (RFC 7617 §2)")
        # Form C on both sides (RFC 7617 §2.1): a Mac and a PC send different octets for the same "ö".
        return BasicCredentials(composed(user_id), composed(password))

    def challenge(self, params: ChallengeParams = NO_PARAMS) -> Challenge:
        """Return `Basic realm=..., charset="UTF-8"`; the scheme has no other parameters."""
        return self._plain

    def _decode(self, octets: bytes) -> str:
        try:
            # UTF-8 first, even with a fallback: text in Latin-1 is hardly ever valid UTF-8 by accident.
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            if self._fallback is not None:
                return octets.decode(self._fallback)
        # Raised outside of the except clause: the UnicodeDecodeError, as __context__, would carry the password into a traceback.
        raise CredentialsError("UTF-8 (RFC 7617 §2.1)")
