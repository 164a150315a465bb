from __future__ import annotations

from tests.support.each import each
from watchword.fetching import lifetime_of

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
LATER = "Sun, 06 Nov 1994 09:49:37 GMT"


@each(
    ("fields", "seconds"),
    [
        ({}, None),
        ({"cache-control": "public"}, None),
        ({"cache-control": "max-age=300"}, 300),
        ({"cache-control": "public, MAX-AGE=300, must-revalidate"}, 300),
        ({"cache-control": 'max-age="300"'}, 300),
        ({"cache-control": "max-age=300", "age": "100"}, 200),
        ({"cache-control": "max-age=300", "age": "400"}, 0),
        ({"cache-control": "max-age=300", "age": "soon"}, 0),
        ({"cache-control": "max-age=300", "age": "-1"}, 0),
        ({"cache-control": "max-age=300", "expires": LATER, "date": DATE}, 300),
        ({"cache-control": "max-age=300, max-age=60"}, 60),
        ({"cache-control": "max-age=0"}, 0),
        ({"cache-control": "max-age"}, 0),
        ({"cache-control": "max-age=-5"}, 0),
        ({"cache-control": "max-age=1.5"}, 0),
        ({"cache-control": "max-age=99999999999999999999"}, 1 << 31),
        ({"cache-control": "max-age=٣"}, 0),
        ({"cache-control": "no-store, max-age=300"}, 0),
        ({"cache-control": 'no-cache="set-cookie", max-age=300'}, 0),
        ({"cache-control": 'x="no-store, max-age=1", max-age=300'}, 300),
        ({"cache-control": "s-maxage=7"}, None),
        ({"cache-control": "," * 5000}, None),
        ({"expires": LATER, "date": DATE}, 3600),
        ({"expires": DATE, "date": LATER}, 0),
        ({"expires": "0"}, 0),
        ({"expires": "0", "date": DATE}, 0),
        ({"expires": LATER}, None),
        ({"expires": LATER, "date": "yesterday"}, None),
        ({"expires": "Sun, 06 Nov 99999 09:49:37 GMT", "date": DATE}, 0),
    ],
)
def test_the_lifetime_of_an_answer(fields: dict[str, str], seconds: float | None) -> None:
    """An answer is fresh for as long as its server says, by max-age before Expires; what cannot be read is stale (RFC 9111 §4.2.1)."""
    assert lifetime_of(fields) == seconds
