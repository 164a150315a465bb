"""Declares how a field with credentials may be sent: its length, repetition, and use of commas (RFC 9110 §5.3, §5.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from watchword.grammar import MAX_FIELD_OCTETS
from watchword.validators import check_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CREDENTIAL_LISTS: Final = frozenset({"authorization", "proxy-authorization"})
"""Fields whose first word names the scheme, and whose parameters commas separate."""

_LONGEST_SCHEME: Final = 64  # octets: the longest scheme name in the IANA registry has 17


@dataclass(frozen=True, slots=True)
class Field:
    """Facts about a field from which a scheme takes credentials.

    Args:
        list: whether a comma separates members, and the field may come several times. If not, a comma counts as two joined fields.
        limit: the greatest length in octets, all lines of the field together. A longer field is answered 431 on every route, before it
            is parsed.
        repeat: whether the field may come several times, without a meaning of commas, as Cookie (RFC 9113 §8.2.3).

    Raises:
        ConfigurationError: the limit is not a whole number of octets.
    """

    list: bool = False
    limit: int = MAX_FIELD_OCTETS
    repeat: bool = False

    def __post_init__(self) -> None:
        check_whole("Field(limit=...)", self.limit, least=1, unit="octets", fix="Use 8192.")


class FieldTable:
    """The fields of all schemes of a guard, by name.

    Args:
        fields: name, lower case, to its facts.
        carriers: the names of the fields that carry credentials.
        schemes: scheme name, lower case, to the greatest length of an Authorization field that names it. The bound of any other
            scheme is `MAX_FIELD_OCTETS`.
    """

    __slots__ = ("_fields", "_least", "_schemes", "carriers")

    def __init__(self, fields: Mapping[str, Field], carriers: frozenset[str], schemes: Mapping[str, int]) -> None:
        self._fields = dict(sorted(fields.items()))
        self.carriers: frozenset[str] = carriers
        self._schemes = dict(schemes)
        self._least = min((MAX_FIELD_OCTETS, *schemes.values()))

    def __iter__(self) -> Iterator[tuple[str, Field]]:
        """Iterate over name and field, in the order of the names."""
        return iter(self._fields.items())

    def is_too_long(self, name: str, value: str | bytes) -> bool:
        """Tell whether a field is longer than its bound, or than the bound of the scheme that it names.

        Args:
            name: one of the fields.
            value: the value, untrusted; only its length and its first word are read.
        """
        if name not in CREDENTIAL_LISTS:
            return len(value) > self._fields[name].limit
        return len(value) > self._least and len(value) > self._schemes.get(_scheme_of(value), MAX_FIELD_OCTETS)

    def __repr__(self) -> str:
        return f"FieldTable({sorted(self._fields)})"


def _scheme_of(value: str | bytes) -> str:
    head = value[:_LONGEST_SCHEME]
    text = head if isinstance(head, str) else head.decode("latin-1")
    return text.lstrip(" \t").partition(" ")[0].lower()
