"""Repeats decisions at known targets: about a caller whom the cache knows, and about a request that shows nothing.

Nothing is decided here that was not decided on the full path. The cache says whom a header field stands for, as long as that is true; which
rule decides about a target cannot change while the guard lives. The rule itself is evaluated every time, unless it is `public`. Whatever is
not plain goes the full path: that is what keeps the two alike, and a property test compares them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from watchword.authorization.binding import CHANGING
from watchword.authorization.identified import public
from watchword.authorization.rules import Route
from watchword.decision import NOBODY, Caller, Challenged, Failed, Forbidden, Granted
from watchword.errors import GrammarError, Overloaded
from watchword.grammar import MAX_FIELD_OCTETS, MAX_FIELDS, MAX_NAME_OCTETS, MAX_QUERY_OCTETS, parse_authorization
from watchword.guard.cache import NONE, Fact, Grant
from watchword.guard.challenging import failed
from watchword.guard.cross_site import SAFE_METHODS
from watchword.principal import ANONYMOUS
from watchword.protection.firewall import is_plain_query
from watchword.reason import Reason
from watchword.schemes.base import CredentialsError
from watchword.schemes.basic import Basic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from watchword.authorization.requirement import Requirement
    from watchword.authorization.rules import Rules
    from watchword.checkers.adapt import Admission
    from watchword.credentials import Carrier
    from watchword.decision import CacheAdvice, Decision
    from watchword.guard.cache import CredentialCache
    from watchword.guard.policy import Policy
    from watchword.protection.firewall import Finding

# method, path, raw path and mount: all that a rule and the firewall's rules about targets depend on
TargetKey = tuple[str, str, bytes | None, str]

MOST_TARGETS = 2048  # bounded, and emptied when full: what is remembered is pure, so forgetting costs time alone
LONGEST = 256  # longer targets are not worth the memory
LONGEST_FIELD = 2048  # octets: longer credential fields take the full path. A token that RSA signs has 700 to 1,500
MOST_GRANTS = 8  # of one caller, and forgotten together: nearly all come to a few rules and views only

_COMMA = ord(",")  # a tenth of what it costs to look for one octet as `bytes`

NOTHING: Final = b""
"""The key of a request that shows no credentials."""

_SAID = frozenset({"accept", "accept-language", "origin", "x-request-id"})

_IDLE = frozenset(
    {
        "accept",
        "accept-language",
        "access-control-request-method",
        "content-type",
        "origin",
        "sec-fetch-mode",
        "sec-fetch-site",
        "x-request-id",
        "x-requested-with",
    }
)


# What trusted proxies say in these changes no decision on the fast path. In any other field they may name a person.
_OF_CLIENT = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-real-ip"})


class Target(NamedTuple):
    """What is known about a target.

    Args:
        finding: what the firewall says about it.
        route: the rule.
        public: what is decided for every caller; None: it depends on the caller.
        is_safe: whether no page of another origin does harm by it, so that the cross-site test asks nothing.
    """

    finding: Finding | None
    route: Route
    public: Grant | None = None
    is_safe: bool = False


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
    """Decides again what was decided before.

    Args:
        policy: the configuration.
        cache: knows the callers.
        advice: what a granted response says to caches, by what carried the credentials.
    """

    __slots__ = (
        "_admitting",
        "_advice",
        "_asking",
        "_begin",
        "_cache",
        "_clock",
        "_facts",
        "_idle",
        "_ignored",
        "_index",
        "_kept_by_browsers",
        "_passes_on",
        "_rules",
        "carriers",
        "in_use",
        "is_open",
        "refuses",
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
        # A refusal is repeated where it depends on the caller and the rule alone, and where all credentials would be seen here.
        self.refuses: bool = policy.repeats_challenges and not (policy.require_tls or policy.content_readers or policy.parameters)
        # Callers who need a password hash are refused here while too many wait for one.
        self._admitting: tuple[Basic, Admission] | None = None
        for entry in policy.entries:
            if self.is_open and type(entry.scheme) is Basic and entry.checker.admission is not None:
                self._admitting = entry.scheme, entry.checker.admission
        # Otherwise false until there is a caller who could take it.
        self.in_use: bool = self._admitting is not None or (self._passes_on and any(route.requirement == public for route in policy.rules))
        self._asking = policy.asking
        self._cache = cache
        self._facts = cache.facts
        self._clock = policy.clock
        self._kept_by_browsers = frozenset(entry.scheme.name for entry in policy.entries if entry.scheme.is_kept_by_browsers)
        self._advice = advice
        self._index = policy.index
        self._rules: Rules = policy.rules
        self._idle = _IDLE | (_OF_CLIENT & policy.forwarded)
        # Where no caller comes this way, a field of credentials is one that is not ignored.
        self.carriers: frozenset[str] = frozenset(names) if self.is_open else frozenset()
        self._begin = {name.encode(): cache.digest(name).begin for name in self.carriers}
        self._ignored: set[bytes] = set()  # names as the server spells them; bounded by the index

    def keep(self, key: TargetKey, finding: Finding | None, route: Route, granted: Granted) -> Target:
        """Remember what is known about a target.

        Args:
            key: the target.
            finding: what the firewall says about it.
            route: the rule.
            granted: the decision of the full path, where the rule is met by every caller.
        """
        always = Grant(granted) if self._passes_on and route.requirement == public else None
        known = Target(finding, route, always, is_safe=key[0] in SAFE_METHODS)
        self.targets.keep(key, known)
        return known

    def open_to(self, query: bytes | str) -> bool:
        """Tell whether a query lets a request take the fast path.

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

    def decide(  # noqa: C901, PLR0912 - each call costs every request
        self, target: TargetKey, headers: Sequence[tuple[bytes, bytes]]
    ) -> Grant | Challenged | Forbidden | Failed | None:
        """Decide as before, where the target is known, and the caller too, or nothing is shown; the rule is evaluated again.

        Args:
            target: the target; its query, if any, is one that this is open to.
            headers: the header section, or at least those fields of it that are not ignored.

        Returns:
            The decision; None: take the full path.
        """
        known = self.targets.get(target)
        if known is None or known.finding is not None or len(headers) > MAX_FIELDS:
            return None
        ignored, carriers = self._ignored, self._begin
        key, shown, host = NOTHING, NOTHING, False
        for name, value in headers:
            if name in ignored:
                continue
            begin = carriers.get(name)
            if begin is not None:
                if key or len(value) > LONGEST_FIELD:
                    return None
                # As `KeyedDigest.of_one`.
                state = begin()
                state.update(value)
                key, shown = state.digest(), value
            elif name == b"host":
                if host or _COMMA in value or len(value) > MAX_FIELD_OCTETS:
                    return None
                host = True
            elif not self._is_ignored(name):
                return None
        route = known.route
        if not key:
            return known.public or self._refuse_anonymous(target[0], route)
        # As `CredentialCache.recall`.
        fact = self._facts.get(key)
        if fact is None or not (fact.is_timeless or fact.is_current(self._clock)):
            if self._admitting is None or not known.is_safe or target[0] == "OPTIONS":
                return None
            return self._refuse_overload(*self._admitting, route, shown)
        if not known.is_safe and fact.scheme in self._kept_by_browsers:
            return None  # the full path asks where the request comes from; handshakes do not come here
        if route.fast_check is None:
            return None
        if not route.fast_check(fact.principal):
            return fact.refusals.get(route) if target[0] != "OPTIONS" else None  # a preflight may be answered in another way
        grant = fact.first
        return grant if grant is not None and grant.granted.route is route else self._grant(fact, route)

    def narrow(self, decision: Decision, requirement: Requirement) -> Granted | None:
        """Grant a view that is reached in a request which `grant` has granted, if the caller alone decides.

        Args:
            decision: about the request.
            requirement: what the view demands beside the rule.

        Returns:
            The decision; None: take the full path.

        Raises:
            ConfigurationError: the requirement can never be met.
        """
        caller, before = decision.caller, decision.route
        fact = None if caller is None else caller.term
        # Only this module hands out the caller that belongs to the fact.
        if not isinstance(fact, Fact) or fact.caller is not caller or not isinstance(before, Route) or not isinstance(decision, Granted):
            return None
        if fact.scheme in self._kept_by_browsers or not (fact.is_timeless or fact.is_current(self._clock)):
            return None
        route = self._rules.narrowed(before, requirement)
        if route.fast_check is None or not route.fast_check(fact.principal):
            return None
        grant = self._grant(fact, route)
        return None if grant is None else grant.granted

    def _is_ignored(self, name: bytes) -> bool:
        """Tell whether a field is ignored, by its name as the server spells it, and keep the name if so."""
        if len(name) > MAX_NAME_OCTETS or not self.ignores(self._index[name]):
            return False
        if name in self._index:
            self._ignored.add(name)
        return True

    def _grant(self, fact: Fact, route: Route) -> Grant | None:
        """Return the decision that a rule is met, made once: nothing that is asked here changes."""
        first = fact.first
        known = first if first is not None and first.granted.route is route else fact.grants.get(route)
        if known is not None:
            return known
        principal, caller = fact.principal, fact.caller
        if route.accepted is not None and fact.scheme.lower() not in route.accepted:
            return None
        if principal.evidence is not None and principal.evidence.networks is not None:
            return None  # it counts from some places only, and no address is looked at here
        grant = Grant(Granted(principal, route.text, fact.scheme, self._advice[caller.carrier], route, caller))
        # Each table is replaced, and none is changed: another thread may read it.
        if fact.first is None:
            fact.first = grant
        else:
            fact.grants = {route: grant} if len(fact.grants) >= MOST_GRANTS else {**fact.grants, route: grant}
        return grant

    def _refuse_anonymous(self, method: str, route: Route) -> Challenged | Forbidden | None:
        """Return the decision of a rule about requests that show nothing, if it is kept."""
        asked = self._asking.get(route) if self.refuses and method != "OPTIONS" else None
        return None if asked is None else asked.decision

    def _refuse_overload(self, scheme: Basic, admission: Admission, route: Route, shown: bytes) -> Failed | None:
        """Refuse a caller that needs a password hash while the hash queue is full: a flood of guesses should cost the loop little.

        All that the full path looks at before the checker is plain here, and the first step of the checker asks the same bound.

        Args:
            scheme: the scheme whose checker has the bound.
            admission: the bound.
            route: the rule.
            shown: the one field of credentials.
        """
        if not admission.is_full or route.fast_check is None:
            return None
        if route.accepted is not None and "basic" not in route.accepted:
            return None
        try:
            sent = parse_authorization(shown, limit=LONGEST_FIELD)
            if sent.scheme.lower() != "basic":
                return None
            credentials = scheme.read(sent)
        except (GrammarError, CredentialsError):
            return None
        try:
            admission.admit(credentials.username, credentials.password)  # in Form C, as `Basic` reads them
        except Overloaded as error:
            error.__traceback__ = None  # as in the verify step
            caller = Caller(ANONYMOUS, scheme.name, "authorization", failure=error)
            return failed(route, error.why, error.retry_after, caller, reason=Reason.OVERLOADED)
        return None

    def keep_refusal(self, route: Route, caller: Caller, decision: Decision) -> None:
        """Keep the decision of a rule, if it refuses and the fast path may repeat it.

        Args:
            route: the rule, which depends on the caller alone.
            caller: the caller.
            decision: of the full path.
        """
        if not self.refuses:
            return
        fact, evidence = caller.term, caller.principal.evidence
        if isinstance(fact, Fact):
            # Evidence may count from some places only. What is hidden is answered by the application.
            if isinstance(decision, (Challenged, Forbidden)) and (evidence is None or evidence.networks is None):
                kept = NONE if len(fact.refusals) >= MOST_GRANTS else fact.refusals
                fact.refusals = {**kept, route: replace(decision, caller=fact.caller)}
        elif caller is NOBODY:
            self.in_use = True

    def said(self, headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str] | None:
        """Return the fields of a header section that a refusal is written by.

        Args:
            headers: the header section of a request that is refused here.

        Returns:
            Names, lower case, and values; None: one came twice, or is too long to be read.
        """
        said: dict[str, str] = {}
        index = self._index
        for raw, value in headers:
            name = index[raw]
            if name is not None and name in _SAID:
                if name in said or len(value) > MAX_FIELD_OCTETS:
                    return None
                said[name] = value.decode("latin-1")
        return said

    def __repr__(self) -> str:
        return f"FastPath({len(self.targets)} targets)"
