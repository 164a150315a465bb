"""The fast path: a caller whom the cache knows, or a request that shows nothing on a public route, at a known target.

Nothing is decided here that was not decided on the full path. The cache says whom a header field stands for, as long as that is true; which
rule decides about a target cannot change while the guard lives. The rule itself is evaluated every time, unless it is `public`. Whatever is
not plain goes the full path: that is what keeps the two alike, and a property test compares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from watchword.authorization.binding import CHANGING
from watchword.authorization.identified import public
from watchword.decision import Granted
from watchword.grammar import MAX_FIELD_OCTETS, MAX_FIELDS, MAX_NAME_OCTETS, MAX_QUERY_OCTETS
from watchword.guard.cross_site import SAFE_METHODS
from watchword.protection.firewall import is_plain_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from watchword.authorization.rules import Route
    from watchword.cache import KeyedDigest
    from watchword.credentials import Carrier
    from watchword.decision import CacheAdvice
    from watchword.guard.cache import CredentialCache
    from watchword.guard.policy import Policy
    from watchword.protection.firewall import Finding

# method, path, raw path and mount: all that a rule and the firewall's rules about targets depend on
TargetKey = tuple[str, str, bytes | None, str]

MOST_TARGETS = 2048  # bounded, and emptied when full: what is remembered is pure, so forgetting costs time alone
LONGEST = 256  # longer targets are not worth the memory
LONGEST_FIELD = 512  # octets: longer credential fields take the full path

NOTHING: Final = b""
"""The key of a request that shows no credentials."""

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


# What trusted proxies say in these changes no decision on the fast path. In any other field they may name a person, or the host, which the
# firewall looks at.
_OF_CLIENT = frozenset({"x-forwarded-for", "x-forwarded-proto", "x-real-ip"})


class Target(NamedTuple):
    """What is known about a target.

    Args:
        finding: what the firewall says about it.
        route: the rule.
        public: what is decided whoever it is; None: it depends.
    """

    finding: Finding | None
    route: Route
    public: Granted | None = None


class Targets(dict[TargetKey, Target]):
    """What the firewall and the rules say about a target; bounded.

    Args:
        methods: the methods that rules name. Clients make up others, of any length, and none of those is kept.
    """

    __slots__ = ("_methods",)

    def __init__(self, methods: Iterable[str] = ()) -> None:
        super().__init__()
        # TRACE is handed over without its credentials, so it takes the full path.
        self._methods = CHANGING.union({"GET", "HEAD", "OPTIONS"}, methods) - {"TRACE"}

    def keep(self, key: TargetKey, found: Target) -> None:
        """Remember an answer.

        Args:
            key: the target.
            found: what is known about it.
        """
        method, path, raw_path, mount = key
        if method not in self._methods:
            return
        if len(path) + len(mount) > LONGEST or (raw_path is not None and len(raw_path) > LONGEST):
            return
        if len(self) >= MOST_TARGETS:
            self.clear()
        self[key] = found


class FastPath:
    """Grants again what was granted before.

    Args:
        policy: the configuration.
        cache: knows the callers.
        advice: what a granted response says to caches, by what carried the credentials.
    """

    __slots__ = (
        "_advice",
        "_cache",
        "_digests",
        "_idle",
        "_ignored",
        "_index",
        "_kept_by_browsers",
        "_passes_on",
        "in_use",
        "is_open",
        "targets",
    )

    def __init__(self, policy: Policy, cache: CredentialCache, advice: Mapping[Carrier | None, CacheAdvice]) -> None:
        self.targets: Targets = Targets(policy.rules.methods)
        # What takes something out of every request takes the full path always.
        self._passes_on = not (policy.proxy or policy.strip_credentials)
        names = {name for entry in policy.entries for name in entry.key_fields.values()}
        # So does a caller where more of the request is looked at than this: a scheme that names no field looks at something else.
        self.is_open: bool = (
            bool(names)
            and self._passes_on
            and all(entry.scheme.fields for entry in policy.entries)
            and not (policy.throttle is not None or policy.require_tls or policy.content_readers or policy.parameters)
        )
        # Until there is somebody who could take it.
        self.in_use: bool = self._passes_on and any(route.requirement == public for route in policy.rules)
        self._cache = cache
        self._kept_by_browsers = frozenset(entry.scheme.name for entry in policy.entries if entry.scheme.is_kept_by_browsers)
        self._advice = advice
        self._index = policy.index
        self._idle = _IDLE | (_OF_CLIENT & policy.forwarded)
        self._digests: dict[bytes, KeyedDigest] = {name.encode(): cache.digest(name) for name in names}
        self._ignored: set[bytes] = set()  # names as the server spells them; bounded by the index

    @property
    def carriers(self) -> Iterable[tuple[str, KeyedDigest]]:
        """The header fields that may bring credentials here, lower case, each with what makes its keys."""
        return [(name.decode(), digest) for name, digest in self._digests.items()]

    def public(self, route: Route, granted: Granted) -> Granted | None:
        """Return what is decided at a target whoever it is, and whatever is shown; None: it depends.

        Args:
            route: the rule.
            granted: the decision of the full path, where such a rule is met.
        """
        return granted if self._passes_on and route.requirement == public else None

    def open_to(self, query: bytes | str) -> bool:
        """Tell whether a request with such a query may take the fast path, as far as that goes.

        Args:
            query: as it came. No scheme reads it, or no credentials are looked at: all that matters is what the firewall looks for.
        """
        return self.in_use and (
            not query
            or (len(query) <= MAX_QUERY_OCTETS and is_plain_query(query.encode("latin-1", "replace") if isinstance(query, str) else query))
        )

    def ignores(self, name: str | None) -> bool:
        """Tell whether a field keeps no request from the fast path, whatever its value.

        Args:
            name: as the field index has it; None: it does not matter to the guard.
        """
        return name is None or name in self._idle

    def key(self, headers: Sequence[tuple[bytes, bytes]]) -> bytes | None:
        """Return the key under which the cache knows whom a header section identifies.

        Args:
            headers: the header section.

        Returns:
            The key; `NOTHING`: no credentials are shown; None: there is more to look at than one field of credentials.
        """
        if len(headers) > MAX_FIELDS:
            return None
        ignored = self._ignored
        key, host = NOTHING, False
        for name, value in headers:
            if name in ignored:
                continue
            digest = self._digests.get(name)
            if digest is not None:
                if key or len(value) > LONGEST_FIELD:
                    return None
                key = digest.of_one(value)
            elif name == b"host":
                if host or b"," in value or len(value) > MAX_FIELD_OCTETS:
                    return None
                host = True
            elif not self._is_ignored(name):
                return None
        return key

    def _is_ignored(self, name: bytes) -> bool:
        """Tell whether a field is ignored, by its name as the server spells it, and keep the name if so."""
        if len(name) > MAX_NAME_OCTETS or not self.ignores(self._index[name]):
            return False
        if name in self._index:
            self._ignored.add(name)
        return True

    def grant(self, target: TargetKey, key: bytes) -> Granted | None:
        """Grant, if the route is public, or caller and target are known and the rule is met.

        Args:
            target: the target; its query, if any, is one that this is open to.
            key: as `key` returns it.

        Returns:
            The decision; None: take the full path.
        """
        known = self.targets.get(target)
        if known is None or known.finding is not None:
            return None
        if not key:
            return known.public
        route = known.route
        fast_check = route.fast_check
        if fast_check is None:
            return None
        fact = self._cache.recall(key) if self.is_open else None
        if fact is None or (route.accepted is not None and fact.scheme.lower() not in route.accepted):
            return None
        if target[0] not in SAFE_METHODS and fact.scheme in self._kept_by_browsers:
            return None  # the full path asks where the request comes from; handshakes do not come here
        principal = fact.principal
        if principal.evidence is not None and principal.evidence.networks is not None:
            return None  # it counts from some places only, and no address is looked at here
        if not fast_check(principal):
            return None
        granted = fact.granted
        if granted is None or granted.route is not route:
            caller = fact.caller
            granted = fact.granted = Granted(principal, route.text, fact.scheme, self._advice[caller.carrier], route, caller)
        return granted

    def __repr__(self) -> str:
        return f"FastPath({len(self.targets)} targets)"
