"""States how a program can answer a refusal, as data: the alternatives of a `cure`, in the order of preference.

They follow from what the response says anyway: status, challenges, `Retry-After` and `Location`. The guard computed the challenges from
what the policy lacks. So a server states its cure by this module, and a client reads that of any other server by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from watchword.grammar import is_token
from watchword.validators import is_scope_token

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.grammar import Challenge

Action: TypeAlias = Literal["authenticate", "renew", "widen", "step_up", "log_in", "wait", "ask"]
"""What to do:

    authenticate  send credentials of the scheme
    renew         the token is not valid, or has ended: get another one, by its refresh token or by a new login
    widen         the token lacks a scope: request one that has all of `scopes`
    step_up       the login is too old or too weak: log in again, within `max_age` and by one of `acr_values`
    log_in        a person logs in on the page `login`
    wait          repeat the same request with the same credentials after `wait` seconds
    ask           no program can do more: a person asks `contact`
"""

# RFC 6750 §3.1, RFC 9470 §3. Other codes, such as those of DPoP, ask for credentials.
_BY_ERROR: Final[dict[str, Action]] = {
    "invalid_token": "renew",
    "insufficient_scope": "widen",
    "insufficient_user_authentication": "step_up",
}
_CREDENTIALS: Final = frozenset({"authenticate", "renew", "widen", "step_up"})
# What `xhr_no_prompt` writes for a scheme by which a browser would prompt (decision D24).
_QUIET: Final = {"xbasic": "Basic", "xdigest": "Digest", "xnegotiate": "Negotiate", "xntlm": "NTLM"}
_DELAYED: Final = frozenset({429, 503})
_MOST_NAMES: Final = 64  # scopes, or classes of a login
_MOST_DIGITS: Final = 10
_LONGEST: Final = 2048  # characters of a text


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One way to answer a refusal. Each suffices by itself.

    Args:
        action: what to do.
        scheme: the scheme of the credentials, as in its challenge; empty: none are asked for.
        realm: its protection space.
        scopes: all scopes that a token needs, also those that it has.
        max_age: the greatest age of the login, in seconds; None: any.
        acr_values: the authentication context classes that suffice, in order of preference; empty: any.
        resource_metadata: the URL of the metadata of the resource, which names the authorization servers (RFC 9728 §5.1).
        token_endpoint: the URL at which tokens are requested (RFC 6749 §3.2).
        login: the URI reference of the page on which a person logs in.
        wait: seconds to wait; None: nothing is known.
        contact: whom a person can ask: an address or a URL.
    """

    action: Action
    scheme: str = ""
    realm: str = ""
    scopes: tuple[str, ...] = ()
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    resource_metadata: str = ""
    token_endpoint: str = ""
    login: str = ""
    wait: int | None = None
    contact: str = ""

    @property
    def needs_credentials(self) -> bool:
        """Whether credentials are to be sent."""
        return self.action in _CREDENTIALS

    def members(self) -> dict[str, Any]:
        """Return the members of its JSON object; those without a value are left out."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: [*value] if isinstance(value, tuple) else value for name, value in values.items() if value not in ("", (), None)}


def remedies(
    status: int, challenges: Iterable[Challenge], *, wait: int | None = None, login: str = "", contact: str = ""
) -> tuple[Remedy, ...]:
    """Return how a refusal can be answered.

    Args:
        status: the status code.
        challenges: of the response.
        wait: `Retry-After` in seconds; None: the response has none.
        login: `Location`, where it is a page to log in; empty: it is none.
        contact: whom a person can ask; empty: nobody.

    Returns:
        The alternatives; empty where no credential, no wait and no person could change the answer.
    """
    found = [Remedy(action="log_in", login=login)] if login else []
    if status in _DELAYED:
        found.append(Remedy(action="wait", wait=wait))
    # A malformed request stays one whatever credentials it brings (RFC 6750 §3.1).
    found += [_of_challenge(one) for one in challenges if status != 400 and one.params.get("error") != "invalid_request"]  # noqa: PLR2004
    if contact:
        found.append(Remedy(action="ask", contact=contact))
    # Digest has one challenge for each algorithm (RFC 7616 §3.7).
    return tuple(dict.fromkeys(found))


def remedy_of(members: object) -> Remedy | None:
    """Return an alternative from its JSON object; None: it is none. Members that are not known or not valid are left out.

    Args:
        members: of a document of a server, untrusted.
    """
    if not isinstance(members, Mapping) or members.get("action") not in get_args(Action):
        return None
    scheme = _text(members.get("scheme"))
    return Remedy(
        action=members["action"],
        scheme=scheme if is_token(scheme) else "",
        realm=_text(members.get("realm")),
        scopes=_names(members.get("scopes")),
        max_age=_number(members.get("max_age")),
        acr_values=_names(members.get("acr_values")),
        resource_metadata=_text(members.get("resource_metadata")),
        token_endpoint=_text(members.get("token_endpoint")),
        login=_text(members.get("login")),
        wait=_number(members.get("wait")),
        contact=_text(members.get("contact")),
    )


def _of_challenge(challenge: Challenge) -> Remedy:
    params = challenge.params
    digits = params.get("max_age", "")
    return Remedy(
        action=_BY_ERROR.get(params.get("error", ""), "authenticate"),
        scheme=_QUIET.get(challenge.scheme.lower(), challenge.scheme),
        realm=params.get("realm", ""),
        scopes=_names(params.get("scope", "").split(" ", _MOST_NAMES)[:_MOST_NAMES]),
        max_age=int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS else None,
        acr_values=_names(params.get("acr_values", "").split(" ", _MOST_NAMES)[:_MOST_NAMES]),
        resource_metadata=params.get("resource_metadata", ""),
    )


def _names(given: object) -> tuple[str, ...]:
    names = given[:_MOST_NAMES] if isinstance(given, (list, tuple)) else ()
    return tuple(name for name in names if isinstance(name, str) and len(name) <= _LONGEST and is_scope_token(name))


def _text(given: object) -> str:
    return given if isinstance(given, str) and len(given) <= _LONGEST and given.isprintable() else ""


def _number(given: object) -> int | None:
    return given if isinstance(given, int) and not isinstance(given, bool) and 0 <= given < 10**_MOST_DIGITS else None


__all__ = ["Action", "Remedy", "remedies", "remedy_of"]
