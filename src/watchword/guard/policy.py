"""The configuration of a guard, compiled and checked once. Nothing in it changes while requests are served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from watchword.authorization.identified import authenticated
from watchword.authorization.leaves import ViaScheme
from watchword.authorization.rules import MOST_COMBINED, Route, Rules, walk
from watchword.authorization.worlds import is_satisfiable
from watchword.cache import Bounded
from watchword.checkers.adapt import AdaptedChecker, adapt
from watchword.errors import ConfigurationError
from watchword.field import CREDENTIAL_LISTS, Field, FieldTable
from watchword.field_index import FieldIndex
from watchword.grammar import CookieReader, FormReader
from watchword.guard.cross_site import configured_origin
from watchword.guard.identity_headers import IdentityHeaders
from watchword.principal import Evidence
from watchword.protection.firewall import MOUNT_FIELDS
from watchword.schemes.base import Scheme
from watchword.schemes.known import known, reads_field_alone, repeats_challenges
from watchword.schemes.subprotocols import FIELD as SUBPROTOCOLS
from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.authorization.hierarchy import ScopeHierarchy
    from watchword.authorization.requirement import Requirement
    from watchword.clock import Clock
    from watchword.credentials import Carrier, Credentials
    from watchword.guard.challenging import Asking
    from watchword.guard.credential_names import CredentialNames
    from watchword.guard.resource import Resource
    from watchword.protection.attempts import Throttling
    from watchword.protection.firewall import Firewall
    from watchword.protection.proxies import Proxies
    from watchword.request import RequestView
    from watchword.schemes.resource_metadata import ResourceMetadata

# What the guard itself reads beside credentials.
_READ = (
    "accept",
    "accept-language",
    "access-control-request-method",
    "authorization",
    "host",
    "origin",
    "sec-fetch-mode",
    "sec-fetch-site",
    "upgrade",
    "x-request-id",
    "x-requested-with",
)

# Fields with a meaning of their own, which no scheme can take for credentials.
_MEANS_SOMETHING_ELSE = frozenset({*_READ, "connection", "content-length", "content-type", "transfer-encoding", "user-agent"}) - {
    "authorization"
}


class Entry:
    """One scheme of a guard with its checker.

    Args:
        scheme: the scheme.
        proxy: whether its credentials come in Proxy-Authorization.
        hierarchy: what the scopes of its callers imply; None: nothing.
    """

    __slots__ = ("checker", "evidence", "hierarchy", "key", "key_fields", "names_accounts", "scheme")

    def __init__(self, scheme: Scheme[Credentials], *, proxy: bool = False, hierarchy: ScopeHierarchy | None = None) -> None:
        self.scheme: Scheme[Credentials] = scheme
        self.hierarchy: ScopeHierarchy | None = hierarchy
        self.key: str = scheme.name.lower()
        self.checker: AdaptedChecker = adapt(scheme.checker)
        # Of a password the time must not tell whether there is such a name (threat W2). A token has none.
        self.names_accounts: bool = scheme.secret in {"", "password"}
        # By the scheme of the credentials, whatever a checker claims: `via` depends on it.
        self.evidence: Evidence = Evidence(scheme.name)  # one for all callers of whom no more is known
        # By what carried the credentials: the header field that alone names the caller, so that it is the key in the credential cache. A
        # scheme of one's own may look at the host as well: then no field does (threat C3).
        self.key_fields: dict[Carrier, str] = {}
        if not proxy and (scheme.only_authorization or scheme.header is not None) and reads_field_alone(scheme, scheme.name):
            self.key_fields["authorization"] = "authorization"
            if scheme.header is not None and scheme.subprotocol is None:  # which says "header" as well
                self.key_fields["header"] = scheme.header


class Policy:
    """Everything that a decision depends on beside the request.

    Args:
        schemes: what is accepted.
        rules: pattern to requirement.
        default: what a request needs that no rule names.
        firewall: what refuses ambiguity.
        clock: tells the time.
        order: scheme names in the order in which challenges are sent; empty: well-known ones first (decision D22).
        identity_headers: fields that no client may send to the application; `*` at the end of a name stands for any rest.
        origins: origins whose pages may use ambient credentials, beside the host's own (decision D61).
        require_tls: refuse everything that needs a caller over plain http (decision D20).
        xhr_no_prompt: keep browsers from prompting for requests of scripts (decision D24).
        strip_credentials: hide credential fields from the application (RFC 9110 §17.16.3).
        cors_inside: ask the application about preflights that are refused (decision D57).
        proxy: be a proxy: 407 and the Proxy- fields (RFC 9110 §11.7).
        throttle: limits failures with guessable secrets; None: nothing does.
        event_key: the key of the names of credentials in events; None: a random one.
        proxies: says who the client is behind trusted proxies; None: the peer of the connection is.
        scope_implies: a scope to the scopes that it implies; empty: scopes imply nothing.

    Raises:
        ConfigurationError: something cannot be right; the message says what, where and how to mend it.
    """

    def __init__(
        self,
        *,
        schemes: Sequence[Scheme[Credentials]],
        rules: Mapping[str, Requirement],
        default: Requirement,
        firewall: Firewall,
        clock: Clock,
        order: Sequence[str],
        identity_headers: Sequence[str],
        origins: Sequence[str],
        require_tls: bool,
        xhr_no_prompt: bool,
        strip_credentials: bool,
        cors_inside: bool,
        proxy: bool,
        throttle: Throttling | None = None,
        event_key: bytes | None = None,
        proxies: Proxies | None = None,
        scope_implies: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        for scheme in schemes:
            if not isinstance(scheme, Scheme):
                raise invalid("Guard(*schemes)", 'be schemes, such as Basic(checker, realm="office")', scheme, secret=True)
        if not schemes:
            raise ConfigurationError("Guard(*schemes) must hold at least one scheme: a 401 needs a challenge (RFC 9110 §11.6.1).")
        self.scopes: ScopeHierarchy | None = None if scope_implies is None else _hierarchy(scope_implies)
        self.entries: tuple[Entry, ...] = tuple(Entry(one, proxy=proxy, hierarchy=self.scopes) for one in _ordered(schemes, order))
        # A scheme that lives in the Authorization field alone is found by its name; the others are asked one by one.
        self.by_name: dict[str, Entry] = {entry.key: entry for entry in self.entries if entry.scheme.only_authorization}
        self.by_scheme: dict[str, Entry] = {entry.scheme.name: entry for entry in self.entries}
        self.others: tuple[Entry, ...] = tuple(entry for entry in self.entries if not entry.scheme.only_authorization)
        if not isinstance(rules, Mapping):
            raise invalid("Guard(rules=...)", 'be a mapping of patterns to requirements, such as {"/healthz": public}', rules)
        # With the schemes, so that rules which no caller can meet together deny instead of challenging for ever.
        self.rules: Rules = Rules(rules, default, frozenset(entry.key for entry in self.entries), self.scopes)
        # By path: documents that the guard serves by itself.
        self.resources: Mapping[str, Resource] = _resources(self.entries, self.rules)
        # The resource that the guard stands in front of, as far as that is stated: its origin is that of its own pages.
        self.resource: ResourceMetadata | None = next((one.metadata for one in self.resources.values()), None)
        self.firewall = firewall
        self.clock = clock
        self.origins: frozenset[str] = frozenset(map(configured_origin, origins))
        self.require_tls = require_tls
        self.xhr_no_prompt = xhr_no_prompt
        # Then what is asked for depends on the rule, and on nothing else of a request.
        self.repeats_challenges: bool = not xhr_no_prompt and all(
            repeats_challenges(entry.scheme, entry.scheme.name) for entry in self.entries
        )
        self.proxy = proxy
        self.throttle = throttle
        self._event_key = event_key
        self._credential_names: CredentialNames | None = None
        self.proxies = proxies
        # Read by the step for proxies alone. Each is a field whose aliases the firewall refuses (threat H9).
        self.forwarded: frozenset[str] = frozenset() if proxies is None else frozenset(name.lower() for name in proxies.fields)
        # The application gets none of them.
        self.unbelieved: frozenset[str] = frozenset(getattr(proxies, "drops", ()))
        # Credentials from a login form are verified under no rule of a path.
        self.login: Route = Route("login", authenticated, owner=self.rules.owner)
        self.hides: bool = any(route.hides for route in self.rules)
        self.content_readers: tuple[Entry, ...] = tuple(entry for entry in self.entries if entry.scheme.reads_content)
        # Whether adapters must be able to read content ahead of the application.
        self.reads_content: bool = bool(self.content_readers) or any(route.content_readers for route in self.rules)
        fields = frozenset(name for entry in self.entries for name in entry.scheme.fields)
        # A proxy has its own pair of fields, and passes Authorization on to the origin unread (RFC 9110 §11.7.2).
        self.credential_fields: frozenset[str] = fields - {"authorization"} | {"proxy-authorization"} if proxy else fields
        self.fields: FieldTable = _field_table(self.entries, self.credential_fields)
        self.markers: frozenset[str] = frozenset(entry.scheme.subprotocol for entry in self.entries if entry.scheme.subprotocol is not None)
        self.strip_credentials = strip_credentials
        self.cors_inside = cors_inside
        self.parameters: frozenset[bytes] = frozenset(name for entry in self.entries for name in entry.scheme.parameters)
        # Sorted, so that two processes with one configuration treat a request in the same order.
        cookies = sorted({name for entry in self.entries for name in entry.scheme.cookies})
        forms = sorted({name for entry in self.entries for name in entry.scheme.form_parameters or ()})
        # What takes credentials out of a request before the application sees it.
        self.cookie_reader: CookieReader | None = CookieReader(cookies) if cookies else None
        self.query_reader: FormReader | None = FormReader(sorted(self.parameters)) if self.parameters else None
        self.form_reader: FormReader | None = FormReader(forms) if forms else None
        self.identity_headers: IdentityHeaders = IdentityHeaders(identity_headers)
        self.asking: Bounded[Route, Asking] = Bounded(MOST_COMBINED + len(self.rules.routes) + 1)  # filled as anonymous callers ask
        # Of other guards the content is never looked at, whatever type it claims.
        about_content = {"content-type"} if self.content_readers else set()
        about_content |= {name for route in self.rules for part in route.content_readers for name in part.fields}
        self.index: FieldIndex = FieldIndex(
            {
                *(*_READ, *MOUNT_FIELDS, *about_content, *fields, *self.credential_fields),
                *(*self.identity_headers.names, *self.forwarded, *self.unbelieved),
            },
            self.identity_headers.prefixes,
            _MEANS_SOMETHING_ELSE,
        )
        self._check()

    @property
    def credential_names(self) -> CredentialNames:
        """Names credentials in events and in the log."""
        if self._credential_names is None:
            from watchword.guard.credential_names import CredentialNames  # for guards that tell of credentials

            self._credential_names = CredentialNames(self._event_key)
        return self._credential_names

    @property
    def vary(self) -> tuple[str, ...]:
        """The fields on which an answer to an anonymous caller depends (decision D58), as they are written."""
        names = self.credential_fields - {SUBPROTOCOLS}  # no handshake is stored
        return tuple(sorted("-".join("API" if part == "api" else part.capitalize() for part in name.split("-")) for name in names))

    def route(self, view: RequestView) -> Route:
        """Return the rule that decides; where a router may or may not take the mount off, the rules of both paths together.

        Args:
            view: the request.
        """
        # Both must be met: a router that takes the mount off in another way reaches another handler (threat P15).
        route = self.rules.find(view.method, view.path)
        return route if view.whole is None else self.rules.combined(route, self.rules.find(view.method, view.whole))

    def scan(self, view: RequestView) -> None:
        """Find the header fields that matter, and who the client is; a second time does nothing.

        Args:
            view: the request.
        """
        view.scan_bounded(self.index)
        proxies = self.proxies
        if proxies is not None and not getattr(view, "resolved", False):
            by, said = getattr(view, "stated", (None, None))
            if by is not proxies:
                said = proxies.resolve(view)
                view.stated = proxies, said
            if said is not None:
                view.use_forwarded(said)
                if said.host is not None:
                    view.fields["host"] = said.host  # for the cross-site test, which alone compares it
            # Last: where the step fails, a program that goes on with the view must not take the proxy for the client.
            view.resolved = True

    def content_limit(self, view: RequestView) -> int | None:
        """Return how much content the schemes want; None: none of them wants any.

        Args:
            view: the request, its Authorization field parsed.
        """
        # The least one: no scheme is handed more than it asked for, and the memory of a request is bounded.
        limits = [entry.scheme.wants_content(view) for entry in self.content_readers]
        return min((limit for limit in limits if limit is not None), default=None)

    def entry_for(self, credentials: Credentials, scheme: str | None) -> Entry:
        """Return the scheme whose checker verifies credentials that did not come by a scheme.

        Args:
            credentials: what is to be verified.
            scheme: its name; None: the one that has credentials of this kind.

        Raises:
            ValueError: there is no such scheme, or more than one.
        """
        if scheme is not None:
            found = [entry for entry in self.entries if entry.scheme.name.lower() == scheme.lower()]
        else:
            found = [entry for entry in self.entries if entry.scheme.credentials is type(credentials)]
        if len(found) != 1:
            names = ", ".join(entry.scheme.name for entry in self.entries)
            raise ValueError(f"verify(scheme=...) must name one of {names} for {type(credentials).__name__}, got {scheme!r}")
        return found[0]

    def _check(self) -> None:
        names = [entry.key for entry in self.entries]
        for name in names:
            if names.count(name) > 1:
                raise ConfigurationError(
                    f"two schemes of Guard(*schemes) have the name {name!r}. Give one scheme a checker that asks both."
                )
        for entry in self.entries:
            self._check_entry(entry)
        for route in self.rules:
            self._check_schemes(route)

    def _check_schemes(self, route: Route) -> None:
        """Refuse a rule that asks for schemes which this guard does not have: it would challenge for ever."""
        known = frozenset(entry.key for entry in self.entries)
        has = ", ".join(entry.scheme.name for entry in self.entries)
        asked = [part for part in walk(route.requirement) if isinstance(part, ViaScheme)]
        for part in asked:
            if part.names and known.isdisjoint(name.lower() for name in part.names):
                raise ConfigurationError(f"the rule {route.text!r} requires {part}, and this guard has only {has}. Add the scheme.")
        lost = route.accepted is not None and known.isdisjoint(route.accepted) and not any(part.empty for part in asked)
        if lost or (asked and not is_satisfiable(route.requirement, known)):
            alone = f" It can be met by {', '.join(sorted(route.accepted))} alone." if route.accepted and lost else ""
            raise ConfigurationError(
                f"the rule {route.text!r} can be met by no scheme of this guard, which has only {has}: {route.requirement}.{alone} "
                "Add a scheme that meets it, or name one of the guard in via(...)."
            )

    def _check_entry(self, entry: Entry) -> None:
        scheme, takes = entry.scheme, getattr(entry.scheme.checker, "takes_credentials", ())
        if scheme.credentials is not None and takes and scheme.credentials not in takes:
            wanted = " or ".join(kind.__name__ for kind in takes)
            raise ConfigurationError(f"{scheme.name} extracts {scheme.credentials.__name__}, and {entry.checker.name} checks {wanted}.")
        taken = sorted(name for name in set(scheme.fields) if name in _MEANS_SOMETHING_ELSE or name in self.identity_headers)
        if taken:
            raise ConfigurationError(
                f"{scheme.name} cannot take credentials from {', '.join(taken)}: the field means something else. Use another field."
            )
        if self.strip_credentials and scheme.reads_content and scheme.form_parameters is None:
            raise ConfigurationError(
                f"strip_credentials=True needs the form parameters of {scheme.name}. "
                f"Name them in {type(scheme).__name__}.form_parameters; use () for none."
            )
        if self.proxy and not known(entry.key).of_proxies:
            raise ConfigurationError(f"Guard(proxy=True) must have Basic or Digest only (decision D35), got {scheme.name}.")


def _hierarchy(table: Mapping[str, Sequence[str]]) -> ScopeHierarchy | None:
    from watchword.authorization.hierarchy import ScopeHierarchy  # with the first guard that has one

    hierarchy = ScopeHierarchy(table)
    return hierarchy if hierarchy.table else None


def _field_table(entries: Sequence[Entry], names: frozenset[str]) -> FieldTable:
    """Return how the fields may come that schemes read. Where two read one field, the greater length counts, and what both allow."""
    fields = {"host": Field()}
    for name in names:
        # In a proxy guard schemes read Proxy-Authorization as they read Authorization (RFC 9110 §11.7.2).
        read = [entry.scheme.field(name) for entry in entries if name in entry.scheme.fields] or [Field()]
        fields[name] = Field(all(one.list for one in read), max(one.limit for one in read), all(one.repeat for one in read))
    limits = {
        entry.key: entry.scheme.field("authorization").limit for entry in entries if not CREDENTIAL_LISTS.isdisjoint(entry.scheme.fields)
    }
    return FieldTable(fields, names, limits)


def _resources(entries: Sequence[Entry], rules: Rules) -> Mapping[str, Resource]:
    stated = [entry.scheme.metadata for entry in entries if entry.scheme.metadata is not None]
    if not stated:
        return {}
    from watchword.guard.resource import resources_of  # most guards serve nothing by themselves

    return resources_of(stated, rules)


def _ordered(schemes: Sequence[Scheme[Credentials]], order: Sequence[str]) -> list[Scheme[Credentials]]:
    wanted = [name.lower() for name in order]
    missing = set(wanted) - {scheme.name.lower() for scheme in schemes}
    if missing:
        raise ConfigurationError(f"Guard(order=...) must name schemes of this guard, got {', '.join(sorted(missing))}.")
    return sorted(
        schemes, key=lambda scheme: (wanted.index(scheme.name.lower()) if scheme.name.lower() in wanted else len(wanted), scheme.rank)
    )
