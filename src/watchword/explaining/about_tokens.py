"""Suggests what is wrong with a token, from its claims, which nobody has verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from watchword.checkers.jwt.checker import JWT
from watchword.explaining.suggestion import Suggestion
from watchword.spelling import nearest, seconds_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword.explaining.sent import Sent
    from watchword.explaining.suggestion import Case

_LATEST: Final = 253_402_300_799
_OF_ID_TOKENS: Final = ("at_hash", "c_hash", "nonce")


def _tokens(case: Case) -> Iterator[tuple[Sent, Mapping[str, Any]]]:
    for sent in case.sent:
        if sent.claims is not None and not case.decision.granted:
            yield sent, sent.claims


def _checkers(case: Case) -> list[JWT]:
    return [part.checker for part in case.configuration.parts if isinstance(part.checker, JWT)]


def times(case: Case) -> Iterator[Suggestion]:
    """An expired token, one of the future, milliseconds in place of seconds."""
    for _, claims in _tokens(case):
        expires, now = _number(claims.get("exp")), case.now
        if expires is not None and expires > _LATEST:
            yield Suggestion("milliseconds", "The exp of the token is in milliseconds. It must be in seconds (RFC 7519 §2).")
        elif expires is not None and expires <= now:
            was = ""
            if case.recorded.at is not None and case.recorded.at < expires:
                was = " When the request was recorded, it was valid."
            yield Suggestion("token_expired", f"The token expired {seconds_in_words(now - expires)} ago. Get a new one.{was}")
        for name in ("nbf", "iat"):
            begins = _number(claims.get(name))
            if begins is not None and now < begins <= _LATEST:
                ahead = seconds_in_words(begins - now)
                yield Suggestion(
                    "clock",
                    f"The {name} of the token lies {ahead} in the future. Compare the clock of the issuer with that of this server.",
                )
                break


def audience(case: Case) -> Iterator[Suggestion]:
    """An audience that differs, above all by a closing slash."""
    own = sorted({one for checker in _checkers(case) for one in checker.audiences})
    for _, claims in _tokens(case) if own else ():
        named = claims.get("aud")
        theirs = [named] if isinstance(named, str) else [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
        if not set(own).isdisjoint(theirs):
            continue
        if not theirs:
            yield Suggestion(
                "audience_missing", f"The token has no aud, and the guard needs one of {_listed(own)}. Ask the issuer for a token for it."
            )
            continue
        how = next((words for mine in own for one in theirs if (words := _difference(one, mine)) is not None), None)
        what = f" They differ {how}." if how else ""
        yield Suggestion("audience", f"The token is for {_listed(theirs)}, and the guard takes tokens for {_listed(own)}.{what}")


def issuer(case: Case) -> Iterator[Suggestion]:
    """Another issuer, above all by a closing slash."""
    known = [checker.issuer for checker in _checkers(case)]
    for _, claims in _tokens(case) if known else ():
        theirs = claims.get("iss")
        if not isinstance(theirs, str) or theirs in known:
            continue
        how = next((words for mine in known if (words := _difference(theirs, mine)) is not None), None)
        what = f" They differ {how}." if how else ""
        yield Suggestion("issuer", f"The token is of the issuer {_listed([theirs])}, and the guard trusts {_listed(known)}.{what}")


def kind(case: Case) -> Iterator[Suggestion]:
    """An ID token, a refresh token, an encrypted one, or an algorithm that is not allowed."""
    for sent in case.sent:
        if sent.form == "jwe" and not case.decision.granted:
            yield Suggestion(
                "encrypted", "The token is encrypted (JWE), so it is not for this server to read. Ask the issuer for a signed one."
            )
    for sent, claims in _tokens(case):
        if any(name in claims for name in _OF_ID_TOKENS) or claims.get("token_use") == "id" or claims.get("typ") == "ID":
            yield Suggestion("id_token", "This is an ID token, which is for the client. Send the access token.")
        elif claims.get("typ") in {"Refresh", "Offline"} or claims.get("token_use") == "refresh":
            yield Suggestion("refresh_token", "This is a refresh token, which is for the issuer alone. Send the access token.")
        allowed = {name for checker in _checkers(case) for name in checker.algorithms}
        algorithm = (sent.header or {}).get("alg")
        if allowed and isinstance(algorithm, str) and algorithm not in allowed | {"EdDSA"}:
            yield Suggestion(
                "algorithm", f"The token is signed by {algorithm[:32]}, and JWT(algorithms=...) allows {', '.join(sorted(allowed))}."
            )


def unreadable(case: Case) -> Iterator[Suggestion]:
    """A token that was cut."""
    for sent in case.sent:
        value = sent.value
        if sent.form == "opaque" and value.startswith("eyJ") and not case.decision.granted:
            yield Suggestion(
                "token_cut", f"The token in {sent.place} begins as a JWT does, and has not three whole segments. Was it copied whole?"
            )


def _difference(theirs: str, mine: str) -> str | None:
    """Return how two identifiers differ, if they are nearly the same."""
    if theirs.rstrip("/") == mine.rstrip("/"):
        return "by a closing slash alone"
    if theirs.lower() == mine.lower():
        return "by letter case alone"
    first, second = theirs.partition("://"), mine.partition("://")
    if first[1] and second[1] and first[2].rstrip("/") == second[2].rstrip("/"):
        return f"by {first[0][:16]} and {second[0][:16]}"
    return "by a few characters" if nearest(theirs, [mine]) else None


def _listed(names: list[str]) -> str:
    return ", ".join(ascii(name[:200]) for name in names[:5]) + (" and others" if len(names) > 5 else "")  # noqa: PLR2004 - as many as are read


def _number(value: object) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


SUGGESTIONS: Final = (times, audience, issuer, kind, unreadable)
