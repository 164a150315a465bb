"""Reads the content of a refusal: problems (RFC 9457), errors of OAuth (RFC 6749 §5.2), and the JSON of frameworks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from watchword.errors import GrammarError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.client.response import ResponseView

_DEPTH: Final = 16
_LONGEST: Final = 500  # characters of a text that is shown
_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_NO_MEMBERS: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Problem:
    """The content of a refusal, as far as it is JSON. Texts are cut, and have no control characters; they are of the server, untrusted.

    Args:
        type: the URI of the kind of problem; empty: none is stated.
        title: the kind of problem, in words.
        detail: this problem, in words; where others say `error_description`, `message` or `msg`, that.
        reason: the code of a watchword guard (`reason`), or of OAuth (`error`); empty: none.
        reference: by which the operator finds the log entry (`request_id`); empty: none.
        members: all members, as they came.
        fault: why the content could not be read, in words; empty: it could, or is not JSON.
    """

    type: str = ""
    title: str = ""
    detail: str = ""
    reason: str = ""
    reference: str = ""
    members: Mapping[str, Any] = field(default_factory=lambda: _NO_MEMBERS, repr=False)
    fault: str = ""


def read_problem(view: ResponseView) -> Problem:
    """Read the content of a refusal.

    Args:
        view: the response; untrusted.

    Returns:
        The problem; an empty one where the content is not JSON. Never raises.
    """
    kind = (view.one("content-type") or "").partition(";")[0].strip().lower()
    if not view.body or not (kind == "application/json" or kind.endswith("+json")):
        return Problem()
    from watchword.grammar.strict_json import parse_json_object  # it loads `json`

    try:
        members = parse_json_object(view.body.removeprefix(b"\xef\xbb\xbf"), limit=len(view.body), depth=_DEPTH)
    except GrammarError as error:
        return Problem(fault=f"the content says {kind}: {error}")
    return Problem(
        type=_text(members, "type"),
        title=_text(members, "title"),
        detail=_text(members, "detail", "error_description", "message", "msg"),
        reason=_text(members, "reason", "error", "code"),
        reference=_text(members, "request_id"),
        members=MappingProxyType(members),
    )


def plain(text: str) -> str:
    """Return a text of a server in one line, cut, without control characters and those that turn the direction of writing.

    Args:
        text: untrusted.
    """
    return _BREAKS.sub(" ", text[:_LONGEST]).strip()


def _text(members: Mapping[str, Any], *names: str) -> str:
    found = (members.get(name) for name in names)
    return next((plain(one) for one in found if isinstance(one, str) and one), "")


__all__ = ["Problem", "plain", "read_problem"]
