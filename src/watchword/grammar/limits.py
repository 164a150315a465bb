"""Defines the bounds on the input that the grammar reads.

RFC 9110 §5.4 leaves the length to the recipient, §5.6.1.2 asks for "a reasonable number" of empty list elements, and §17.5
warns of both. A bound is part of the grammar here: a longer value is an error, never cut short.
"""

from __future__ import annotations

from typing import Final

MAX_FIELD_OCTETS: Final = 8192
"""The length of one field (D9). Apache and nginx stop at 8 KiB for a line as well."""

MAX_TOKEN_OCTETS: Final = 16_384
"""The length of a credential field whose scheme carries a JWT (D9). Some issuers put every group of a person into the token."""

MAX_COOKIE_OCTETS: Final = 32_768
"""The length of all Cookie fields together. Cookies of other applications on the host arrive too. nginx
stops at 32 KiB for a whole header, Node.js at 16 KiB, Apache and gunicorn at 8 KiB for a field."""

MAX_PATH_OCTETS: Final = 8192
"""The length of a decoded path with its mount, in UTF-8."""

MAX_QUERY_OCTETS: Final = 81_920
"""The length of a query, undecoded. uvicorn and hypercorn stop at 64 KiB for a whole header, nginx and Apache at 8 KiB for a line."""

MAX_FIELDS: Final = 500
"""How many header fields a request may have. Apache, gunicorn and Envoy stop at 100."""

MAX_NAME_OCTETS: Final = 256
"""The length of the name of a header field. The longest in the IANA registry has 47 octets. hyper stops at 65,535; llhttp has no limit."""

MAX_PARAMETERS: Final = 64
"""Parameters of one challenge or credential (D7). Digest, the richest scheme, defines 12 for credentials (RFC 7616 §3.4)."""

MAX_CHALLENGES: Final = 64
"""Challenges in one field value. The IANA registry of schemes has fewer than 20 names."""

MAX_RANGES: Final = 256
"""Media ranges read in one Accept field, and MAX_RANGE_PARAMETERS in one range. Browsers send fewer than 10 and 2."""

MAX_RANGE_PARAMETERS: Final = 16

MAX_TAKEN_OUT: Final = 1000
"""Runs of unwanted cookies, and unwanted parameters, that are removed from one input. An input with more is dropped whole."""

MAX_EMPTY_ELEMENTS: Final = 32
"""Empty elements skipped in one list (D7, RFC 9110 §5.6.1.2)."""
