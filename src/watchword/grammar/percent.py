"""Decodes percent-encoding (RFC 3986 §2.1, URL Standard §1.3) in a few passes in C.

`urllib.parse.unquote_to_bytes` runs Python code for every escape: 64 KiB of them hold an event loop for 5 ms.
"""

from __future__ import annotations

import re
from binascii import a2b_qp
from typing import Final

_STRAY: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def percent_decode(data: bytes) -> bytes:
    """Return the octets that percent-encoded data stands for; a percent sign that starts no escape stands for itself.

    Args:
        data: untrusted; the caller bounds its length.
    """
    if b"%" not in data:
        return data
    # The escapes of quoted-printable (RFC 2045 §6.7) are these with "=" in place of "%", and the standard library undoes them in C.
    # Every "=" that is left has two hexadecimal digits behind it, so no other rule of that encoding applies.
    return a2b_qp(_STRAY.sub(b"%25", data).replace(b"=", b"=3D").replace(b"%", b"="))


def has_stray_percent(data: bytes) -> bool:
    """Tell whether a percent sign is not followed by two hexadecimal digits.

    Args:
        data: untrusted; the caller bounds its length.
    """
    return _STRAY.search(data) is not None
