"""Lists the options of curl, and parses a command line with them (curl(1), version 8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from watchword.recorded.request import UnreadableRequest

if TYPE_CHECKING:
    from collections.abc import Iterator


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


SHORT: Final = {
    "A": "user-agent", "b": "cookie", "d": "data", "e": "referer", "F": "form", "G": "get", "g": "globoff", "H": "header", "I": "head",
    "K": "config", "n": "netrc", "r": "range", "T": "upload-file", "u": "user", "X": "request", ":": "next", "V": "version", "h": "help",
    "a": "append", "B": "use-ascii", "C": "continue-at", "c": "cookie-jar", "D": "dump-header", "E": "cert", "f": "fail", "i": "include",
    "J": "remote-header-name", "j": "junk-session-cookies", "k": "insecure", "L": "location", "l": "list-only", "m": "max-time",
    "M": "manual", "N": "no-buffer", "O": "remote-name", "o": "output", "P": "ftp-port", "p": "proxytunnel", "Q": "quote", "q": "disable",
    "R": "remote-time", "S": "show-error", "s": "silent", "t": "telnet-option", "U": "proxy-user", "v": "verbose", "w": "write-out",
    "x": "proxy", "Y": "speed-limit", "y": "speed-time", "Z": "parallel", "z": "time-cond", "#": "progress-bar", "0": "http1.0",
    "1": "tlsv1", "2": "sslv2", "3": "sslv3", "4": "ipv4", "6": "ipv6",
}  # fmt: skip

READ: Final = _names(
    "user-agent cookie data data-ascii data-binary data-raw data-urlencode referer form form-string header json oauth2-bearer range "
    "request request-target upload-file url url-query user"
)
"""Options with a value that change the request."""

READ_FLAGS: Final = _names("get head globoff path-as-is compressed basic digest ntlm ntlm-wb negotiate anyauth")
"""Options without a value that change the request."""

LEFT_OUT: Final = {
    "config": "the options in the file of --config are not known: no file is read",
    "netrc": "the credentials of .netrc are not known: no file is read",
    "netrc-file": "the credentials of the file of --netrc-file are not known: no file is read",
    "netrc-optional": "the credentials of .netrc are not known: no file is read",
    "aws-sigv4": "the signature of --aws-sigv4 is not computed",
    "proxy": "the request is read as the server behind the proxy of --proxy gets it",
    "time-cond": "the condition of --time-cond is left out",
    "etag-compare": "the condition of --etag-compare is left out: no file is read",
    "continue-at": "the range of --continue-at is left out",
    "cert": "the client certificate of --cert is left out: no file is read",
}
"""Options that change the request in a way that is not followed, each with a note."""

_FLAGS: Final = _names(
    "append use-ascii fail fail-early fail-with-body include remote-header-name junk-session-cookies insecure location location-trusted "
    "list-only buffer keepalive remote-name remote-name-all proxytunnel disable remote-time show-error silent verbose parallel "
    "parallel-immediate progress-bar progress-meter http0.9 http1.0 http1.1 http2 http2-prior-knowledge http3 http3-only tlsv1 tlsv1.0 "
    "tlsv1.1 tlsv1.2 tlsv1.3 sslv2 sslv3 ipv4 ipv6 alpn npn sessionid clobber cert-status create-dirs crlf doh-cert-status doh-insecure "
    "false-start haproxy-protocol ignore-content-length post301 post302 post303 proxy-insecure proxy-anyauth proxy-basic proxy-digest "
    "proxy-negotiate proxy-ntlm raw remove-on-error retry-all-errors retry-connrefused ssl ssl-reqd ssl-no-revoke ssl-allow-beast "
    "ssl-auto-client-cert ssl-revoke-best-effort styled-output suppress-connect-headers tcp-fastopen tcp-nodelay trace-time trace-ids "
    "compressed-ssh disallow-username-in-url form-escape xattr skip-existing ca-native proxy-ca-native mptcp tls-earlydata "
    "out-null proxy-http2 tr-encoding"
)
_VALUES: Final = _names(
    "cookie-jar dump-header max-time output output-dir ftp-port quote telnet-option proxy-user write-out speed-limit speed-time "
    "abstract-unix-socket alt-svc cacert capath cert-type ciphers connect-timeout connect-to create-file-mode crlfile curves delegation "
    "dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url engine etag-save expect100-timeout happy-eyeballs-timeout-ms "
    "hostpubmd5 hostpubsha256 hsts interface keepalive-time keepalive-cnt key key-type limit-rate local-port max-filesize max-redirs "
    "noproxy parallel-max parallel-max-host pass pinnedpubkey preproxy proto proto-default proto-redir proxy-cacert proxy-capath "
    "proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-header proxy-key proxy-key-type proxy-pass "
    "proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers proxy1.0 random-file rate resolve retry retry-delay retry-max-time "
    "service-name socks4 socks4a socks5 socks5-hostname stderr tls-max tls13-ciphers tlsauthtype tlspassword tlsuser trace trace-ascii "
    "trace-config unix-socket ip-tos vlan-priority ech haproxy-clientip signature-algorithms"
)
_TAKES_VALUE: Final = READ | _VALUES | frozenset({*LEFT_OUT} - {"netrc", "netrc-optional"})
_TAKES_NONE: Final = READ_FLAGS | _FLAGS | {"netrc", "netrc-optional"}
_REFUSED: Final = {
    "next": "the command line has --next, and so several requests. Copy one of them.",
    "version": "the command line asks curl for its version, and sends no request.",
    "help": "the command line asks curl for help, and sends no request.",
    "manual": "the command line asks curl for its manual, and sends no request.",
}


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The options of one command line.

    Args:
        given: name and value of each option that changes the request, in order; flags have an empty value.
        urls: the URLs.
        notes: what is not followed.
    """

    given: tuple[tuple[str, str], ...] = field(repr=False)
    urls: tuple[str, ...] = field(repr=False)
    notes: tuple[str, ...] = ()

    def values(self, *names: str) -> list[str]:
        """Return the values of options, in order.

        Args:
            names: long names.
        """
        return [value for name, value in self.given if name in names]

    def last(self, name: str) -> str | None:
        """Return the value that counts of an option that may be given once: the last one; None: it was not given.

        Args:
            name: the long name.
        """
        values = self.values(name)
        return values[-1] if values else None


def parse_options(words: tuple[str, ...]) -> CommandLine:
    """Parse the words after `curl`.

    Args:
        words: the words; untrusted.

    Raises:
        UnreadableRequest: an option is not one of curl, has no value, or stands for several requests. No value is in the message.
    """
    given: list[tuple[str, str]] = []
    urls: list[str] = []
    notes: list[str] = []
    rest = iter(words)
    only_urls = False
    for word in rest:
        if only_urls or not word.startswith("-") or word == "-":
            urls.append(word)
        elif word == "--":
            only_urls = True
        else:
            for name, value in _options(word, rest):
                if name == "url":
                    urls.append(value)
                elif name in LEFT_OUT:
                    notes.append(LEFT_OUT[name])
                elif name in READ or name in READ_FLAGS:
                    given.append((name, value))
    return CommandLine(tuple(given), tuple(urls), tuple(dict.fromkeys(notes)))


def _options(word: str, rest: Iterator[str]) -> list[tuple[str, str]]:
    """Return the options of one word: a long one, or short ones together, the last of which may have its value attached."""
    if word.startswith("--"):
        return [_option(word[2:], "", rest, shown=word)]
    found: list[tuple[str, str]] = []
    at = 1
    while at < len(word):
        letter = word[at]
        name = SHORT.get(letter)
        if name is None:
            raise _unknown(f"-{letter}" if letter.isascii() and letter.isprintable() else "")
        at += 1
        attached = word[at:] if name in _TAKES_VALUE else ""
        found.append(_option(name, attached, rest, shown=f"-{letter}"))
        if name in _TAKES_VALUE:
            break
    return found


def _option(name: str, attached: str, rest: Iterator[str], *, shown: str) -> tuple[str, str]:
    if name in _REFUSED:
        raise UnreadableRequest(_REFUSED[name])
    if name in _TAKES_VALUE:
        value = attached or next(rest, None)
        if value is None:
            raise UnreadableRequest(f"curl's option {shown} has no value. Copy the command line whole.")
        return name, value
    positive = name.removeprefix("no-")
    if positive in _TAKES_NONE:
        return ("", "") if name != positive else (name, "")
    raise _unknown(shown)


def _unknown(shown: str) -> UnreadableRequest:
    # A mistyped option may have its value attached, which may be a secret: what looks like a name is shown alone.
    plain = shown.lstrip("-").replace("-", "").replace(".", "")
    named = f" {shown}" if plain.isascii() and plain.isalnum() and plain.islower() and len(plain) <= 24 else ""  # noqa: PLR2004 - longer than names are
    return UnreadableRequest(f"curl's option{named} is not known. Leave it out if it does not change the request.")
