"""Defines the character classes of field values (RFC 9110), each under its ABNF.

They are `bytes` of all members: `data.translate(None, TCHAR)` is empty exactly if every octet of `data` is a tchar, which costs one
table look-up per octet. The compiled patterns are for positions inside a value; each is possessive (`++`), so none can backtrack
(RFC 9110 §17.5).
"""

from __future__ import annotations

import re
from typing import Final

# RFC 5234, Appendix B.1
#   ALPHA          =  %x41-5A / %x61-7A   ; A-Z / a-z
#   DIGIT          =  %x30-39             ; 0-9
#   SP             =  %x20
#   VCHAR          =  %x21-7E             ; visible (printing) characters
ALPHA: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
DIGIT: Final = b"0123456789"
SP: Final = 0x20
VCHAR: Final = bytes(range(0x21, 0x7F))

# RFC 9110, Section 5.6.3
#   OWS            = *( SP / HTAB )
#                  ; optional whitespace
#   BWS            = OWS
#                  ; "bad" whitespace
# Only these two octets. bytes.strip() and str.strip() without an argument take CR, LF, VT, FF and (str) U+0085 and U+00A0 too.
OWS: Final = b" \t"

# RFC 9110, Section 5.6.2
#   token          = 1*tchar
#   tchar          = "!" / "#" / "$" / "%" / "&" / "'" / "*"
#                  / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~"
#                  / DIGIT / ALPHA
#                  ; any VCHAR, except delimiters
TCHAR: Final = b"!#$%&'*+-.^_`|~" + DIGIT + ALPHA
TOKEN: Final = re.compile(b"[" + re.escape(TCHAR) + b"]++")

# RFC 9110, Section 11.2
#   token68        = 1*( ALPHA / DIGIT /
#                        "-" / "." / "_" / "~" / "+" / "/" ) *"="
TOKEN68_CHARS: Final = ALPHA + DIGIT + b"-._~+/"
TOKEN68: Final = re.compile(b"[" + re.escape(TOKEN68_CHARS) + b"]++=*+")

# RFC 9110, Section 5.5
#   obs-text       = %x80-FF
OBS_TEXT: Final = bytes(range(0x80, 0x100))

# RFC 9110, Section 5.6.4
#   quoted-string  = DQUOTE *( qdtext / quoted-pair ) DQUOTE
#   qdtext         = HTAB / SP / %x21 / %x23-5B / %x5D-7E / obs-text
#   quoted-pair    = "\" ( HTAB / SP / VCHAR / obs-text )
QUOTABLE: Final = OWS + VCHAR + OBS_TEXT
QDTEXT: Final = QUOTABLE.translate(None, b'"\\')
QUOTED_PAIR: Final = re.compile(rb"\\([" + re.escape(QUOTABLE) + b"])")
QUOTED_STRING: Final = re.compile(rb'"((?:[' + re.escape(QDTEXT) + rb"]++|\\[" + re.escape(QUOTABLE) + rb'])*+)"')
