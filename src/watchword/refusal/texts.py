"""Says in words why a request was refused, to each reader in the words for them.

Three people read a refusal. The *visitor* is told what happened and what to do next; the *developer* of the client what
is wrong with the request; the *operator*, who alone may know which check failed, what to look at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from watchword.reason import Reason

if TYPE_CHECKING:
    from watchword.reason import Secret


@dataclass(frozen=True, slots=True)
class ReasonWords:
    """What is said about one reason.

    Args:
        title: a few words, the heading for everyone (RFC 9457 §3.1.3).
        happened: to the visitor, what happened.
        next_step: to the visitor, what to do now.
        developer: to the developer of the client (RFC 9457 §3.1.4, `detail`).
        operator: to the operator of the service; never sent to a client.
    """

    title: str
    happened: str
    next_step: str
    developer: str
    operator: str


_SPELLING = "Check the spelling and the case of user name and password, or whether the key or token was copied whole, then try again."
_ASK_RIGHTS = "If you need access, ask an administrator for it. Logging in again will not help."
_REQUEST = "Go back and follow the link again. If it keeps happening, tell the operator of this service."
_FAILED = "The name, password, key or token shown was not accepted."


def _failed(operator: str) -> ReasonWords:
    """Words that do not tell an anonymous caller which check failed (threat: enumeration)."""
    return ReasonWords(
        "Not recognised",
        "You could not be logged in.",
        _SPELLING,
        _FAILED,
        operator,
    )


WORDS: dict[Reason, ReasonWords] = {
    Reason.AMBIGUOUS_PATH: ReasonWords(
        "Ambiguous address",
        "The address of this page can be read in more than one way.",
        "Check the address for doubled slashes, dots, semicolons or percent signs, or start from the home page.",
        "The request target can be read in more than one way. Send a normalised path.",
        "A rule of the firewall matched; explain() names it. It can be switched off by that name.",
    ),
    Reason.HEADER_ALIAS: ReasonWords(
        "Ambiguous header",
        "The request carried a header under a misleading name.",
        _REQUEST,
        "A header name with an underscore or a dot stands for a header that matters here. Send the name with hyphens only.",
        "Gateways read `x_api_key` and `x.api.key` as `x-api-key`: such aliases are refused, so that no client speaks through them.",
    ),
    Reason.AMBIGUOUS_CREDENTIALS: ReasonWords(
        "Credentials sent twice",
        "Your login details arrived more than once, and only one set can count.",
        _REQUEST,
        "More than one set of credentials was sent. Send exactly one, in one place.",
        "Two credential fields or carriers in one request: a client error, or a probe of a gateway.",
    ),
    Reason.MALFORMED_CREDENTIALS: ReasonWords(
        "Malformed credentials",
        "Your login details arrived damaged.",
        "Log in again. If it keeps happening, tell the operator of this service.",
        "The credentials do not follow the syntax of their scheme.",
        "explain() says what was expected and where.",
    ),
    Reason.MALFORMED_CONTENT: ReasonWords(
        "Malformed content",
        "The request arrived damaged.",
        _REQUEST,
        "The content cannot be read in one way only. Send one JSON object in UTF-8, without a byte order mark and with distinct members.",
        "A rule depends on the content, such as mcp_tools(...). The log shows what was expected; the content is in no log.",
    ),
    Reason.HEADER_MISMATCH: ReasonWords(
        "Header mismatch",
        "The request contradicts itself.",
        _REQUEST,
        "A header field that repeats a part of the content is missing, or differs. Send `Mcp-Method` and `Mcp-Name` as in the content.",
        "A proxy that acts on the field and a server that acts on the content would see two operations: a client error, or a probe.",
    ),
    Reason.OVERSIZED_CREDENTIALS: ReasonWords(
        "Credentials too long",
        "Your login details are longer than this service accepts.",
        "Log out and in again, or delete the cookies of this site.",
        "A credential field is longer than the limit.",
        "A credential field is longer than the bound. Some issuers put every group of a person into the token.",
    ),
    Reason.OVERSIZED_CONTENT: ReasonWords(
        "Content too large",
        "What was sent is larger than this service accepts.",
        "Send less at once.",
        "The content is larger than what is read here. If it is a form with a token, send the token in the Authorization field.",
        "A scheme or a rule reads the content before the application does, and bounds it: Bearer(form_limit=...), mcp_tools(limit=...).",
    ),
    Reason.OVERSIZED_HEADER: ReasonWords(
        "Request header too large",
        "Your browser sent more than this service accepts.",
        "Delete the cookies of this site, then try again. If it keeps happening, tell the operator of this service.",
        "The request has more than 500 header fields, a field name of more than 256 octets, or a Host of more than 8192.",
        "The request has more header fields than are read, or a longer name or Host. A proxy in front may have split or added them.",
    ),
    Reason.OVERSIZED_TARGET: ReasonWords(
        "Address too long",
        "The address of this page is longer than this service accepts.",
        "Check the address, or start from the home page.",
        "The decoded path is longer than 8192 octets, or the query is longer than 81920. Send what is long in the content of a POST.",
        "The path or the query is longer than is read.",
    ),
    Reason.MISSING_CREDENTIALS: ReasonWords(
        "Login required",
        "This page is for people who have logged in.",
        "Log in and try again.",
        "No credentials of an accepted scheme were sent. WWW-Authenticate lists the accepted schemes.",
        "The request carried no credentials of a scheme that this route accepts.",
    ),
    Reason.INVALID_CREDENTIALS: _failed("The checker refused without saying why."),
    Reason.UNKNOWN_IDENTITY: _failed("No such user, key or token."),
    Reason.WRONG_SECRET: _failed("The user exists; the password does not match."),
    # Sent under their own codes only after the right password, and only where that is configured (decision D14).
    Reason.DISABLED: ReasonWords(
        "Account disabled",
        "Your account has been switched off.",
        "Ask an administrator to switch it on again.",
        "The credentials are right, and the account is disabled.",
        "The account is disabled.",
    ),
    Reason.LOCKED: ReasonWords(
        "Account locked",
        "Your account is locked for now.",
        "Wait a while and try again, or ask an administrator to unlock it.",
        "The credentials are right, and the account is locked for now.",
        "The account is locked for now.",
    ),
    Reason.PASSWORD_EXPIRED: ReasonWords(
        "Password expired",
        "Your password is older than it may be.",
        "Choose a new password, or ask an administrator for one.",
        "The credentials are right, and the password has to be changed.",
        "The password is older than its greatest age.",
    ),
    Reason.EXPIRED: ReasonWords(
        "Login expired",
        "Your session or token has expired.",
        "Log in again.",
        "The credentials have expired. Get new ones and repeat the request.",
        "The credentials were good and have run out. If that is sudden and widespread, check the clocks.",
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
    Reason.INVALID_PROOF: ReasonWords(
        "Not recognised",
        "You could not be logged in.",
        "Try again. If it keeps happening, tell the maker of the app that you use.",
        "The proof that goes with the token is missing or not valid. WWW-Authenticate says what is needed.",
        "The proof of possession is missing, repeated or not valid, or belongs to another key or request.",
    ),
    Reason.STALE_NONCE: ReasonWords(
        "Try again",
        "You could not be logged in, because too much time has passed.",
        "Try again.",
        "The nonce is missing or too old. Send the request again with the nonce of this response.",
        "The client used no nonce of this service, or an old one. Honest clients try again by themselves.",
    ),
    Reason.STEP_UP_REQUIRED: ReasonWords(
        "Stronger login required",
        "This page asks for a more recent or a stronger login than yours.",
        "Log in again, with the second factor if you have one.",
        "The authentication is too old or too weak for this resource. WWW-Authenticate says what is needed (RFC 9470).",
        "The route asks for fresh(...), acr(...) or factor(...), and the evidence does not show it.",
    ),
    Reason.INSUFFICIENT_SCOPE: ReasonWords(
        "Permission missing",
        "You are logged in, and the app you use has not been given access to this.",
        "Give the app the permission it asks for, or ask an administrator.",
        "The token does not have the scope that this resource needs.",
        "The principal lacks a scope of the rule.",
    ),
    Reason.MISSING_ROLE: ReasonWords(
        "Not allowed",
        "You are logged in, and your account may not do this.",
        _ASK_RIGHTS,
        "The caller is known and lacks a role. Other credentials of the same caller will not help.",
        "The principal has none of the roles of the rule.",
    ),
    Reason.MISSING_PERMISSION: ReasonWords(
        "Not allowed",
        "You are logged in, and your account may not do this.",
        _ASK_RIGHTS,
        "The caller is known and lacks a permission. Other credentials of the same caller will not help.",
        "The principal lacks a permission of the rule.",
    ),
    Reason.NETWORK_DENIED: ReasonWords(
        "Not allowed from here",
        "This page cannot be reached from your network.",
        "Connect through the network it is meant for, such as the office or its VPN.",
        "The address of the caller is not in an allowed network. No credentials change that.",
        "A network(...) requirement is not met. Behind a proxy the peer is the proxy itself.",
    ),
    Reason.CROSS_SITE: ReasonWords(
        "Not allowed from that site",
        "Another site, or a page that hides where it comes from, sent this request in your name, and it was not carried out.",
        "Open this service by its own address and try again there.",
        "A browser sends Basic credentials and cookies by itself, so they do not count for this request from a page of another origin. "
        "A client other than a browser that sends a cookie: send `Sec-Fetch-Site: same-origin`. "
        "Some paths take nothing from pages of other origins, whatever the credentials.",
        "The page is not of this host. The log shows what decided and the Guard(origins=[...]) that would allow it; behind a proxy, "
        "let it pass the Host that the browser sent. requirement.from_any_origin() exempts one rule.",
    ),
    Reason.INSECURE_TRANSPORT: ReasonWords(
        "Encryption required",
        "This page is only served over an encrypted connection.",
        "Use the address that starts with https.",
        "Use https. Credentials sent over plain http count as disclosed: revoke them.",
        "Guard(require_tls=True), and the request came in the clear.",
    ),
    Reason.DENIED: ReasonWords(
        "Not allowed",
        "You may not do this.",
        _ASK_RIGHTS,
        "The request is not allowed. No credentials change that.",
        "A requirement without a reason of its own is not met; explain() shows which.",
    ),
    Reason.THROTTLED: ReasonWords(
        "Too many attempts",
        "There were too many failed attempts.",
        "Wait a while, then try again.",
        "Too many failed attempts. Retry-After says how long to wait.",
        "Failures from this peer passed the limit.",
    ),
    Reason.UNAVAILABLE: ReasonWords(
        "Login unavailable",
        "Your login cannot be checked at the moment.",
        "Your login details may well be right. Try again in a while.",
        "The credentials could not be checked. Keep them and try again later.",
        "A checker raised Unavailable; explain() and the log carry its words.",
    ),
    Reason.OVERLOADED: ReasonWords(
        "Too busy",
        "Too many people are logging in at this moment.",
        "Try again in a moment.",
        "The service is too busy to check the credentials. Keep them and try again later.",
        "The queue for password hashes is full.",
    ),
}


# The same for a password, or a token or key: a page does not mention credentials that this service does not use.
_BY_SECRET: dict[tuple[Reason, Secret], ReasonWords] = {
    (Reason.INVALID_CREDENTIALS, "password"): replace(
        WORDS[Reason.INVALID_CREDENTIALS],
        next_step="Check the spelling and the case of user name and password, then try again.",
        developer="The user name or the password was not accepted.",
    ),
    (Reason.INVALID_CREDENTIALS, "token"): replace(
        WORDS[Reason.INVALID_CREDENTIALS],
        next_step="Check whether the key or token was copied whole, then try again.",
        developer="The key or token was not accepted.",
    ),
    (Reason.EXPIRED, "password"): replace(WORDS[Reason.EXPIRED], happened="Your login has expired."),
    (Reason.INSUFFICIENT_SCOPE, "password"): replace(
        WORDS[Reason.INSUFFICIENT_SCOPE],
        happened="You are logged in, and your account may not do this.",
        next_step=_ASK_RIGHTS,
        developer="The caller is known and lacks a scope. Other credentials of the same caller will not help.",
    ),
}


def words_for(reason: Reason, secret: Secret = "") -> ReasonWords:
    """Return the words about a reason that fit the credentials in use.

    Args:
        reason: the reason that the client is told.
        secret: what the credentials hold.
    """
    return _BY_SECRET.get((reason, secret)) or WORDS[reason]
