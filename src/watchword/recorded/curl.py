"""Reads a curl command line as the request that curl would send first. The behaviour of curl is the standard; tests compare the two."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus, unquote_to_bytes

from watchword.recorded.curl_options import parse_options
from watchword.recorded.request import Recorded, UnreadableRequest, octets_of, split_url

if TYPE_CHECKING:
    from watchword.recorded.curl_options import CommandLine
    from watchword.recorded.request import Address

_DATA: Final = ("data", "data-ascii", "data-binary", "data-raw", "data-urlencode", "json")
_FORM: Final = ("form", "form-string")
_ASKS_FIRST: Final = ("digest", "ntlm", "ntlm-wb", "negotiate", "anyauth")
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_TYPES: Final = {"form": "multipart/form-data"}
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PATH: Final = "".join(map(chr, range(0x21, 0x7F)))  # curl encodes what is not ASCII in a path, and leaves the query as it is
_GLOB: Final = re.compile(r"[{}\[\]]")


def is_curl(word: str) -> bool:
    """Tell whether the first word of a command line names curl.

    Args:
        word: the word.
    """
    return word.replace("\\", "/").rpartition("/")[2].lower() in {"curl", "curl.exe"}


def read_curl(words: tuple[str, ...]) -> Recorded:
    """Return the request of a curl command line.

    Args:
        words: its words, `curl` first; untrusted.

    Raises:
        UnreadableRequest: curl would not send it, or would send several.
    """
    line = parse_options(words[1:])
    notes = list(line.notes)
    address = _address(line)
    content, from_data = _content(line, notes)
    with_get = bool(line.values("get"))
    target = _target(line, address, content if with_get else None, notes)
    if with_get:
        content = None
    upload = line.last("upload-file")
    if upload is not None:
        notes.append("the file of --upload-file is not read, so the request has no content here")
        target += upload.replace("\\", "/").rpartition("/")[2] if target.endswith("/") else ""
    if line.values("head") and content is not None:
        raise UnreadableRequest("curl accepts --head or --data, not both. Leave one of them out.")
    method = line.last("request") or _method(line, has_data=bool(from_data) and not with_get)
    headers = _headers(line, address, "" if with_get else from_data, notes)
    if content is not None and not any(name.lower() == "content-length" for name, _ in headers):
        headers.append(("Content-Length", str(len(content))))
    return Recorded(method, address.scheme, address.authority, target, tuple(headers), content, notes=tuple(dict.fromkeys(notes)))


def _method(line: CommandLine, *, has_data: bool) -> str:
    if line.values("head"):
        return "HEAD"
    if line.values("upload-file"):
        return "PUT"
    return "POST" if has_data or line.values(*_FORM) else "GET"


def _address(line: CommandLine) -> Address:
    if len(line.urls) != 1:
        what = "no URL" if not line.urls else f"{len(line.urls)} URLs"
        raise UnreadableRequest(f"the curl command line has {what}. Write one; put quotes around a URL with & in it.")
    url = line.urls[0]
    if any(letter <= " " or letter == "\x7f" for letter in url):
        raise UnreadableRequest("the URL has a space or a control character, which curl refuses. Write %20 for a space.")
    # curl takes brackets for patterns of several URLs, but for those of an IPv6 address.
    path = re.sub(r"^[^/]*//[^/?#]*", "", url)
    if not line.values("globoff") and _GLOB.search(path):
        raise UnreadableRequest("the URL has brackets, for which curl sends several requests. Give curl --globoff, or write one URL.")
    return split_url(url if _SCHEME.match(url) else f"http://{url}")


def _target(line: CommandLine, address: Address, query: bytes | None, notes: list[str]) -> str:
    asked = line.last("request-target")
    if asked is not None:
        return asked
    path, mark, rest = address.target.partition("?")
    path = quote(octets_of(path), safe=_PATH)
    if not line.values("path-as-is"):
        path = _without_dots(path)
    parts = [rest] if rest else []
    if query is not None:
        parts.append(query.decode("latin-1"))
    parts += [one[1:] if one.startswith("+") else _urlencoded(one, notes).decode("latin-1") for one in line.values("url-query")]
    return path + ("?" if mark or parts else "") + "&".join(parts)


def _without_dots(path: str) -> str:
    """Remove dot segments (RFC 3986 §5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
            continue
        if last:
            kept.append("")
    return "/" + "/".join(kept)


def _content(line: CommandLine, notes: list[str]) -> tuple[bytes | None, str]:
    """Return the content, and the option it comes from, which decides about `Content-Type`; empty: there is none."""
    if line.values(*_FORM):
        notes.append("the parts of --form are not put together, so the request has no content here")
        return None, "form"
    joined: bytes | None = None
    last = ""
    for name, value in line.given:
        if name not in _DATA:
            continue
        last = name
        if name == "data-urlencode":
            one = _urlencoded(value, notes)
        elif value.startswith("@") and name != "data-raw":
            notes.append(f"the file of --{name} is not read, so the request has less content here")
            one = b""
        else:
            one = octets_of(value)
        joined = one if joined is None else joined + (b"" if name == "json" else b"&") + one
    return joined, last


def _urlencoded(value: str, notes: list[str]) -> bytes:
    """Return what `--data-urlencode` makes of its value (curl(1)): content, =content, name=content, @file or name@file."""
    mark = re.search("[=@]", value)
    name, content = ("", value) if mark is None else (value[: mark.start()], value[mark.end() :])
    if mark is not None and mark[0] == "@":
        notes.append("the file of --data-urlencode is not read, so the request has less content here")
        content = ""
    encoded = quote_plus(octets_of(content), safe="")
    return octets_of(f"{name}={encoded}" if name else encoded)


def _headers(line: CommandLine, address: Address, data: str, notes: list[str]) -> list[tuple[str, str]]:
    """Return the fields: those of curl, unless `--header` replaces or removes them, and then those of `--header`."""
    custom, named = _custom(line, notes)
    agent, ranged = line.last("user-agent"), line.last("range")
    referer = (line.last("referer") or "").removesuffix(";auto")
    made = [
        ("Host", address.authority),
        *_credentials(line, address, notes),
        ("User-Agent", agent or ""),
        ("Accept", "application/json" if line.values("json") else "*/*"),
        ("Accept-Encoding", "deflate, gzip" if line.values("compressed") else ""),
        ("Range", f"bytes={ranged}" if ranged else ""),
        ("Referer", referer),
        ("Cookie", _cookies(line, notes)),
        ("Content-Type", "application/json" if line.values("json") else _TYPES.get(data, _FORM_TYPE if data else "")),
    ]
    return [*[one for one in made if one[1] and one[0].lower() not in named], *custom]


def _custom(line: CommandLine, notes: list[str]) -> tuple[list[tuple[str, str]], set[str]]:
    """Return the fields of `--header`, and the names that it sets or removes."""
    custom: list[tuple[str, str]] = []
    named: set[str] = set()
    for value in line.values("header"):
        name, colon, rest = value.partition(":")
        if value.startswith("@"):
            notes.append("the file of --header is not read")
        elif colon:
            named.add(name.strip().lower())
            custom += [(name, rest.strip(" \t"))] if rest.strip() else []
        elif value.rstrip().endswith(";"):  # an empty value is written with a semicolon
            name = value.rstrip()[:-1]
            named.add(name.lower())
            custom.append((name, ""))
    return custom, named


def _credentials(line: CommandLine, address: Address, notes: list[str]) -> list[tuple[str, str]]:
    token = line.last("oauth2-bearer")
    if token is not None:
        return [("Authorization", f"Bearer {token}")]
    user = line.last("user")
    if user is None and address.userinfo is not None:
        name, _, password = address.userinfo.partition(":")
        pair = unquote_to_bytes(name) + b":" + unquote_to_bytes(password)
    elif user is None:
        return []
    elif ":" not in user:
        raise UnreadableRequest("curl would ask for the password of --user. Write it as user:password.")
    else:
        pair = octets_of(user)
    if line.values(*_ASKS_FIRST):
        notes.append("curl sends the user name and the password only once the server has asked for them, and not with the first request")
        return []
    return [("Authorization", f"Basic {b64encode(pair).decode('ascii')}")]


def _cookies(line: CommandLine, notes: list[str]) -> str:
    values = line.values("cookie")
    if any("=" not in value for value in values):
        notes.append("the cookies in the file of --cookie are not known: no file is read")
    return ";".join(value for value in values if "=" in value)
