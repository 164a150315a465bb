"""The fast path: a caller whom the cache knows, at a known target.

Nothing is decided here that was not decided on the full path. The cache says whom an Authorization field stands for, as long as that
is true; which rule decides about a target cannot change while the guard lives. The rule itself is evaluated every
time. Whatever is not plain goes the full path: that is what keeps the two alike, and a property test compares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.authorization.binding import CHANGING
from watchword.decision import Granted
from watchword.grammar import MAX_FIELD_OCTETS, MAX_FIELDS, MAX_NAME_OCTETS, MAX_QUERY_OCTETS
from watchword.guard.cross_site import SAFE_METHODS
from watchword.protection.firewall import is_plain_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watchword.authorization.rules import Route
    from watchword.decision import CacheAdvice
    from watchword.guard.cache import CredentialCache
    from watchword.guard.policy import Policy
    from watchword.protection.firewall import Finding
    from watchword.request import FieldIndex

# method, path, raw path and mount: all that a rule and the firewall's rules about targets depend on
TargetKey = tuple[str, str, bytes | None, str]

MOST_TARGETS = 2048  # bounded, and emptied when full: what is remembered is pure, so forgetting costs time alone
LONGEST = 256  # longer targets are not worth the memory
LONGEST_FIELD = 512  # octets: longer Authorization fields take the full path

_IGNORED, _CREDENTIALS, _HOST, _MATTERS = range(4)
_IDLE = frozenset(
    {
        "accept",
        "access-control-request-method",
        "content-type",
        "origin",
        "sec-fetch-mode",
        "sec-fetch-site",
        "x-request-id",
        "x-requested-with",
    }
)


class Targets(dict[TargetKey, "tuple[Finding | None, Route]"]):
    """What the firewall and the rules say about a target; bounded.

    Args:
        methods: the methods that rules name. Clients make up others, of any length, and none of those is kept.
    """

    __slots__ = ("_methods",)

    def __init__(self, methods: Iterable[str] = ()) -> None:
        super().__init__()
        # TRACE is handed over without its credentials, so it takes the full path.
        self._methods = CHANGING.union({"GET", "HEAD", "OPTIONS"}, methods) - {"TRACE"}

    def keep(self, key: TargetKey, found: tuple[Finding | None, Route]) -> None:
        """Remember an answer.

        Args:
            key: the target.
            found: the firewall's finding and the rule.
        """
        method, path, raw_path, mount = key
        if method not in self._methods:
            return
        if len(path) + len(mount) > LONGEST or (raw_path is not None and len(raw_path) > LONGEST):
            return
        if len(self) >= MOST_TARGETS:
            self.clear()
        self[key] = found


class _Codes(dict[bytes, int]):
    """How a header field counts on the fast path, by its name as the server spells it; bounded by its index."""

    __slots__ = ("_idle", "_index")

    def __init__(self, index: FieldIndex, idle: frozenset[str]) -> None:
        super().__init__()
        self._index = index
        self._idle = idle

    def __missing__(self, raw: bytes) -> int:
        name = self._index[raw]
        code = (
            _IGNORED
            if name is None or name in self._idle
            else _CREDENTIALS
            if name == "authorization"
            else _HOST
            if name == "host"
            else _MATTERS
        )
        if raw in self._index:
            self[raw] = code
        return code


class FastPath:
    """Grants again what was granted before.

    Args:
        policy: the configuration.
        cache: knows the callers.
        advice: what a response to such a caller says to caches.
    """

    __slots__ = ("_advice", "_cache", "_codes", "_idle", "_kept_by_browsers", "in_use", "is_open", "targets")

    def __init__(self, policy: Policy, cache: CredentialCache, advice: CacheAdvice) -> None:
        self.targets: Targets = Targets(policy.rules.methods)
        # What changes the request on its way, or looks at more of it than this, takes the full path always.
        self.is_open: bool = any(entry.named_by_field for entry in policy.by_name.values()) and not (
            policy.proxy
            or policy.throttle is not None
            or policy.require_tls
            or policy.strip_credentials
            or policy.content_readers
            or policy.parameters
        )
        self.in_use: bool = False  # until there is somebody who could take it
        self._cache = cache
        self._kept_by_browsers = frozenset(entry.scheme.name for entry in policy.entries if entry.scheme.is_kept_by_browsers)
        self._advice = advice
        self._idle = _IDLE | policy.forwarded
        self._codes = _Codes(policy.index, self._idle)

    def open_to(self, query: bytes | str) -> bool:
        """Tell whether a request with such a query may take the fast path, as far as that goes.

        Args:
            query: as it came. No scheme of this guard reads it, so all that matters is what the firewall looks for.
        """
        return self.in_use and (
            not query
            or (len(query) <= MAX_QUERY_OCTETS and is_plain_query(query.encode("latin-1", "replace") if isinstance(query, str) else query))
        )

    def ignores(self, name: str | None) -> bool:
        """Tell whether a field keeps no request from the fast path; `authorization` and `host` are looked at by themselves.

        Args:
            name: as the field index has it; None: it does not matter to the guard.
        """
        return name is None or name in self._idle or name == "authorization" or name == "host"  # noqa: PLR1714 - a set would be built each time

    def credentials(self, headers: Sequence[tuple[bytes, bytes]]) -> bytes | None:
        """Return the credential field, if it is the one thing in the header section that matters.

        Args:
            headers: the header section.

        Returns:
            The value; None: there is none, or there is more to look at.
        """
        if len(headers) > MAX_FIELDS:
            return None
        codes = self._codes
        found: bytes | None = None
        host = False
        for name, value in headers:
            if len(name) > MAX_NAME_OCTETS:
                return None
            code = codes[name]
            if not code:
                continue
            if code == _CREDENTIALS and found is None:
                found = value
            elif code == _HOST and not host and b"," not in value and len(value) <= MAX_FIELD_OCTETS:
                host = True
            else:
                return None
        return found

    def grant(self, target: TargetKey, sent: bytes) -> Granted | None:
        """Grant, if this caller and this target are known and the rule is met.

        Args:
            target: the target; its query, if any, is one that this is open to.
            sent: the credential field.

        Returns:
            The decision; None: take the full path.
        """
        place = self.targets.get(target)
        if place is None or len(sent) > LONGEST_FIELD:
            return None
        finding, route = place
        fast_check = route.fast_check
        if finding is not None or fast_check is None:
            return None
        fact = self._cache.recall(self._cache.key_of_field(sent))
        if fact is not None and target[0] not in SAFE_METHODS and fact.scheme in self._kept_by_browsers:
            return None  # the full path asks where the request comes from; handshakes do not come here
        if fact is None or (route.accepted is not None and fact.scheme.lower() not in route.accepted):
            return None
        principal = fact.principal
        if principal.evidence is not None and principal.evidence.networks is not None:
            return None  # it counts from some places only, and no address is looked at here
        if not fast_check(principal):
            return None
        granted = fact.granted
        if granted is None or granted.route is not route:
            granted = fact.granted = Granted(principal, route.text, fact.scheme, self._advice, route, fact.caller)
        return granted

    def __repr__(self) -> str:
        return f"FastPath({len(self.targets)} targets)"
