"""Defines how a CORS layer inside the guard is asked about a preflight that the guard refuses (decision D57).

A preflight carries no credentials (WHATWG Fetch), so a rule that needs a caller refuses it. Its fields open nothing: any client can send
them, and an application may run a handler for OPTIONS (threat P14). With `Guard(cors_inside=True)` the application is asked about a
path at which it has no resource, without anything that identifies the client. The answer of a CORS layer does not depend on that path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.decision import Challenged, Forbidden, Hidden
from watchword.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.decision import Decision
    from watchword.guard.policy import Policy
    from watchword.request import RequestView

# An allow-list: method overrides, identity headers and credentials under any name stay out. The proxies' fields are in it because
# applications check the host and redirect to https by them.
_PASSED_ON = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "forwarded",
        "host",
        "origin",
        "referer",
        "sec-fetch-dest",
        "sec-fetch-mode",
        "sec-fetch-site",
        "user-agent",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-request-id",
    }
)
_ASKED = "access-control-request-"

# The fields of the answer (WHATWG Fetch, CORS protocol). Any other field may come from a handler: cookies, an entity tag, a length.
_ANSWERED = frozenset({"allow", "cache-control", "vary"})
_ANSWER = "access-control-"

REMEDY = "Put the CORS layer outside the guard, or write Guard(cors_inside=True)."
REMEDY_INSIDE = (
    "The application did not answer it with 2xx and Access-Control-Allow-Origin. Let its CORS layer allow this origin, method and path, "
    "or put the CORS layer outside the guard."
)
"""The fix for a refused preflight, with and without `cors_inside`."""

MOST_PARTS = 64
"""The number of parts of a dropped body that an application may send before it is stopped. It might send them without end."""


def is_refused_preflight(view: RequestView, decision: Decision) -> bool:
    """Tell whether a rule refuses a genuine preflight.

    Malformed requests and outages stay refused. So does a request that `require_tls` refuses: an answer would make the browser send
    credentials in the clear.

    Args:
        view: the request.
        decision: the decision about it.
    """
    return (
        view.method == "OPTIONS"
        and isinstance(decision, (Challenged, Forbidden, Hidden))
        and decision.reason is not Reason.INSECURE_TRANSPORT
        and view.is_preflight
    )


def is_passed_on(policy: Policy, name: str) -> bool:
    """Tell whether a field of a preflight is forwarded to the application.

    Args:
        policy: the configuration.
        name: lower case, with dashes.
    """
    # Even from the allow-list: a scheme may take its credentials from `referer`, or a proxy its identity from `x-forwarded-*`.
    if name in policy.credential_fields or name in policy.identity_headers:
        return False
    return name in _PASSED_ON or name.startswith(_ASKED)


def cors_answer(status: int, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]] | None:
    """Return the header fields of the answer to a preflight, which has no content.

    Args:
        status: the application's.
        headers: the application's.

    Returns:
        The fields; None: no CORS layer answered, or it did not allow the origin.
    """
    if not 200 <= status < 300:  # noqa: PLR2004 - "ok status" of WHATWG Fetch
        return None
    fields = [(name, value) for name, value in headers if name.lower() in _ANSWERED or name.lower().startswith(_ANSWER)]
    if not any(name.lower() == "access-control-allow-origin" for name, _ in fields):
        return None
    # RFC 9110 §8.6: no Content-Length with 204.
    return fields if status == 204 else [*fields, ("Content-Length", "0")]  # noqa: PLR2004 - No Content
