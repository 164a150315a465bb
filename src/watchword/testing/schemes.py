"""Tests the contract of schemes: a suite to inherit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

from watchword.checkers import nonblocking
from watchword.credentials import Credentials
from watchword.errors import GrammarError
from watchword.grammar import Challenge, parse_challenges
from watchword.guard import Guard
from watchword.guard.forwarding import forwarding
from watchword.principal import Principal
from watchword.reason import Reason
from watchword.request import RequestView
from watchword.schemes import ChallengeParams, CredentialsError, Scheme
from watchword.testing.contracts import SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.decision import Decision

_MARK: Final = "zq7Mark7qz"
_OTHER_SCHEMES = ("Basic YTpi", "Bearer x", "Negotiate YQ==", 'Digest username="a"', "Unheard-Of a=1")
_FOLLOWING = (
    " ",
    "\t",
    " ,",
    " =",
    " a=",
    ' a="',
    " a=1,a=1",
    " ====",
    " YTpi",
    " a=1",
    ' a="1", b=""',
    " " + "A" * 9000,
    "\x00",
    " \xff",
    " %00",
    "\u20ac",
)
_ODD = ("", " ", ",", "=", '"', "\\", "\x00", "\xff\xfe", "é", "\u20ac", "a" * 100_000, "\x1b[31m", "%", "&=", "None", ";", "a=b; c")
_PARAMS = (
    *(ChallengeParams(reason=reason) for reason in Reason),
    *(ChallengeParams(reason=reason, bad_request=True) for reason in (None, Reason.MALFORMED_CREDENTIALS)),
    ChallengeParams(scope=("a", "b:c/d.e")),
    ChallengeParams(Reason.INSUFFICIENT_SCOPE, scope=("a",)),
    ChallengeParams(Reason.STEP_UP_REQUIRED, max_age=0, acr_values=("urn:x", "mfa")),
)


class SchemeContract(ABC):
    """Tests what a guard requires of every scheme. It is asked by itself and behind a guard, with text as of WSGI and octets as of ASGI.

    Inherit it in a class whose name begins with `Test`, and pytest runs it. For credentials of your own kind, name their secret attributes
    in `secrets`.

        class TestTicket(SchemeContract):
            credentials = TicketCredentials("A7", "4711")
            secrets = ("code",)

            def scheme(self, checker):
                return Ticket(checker, realm="theatre")

            def request(self):
                return RequestView("GET", "/", [("Authorization", 'Ticket id="A7", code="4711"')])
    """

    credentials: Credentials
    """What `request` shows."""

    secrets: tuple[str, ...] = SECRETS
    """The attributes of the credentials that hold a secret."""

    @abstractmethod
    def scheme(self, checker: object) -> Scheme[Any]:
        """Return the scheme, with this checker."""

    @abstractmethod
    def request(self) -> RequestView:
        """Return a new request that shows the credentials, in the header fields, the query, or the content that the scheme reads."""

    def test_shown_credentials_are_extracted(self) -> None:
        """They are of the class that the scheme states, equal each time, and reach the checker of a guard."""
        scheme = self._scheme()
        for view in (self.request(), _in_octets(self.request())):
            found = scheme.extract(view)
            if found != self.credentials:
                raise AssertionError(f"the request must show {self.credentials!r}, and extract() finds other credentials, or none")
            if not isinstance(found, scheme.credentials or Credentials):
                stated = f"{type(scheme).__name__}.credentials"
                raise AssertionError(f"{stated} is another class than {type(found).__name__}")  # noqa: TRY004 - a test fails
            self._accepts(view, "the request that shows the credentials")

    def test_a_request_without_credentials_shows_none(self) -> None:
        """Without a field, and with credentials of other schemes, `extract` returns None: the answer is 401 with the challenge."""
        scheme = self._scheme()
        others = [[("Authorization", sent)] for sent in _OTHER_SCHEMES if sent.split()[0].lower() != scheme.name.lower()]
        for headers in ([], [("Cookie", "theme=dark")], *others):
            found = scheme.extract(RequestView("GET", "/", headers))
            if found is not None:
                raise AssertionError(f"a request with {headers} shows no credentials of this scheme, and extract() finds some")

    def test_the_name_of_the_scheme_compares_without_case(self) -> None:
        """RFC 9110 §11.1, for credentials in the Authorization field."""
        for name, value in self._shown():
            first, space, rest = value.partition(" ")
            if name == "authorization" and first.lower() == self._scheme().name.lower():
                for spelled in (first.lower(), first.upper()):
                    self._accepts(self._with(name, spelled + space + rest), f"the scheme name {spelled!r}")

    def test_hostile_requests_are_refused(self) -> None:
        """Whatever a field holds, `extract` raises nothing but `CredentialsError`, and text and octets get one answer, which is no 5xx."""
        scheme, guard = self._scheme(), self._guard()
        for what, view in self._hostile():
            try:
                scheme.extract(view)
            except CredentialsError as error:
                self._says_nothing(error, what)
            except GrammarError:
                pass  # of `view.authorization`
            decision = guard.decide(view)
            status = _status(guard, decision, view)
            if status in {200, 500, 503}:
                raise AssertionError(f"{what} must be refused as the client's mistake, got {status}")
            if "\u20ac" not in what:  # which does not stand for an octet
                octets = _in_octets(view)
                other = _status(guard, guard.decide(octets), octets)
                if other != status:
                    raise AssertionError(f"{what} must get one answer, got {status} as text and {other} as octets")

    def test_nearly_right_credentials_are_not_accepted(self) -> None:
        """One character less or more is another secret, or a mistake."""
        for name, value in self._shown():
            if name != "cookie":
                for near in (value[:-1], value + "x", value + "\x00", value + "é", value + " x"):
                    self._refuses(self._with(name, near), f"the field {name} with another end")

    def test_a_repeated_field_is_refused(self) -> None:
        """Two readers could take two callers from it. Name each field in `fields`, and the firewall refuses it."""
        scheme = self._scheme()
        for name, value in self._shown():
            if name != "cookie" and not scheme.field(name).repeat:
                view = self.request()
                view.headers = [*_pairs(view), (name, value)]
                self._refuses(view, f"the field {name}, sent twice")

    def test_no_answer_repeats_the_input(self) -> None:
        """Neither the status line, the fields and the content of a refusal nor the words for the log hold what the client sent."""
        guard = self._guard()
        for accept in ("application/json", "text/html", "text/plain"):
            for what, view in self._marked(accept):
                decision = guard.decide(view)
                if decision.granted:
                    continue
                refusal = guard.refuse(decision, view)
                sent = f"{refusal.headers} {refusal.body!r} {decision!r}"
                if _MARK in sent:
                    raise AssertionError(f"the answer to {what} repeats what the client sent, as the header or the words of an error")

    def test_nothing_prints_the_secret(self) -> None:
        """Neither the credentials, nor the scheme, nor the decision, nor its explanation."""
        guard, view = self._guard(), self.request()
        found = self._scheme().extract(view)
        printed = [repr(self.credentials), str(self.credentials), repr(found), str(found), repr(self._scheme())]
        printed += [repr(guard.decide(view)), str(guard.explain(view))]
        for name in self.secrets:
            secret = getattr(self.credentials, name, "")
            if secret and any(secret in one for one in printed):
                raise AssertionError(f"the {name} is printed: give the class of the credentials repr=False, and the scheme its own repr")

    def test_challenges_follow_the_grammar(self) -> None:
        """Each one has the name of the scheme, can be sent, and is read back as an equal value (RFC 9110 §11.6.1)."""
        scheme = self._scheme()
        for params in _PARAMS:
            made = scheme.challenges(params)
            for one in made:
                if not isinstance(one, Challenge) or one.scheme.lower() != scheme.name.lower():
                    raise AssertionError(f"the challenges for {params} must be Challenge({scheme.name!r}, ...), got {one!r}")
            if made and parse_challenges(", ".join(one.serialize() for one in made)) != list(made):
                raise AssertionError(f"the challenges for {params} must be read back as they are, got {made!r}")

    def test_credentials_can_be_hidden_from_the_application(self) -> None:
        """`Guard(strip_credentials=True)` takes out what the scheme reads: it is named in `fields`, `cookies`, `parameters` and so on."""
        scheme, view = self._scheme(), self.request()
        guard = Guard(scheme, strip_credentials=True)
        guard.decide(view)
        taken = forwarding(guard.policy, view)
        query = view.query if taken.query is None else taken.query
        content = view.content if taken.content is None else taken.content
        left = RequestView(view.method, f"{view.path}?{query.decode('latin-1')}", taken.headers(_pairs(view)), content=content)
        if scheme.extract(left) is not None:
            raise AssertionError("the application still sees the credentials: name all that the scheme reads in `fields` and its like")

    def _scheme(self) -> Scheme[Any]:
        return self.scheme(self._check)

    def _guard(self) -> Guard:
        return Guard(self._scheme())

    @nonblocking
    def _check(self, credentials: Credentials) -> Principal | None:
        return Principal("ann") if credentials == self.credentials else None

    def _accepts(self, view: RequestView, what: str) -> None:
        if not self._guard().decide(view).granted:
            raise AssertionError(f"{what} must be accepted, and is not")

    def _refuses(self, view: RequestView, what: str) -> None:
        if self._guard().decide(view).granted:
            raise AssertionError(f"{what} must be refused, and is not")

    def _says_nothing(self, error: CredentialsError, what: str) -> None:
        """Fail if an error, or one that it carries along into a traceback, holds what was sent."""
        carried: BaseException | None = error
        while carried is not None:
            words = f"{carried!r} {carried}"
            if _MARK in words:
                raise AssertionError(f"the error about {what} carries what was sent. Leave it out, and raise outside of the except clause.")
            carried = carried.__cause__ or carried.__context__

    def _shown(self) -> list[tuple[str, str]]:
        """Return the header fields without which the request would not show the credentials, names in lower case."""
        scheme, shown = self._scheme(), []
        for name, value in _pairs(self.request()):
            view = self.request()
            view.headers = [(other, sent) for other, sent in _pairs(view) if other != name]
            if scheme.extract(view) != self.credentials:
                shown.append((name.lower(), value))
        return shown

    def _with(self, name: str, value: str) -> RequestView:
        """Return the request with another value of a field."""
        view = self.request()
        view.headers = [(sent, value if sent.lower() == name else was) for sent, was in _pairs(view)]
        return view

    def _hostile(self) -> Iterator[tuple[str, RequestView]]:
        scheme = self._scheme()
        shown = dict(self._shown())
        for name in scheme.fields:
            right = shown.get(name)
            follow = [scheme.name + one for one in _FOLLOWING] if name == "authorization" else []
            cut = (
                []
                if right is None
                else [right[: len(right) // 2], right[:-1] + "\x00", right[:-1] + "é", right + "," + right, right + _MARK]
            )
            for value in (*_ODD, *follow, *cut):
                yield f"{name}: {value[:40]!r}", RequestView("GET", "/", [(name, value)])
        for parameter in scheme.parameters:
            for value in ("", "%", "%00", "%ff", "%ed%a0%80", "+", "a" * 9000, "x&" + parameter.decode() + "=y"):
                yield f"?{parameter.decode()}={value[:40]}", RequestView("GET", f"/?{parameter.decode()}={value}")

    def _marked(self, accept: str) -> Iterator[tuple[str, RequestView]]:
        """Yield requests with a word that must not come back, in each place of what is shown."""
        told = [("Accept", accept)]
        for name, value in self._shown():
            for at in sorted({0, len(value) // 2, max(0, len(value) - 1), len(value)}):
                view = self._with(name, value[:at] + _MARK + value[at:])
                view.headers = [*_pairs(view), *told]
                yield f"a field {name} with a foreign word", view
        for name in self._scheme().fields:
            for value in (_MARK, f"{self._scheme().name} {_MARK}", f'{self._scheme().name} {_MARK}="{_MARK}"'):
                yield f"a field {name} with a foreign word", RequestView("GET", "/", [(name, value), *told])
        for parameter in self._scheme().parameters:
            yield "a query with a foreign word", RequestView("GET", f"/?{parameter.decode()}={_MARK}%00", told)


def _pairs(view: RequestView) -> list[tuple[str, str]]:
    return [(_text(name), _text(value)) for name, value in view.headers]


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _in_octets(view: RequestView) -> RequestView:
    """Return the same request with the header section of an ASGI server."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in _pairs(view)]
    return RequestView(view.method, view.target, headers, view.client, view.scheme, content=view.content)


def _status(guard: Guard, decision: Decision, view: RequestView) -> int:
    return 200 if decision.granted else guard.refuse(decision, view).status


__all__ = ["SchemeContract"]
