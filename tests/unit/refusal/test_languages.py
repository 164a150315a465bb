"""Refusals in the language of the visitor."""

from __future__ import annotations

import json
import re
from string import Formatter
from typing import Any

import pytest

from tests.support.catalogues import TRANSLATED, compiled, extracted, path_of, translated, written
from tests.support.core import Recorder, ask, values
from tests.support.each import each
from watchword import Basic, Failed, Forbidden, Guard, Hidden, Malformed, Reason, Throttled
from watchword.content import Body
from watchword.reasons import REASONS
from watchword.refusal import Renderer
from watchword.refusal import languages as catalogues
from watchword.refusal.languages import LANGUAGES, catalogue

OWN = {"de": "Zu viele Versuche", "es": "Demasiados intentos", "fr": "Trop de tentatives", "ja": "試行回数が多すぎます"}
TYPES = ("application/problem+json", "text/html", "text/plain")
THROTTLED = Throttled(reason=Reason.THROTTLED, retry_after=300)


def say(language: str | None, accept: str = "text/html", decision: Any = THROTTLED, method: str = "GET") -> Any:
    """Render a decision in a language."""
    fields = [("Accept", accept)] + ([] if language is None else [("Accept-Language", language)])
    return Renderer(contact="a@b").render(decision, ask("/", *fields, method=method), "0f0f")


# The catalogues


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(language: str) -> None:
    """What the sources mark, what people translate and what is installed are the same. If not: `python -m tests.support.catalogues`."""
    source, here = extracted(), translated(language)
    assert {message.id for message in here if message.id} == {message.id for message in source if message.id}
    for message in here:
        assert all(_several(message.string)), message.id
        assert not message.fuzzy
    assert path_of(language, "po").read_bytes() == written(here)
    assert path_of(language, "mo").read_bytes() == compiled(here)


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_places_of_its_text_and_nothing_odd(language: str) -> None:
    """The same `{names}`, the same full stop at its end, and all of it printable."""
    for message in translated(language):
        ids = _several(message.id)
        for text in _several(message.string) if ids[0] else ():
            assert _places(text) == _places(ids[0])
            assert text.isprintable()
            assert text.endswith((".", "。")) == ids[0].endswith("."), text


def _several(one: object) -> tuple[str, ...]:
    """The forms of a text: one, or those of its plural."""
    return tuple(map(str, one)) if isinstance(one, (tuple, list)) else (str(one or ""),)


def _places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_word_for_visitors_is_marked_and_no_other() -> None:
    """Titles and sentences for visitors, for each kind of credentials. Developers and operators read English."""
    marked = {message.id for message in extracted()}
    for entry in REASONS.values():
        for words in (entry.words, *entry.by_secret.values()):
            assert {words.title, words.happened, words.next_step} <= marked
            assert words.developer not in marked
        assert entry.operator not in marked


@pytest.mark.parametrize("language", TRANSLATED)
def test_words_fit_the_credentials_in_every_language(language: str) -> None:
    """Nobody who has typed a password reads of tokens, and nobody who has a token reads of passwords."""
    gettext = catalogue(language).gettext
    foreign = {
        "password": r"token|jeton|トークン|\bschlüssel|\bclé|\bclave",
        "token": r"passwor|mot de passe|contraseña|パスワード|benutzername|ユーザー名",
    }
    for reason, entry in REASONS.items():
        for secret in ("password", "token"):
            words = entry.words_for(secret)
            for text in map(gettext, (words.title, words.happened, words.next_step)):
                assert re.search(foreign[secret], text.lower()) is None, (reason, text)


def test_an_installation_without_catalogues_speaks_english(monkeypatch: pytest.MonkeyPatch) -> None:
    """A packager may leave them out."""
    monkeypatch.setattr(catalogues, "__name__", "x")
    missing = catalogue.__wrapped__("xx")
    assert missing.gettext("Log in") == "Log in"


# The choice


@each("language", TRANSLATED)
@each("accept", TYPES)
def test_a_visitor_reads_the_language_that_the_browser_names(language: str, accept: str) -> None:
    """Page, text and the title of a problem; the answer names the language, and on what it depends (RFC 9110 section 12.5.5)."""
    refusal = say(f"{language}-XX,{language};q=0.9,en;q=0.1", accept)
    assert OWN[language] in refusal.body.decode()
    assert values(refusal, "Content-Language") == [language]
    assert values(refusal, "Vary") == ["Accept, Accept-Language"]
    if accept == "text/html":
        assert f'<html lang="{language}">' in refusal.body.decode()


def test_a_problem_is_for_developers_but_for_its_title() -> None:
    """`detail` is English in every language, and the codes are nobody's language (RFC 9457 section 3.1.3)."""
    one, other = (json.loads(say(language, TYPES[0]).body) for language in ("en", "ja"))
    assert other.pop("title") == OWN["ja"] != one.pop("title")
    assert one == other


def test_times_have_the_plural_of_their_language() -> None:
    """One second, two seconds, in the forms that gettext knows."""
    for language, one, more in (("de", "1 Sekunde.", "2 Sekunden."), ("fr", "1 seconde.", "2 secondes."), ("ja", "1 秒お", "2 秒お")):
        for seconds, words in ((1, one), (2, more)):
            assert words in say(language, "text/plain", Throttled(reason=Reason.THROTTLED, retry_after=seconds)).body.decode()


@each("language", [None, "", "en", "ru", "*", "de;q=0", "x" * 100_000, "de," * 30_000, "\xff"])
def test_anything_else_is_english(language: str | None) -> None:
    """A language that is not there, a field that is too long, and none."""
    refusal = say(language)
    assert b"Too many attempts" in refusal.body
    assert values(refusal, "Content-Language") == ["en"]


@each("accept", TYPES)
def test_head_is_answered_as_get_is(accept: str) -> None:
    """With the length of the content in that language (RFC 9110 section 9.3.2)."""
    head, get = (say("ja", accept, method=method) for method in ("HEAD", "GET"))
    assert (head.body, head.headers) == (b"", get.headers)
    assert values(get, "Content-Length") == [str(len(get.body))]


def test_what_depends_on_no_language_names_none() -> None:
    """The 404 of a hidden resource, and a body that a requirement has written."""
    body = Body("application/json", "{}")
    for decision in (Hidden(reason=Reason.DENIED), Malformed(reason=Reason.MALFORMED_CONTENT, body=body)):
        refusal = say("de", decision=decision)
        assert values(refusal, "Content-Language") == []
        assert values(refusal, "Vary") == []


def test_languages_are_kept_within_bounds() -> None:
    """A client that makes up languages fills no memory, and each is answered rightly."""
    guard = Guard(Basic(Recorder(), realm="x"))
    for number in range(2000):
        view = ask("/", ("Accept", "text/plain"), ("Accept-Language", f"de-x{number}"))
        assert b"Anmeldung" in guard.refuse(guard.decide(view), view).body
    renderer = guard._renderer
    assert renderer._language_of.cache_info().currsize <= 256
    assert len(renderer._ready) <= 2
    assert len(renderer._texts) <= 2


def test_an_alias_of_the_field_is_no_attack() -> None:
    """It names no caller: it is not read, and not refused."""
    guard = Guard(Basic(Recorder(), realm="x"))
    assert guard.decide(ask("/", ("Accept_Language", "de"))).reason is Reason.MISSING_CREDENTIALS


def test_a_refusal_in_the_clear_does_not_depend_on_the_credentials() -> None:
    """The language is the visitor's, and all else is the same octets (draft-ietf-httpapi-privacy)."""
    decision = Forbidden(reason=Reason.INSECURE_TRANSPORT)
    assert say("de", decision=decision).body == say("de-AT", decision=decision).body


def test_an_outage_is_said_in_every_language() -> None:
    """With the wait."""
    text = say("es", "text/plain", Failed(reason=Reason.UNAVAILABLE)).body.decode()
    assert text.startswith("503 Inicio de sesión no disponible")
    assert text.endswith("Espere al menos 5 segundos.\nPara obtener ayuda: a@b\nReferencia: 0f0f\n")
    assert LANGUAGES[0] == "en"
