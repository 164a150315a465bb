"""Defines rules by tool for servers of the Model Context Protocol: `mcp_tools({"refund": scope("payments:write")}, default=...)`.

All operations of an MCP server are requests for one path, so rules by path cannot tell them apart. This requirement reads the content and
chooses the requirement of the operation. It combines with others, as any requirement does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias
from unicodedata import category, normalize

from watchword.authorization.json_rpc import NAMED, Message, read_message
from watchword.authorization.requirement import AllOf, FromAnyOrigin, Hidden, Requirement
from watchword.authorization.rules import walk
from watchword.authorization.value import PENDING, Needs, No, Value, either
from watchword.authorization.worlds import check_satisfiable
from watchword.grammar import percent_decode
from watchword.validators import check_type, check_whole, invalid

if TYPE_CHECKING:
    from watchword.authorization.context import EvaluationContext
    from watchword.authorization.hierarchy import ScopeHierarchy
    from watchword.reason import Reason
    from watchword.request import RequestView

Key: TypeAlias = "str | tuple[str] | tuple[str, str]"
"""A tool by its name; a method; or a method and what it names."""

LIMIT: Final = 1 << 20
"""Octets of content that are read. Arguments of tools are small; it is held in memory, for known callers alone."""

_TOOL: Final = "tools/call"
_LONGEST: Final = 1024  # characters of a name that is compared with others in all its spellings
_MOST_DECODED: Final = 4  # times: what a client has encoded, a proxy, a server and a template may each decode
_UNSEEN: Final = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})  # blanks, controls, and what joins or softens letters
_EXAMPLE: Final = 'mcp_tools({"refund": scope("payments:write")}, default=scope("mcp:use"))'


@dataclass(frozen=True, slots=True)
class McpTools(Requirement):
    """The requirement of the operation that is asked for.

    Args:
        rules: what tools, methods and names demand, as it was written.
        default: what every other request demands.
        limit: the longest content that is read, in octets.
    """

    rules: tuple[tuple[Key, Requirement], ...]
    default: Requirement
    limit: int = LIMIT
    _exact: Mapping[tuple[str, str | None], Requirement] = field(init=False, repr=False, compare=False)
    _alike: Mapping[tuple[str, str], tuple[Requirement, ...]] = field(init=False, repr=False, compare=False)

    own_origin = True
    fields: ClassVar[frozenset[str]] = frozenset({"content-encoding", "mcp-method", "mcp-name", "mcp-protocol-version"})

    def __post_init__(self) -> None:
        exact: dict[tuple[str, str | None], Requirement] = {}
        alike: dict[tuple[str, str], tuple[Requirement, ...]] = {}
        for key, requirement in self.rules:
            method, name = _split(key)
            exact[method, name] = requirement
            if name is not None:
                folded = method, _folded(method, name)
                alike[folded] = (*alike.get(folded, ()), requirement)
        object.__setattr__(self, "_exact", exact)
        object.__setattr__(self, "_alike", alike)

    @property
    def _every(self) -> Requirement:
        """All requirements: messages of a WebSocket are never read, so its handshake may lead to any of them."""
        return AllOf(self.choices)

    @property
    def choices(self) -> tuple[Requirement, ...]:  # type: ignore[override]  # a read-only property in place of an attribute
        """The requirements of which the content chooses one."""
        return (self.default, *(requirement for _, requirement in self.rules))

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return the value of the requirement that the content chooses; pending while the content is not read."""
        if context.request.kind != "http":
            return self._every.evaluate(context)
        message = self._message(context.request)
        if message is not None:
            return self.chosen(message).evaluate(context)
        return context.without_identity if context.principal is None else self._unread(context)

    def chosen(self, message: Message) -> Requirement:
        """Return the requirement of an operation.

        Args:
            message: what is asked for.
        """
        method, name = message
        wider = self._exact.get((method, None), self.default)
        if name is None or not self._alike:
            return wider
        exact = self._exact.get((method, name))
        if exact is not None:
            return exact
        # A server may find `Refund`, or `file:///a/./b`, under another spelling of its name. Such a name needs what both demand.
        similar = self._alike.get((method, _folded(method, name))) if len(name) <= _LONGEST else self._all_of(method)
        return AllOf((*similar, wider)) if similar else wider

    def wants_content(self, view: RequestView) -> int | None:
        """Return the limit: for every method, because a layer within may take a GET with content for a POST."""
        return self.limit if view.kind == "http" else None

    def read_content(self, view: RequestView) -> object:
        """Return the message. The content is parsed whatever its type is said to be, as some servers do."""
        return read_message(view, self.limit)

    def bound_to(self, hierarchy: ScopeHierarchy) -> Requirement:
        """Return the same rules, each bound."""
        bound = tuple((operation, requirement.bound_to(hierarchy)) for operation, requirement in self.rules)
        return replace(self, rules=bound, default=self.default.bound_to(hierarchy))

    def accepted_schemes(self) -> frozenset[str] | None:
        """Return the schemes that some operation accepts."""
        limits = [one.accepted_schemes() for one in self.choices]
        known = [limit for limit in limits if limit is not None]
        return frozenset[str]().union(*known) if len(known) == len(limits) else None

    def denial_reason(self, context: EvaluationContext) -> Reason:
        """Return the reason of the operation."""
        if context.request.kind != "http":
            return self._every.denial_reason(context)
        message = self._message(context.request)
        return (self.default if message is None else self.chosen(message)).denial_reason(context)

    @staticmethod
    def _message(request: RequestView) -> Message | None:
        """Return what is asked for; None: the content is not read yet."""
        parsed: dict[object, Message] | None = getattr(request, "parsed", None)
        return None if parsed is None else parsed.get(McpTools)

    def _all_of(self, method: str) -> tuple[Requirement, ...]:
        return tuple(requirement for (of, name), requirement in self._exact.items() if of == method and name is not None)

    def _unread(self, context: EvaluationContext) -> Value:
        """Return the value before the content is read: for an anonymous caller whom no operation admits, what the default demands."""
        if context.principal is not None and context.principal.is_authenticated:
            return PENDING
        values = [one.evaluate(context) for one in self.choices]
        if not all(isinstance(value, (No, Needs)) for value in values):
            return PENDING
        first = values[0]
        for value in () if isinstance(first, Needs) else values[1:]:
            first = either(first, value)
        return first

    def __str__(self) -> str:
        rules = ", ".join(f"{_written(key)}: {requirement}" for key, requirement in self.rules)
        limit = "" if self.limit == LIMIT else f", limit={self.limit}"
        return f"mcp_tools({{{rules}}}, default={self.default}{limit})"


def mcp_tools(rules: Mapping[Key, Requirement], *, default: Requirement, limit: int = LIMIT) -> Requirement:
    """Require of each operation of an MCP server what its tool needs (MCP 2026-07-28, and earlier versions of Streamable HTTP).

    The caller is identified first; then the content is read and the operation is found in it. An anonymous caller is refused before,
    unless some operation admits anonymous callers. Pages of other origins are refused, against DNS rebinding: see `Guard(origins=...)`.

    Args:
        rules: what is demanded, by operation: `"refund"` is the tool of that name, `("resources/read", "file:///a")` what another method
            names, and `("prompts/get",)` every call of a method without a rule for its name. A rule for a name decides alone.
        default: what every other request demands: other tools and methods, streams, the end of a session.
        limit: the longest content that is read, in octets; more is answered 413.

    Returns:
        The requirement, for a rule of the guard: `Guard(..., rules={"/mcp": mcp_tools(...)})`.

    Raises:
        ConfigurationError: a key is none of these, a requirement can never be met, or is hidden or exempt from the cross-site test. Such
            marks belong around the whole: `mcp_tools(...).hidden()`.

    Trust: everything in the content is untrusted. What cannot be read in one way only is 400, with an error of JSON-RPC.
    """
    if not isinstance(rules, Mapping):
        raise invalid("mcp_tools(rules)", "be a mapping of tools to requirements", rules, f"Write {_EXAMPLE}.")
    for key, requirement in (*rules.items(), ("default", default)):
        argument = "mcp_tools(default=...)" if requirement is default else f"mcp_tools(rules)[{key!r}]"
        check_type(argument, requirement, Requirement, _EXAMPLE)
        check_satisfiable(requirement, argument)
        if any(isinstance(part, (Hidden, FromAnyOrigin, McpTools)) for part in walk(requirement)):
            raise invalid(argument, "have no mark and no rules of its own", requirement, "Write mcp_tools(...).hidden() for the whole.")
    check_whole("mcp_tools(limit=...)", limit, least=1, unit="octets")
    made = McpTools(tuple(rules.items()), default, limit)
    seen: set[tuple[str, str | None]] = set()
    for key in rules:
        if _split(key) in seen:
            raise invalid("mcp_tools(rules)", "name each operation once", key)
        seen.add(_split(key))
    return made


def _split(written: object) -> tuple[str, str | None]:
    """Return method and name of an operation as it is written in a rule."""
    if isinstance(written, str) and written:
        return _TOOL, written
    if isinstance(written, tuple) and all(isinstance(part, str) and part for part in written):
        if len(written) == 1:
            return written[0], None
        if len(written) == 2 and written[0] in NAMED:  # noqa: PLR2004 - a method and a name
            return written[0], written[1]
    raise invalid(
        "mcp_tools(rules)",
        f"have keys such as 'refund', ('prompts/get',) or ('resources/read', 'file:///a'), with one of {', '.join(NAMED)}",
        written,
    )


def _written(operation: Key) -> str:
    if isinstance(operation, tuple):
        return f"({', '.join(map(_written, operation))}{',' if len(operation) == 1 else ''})"
    return '"' + operation.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _folded(method: str, name: str) -> str:
    r"""Return a name in a form in which different spellings of it are equal: it may make two different names equal as well.

    For a URI it goes as far as parsers of URLs do, and further: blanks and controls are dropped, `\\` is `/`, and user, port, a host of
    this machine, query and fragment count for nothing. A server may find the resource of a rule under each of these.
    """
    text = name
    for _ in range(_MOST_DECODED):
        text = percent_decode(text.encode()).decode("utf-8", "replace")
    text = normalize("NFKC", text).casefold().replace("\u3002", ".")  # a full stop of domain names (RFC 3490 §3.1)
    text = "".join(one for one in text if category(one) not in _UNSEEN).replace("\\", "/")
    head, colon, rest = text.partition(":")
    if not colon or NAMED.get(method) != "uri":
        return "/".join(_segments(text))
    authority, *path = _segments(rest.partition("#")[0].partition("?")[0]) or ("",)
    host = authority.rpartition("@")[2].partition(":")[0].rstrip(".")
    return f"{head}:{'/'.join([host, *path] if host not in {'', 'localhost'} else path)}"


def _segments(path: str) -> list[str]:
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == ".." and segments:
            segments.pop()
        elif segment not in {"", ".", ".."}:
            segments.append(segment)
    return segments


__all__ = ["LIMIT", "Key", "McpTools", "mcp_tools"]
