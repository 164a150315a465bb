"""Makes the catalogues of translations: `python -m tests.support.catalogues` extracts the texts of the sources, and compiles.

A text that is new gets an empty translation in each file, which a person fills in; one that is gone is taken out. Then it is run again. The
compiled catalogues are in the repository, so that neither an installation nor the build of a wheel needs Babel.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from watchword.refusal.languages import LANGUAGES

SOURCE: Final = Path(__file__).parents[2] / "src" / "watchword"
LOCALE: Final = SOURCE / "locale"
KEYWORDS: Final[dict[str, tuple[int, ...] | None]] = {"_": None, "ngettext": (1, 2)}
TRANSLATED: Final = LANGUAGES[1:]


class Plain(Catalog):
    """A catalogue whose header has no time and no version in it: equal texts make equal files."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """What `gettext` needs to know."""
        return [
            ("Language", str(self.locale_identifier)),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Plural-Forms", self.plural_forms),
        ]


def extracted() -> Catalog:
    """Return the texts that the sources mark: the words of the reasons for visitors, and the phrases of the page."""
    catalog = Catalog(project="watchword", header_comment="# Translations of watchword.", fuzzy=False)
    for folder in ("reasons", "refusal"):
        for name, _, message, _, _ in extract_from_dir(SOURCE / folder, [("**.py", "python")], keywords=KEYWORDS):
            catalog.add(message, locations=[(f"{folder}/{name}", 0)])
    return catalog


def path_of(language: str, ending: str) -> Path:
    """Return where a catalogue is."""
    return LOCALE / language / "LC_MESSAGES" / f"watchword.{ending}"


def translated(language: str) -> Catalog:
    """Return the catalogue of a language, as people write it."""
    with path_of(language, "po").open("rb") as file:
        return read_po(file, locale=language, domain="watchword")


def compiled(catalog: Catalog) -> bytes:
    """Return a catalogue as `gettext` reads it."""
    file = BytesIO()
    write_mo(file, _plain(catalog))
    return file.getvalue()


def _plain(catalog: Catalog) -> Plain:
    plain = Plain(locale=catalog.locale, header_comment="# Translations of watchword.", fuzzy=False)
    for message in catalog:
        if message.id:
            plain[message.id] = Message(message.id, message.string)
    return plain


def written(catalog: Catalog) -> bytes:
    """Return a catalogue as people write it, without times and places, so that it changes with its texts alone."""
    file = BytesIO()
    write_po(file, _plain(catalog), width=140)
    return file.getvalue()


def make(language: str) -> int:
    """Bring the files of a language up to date, and return how many texts have no translation."""
    source, path = extracted(), path_of(language, "po")
    before = translated(language) if path.exists() else Catalog(locale=language)
    after = Catalog(locale=language)
    for message in source:
        if message.id:
            known = before.get(message.id)
            after.add(message.id, known.string if known else None)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(written(after))
    path_of(language, "mo").write_bytes(compiled(translated(language)))
    return sum(not message.string or not all(message.string) for message in after if message.id)


if __name__ == "__main__":
    for one in TRANSLATED:
        print(f"{one}: {make(one)} without a translation")  # noqa: T201 - for a person
