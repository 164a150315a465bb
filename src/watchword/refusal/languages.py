"""Loads the catalogues of translations, each with the first refusal that is written in its language."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gettext import NullTranslations

LANGUAGES: Final = ("en", "de", "es", "fr", "ja")
"""The languages in which visitors are told why they are refused. The first is that of the sources, and the default."""


@cache
def catalogue(language: str) -> NullTranslations:
    """Return the translations of a language.

    Args:
        language: one of `LANGUAGES`.

    Returns:
        The catalogue; an empty one, which gives everything in English, for English and where the files were left out of an installation.
    """
    from gettext import GNUTranslations, NullTranslations
    from io import BytesIO
    from pkgutil import get_data  # reads from an archive, too

    if language == LANGUAGES[0]:
        return NullTranslations()
    try:
        compiled = get_data("watchword", f"locale/{language}/LC_MESSAGES/watchword.mo")
    except OSError:
        compiled = None
    return NullTranslations() if compiled is None else GNUTranslations(BytesIO(compiled))
