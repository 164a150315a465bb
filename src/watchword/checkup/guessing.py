"""Checks whether secrets can be guessed: no throttle, default passwords and tokens, a weak scheme beside a strong one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from watchword.checkers.accounts import Accounts
from watchword.checkers.htpasswd import Htpasswd
from watchword.checkers.tokens import Tokens
from watchword.checkers.users import Users
from watchword.checkup.setup import Check, Setup, Untold
from watchword.clock import ticks
from watchword.credentials import BasicCredentials, BearerToken
from watchword.errors import Unavailable
from watchword.findings import Finding, Rule
from watchword.inventory import names_of
from watchword.operation import run
from watchword.verdict import Accepted

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORDS: Final = ("changeme", "password", "admin", "secret", "demo", "123456")
"""Tried for each account, with its own name."""

TOKENS: Final = (
    "changeme", "secret", "token", "password", "test", "demo", "admin", "key", "apikey", "api-key", "xxx", "t0k3n", "your-token",
    "your-api-key", "mytoken", "my-token", "s3cr3t", "default", "123456", "dev",
)  # fmt: skip
"""Tried for each table of tokens."""

MOST_ACCOUNTS: Final = 10
"""Of each checker. Seven verifications of each take a second or two at the default cost."""

LONGEST: Final = 5.0
"""Seconds for a checker, on a slow machine."""

_USUAL_NAMES: Final = ("admin", "root", "demo", "test", "user", "guest", "sa")

NO_THROTTLE: Final = Rule(
    "no-throttle", "Failed attempts with passwords are limited", "warning", source="ASVS 6.3.1", page="check.html#no-throttle"
)
DEFAULT_SECRET: Final = Rule(
    "default-secret", "No password or token is a well-known one", "error", source="ASVS 13.2.3", page="check.html#default-secret"
)
BESIDE: Final = Rule(
    "basic-beside-tokens",
    "No scheme of passwords weakens one of tokens",
    "note",
    source="RFC 7616 §5.6",
    page="check.html#basic-beside-tokens",
)


def no_throttle(setup: Setup) -> Iterator[Finding]:
    """Without one, passwords are guessed as fast as they are hashed."""
    names = setup.schemes_of("password")
    if names and setup.guard.policy.throttle is None:
        yield Finding(
            NO_THROTTLE,
            f"Nothing limits failed attempts with {names}.",
            "Guard(throttle=None) is the default: passwords are guessed as fast as the machine hashes them.",
            "Give Guard(throttle=Throttle()), or limit attempts in front of the server.",
            setup.name,
        )


def default_secret(setup: Setup) -> Iterator[Finding]:
    """Passwords and tokens of examples, manuals and demos. They are tried against the checkers, and nothing is noted."""
    setup.demand_online()
    for scheme, checker in setup.parts:
        if isinstance(checker, Tokens):
            found = sum(isinstance(checker.check(BearerToken(text)), Accepted) for text in TOKENS)
            if found:
                yield _default(
                    setup, f"{scheme.name} accepts {found} well-known token{'s' if found > 1 else ''}, such as those of examples."
                )
        elif isinstance(checker, (Users, Htpasswd, Accounts)):
            yield from _passwords(setup, checker)


def _passwords(setup: Setup, checker: Users | Htpasswd | Accounts) -> Iterator[Finding]:
    names = sorted(names_of(checker), key=lambda name: (name.lower() not in _USUAL_NAMES, name))
    found: list[str] = []
    tried = 0
    until = ticks() + LONGEST
    try:
        for name in names[:MOST_ACCOUNTS]:
            if ticks() > until:
                break
            tried += 1
            if any(_accepts(checker, name, word) for word in (name, *PASSWORDS)):
                found.append(name)
    except Unavailable as error:
        raise Untold(f"{checker!r} does not answer: {error.why}") from None
    if found:
        yield _default(setup, f"The password of {', '.join(map(repr, found))} is the name itself, or a well-known one.")
    elif tried < len(names):
        raise Untold(f"{tried} of {len(names)} accounts were tried, and none has a well-known password")


def _accepts(checker: Any, name: str, password: str) -> bool:  # noqa: ANN401 - of three kinds
    # What the checker leaves for after the response, such as the note of a login, is not run.
    return isinstance(run(checker.flow(BasicCredentials(name, password))), Accepted)


def _default(setup: Setup, message: str) -> Finding:
    return Finding(
        DEFAULT_SECRET, message, "It is in every list of guesses.", "Set a random one: `watchword user passwd`, or a new token.", setup.name
    )


def beside(setup: Setup) -> Iterator[Finding]:
    """The whole offer is as strong as its weakest scheme: an attacker chooses."""
    weak, strong = setup.schemes_of("password"), setup.schemes_of("token")
    if weak and strong:
        yield Finding(
            BESIDE,
            f"{weak} is offered beside {strong}.",
            "An attacker chooses the weaker one, so the offer as a whole can be guessed.",
            'Let rules name the scheme: via("Bearer") for programs.',
            setup.name,
        )


CHECKS: Final = (Check(NO_THROTTLE, no_throttle), Check(DEFAULT_SECRET, default_secret), Check(BESIDE, beside))
