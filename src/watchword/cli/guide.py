"""Writes the guide of `watchword demo`: commands to paste, or one line of JSON for programs."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from watchword.cli.demo import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.cli.demo import Demo


def json_line(demo: Demo, url: str) -> str:
    """Return the secrets of a demo and its URL as one line of JSON, without its line end."""
    return json.dumps({"url": url, "users": demo.users, "tokens": demo.tokens, "keys": demo.keys})


def guide(demo: Demo, url: str) -> str:
    """Return the guide for people, without its line end."""
    return "\n".join(_lines(demo, url))


def commands(demo: Demo, url: str) -> list[tuple[int, str, str]]:
    """Return commands to try on a demo at a URL, each with the status that it gets and the reason."""
    # Double quotes mean the same to a POSIX shell, to PowerShell and to cmd.exe. The secrets are hexadecimal digits.
    ann = f"curl -i -u ann:{demo.users['ann']}"
    bob = f"curl -i -u bob:{demo.users['bob']}"
    shop = f'curl -i -H "Authorization: Bearer {demo.tokens["shop"]}"'
    newsletter = f'curl -i -H "Authorization: Bearer {demo.tokens["newsletter"]}"'
    robot = f'curl -i -H "X-API-Key: {demo.keys["robot"]}"'
    return [
        (200, "public: no login", f"curl -i {url}/"),
        (200, "a user and the right password", f"{ann} {url}/me"),
        (200, "a token that has the scope orders:read", f"{shop} {url}/orders"),
        (200, "an API key", f"{robot} {url}/me"),
        (401, "no credentials: the answer lists the three schemes", f"curl -i {url}/me"),
        (401, "a wrong password on a public-or-login route: false credentials are never ignored", f"curl -i -u ann:wrong {url}/"),
        (403, "bob is logged in, and not an admin", f"{bob} {url}/admin"),
        (403, "a token without the scope: the answer names the scope", f"{newsletter} {url}/orders"),
        (400, "a scheme and nothing after it", f'curl -i -H "Authorization: Bearer" {url}/me'),
        (400, "two Authorization fields: which one counts?", f'{shop} -H "Authorization: Bearer other" {url}/orders'),
        (400, "a path that can be read in two ways", f"curl -i --path-as-is {url}/healthz/../admin"),
    ]


def log_refusals() -> None:
    """Write the log of refusals to standard error: it says more than the responses."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("log: %(message)s"))
    logger = logging.getLogger("watchword")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


def _lines(demo: Demo, url: str) -> Iterator[str]:
    yield f"The watchword demo is served at {url} until you press Ctrl-C."
    yield ""
    yield "The paths and their requirements:"
    for path, requirement in RULES.items():
        yield f"  {path:<21} {requirement}"
    yield ""
    yield "Secrets, made for this run:"
    for what, held in (("user", demo.users), ("token of", demo.tokens), ("key of", demo.keys)):
        for name, secret in held.items():
            yield f"  {f'{what} {name}':<21} {secret}"
    yield ""
    yield "Paste these into another terminal. The status of the response is above each:"
    for status, reason, command in commands(demo, url):
        yield ""
        yield f"  {status}: {reason}"
        yield f"    {command}"
    yield ""
    yield f"In a browser open {url}/: links to try, and one to the console, {url}/console/. Log in there as ann."
    yield f"Open {url}/me and press Escape in the login dialog: the page of the 401."
    yield f"Reload, log in as bob, and open {url}/admin: the page of the 403."
    yield ""
    yield "The log below says why each request was refused. The response does not say all of it."
