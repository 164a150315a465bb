"""Decodes and encodes the path of a request target (RFC 9112 §3.2, RFC 3986 §2.1)."""

from __future__ import annotations

from watchword.grammar import percent_decode


def origin_form(raw: bytes) -> bytes:
    """Return the path of a request target: in absolute form the part after the authority (RFC 9112 §3.2.2), else the target itself.

    Args:
        raw: the target without its query.
    """
    if raw[:7].lower() == b"http://" or raw[:8].lower() == b"https://":
        rest = raw[raw.index(b"//") + 2 :]
        slash = rest.find(b"/")
        return b"/" if slash < 0 else rest[slash:]
    return raw


def decode_path(raw: bytes) -> str:
    """Percent-decode once; octets that are not UTF-8 become lone surrogates, which the firewall refuses.

    Args:
        raw: the path as sent.
    """
    return percent_decode(raw).decode("utf-8", "surrogateescape")


def encode_path(path: str) -> bytes:
    """Return the octets of a decoded path: the reverse of `decode_path`, without percent-encoding. Never raises.

    Args:
        path: any text; lone surrogates that stand for octets become these octets again.
    """
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return path.encode("utf-8", "surrogatepass")


def escape_path(path: str) -> bytes:
    """Return a path percent-encoded for a request target: the reverse of `decode_path`.

    Args:
        path: decoded.
    """
    from urllib.parse import quote  # on first use: most requests are not moved

    return quote(encode_path(path), safe="/:@!$&'()*+,;=~").encode("ascii")
