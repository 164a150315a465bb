"""Lists the reasons for which a caller is not identified."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from watchword.reason import Reason
from watchword.reasons.entry import ReasonEntry, Words
from watchword.reasons.entry import mark as _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.reason import Secret

_FAILED: Final = Words(
    _("Not recognised"),
    _("You could not be logged in."),
    _("Check the spelling and the case of user name and password, or whether the key or token was copied whole, then try again."),
    "The name, password, key or token shown was not accepted.",
)
_FAILED_BY_SECRET: Final[Mapping[Secret, Words]] = {
    "password": replace(
        _FAILED,
        next_step=_("Check the spelling and the case of user name and password, then try again."),
        developer="The user name or the password was not accepted.",
    ),
    "token": replace(
        _FAILED,
        happened=_("Your key or token was not accepted."),
        next_step=_("Check whether the key or token was copied whole, then try again."),
        developer="The key or token was not accepted.",
    ),
}


def _failed(operator: str) -> ReasonEntry:
    """Return a row whose words do not tell an anonymous caller which check failed (threat: enumeration)."""
    return ReasonEntry(_FAILED, operator, (401,), "log_in", oauth="invalid_token", by_secret=_FAILED_BY_SECRET)


_MISSING: Final = Words(
    _("Login required"),
    _("This page is for people who have logged in."),
    _("Log in and try again."),
    "No credentials of an accepted scheme were sent. WWW-Authenticate lists the accepted schemes.",
)
_OLD_PASSWORD: Final = Words(
    _("Password expired"),
    _("Your password is older than it may be."),
    _("Choose a new password, or ask an administrator for one."),
    "The credentials are right, and the password has to be changed.",
)
_EXPIRED: Final = Words(
    _("Login expired"),
    _("Your login, key or token has expired."),
    _("Log in again, or get a new key or token."),
    "The credentials have expired. Get new ones and repeat the request.",
)
_PROOF: Final = Words(
    _("Not recognised"),
    _("You could not be logged in."),
    _("Try again. If it keeps happening, tell the maker of the app that you use."),
    "The proof that goes with the credentials is missing or not valid. WWW-Authenticate says what is needed.",
)

ENTRIES: Final = {
    Reason.MISSING_CREDENTIALS: ReasonEntry(
        _MISSING,
        "The request carried no credentials of a scheme that this route accepts.",
        (401, 403),
        "log_in",
        by_secret={
            "token": replace(
                _MISSING,
                title=_("Key or token required"),
                happened=_("This address answers only to those who show a key or token."),
                next_step=_("Open it by the app that holds your key or token."),
            )
        },
    ),
    Reason.INVALID_CREDENTIALS: _failed("The checker refused without saying why."),
    Reason.UNKNOWN_IDENTITY: _failed("No such user, key or token."),
    Reason.WRONG_SECRET: _failed("The user exists; the password does not match."),
    # Sent under their own codes only after the right password, and only where that is configured (decision D14).
    Reason.DISABLED: ReasonEntry(
        Words(
            _("Account disabled"),
            _("Your account has been switched off."),
            _("Ask an administrator to switch it on again."),
            "The credentials are right, and the account is disabled.",
        ),
        "The account is disabled.",
        (401,),
        "log_in",
        oauth="invalid_token",
    ),
    Reason.LOCKED: ReasonEntry(
        Words(
            _("Account locked"),
            _("Your account is locked for now."),
            _("Wait a while and try again, or ask an administrator to unlock it."),
            "The credentials are right, and the account is locked for now.",
        ),
        "The account is locked for now.",
        (401,),
        "log_in",
        oauth="invalid_token",
    ),
    Reason.PASSWORD_EXPIRED: ReasonEntry(
        _OLD_PASSWORD,
        "The password is older than its greatest age.",
        (401,),
        "log_in",
        oauth="invalid_token",
        by_secret={
            "token": Words(
                _("Account expired"),
                _("Your account has to be renewed."),
                _("Ask an administrator to renew it."),
                "The credentials are right, and the account has to be renewed.",
            )
        },
    ),
    Reason.EXPIRED: ReasonEntry(
        _EXPIRED,
        "The credentials were good and have run out. If that is sudden and widespread, check the clocks.",
        (401,),
        "log_in",
        oauth="invalid_token",
        by_secret={
            "password": replace(_EXPIRED, happened=_("Your login has expired."), next_step=_("Log in again.")),
            "token": replace(
                _EXPIRED,
                title=_("Key or token expired"),
                happened=_("Your key or token has expired."),
                next_step=_("Log in again in the app that you use, or get a new key or token."),
            ),
        },
    ),
    Reason.NOT_YET_VALID: _failed("The credentials are not valid yet. Check the clocks."),
    Reason.REVOKED: _failed("The credentials were revoked."),
    Reason.WRONG_AUDIENCE: _failed("The token was issued for another service."),
    Reason.WRONG_ISSUER: _failed("The token comes from an issuer that is not configured."),
    Reason.BAD_SIGNATURE: _failed("The signature does not match any configured key."),
    Reason.MALFORMED_TOKEN: _failed("The token is not a JWT that can be read in one way only. The detail says what is wrong."),
    Reason.WRONG_TOKEN_TYPE: _failed(
        "The token is of another kind, such as an ID token, or does not say that it is an access token. If the issuer never does, use "
        'JWT(profile="any").'
    ),
    Reason.WRONG_ALGORITHM: _failed("The algorithm of the token is not allowed, or is not that of its key."),
    Reason.UNKNOWN_KEY: _failed("No key of the issuer fits the token. If that is sudden, the issuer has changed its keys."),
    Reason.INVALID_CLAIM: _failed("A claim of the token is missing or of a wrong type. The detail names it."),
    Reason.BOUND_TOKEN: _failed("The token is bound to a key of the client (cnf), and came as a bearer token: it may be stolen."),
    Reason.INVALID_PROOF: ReasonEntry(
        _PROOF,
        "The proof of possession is missing, repeated or not valid, or belongs to another key or request.",
        (401,),
        "again",
        oauth="invalid_token",
        by_secret={"password": replace(_PROOF, next_step=_("Try again. If it keeps happening, tell the operator of this service."))},
    ),
    Reason.STALE_NONCE: ReasonEntry(
        Words(
            _("Try again"),
            _("You could not be logged in, because too much time has passed."),
            _("Try again."),
            "The nonce is missing or too old. Send the request again with the nonce of this response.",
        ),
        "The client used no nonce of this service, or an old one. Honest clients try again by themselves.",
        (401,),
        "again",
        oauth="invalid_token",
    ),
}
"""The rows."""
