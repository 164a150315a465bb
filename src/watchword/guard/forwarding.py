"""Says what the application gets to see of a request: no identity that the client claims, and its credentials only if wanted.

Identity headers are outputs of an authentication. Whatever a client sends under those names is taken out, on public routes
too (threats H3, N9). Credentials stay, unless the guard was told to strip them (RFC 9110 §17.16.3), or the method is TRACE, whose
answer would repeat them (§9.3.8).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, AnyStr

from watchword.field_index import canonical_name
from watchword.schemes.subprotocols import FIELD as SUBPROTOCOLS
from watchword.schemes.subprotocols import without_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.guard.policy import Policy
    from watchword.request import RequestView


@dataclass(frozen=True, slots=True)
class Forwarding:
    """What to take out of a request before the application sees it.

    Args:
        fields: header fields to leave out, by their canonical names: their aliases too.
        cookies: the cookie string to put in place of the one that was sent; None: leave it as it is.
        query: the query to put in place of the one that was sent; None: leave it as it is.
        content: the content to put in place of the one that was sent; None: leave it as it is.
        subprotocols: the WebSocket subprotocols to put in place of those that were offered; None: leave them as they are.
    """

    fields: frozenset[str] = frozenset()
    # What is left is not ours: the application's own session, as often as not.
    cookies: str | None = field(default=None, repr=False)
    query: bytes | None = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)
    subprotocols: tuple[str, ...] | None = field(default=None, repr=False)

    def headers(self, sent: Iterable[tuple[AnyStr, AnyStr]]) -> list[tuple[AnyStr, AnyStr]]:
        """Return the header section as the application gets it, for servers that have it as pairs.

        Args:
            sent: names and values as they came, all text or all octets.
        """
        instead: dict[str, str] = {}
        if self.cookies is not None:
            instead["cookie"] = self.cookies
        if self.subprotocols:
            instead[SUBPROTOCOLS] = ", ".join(self.subprotocols)
        if self.content is not None:
            instead["content-length"] = str(len(self.content))
        kept: list[tuple[AnyStr, AnyStr]] = []
        for name, value in sent:
            if canonical_name(name) in self.fields:
                continue
            lower = (name if isinstance(name, str) else name.decode("latin-1")).lower()
            if lower not in instead:
                kept.append((name, value))
            elif instead[lower]:
                # Of a field that came in several lines the first one has all that is left.
                kept.append((name, _like(name, instead[lower])))
                instead[lower] = ""
        return kept


UNCHANGED = Forwarding()


def forwarding(policy: Policy, view: RequestView) -> Forwarding:
    """Return what to take out of a request that is granted.

    Args:
        policy: the configuration.
        view: the request, scanned.
    """
    present = view.fields.keys()
    dropped = _unbelieved(policy, view)
    # It is for the proxy that demanded it, and not for what stands behind (RFC 9110 §11.7.2).
    if policy.proxy and "proxy-authorization" in present:
        dropped |= {"proxy-authorization"}
    if not policy.strip_credentials and view.method != "TRACE":
        return Forwarding(dropped) if dropped else UNCHANGED
    dropped |= {"authorization", *policy.credential_fields}
    cookies, query, content, subprotocols = None, None, None, None
    if view.method == "TRACE":
        dropped |= {"cookie", "proxy-authorization"}
    else:
        # Not the whole field: the application has cookies of its own beside that of a scheme.
        dropped -= {"cookie"}
        sent = view.field("cookie")
        if sent is not None and policy.cookie_reader is not None:
            cookies = policy.cookie_reader.without(sent).decode("latin-1")
            if not cookies:
                cookies, dropped = None, dropped | {"cookie"}
    if view.query and policy.query_reader is not None:
        query = policy.query_reader.without(view.query)
    if view.form and policy.form_reader is not None:
        # Read already, and whole: on a public route, where nothing is looked at, there is nothing here.
        content = policy.form_reader.without(view.form)
    offered = view.field(SUBPROTOCOLS) if policy.markers else None
    if offered is not None and view.method != "TRACE":
        left, _ = without_tokens(policy.markers, offered)
        subprotocols = tuple(left)
        # The application chooses among the rest (RFC 6455 §1.9).
        if left:
            dropped -= {SUBPROTOCOLS}
    return Forwarding(frozenset(dropped), cookies, query, content, subprotocols)


def _unbelieved(policy: Policy, view: RequestView) -> frozenset[str]:
    """Return the fields of a request that state an identity, or a client, and that no trusted proxy has written."""
    present = view.fields.keys()
    # Aliases reach this point only where the firewall was told to let them through.
    dropped = frozenset(canonical_name(name) for names in (present, view.aliases) for name in names if name in policy.identity_headers)
    if policy.proxies is None:
        return dropped
    written = () if view.forwarded is None else policy.forwarded
    stating = (*(name for name in present if name not in written), *view.aliases)
    return dropped.union(name for name in stating if name in policy.forwarded or name in policy.unbelieved)


def _like(sample: AnyStr, text: str) -> AnyStr:
    """Return text as `str` or as octets, whichever the sample is."""
    return text if isinstance(sample, str) else text.encode("latin-1")
