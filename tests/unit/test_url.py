from __future__ import annotations

import pytest

from tests.support.each import each
from watchword import ConfigurationError
from watchword.fetching import configured_url, linked_url
from watchword.url import Url


@each(
    ("text", "shown", "target", "local"),
    [
        ("https://id.example.com", "https://id.example.com/", "/", False),
        ("https://ID.Example.com:8443/a/b?x=1&y=%20", "https://id.example.com:8443/a/b", "/a/b?x=1&y=%20", False),
        ("https://id.example.com:443/a", "https://id.example.com/a", "/a", False),
        ("https://id.example.com?x", "https://id.example.com/", "/?x", False),
        ("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443/", "/", False),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/", "/", False),
        ("http://localhost:8080/realms/a", "http://localhost:8080/realms/a", "/realms/a", True),
        ("http://idp.localhost/", "http://idp.localhost/", "/", True),
        ("http://127.0.0.1", "http://127.0.0.1/", "/", True),
        ("http://127.8.9.1:80/", "http://127.8.9.1/", "/", True),
        ("https://[::1]/", "https://[::1]/", "/", True),
        ("http://[::ffff:127.0.0.1]/", "http://[::ffff:127.0.0.1]/", "/", True),
        ("https://localhost.example.com/", "https://localhost.example.com/", "/", False),
    ],
)
def test_a_url_is_taken_apart(text: str, shown: str, target: str, local: object) -> None:
    """Host, port and target are what any other parser says, and only a host that is called this machine is local."""
    url = configured_url("x", text)
    assert (str(url), url.target, url.local) == (shown, target, local)
    assert url.text == shown.removesuffix(url.path) + target
    assert url.beside("/x").text == shown.removesuffix(url.path) + "/x"


BAD = [
    "",
    "id.example.com",
    "//id.example.com",
    "ftp://id.example.com/",
    "file:///etc/passwd",
    "HTTPS://id.example.com/",
    "https://",
    "https:///a",
    "https:/id.example.com/",
    "https:\\\\id.example.com/",
    "https://id.example.com\\@evil.example/",
    "https://user@id.example.com/",
    "https://user:s3cret@id.example.com/?k=s3cret",
    "https://id.example.com@evil.example/s3cret@",
    "https://id.example.com/#s3cret",
    "https://id.example.com:0/",
    "https://id.example.com:65536/",
    "https://id.example.com:+1/",
    "https://id.example.com:/",
    "https://id.example.com:443:443/",
    "https://bücher.example/",
    "https://id.example.com/ü",
    "https://id.exa mple.com/",
    " https://id.example.com/",
    "https://id.example.com/\n",
    "https://id.example.com/\r\nHost: evil",
    "https://id.example.com/\x00",
    "https://id%2eexample.com/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[::1/",
    "https://[1.2.3.4]x/",
    "https://[:::1]/",
    "http://id.example.com/",
    "http://10.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://0.0.0.0/",
    "http://localhost.example.com/",
    "http://notlocalhost/",
    f"https://id.example.com/{'a' * 2048}",
    None,
    b"https://id.example.com/",
    7,
]


@each("value", BAD)
def test_any_other_url_is_an_error(value: object) -> None:
    """Whatever two parsers could read in two ways is refused where it is configured, and no secret in it is shown."""
    with pytest.raises(ConfigurationError) as refused:
        configured_url("RemoteKeys(url)", value)
    assert str(refused.value).startswith("RemoteKeys(url) must be a URL to fetch: ")
    assert "s3cret" not in str(refused.value)
    assert len(str(refused.value)) < 600
    with pytest.raises(ValueError, match=r"https|character|fragment|password|port|brackets") as linked:
        linked_url(value, configured_url("x", "http://localhost/"))
    assert "example" not in str(linked.value)


def test_a_document_of_another_machine_does_not_lead_here() -> None:
    """A document leads to this machine only if it came from there; the operator names it otherwise."""
    here, there = configured_url("x", "http://localhost:8080/a"), configured_url("x", "https://id.example.com/")
    assert linked_url("http://127.0.0.1:9/keys", here).local
    for leading_here in ("https://127.0.0.1:9/keys", "http://localhost/keys", "http://[::1]/keys", "https://x.localhost/"):
        with pytest.raises(ValueError, match="of another machine than this one"):
            linked_url(leading_here, there)
    assert not linked_url("https://id.example.com/keys", here).local


def test_a_query_is_not_shown() -> None:
    """A query may hold a key, and the repr of a URL ends up in logs."""
    url = configured_url("x", "https://id.example.com/keys?key=s3cret")
    assert "s3cret" not in f"{url}{url!r}"
    assert isinstance(url, Url)
