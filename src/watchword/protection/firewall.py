"""Refuses requests that two readers could understand in two ways, before any other step.

Every rule stands for bypasses that happened (threats P1 to P8, H1, H2): a proxy, a router and a guard that disagree about a path or a
header. Each rule can be switched off by name, for applications that need what it refuses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from watchword.errors import GrammarError
from watchword.field import CREDENTIAL_LISTS
from watchword.grammar import MAX_PATH_OCTETS, MAX_QUERY_OCTETS, has_stray_percent, may_be_joined, parse_authorization
from watchword.mount import strip_mount
from watchword.reason import Reason
from watchword.target import decode_path, encode_path, origin_form
from watchword.validators import check_sequence, invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from watchword.field import FieldTable
    from watchword.request import RequestView

RULES: dict[str, str] = {
    "relative_path": "Refuses a path that does not start with a slash: an asterisk, an authority, or nothing at all.",
    "absolute_form": "Refuses an absolute URI as the target if its path is not the one that is routed.",
    "fragment": "Refuses a number sign in the target, which no client sends.",
    "control": "Refuses a control character in the target, as it is or percent-encoded.",
    "nul": "Refuses a percent-encoded NUL in the path.",
    "empty_segment": "Refuses two slashes in a row in the path.",
    "dot_segment": "Refuses a segment of the path that is one or two dots, as they are or percent-encoded.",
    "encoded_slash": "Refuses a percent-encoded slash in the path.",
    "backslash": "Refuses a backslash in the path, as it is or percent-encoded.",
    "semicolon": "Refuses a semicolon in the path, as it is or percent-encoded.",
    "bad_escape": "Refuses a percent sign in the path that is not followed by two hexadecimal digits.",
    "double_encoding": "Refuses a decoded path that still holds a percent-encoded character.",
    "not_utf8": "Refuses a decoded path that is not UTF-8.",
    "mount": "Refuses a path that holds the mount other than as its first whole segments, and a field that asks for another mount.",
    "repeated_field": "Refuses a field that may come once if it came twice, or if two were joined with a comma.",
    "field_alias": "Refuses a header name in which an underscore, a dot or the like stands for the hyphen of a field that matters.",
}
"""The rules by name, each with a sentence on what it refuses."""

MOUNT_FIELDS = frozenset({"x-vhm-root"})
"""Fields by which a client moves the root of a router: Pyramid's traversal starts at `X-Vhm-Root`, also from a client."""

_CONTROLS = bytes(range(0x20)) + b"\x7f"
_CONTROL_TEXT = frozenset(map(chr, _CONTROLS)) - {"\x00"}
_DOTS = frozenset({".", ".."})
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_MOST_UTF8 = 4  # octets of one character (RFC 3629 §3)
_MOST_PER_OCTET = 3  # octets of an undecoded path that stand for one
_LONGEST_AUTHORITY = 1024  # octets of scheme and host in an absolute target

# unreserved / sub-delims / ":" / "@" of RFC 3986 §3.3, and the slash. Without the semicolon, which begins parameters for some routers.
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,=:@/"


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a request is refused.

    Args:
        rule: the rule that matched, a key of `RULES`.
        reason: the reason code.
    """

    rule: str
    reason: Reason


def is_plain_query(query: bytes) -> bool:
    """Return whether an undecoded query holds nothing that a rule looks for."""
    return b"#" not in query and len(query.translate(None, _CONTROLS)) == len(query)


_REPEATED = Finding("repeated_field", Reason.AMBIGUOUS_CREDENTIALS)


class Firewall:
    """Refuses ambiguous requests.

    Args:
        off: names of rules to switch off; see `RULES`. The documentation says what that costs.

    Raises:
        ConfigurationError: a name is not a rule.
    """

    __slots__ = ("_off",)

    def __init__(self, *, off: Iterable[str] = ()) -> None:
        self._off = frozenset(check_sequence("Firewall(off=...)", off))
        unknown = self._off - RULES.keys()
        if unknown:
            raise invalid("Firewall(off=...)", f"name rules of {', '.join(RULES)}", sorted(unknown))

    @property
    def off(self) -> frozenset[str]:
        """The names of the rules that are off."""
        return self._off

    def check_bounds(self, view: RequestView) -> Finding | None:
        """Check the length of target and names, and the number of fields, before anything is parsed (threat H11).

        So is a caller whom a trusted proxy names by a field that cannot be read (RFC 9440 §2.2). Bounds cannot be switched off (RFC 9110
        §5.4). Returns None without a finding.
        """
        if _is_long(view):
            return Finding("oversized_target", Reason.OVERSIZED_TARGET)
        if view.overflow:
            return Finding(view.overflow, Reason.OVERSIZED_HEADER)
        stated = view.forwarded
        return Finding("malformed_field", Reason.MALFORMED_CREDENTIALS) if stated is not None and stated.malformed else None

    def check_target(self, view: RequestView) -> Finding | None:
        """Check method and target. The result depends on nothing else, so the guard caches it per target."""
        # The first rule in the order of the table gives the reason, so one target always has the same one.
        for rule in _suspects(view):
            if rule not in self._off:
                return Finding(rule, Reason.AMBIGUOUS_PATH)
        return None

    def check_fields(self, view: RequestView, fields: FieldTable) -> Finding | None:
        """Check the query and the header fields.

        Args:
            view: the request, scanned.
            fields: how credential fields and `host` may occur. They are checked in the order of this table: WSGI does not keep the order of
                the request, which therefore must not decide the reason.
        """
        if view.query:
            # Servers pass these on undecoded; no client sends them.
            if b"#" in view.query and "fragment" not in self._off:
                return Finding("fragment", Reason.AMBIGUOUS_PATH)
            if len(view.query.translate(None, _CONTROLS)) != len(view.query) and "control" not in self._off:
                return Finding("control", Reason.AMBIGUOUS_PATH)
        # The router would start at the root that a client names, and the guard decides about the path alone (threats P15).
        if "mount" not in self._off and not MOUNT_FIELDS.isdisjoint(view.fields):
            return Finding("mount", Reason.AMBIGUOUS_PATH)
        # WSGI has one variable for `X-User` and `X_User` (RFC 3875 §4.1.18), so a client's copy could replace the proxy's (threats H2, H9).
        if view.aliases and "field_alias" not in self._off:
            return Finding("field_alias", Reason.HEADER_ALIAS)
        repeated: Finding | None = None
        for name, field in fields:
            if name not in view.fields:
                continue
            value = view.fields[name]
            if fields.is_too_long(name, value):
                # A bound cannot be switched off (RFC 9110 §5.4), and precedes repeated fields.
                return Finding("oversized_field", Reason.OVERSIZED_CREDENTIALS if name in fields.carriers else Reason.OVERSIZED_HEADER)
            if repeated is None and not (field.list or field.repeat) and "repeated_field" not in self._off:
                repeated = _repeated(view, name)
        return repeated

    def __repr__(self) -> str:
        return f"Firewall(off={sorted(self._off)})" if self._off else "Firewall()"


class _Target(NamedTuple):
    """A request target in the forms that later readers may use."""

    sent: bytes  # the undecoded path without scheme and authority; empty if the server does not state it
    path: str  # the decoded path below the mount, as the router sees it
    decoded: str  # `path` and the decoded `sent`
    routed: bool  # whether the sent path is the routed one
    misplaced: bool  # whether routers disagree about the end of the mount
    told: bool  # whether the server states the undecoded target


# In the order of their precedence.
_TESTS: dict[str, Callable[[_Target], bool]] = {
    # gRPC-Go routed a path without its slash, and no deny rule matched it (CVE-2026-33186, threats P2).
    "relative_path": lambda target: target.path[:1] != "/",
    # A server must accept the absolute form (RFC 9112 §3.2.2). Its path must be the routed one, or a proxy decides about another.
    "absolute_form": lambda target: not target.routed,
    # Envoy took a fragment for part of the path (CVE-2021-32779, threats P4). A target has none (RFC 9110 §7.1). Without the undecoded
    # target a decoded `%23` cannot be told from a fragment.
    "fragment": lambda target: b"#" in target.sent or (not target.told and "#" in target.path),
    # The dot of a regex in Spring matched no newline, so a path with `%0a` passed the rule (CVE-2022-22978, threats P5).
    "control": lambda target: not _CONTROL_TEXT.isdisjoint(target.decoded),
    # C code ends a path at NUL, so another file is opened than the one that was decided about (CWE-626).
    "nul": lambda target: "\x00" in target.decoded,
    # nginx merges slashes by default, and routers do not: `//admin` is `/admin` for one of them alone (threats P3).
    "empty_segment": lambda target: "//" in target.path or b"//" in target.sent,
    # Envoy compared `/x/../admin` as it was, and its backend resolved it (CVE-2019-9901, threats P3).
    "dot_segment": lambda target: not _DOTS.isdisjoint(target.decoded.split("/")) or not _DOTS.isdisjoint(target.path.split("/")),
    # Envoy did not decode `%2F` and `%5C`, and its backend did (CVE-2021-29492, threats P3).
    "encoded_slash": lambda target: b"%2f" in target.sent.lower(),
    # Browsers and some proxies read a backslash as a slash (WHATWG URL §4.4), and routers do not.
    "backslash": lambda target: "\\" in target.decoded,
    # Java servers cut `;...` off a segment: `/x/..;/admin` passed Shiro (CVE-2020-1957, threats P8). RFC 3986 §3.3 leaves it open.
    "semicolon": lambda target: ";" in target.decoded,
    # RFC 3986 §2.1 defines no such escape, so one decoder keeps it, and another fails.
    "bad_escape": lambda target: has_stray_percent(target.sent),
    # A string must not be decoded twice (RFC 3986 §2.4). A reader that does so sees another path (threats P7).
    "double_encoding": lambda target: _ESCAPE.search(target.path) is not None,
    # Django percent-encodes such octets again, and Werkzeug replaces them by U+FFFD: two paths.
    "not_utf8": lambda target: not _is_text(target.decoded),
    # Routers take the mount off in different ways (decision D59, threats P15).
    "mount": lambda target: target.misplaced,
}


def _suspects(view: RequestView) -> Iterator[str]:
    """Yield the rules that a target breaks."""
    if _is_plain(view) and not view.misplaced:
        return
    raw, path = view.raw_path, view.path
    # Every later reader is represented: some route the decoded path, some the undecoded one, some take the mount off it (threats P3, P7).
    sent = b"" if raw is None else origin_form(raw)
    text = decode_path(sent)
    routed = raw is None or sent is raw or path in {text, strip_mount(text, view.mount)}
    target = _Target(sent, path, f"{path}/{text}", routed=routed, misplaced=view.misplaced, told=raw is not None)
    yield from (rule for rule, breaks in _TESTS.items() if breaks(target))


def _is_long(view: RequestView) -> bool:
    """Return whether a target is too long, by the octets of the decoded path, which every server states."""
    if len(view.query) > MAX_QUERY_OCTETS:
        return True
    for path in (view.path,) if view.whole is None else (view.path, view.whole):
        length = len(view.mount) + len(path)
        # Nearly every path is short enough for any encoding, so it is not encoded for the count.
        if length * _MOST_UTF8 > MAX_PATH_OCTETS and (length > MAX_PATH_OCTETS or len(encode_path(view.mount + path)) > MAX_PATH_OCTETS):
            return True
    return view.raw_path is not None and len(view.raw_path) > _MOST_PER_OCTET * MAX_PATH_OCTETS + _LONGEST_AUTHORITY


def _is_plain(view: RequestView) -> bool:
    """Return whether a target is free of everything that a rule looks for: the common case, in a few passes in C."""
    raw, path = view.raw_path, view.path
    # A dot behind a slash is all that can begin a dot segment, so names such as `a.b` stay on this path.
    if raw is None or not path.isascii() or raw[:1] != b"/" or raw.translate(None, _PLAIN) or b"//" in raw or b"/." in raw:
        return False
    return path[:1] == "/" and raw in {path.encode(), encode_path(view.mount.rstrip("/") + path)}


def _repeated(view: RequestView, name: str) -> Finding | None:
    """Return a finding for a repeated field: listed twice, or joined with a comma, depending on the server."""
    came_twice = name in view.repeated
    value = view.fields[name]
    if not came_twice and (b"," if isinstance(value, bytes) else ",") not in value:  # type: ignore[operator]  # the kinds agree, which mypy cannot see
        return None
    # No other field here is a list, so two values are ambiguous (RFC 9110 §5.3): readers keep the first, the last or both (threats H1).
    if name not in CREDENTIAL_LISTS:
        return _REPEATED
    # Parameters hold commas too. One set of credentials parses; joined or broken ones do not. The joined value decides here as well, so
    # that the answer is the same whether a server lists fields or joins them.
    try:
        parse_authorization(value, limit=len(value))
    except GrammarError:
        return _REPEATED if may_be_joined(value) else Finding("malformed_field", Reason.MALFORMED_CREDENTIALS)
    return _REPEATED if came_twice else None


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
