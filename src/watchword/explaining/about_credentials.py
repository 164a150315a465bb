"""Suggests what is wrong with credentials as they were written: their field, their scheme, their encoding."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from watchword.explaining.suggestion import Suggestion
from watchword.reason import Reason
from watchword.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.explaining.sent import Sent
    from watchword.explaining.suggestion import Case

_PLACEHOLDER: Final = re.compile(
    r"(?i)(?:undefined|null|none|nil|true|false|\[object object\]|<[^<>]*>|\{\{.*\}\}|\$\{?\w+\}?|%\w+%|your[-_ ]?\w*|token|xxx+|\.\.\.|…)"
)
_NOT_URL: Final = re.compile("[-_]")


def repeated_field(case: Case) -> Iterator[Suggestion]:
    """`Authorization` twice: a client library and a proxy, or a default and an own field."""
    count = len(case.fields("authorization"))
    if count > 1:
        yield Suggestion("authorization_repeated", f"The request has {count} Authorization fields, and only one can count. Send one.")


def no_scheme(case: Case) -> Iterator[Suggestion]:
    """A token without `Bearer` before it."""
    for sent in case.sent:
        if sent.place == "authorization" and not sent.scheme and not _PLACEHOLDER.fullmatch(sent.value):
            offered = [scheme.name for scheme in case.configuration.guard.schemes if "authorization" in scheme.fields]
            name = "Bearer" if "Bearer" in offered else next(iter(offered), "Bearer")
            what = "a token without a scheme" if sent.form in {"jwt", "jwe"} else "no scheme that is known"
            yield Suggestion(
                "scheme_missing", f"Authorization has {what}. Send `Authorization: {name} …`, with the scheme and a space before."
            )


def repeated_scheme(case: Case) -> Iterator[Suggestion]:
    """`Bearer Bearer …`, or a scheme with a colon."""
    for sent in case.sent:
        if sent.place != "authorization" or not sent.scheme:
            continue
        first = sent.value.partition(" ")[0].lower()
        if first in {"bearer", "basic", "token", "apikey"} and " " in sent.value:
            yield Suggestion(
                "scheme_repeated", f"Authorization has a scheme twice: {sent.scheme}, and again before the token. Send it once."
            )


def unfilled(case: Case) -> Iterator[Suggestion]:
    """`undefined`, `<token>`, `$TOKEN`, quotes: what programs and templates leave behind."""
    for sent in case.sent:
        value = sent.value
        if value and _PLACEHOLDER.fullmatch(value):
            yield Suggestion(
                "placeholder", f"The credential in {sent.place} is a placeholder that was not replaced. Put the real one there."
            )
        elif len(value) > 1 and value[0] in "\"'" and value[-1] == value[0]:
            yield Suggestion("quoted", f"The credential in {sent.place} stands in quotes. Send it without them.")


def empty(case: Case) -> Iterator[Suggestion]:
    """A scheme alone: a variable was empty."""
    for sent in case.sent:
        if (sent.scheme and not sent.form) or (not sent.scheme and not sent.value and sent.form != "cookie"):
            yield Suggestion("credential_empty", f"Nothing stands after the scheme in {sent.place}: a variable was empty. Fill it in.")


def other_scheme(case: Case) -> Iterator[Suggestion]:
    """A scheme that the guard does not offer, or that the rule does not accept."""
    offered = {scheme.name.lower(): scheme.name for scheme in case.configuration.guard.schemes}
    for sent in case.sent:
        if sent.place != "authorization" or not sent.scheme or case.decision.granted:
            continue
        if sent.scheme not in offered:
            names = ", ".join(offered.values())
            yield Suggestion("scheme_not_offered", f"The request uses the scheme {sent.scheme}, and the guard has only {names}.")
        elif case.decision.reason is Reason.MISSING_CREDENTIALS:
            yield Suggestion(
                "scheme_not_accepted", f"This rule does not accept {offered[sent.scheme]}. Use one of the schemes in its challenges."
            )


def elsewhere(case: Case) -> Iterator[Suggestion]:
    """A field whose name looks like one that the guard reads; a cookie that was not sent."""
    if case.reason is not Reason.MISSING_CREDENTIALS:
        return
    wanted = case.configuration.guard.policy.credential_fields - {"cookie", "sec-websocket-protocol"}
    for name in dict.fromkeys(name.lower() for name, _ in case.recorded.headers):
        close = None if name in wanted or name.startswith(("accept", "sec-")) else nearest(name, wanted)
        if close is not None:
            yield Suggestion("field_misspelt", f"The request has the field {name}, and the guard reads {close}. Is that a typing mistake?")
    cookies = [name for scheme in case.configuration.guard.schemes for name in scheme.cookies]
    if cookies and not any(sent.form == "cookie" for sent in case.sent):
        names = " or ".join(dict.fromkeys(cookies))
        yield Suggestion(
            "cookie_not_sent",
            f'The cookie {names} was not sent. Look at its Path, Domain, SameSite and Secure, at credentials: "include" of fetch, and '
            "whether the login has ended.",
        )


def basic_encoding(case: Case) -> Iterator[Suggestion]:
    """Base64 without padding or of the other alphabet, no colon, a line break at the end of the password."""
    for sent in case.sent:
        if sent.form == "basic":
            yield from _of_pair(sent, case)


def _of_pair(sent: Sent, case: Case) -> Iterator[Suggestion]:
    refused = not case.decision.granted
    text = sent.value
    if sent.pair is None:
        if b":" in text.encode("utf-8", "replace"):
            yield Suggestion("base64_missing", "User name and password stand there as they are. Send them in base64 (RFC 7617 §2).")
        else:
            yield Suggestion(
                "base64_broken", "What stands after Basic is no base64. Encode user name, colon and password together (RFC 7617 §2)."
            )
        return
    if refused and _NOT_URL.search(text):
        yield Suggestion(
            "base64_url", "The base64 is of the alphabet for URLs, with - and _. Basic needs + and / (RFC 7617 §2, RFC 4648 §4)."
        )
    if refused and len(text.rstrip("=")) % 4 and len(text) % 4:
        yield Suggestion(
            "base64_padding", "The base64 lacks its padding. Put = at the end, up to a multiple of four characters (RFC 4648 §4)."
        )
    if b":" not in sent.pair:
        yield Suggestion(
            "colon_missing", "There is no colon between user name and password. Encode `name:password` as one text (RFC 7617 §2)."
        )
    if sent.pair.endswith((b"\n", b"\r")):
        yield Suggestion(
            "line_break", "The password ends with a line break: `echo` adds one. Use `printf '%s'` or `echo -n` before base64."
        )
    elif refused and (sent.pair != sent.pair.strip() or b": " in sent.pair or b" :" in sent.pair):
        yield Suggestion("space", "The user name or the password begins or ends with a space. Was it copied with one?")
    if refused and not _is_utf8(sent.pair):
        yield Suggestion(
            "not_utf8", 'User name or password are not in UTF-8. Encode them so, or use Basic(fallback="latin-1") for old clients.'
        )
    if case.reason is Reason.UNKNOWN_IDENTITY:
        yield from _other_case(sent.pair, case)


def _other_case(pair: bytes, case: Case) -> Iterator[Suggestion]:
    # The name of an account is shown, and not what was typed: that may be a password.
    name = pair.partition(b":")[0].decode("utf-8", "replace")
    known = next((one for one in case.configuration.names if one.lower() == name.lower().strip()), None)
    if known is not None and known != name:
        yield Suggestion("user_name_case", f"There is an account {known!r}, whose name differs in case or in spaces alone.")


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


SUGGESTIONS: Final = (repeated_field, no_scheme, repeated_scheme, unfilled, empty, other_scheme, elsewhere, basic_encoding)
