"""Lists the reasons for which a known caller may not, or must prove more, and those for which the answer is not known now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.reason import Reason
from watchword.reasons.entry import ReasonEntry, Words
from watchword.reasons.entry import mark as _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.reason import Secret

_ASK: Final = _("If you need access, ask an administrator for it. Logging in again will not help.")
_ASK_BY_KEY: Final = _("If you need access, ask an administrator for it. Another key or token of the same account will not help.")
_NOT_ALLOWED: Final = _("Not allowed")
_KNOWN: Final = _("You are logged in, and your account may not do this.")
_KNOWN_BY_KEY: Final = _("Your key or token is valid, and its account may not do this.")


def _lacks(what: str) -> tuple[Words, Mapping[Secret, Words]]:
    """Return the words for a caller who is known and lacks something."""
    developer = f"The caller is known and lacks a {what}. Other credentials of the same caller will not help."
    return Words(_NOT_ALLOWED, _KNOWN, _ASK, developer), {"token": Words(_NOT_ALLOWED, _KNOWN_BY_KEY, _ASK_BY_KEY, developer)}


_ROLE, _ROLE_BY_SECRET = _lacks("role")
_PERMISSION, _PERMISSION_BY_SECRET = _lacks("permission")

ENTRIES: Final = {
    Reason.STEP_UP_REQUIRED: ReasonEntry(
        Words(
            _("Stronger login required"),
            _("This page asks for a more recent or a stronger login than yours."),
            _("Log in again, with the second factor if you have one."),
            "The authentication is too old or too weak for this resource. WWW-Authenticate says what is needed (RFC 9470).",
        ),
        "The route asks for fresh(...), acr(...) or factor(...), and the evidence does not show it.",
        (401,),
        "log_in",
        oauth="insufficient_user_authentication",
    ),
    Reason.INSUFFICIENT_SCOPE: ReasonEntry(
        Words(
            _("Permission missing"),
            _("You are logged in, and the app you use has not been given access to this."),
            _("Give the app the permission it asks for, or ask an administrator."),
            "The token does not have the scope that this resource needs.",
        ),
        "The principal lacks a scope of the rule.",
        (403,),
        "switch",
        oauth="insufficient_scope",
        by_secret={"password": _lacks("scope")[0]},
    ),
    Reason.MISSING_ROLE: ReasonEntry(
        _ROLE, "The principal has none of the roles of the rule.", (403,), "switch", by_secret=_ROLE_BY_SECRET
    ),
    Reason.MISSING_PERMISSION: ReasonEntry(
        _PERMISSION, "The principal lacks a permission of the rule.", (403,), "switch", by_secret=_PERMISSION_BY_SECRET
    ),
    Reason.NETWORK_DENIED: ReasonEntry(
        Words(
            _("Not allowed from here"),
            _("This page cannot be reached from your network."),
            _("Connect through the network it is meant for, such as the office or its VPN."),
            "The address of the caller is not in an allowed network. No credentials change that.",
        ),
        "A network(...) requirement is not met. Behind a proxy the peer is the proxy itself.",
        (403, 401),
        "again",
    ),
    Reason.CROSS_SITE: ReasonEntry(
        Words(
            _("Not allowed from that site"),
            _("Another site, or a page that hides where it comes from, sent this request in your name, and it was not carried out."),
            _("Open this service by its own address and try again there."),
            "A browser sends Basic credentials and cookies by itself, so they do not count for this request from a page of another origin. "
            "A client other than a browser that sends a cookie: send `Sec-Fetch-Site: same-origin`. "
            "Some paths take nothing from pages of other origins, whatever the credentials.",
        ),
        "The page is not of this host. The log shows what decided and the Guard(origins=[...]) that would allow it; behind a proxy, "
        "let it pass the Host that the browser sent. requirement.from_any_origin() exempts one rule.",
        (403,),
        "home",
    ),
    Reason.INSECURE_TRANSPORT: ReasonEntry(
        Words(
            _("Encryption required"),
            _("This page is only served over an encrypted connection."),
            _("Use the address that starts with https."),
            "Use https. Credentials sent over plain http count as disclosed: revoke them.",
        ),
        "Guard(require_tls=True), and the request came in the clear.",
        (403,),
    ),
    Reason.DENIED: ReasonEntry(
        Words(
            _NOT_ALLOWED,
            _("You may not do this."),
            _ASK,
            "The request is not allowed. No credentials change that.",
        ),
        "A requirement without a reason of its own is not met; explain() shows which.",
        (403,),
        "home",
    ),
    Reason.THROTTLED: ReasonEntry(
        Words(
            _("Too many attempts"),
            _("There were too many failed attempts."),
            _("Wait a while, then try again."),
            "Too many failed attempts. Retry-After says how long to wait.",
        ),
        "Failures from this peer passed the limit.",
        (429,),
        "again",
    ),
    Reason.UNAVAILABLE: ReasonEntry(
        Words(
            _("Login unavailable"),
            _("Your login cannot be checked at the moment."),
            _("Your login details may well be right. Try again in a while."),
            "The credentials could not be checked. Keep them and try again later.",
        ),
        "A checker raised Unavailable; explain() and the log carry its words.",
        (503,),
        "again",
        level="warning",
    ),
    Reason.OVERLOADED: ReasonEntry(
        Words(
            _("Too busy"),
            _("Too many people are logging in at this moment."),
            _("Try again in a moment."),
            "The service is too busy to check the credentials. Keep them and try again later.",
        ),
        "The queue for password hashes is full.",
        (503,),
        "again",
        level="warning",
    ),
}
"""The rows."""
