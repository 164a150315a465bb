"""Answers requests for the metadata of the resource (RFC 9728 §3): a public document at a path that belongs to the guard.

The path is compared whole, and the application is never called for it. So a public document opens nothing else, whatever the application
has at that path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.decision import Answered
from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.authorization.rules import Rules
    from watchword.request import RequestView
    from watchword.schemes.resource_metadata import ResourceMetadata

_ALLOW: Final = "GET, HEAD, OPTIONS"
# Clients in browsers read it from other origins (WHATWG Fetch). No credentials go with it, so any origin may.
_READABLE: Final = ("Access-Control-Allow-Origin", "*")
_NOT_STORED: Final = ("Cache-Control", "no-store")
_FIELDS: Final = (
    _READABLE,
    ("Cache-Control", "public, max-age=3600"),
)  # a client asks again after an hour: servers change their issuer rarely
# MCP clients send the field MCP-Protocol-Version with the request, which needs a preflight.
_PREFLIGHT: Final = (
    ("Allow", _ALLOW),
    _READABLE,
    ("Access-Control-Allow-Methods", "GET, HEAD"),
    ("Access-Control-Allow-Headers", "*"),
    ("Access-Control-Max-Age", "7200"),  # seconds: browsers keep it no longer
    _NOT_STORED,
)


class Resource:
    """The answers at the path of one document, made once.

    Args:
        metadata: the metadata of the resource, with what the scheme knows about it.
    """

    __slots__ = ("_allowed", "_answers", "_missing", "_query", "metadata")

    def __init__(self, metadata: ResourceMetadata) -> None:
        self.metadata: ResourceMetadata = metadata
        self._query = metadata.query.encode("ascii")
        path = metadata.decoded_path
        document = Answered(status=200, content=metadata.serialize(), headers=_FIELDS, rule=path)
        self._answers = {"GET": document, "HEAD": document, "OPTIONS": Answered(status=200, headers=_PREFLIGHT, rule=path)}
        self._allowed = Answered(status=405, headers=(("Allow", _ALLOW), _READABLE, _NOT_STORED), rule=path)
        # With another query it is the document of another resource (§3.1), and there is none.
        self._missing = Answered(status=404, headers=(_READABLE, _NOT_STORED), rule=path)

    def answer(self, view: RequestView) -> Answered:
        """Return the answer to a request at the path of the document.

        Args:
            view: the request.
        """
        return self._missing if view.query != self._query else self._answers.get(view.method, self._allowed)


def resources_of(metadata: Iterable[ResourceMetadata], rules: Rules) -> dict[str, Resource]:
    """Return the documents of a guard by their decoded paths.

    Args:
        metadata: of the schemes.
        rules: of the guard.

    Raises:
        ConfigurationError: two documents have one path, or a rule is written for the path of a document.
    """
    found: dict[str, Resource] = {}
    for one in metadata:
        path = one.decoded_path
        if path in found:
            raise ConfigurationError(f"two schemes of Guard(*schemes) have metadata at {path!r}. Give it to one of them.")
        for rule in rules.routes:
            pattern = rule.pattern
            if pattern is not None and not pattern.rest and pattern.segments == tuple(path.split("/")[1:]):
                raise ConfigurationError(
                    f"the rule {rule.text!r} never decides: the guard serves the metadata of {one.resource} there. Remove the rule."
                )
        found[path] = Resource(one)
    return found


__all__ = ["Resource", "resources_of"]
