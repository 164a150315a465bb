"""Gathers what a visitor is told about a refusal, in the visitor's language: for the built-in page, for text, and for templates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from watchword.reasons import REASONS
from watchword.refusal.appearance import HERE
from watchword.refusal.languages import catalogue

if TYPE_CHECKING:
    from gettext import NullTranslations

    from watchword.reason import Reason, Secret
    from watchword.reasons import Action
    from watchword.refusal.appearance import Page


class Told(NamedTuple):
    """All that a body says about a decision.

    Args:
        status: the status code.
        reason: the reason that the client is told.
        wait: seconds after which a new try makes sense; None: the decision names none.
        secret: what the credentials in use hold.
        realm: the protection space; empty: the client has not been told one.
        language: one of `LANGUAGES`.
    """

    status: int
    reason: Reason
    wait: int | None
    secret: Secret
    realm: str
    language: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the page.

    Args:
        label: its text.
        href: its address; empty: that of the page itself, with its query.
    """

    label: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalData:
    """What a visitor is told about a refusal. Nothing in it is HTML: a template escapes it.

    Args:
        status: the status code of the response.
        reason: the code that the client may know.
        language: the language of the words.
        title: a few words.
        happened: what happened.
        next_step: what to do now.
        wait: seconds to wait before a new try; None: no time is named.
        wait_words: the same as a sentence; empty: there is nothing to wait for.
        service: the name of the service; empty: it is not configured.
        realm: the protection space; empty: it is not known here.
        logo: the address of a picture; None: there is none.
        action: the one thing to do; None: nothing helps by itself.
        links: further links.
        contact: whom to ask; None: no one is named.
        request_id: by which the operator finds the line in the log; empty: it is not told.
    """

    status: int
    reason: Reason
    language: str
    title: str
    happened: str
    next_step: str
    wait: int | None
    wait_words: str
    service: str
    realm: str
    logo: str | None
    action: Link | None
    links: tuple[Link, ...]
    contact: str | None
    request_id: str

    @property
    def text(self) -> str:
        """What happened and what to do, as one text."""
        return " ".join(part for part in (self.happened, self.next_step, self.wait_words) if part)


def refusal_data(told: Told, page: Page, *, contact: str | None, request_id: str, here: str) -> RefusalData:
    """Return what a visitor is told.

    Args:
        told: about the decision.
        page: the application's part.
        contact: whom to ask.
        request_id: by which the operator finds the line in the log.
        here: the path of the request, percent-encoded.
    """
    entry, translations = REASONS[told.reason], catalogue(told.language)
    _ = translations.gettext
    words = entry.words_for(told.secret)
    action = _action(entry.action, told, page, translations, here)
    links = [] if page.support is None else [Link(_("Get help"), page.support)]
    return RefusalData(
        status=told.status,
        reason=told.reason,
        language=told.language,
        title=_(words.title),
        happened=_(words.happened),
        next_step=_(words.next_step),
        wait=told.wait,
        wait_words=_("Wait at least {time}.").format(time=duration(told.wait, translations)) if told.wait else "",
        service=page.service,
        realm=told.realm,
        logo=page.logo,
        action=action,
        links=(*links, *(Link(label, href) for label, href in page.links)),
        contact=contact,
        request_id=request_id,
    )


def _action(action: Action, told: Told, page: Page, translations: NullTranslations, here: str) -> Link | None:
    """Return the one link that could help. The empty reference is the address of the page itself (RFC 3986 §4.4): no request forges it."""
    _ = translations.gettext
    login = None if page.login is None else page.login.replace(HERE, here)
    if action == "switch" and login is not None:
        return Link(_("Use another account"), login)
    if action in {"switch", "home"}:
        # A browser sends the credentials that it has typed once again and again: only a page where people log in can change them.
        return Link(_("Go to the home page"), page.home)
    if action == "log_in" and (login is not None or told.secret in {"", "password"}):
        return Link(_("Log in"), login or "")
    return Link(_("Try again"), "") if action else None


def duration(seconds: int, translations: NullTranslations) -> str:
    """Return a time in the unit in which people count it, rounded up: each up to two of the next.

    Args:
        seconds: at least 1.
        translations: of the language.
    """
    ngettext, minutes = translations.ngettext, -(-seconds // 60)
    if seconds < 120:  # noqa: PLR2004 - as above
        return ngettext("{n} second", "{n} seconds", seconds).format(n=seconds)
    if minutes < 120:  # noqa: PLR2004 - as above
        return ngettext("{n} minute", "{n} minutes", minutes).format(n=minutes)
    hours = -(-minutes // 60)
    return ngettext("{n} hour", "{n} hours", hours).format(n=hours)
