"""Explains kept requests one after the other, and writes what it found as text and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from watchword.decision import Answered, Granted
from watchword.explaining import about_browsers, about_credentials, about_rules, about_tokens
from watchword.explaining.sent import Sent, list_sent
from watchword.explaining.suggestion import Case, Configuration, Suggestion
from watchword.findings.escaping import printable
from watchword.refusal import disclosed_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from watchword.authorization.requirement import Requirement
    from watchword.guard.explain import Branch, Explanation
    from watchword.guard.guard import Guard
    from watchword.recorded import Recorded
    from watchword.request import RequestView

SHAPE: Final = 1
"""The version of the JSON. It rises when a member is removed or gets another meaning; new members do not raise it."""

EVERY: Final = (*about_credentials.SUGGESTIONS, *about_tokens.SUGGESTIONS, *about_rules.SUGGESTIONS, *about_browsers.SUGGESTIONS)
_MOST_SUGGESTIONS: Final = 20


@dataclass(frozen=True, slots=True)
class Report:
    """What was found about one request.

    Args:
        recorded: the request as it was kept.
        explanation: the decision with its way, and the exact response.
        sent: the credentials, decoded.
        suggestions: what the mistake may be, the most likely first.
    """

    recorded: Recorded
    explanation: Explanation
    sent: tuple[Sent, ...]
    suggestions: tuple[Suggestion, ...]

    @property
    def status(self) -> int | None:
        """The status of the response; None: the guard lets the request pass."""
        refusal = self.explanation.refusal
        return None if refusal is None else refusal.status

    def text(self) -> str:
        """Return it for people: the way to the decision as a tree, the response, and the suggestions."""
        lines = str(self.explanation).splitlines()
        refusal = self.explanation.refusal
        at = len(lines) if refusal is None else lines.index("response:")
        lines[at:at] = [f"sent: {_shown(one)}" for one in self.sent]
        if refusal is not None and refusal.body:
            lines += ["", *(f"  {line}" for line in refusal.body.decode("utf-8", "replace").splitlines()), ""]
        if self.recorded.status is not None:
            lines.append(f"recorded: the answer was {self.recorded.status}")
        lines += [f"note: {note}" for note in self.recorded.notes]
        lines += [f"suggestion: {one.text}" for one in self.suggestions]
        return "\n".join(map(printable, lines))

    def facts(self) -> dict[str, object]:
        """Return it as JSON values; docs/explain.md describes the members."""
        explained, decision, refusal = self.explanation, self.explanation.decision, self.explanation.refusal
        told = None if isinstance(decision, (Granted, Answered)) else disclosed_reason(decision)
        return {
            "version": SHAPE,
            "request": {
                "method": self.recorded.method,
                "path": self.recorded.path,
                "host": self.recorded.authority,
                "fields": [name for name, _ in self.recorded.headers],
                "recorded_status": self.recorded.status,
                "recorded_at": self.recorded.at,
            },
            "decision": type(decision).__name__.lower(),
            "status": self.status,
            "reason": None if decision.reason is None else decision.reason.value,
            "disclosed_reason": None if told is None else told.value,
            "rule": decision.rule,
            "principal": decision.principal.id if decision.principal.is_authenticated else None,
            "steps": list(explained.steps),
            "tree": None if explained.tree is None else _tree(explained.tree),
            "needs": [list(one) for one in explained.cures],
            "credentials": [one.facts() for one in self.sent],
            "response": None
            if refusal is None
            else {
                "status": refusal.status,
                "reason_phrase": refusal.reason_phrase,
                "headers": [list(pair) for pair in refusal.headers],
                "body": refusal.body.decode("utf-8", "replace"),
            },
            "suggestions": [{"code": one.code, "text": one.text} for one in self.suggestions],
            "notes": list(self.recorded.notes),
        }


class Explainer:
    """Explains requests to one guard. What it learns of the configuration it keeps for all of them.

    Args:
        guard: the guard.
        client: the address of the clients; None: unknown.
        scheme: the scheme of the connections; None: that of each record.
        mount: the prefix under which the application is mounted.
        requirement: what the view of a request demands beside the rule; None: views demand nothing.
        views: what all views demand, for suggestions about names.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        client: str | None = None,
        scheme: str | None = None,
        mount: str = "",
        requirement: Callable[[RequestView], Requirement | None] | None = None,
        views: Iterable[Requirement] = (),
    ) -> None:
        self._guard = guard
        self._configuration = Configuration(guard, views)
        self._client, self._scheme, self._mount = client, scheme, mount
        self._requirement = requirement

    def explain(self, recorded: Recorded) -> Report:
        """Explain a request. It counts as no attempt, and notes nothing.

        Args:
            recorded: the request; untrusted.

        Raises:
            ConfigurationError: a checker can only be awaited; use `aexplain`.
        """
        view = self._view(recorded)
        requirement = self._demanded(view)
        return self._report(recorded, view, requirement, self._guard.explain(view, requirement))

    async def aexplain(self, recorded: Recorded) -> Report:
        """Do the same as `explain`, without blocking the event loop.

        Args:
            recorded: the request; untrusted.
        """
        view = self._view(recorded)
        requirement = self._demanded(view)
        return self._report(recorded, view, requirement, await self._guard.aexplain(view, requirement))

    def _view(self, recorded: Recorded) -> RequestView:
        return recorded.view(client=self._client, scheme=self._scheme, mount=self._mount)

    def _demanded(self, view: RequestView) -> Requirement | None:
        return None if self._requirement is None else self._requirement(view)

    def _report(self, recorded: Recorded, view: RequestView, requirement: Requirement | None, explained: Explanation) -> Report:
        policy = self._guard.policy
        sent = list_sent(recorded, policy)
        case = Case(self._configuration, recorded, view, explained, sent, policy.clock.now(), requirement)
        made = dict.fromkeys(one for suggest in EVERY for one in suggest(case))
        return Report(recorded, explained, sent, tuple(made)[:_MOST_SUGGESTIONS])


def _tree(branch: Branch) -> dict[str, object]:
    return {"requirement": branch.text, "value": branch.mark, "parts": [_tree(part) for part in branch.parts]}


def _shown(sent: Sent) -> str:
    import json

    words = [sent.place, *filter(None, dict.fromkeys([sent.scheme, sent.form])), f"of {sent.length} characters"]
    if sent.prefix:
        words.append(f"that begins with {sent.prefix}")
    if sent.header is not None:
        words.append(f"with the header {json.dumps(dict(sent.header))}")
    if sent.claims is not None:
        words.append(f"and the claims {json.dumps(dict(sent.claims))}, not verified")
    return " ".join(words)
