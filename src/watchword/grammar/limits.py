"""How much of a field value the grammar is willing to read.

RFC 9110 §5.4 leaves the length to the recipient, §5.6.1.2 asks for "a reasonable number" of empty list elements, and §17.5
warns of both. A bound is part of the grammar here: beyond it a value is an error, never cut short.
"""

from __future__ import annotations

from typing import Final

MAX_FIELD_OCTETS: Final = 8192
"""The length of one credential field (D9). Apache and nginx stop at 8 KiB for a line as well."""

MAX_PARAMETERS: Final = 64
"""Parameters of one challenge or credential (D7). Digest, the richest scheme, defines 12 for credentials (RFC 7616 §3.4)."""

MAX_CHALLENGES: Final = 64
"""Challenges in one field value. The IANA registry of schemes has fewer than 20 names."""

MAX_EMPTY_ELEMENTS: Final = 32
"""Empty elements skipped in one list (D7, RFC 9110 §5.6.1.2)."""
