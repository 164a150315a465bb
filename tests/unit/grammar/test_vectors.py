"""Tests the examples of the RFCs, parsed and built again."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from watchword.errors import GrammarError
from watchword.grammar import decode_base64, parse_authorization, parse_byte_sequence, parse_challenges
from watchword.grammar.lists import parse_list
from watchword.grammar.rules import parse_token

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "grammar.json").read_text("utf-8"))["vectors"]


def _vectors(*kinds: str) -> Any:
    chosen = [vector for vector in VECTORS if vector["kind"] in kinds]
    return pytest.mark.parametrize("vector", chosen, ids=[vector["id"] for vector in chosen])


@_vectors("challenge-parse")
def test_challenges_of_the_rfcs(vector: dict[str, Any]) -> None:
    """The printed challenges are read as the RFC explains them, line by line and joined into one field value."""
    lines = vector["input"]["WWW-Authenticate"]
    read = [challenge for line in lines for challenge in parse_challenges(line)]
    assert [{"scheme": challenge.scheme.lower(), "params": dict(challenge.params)} for challenge in read] == vector["expected"]
    assert parse_challenges(", ".join(lines)) == read
    assert parse_challenges(", ".join(challenge.serialize() for challenge in read)) == read


@_vectors("challenge-parse")
def test_challenges_are_built_as_the_rfcs_print_them(vector: dict[str, Any]) -> None:
    """What is read is built as it was printed, quotes included; only `type=1` of RFC 9110 comes out quoted."""
    for line in vector["input"]["WWW-Authenticate"]:
        built = ", ".join(challenge.serialize() for challenge in parse_challenges(line))
        assert built == line.replace("type=1", 'type="1"')


@_vectors("credentials", "credentials-negative")
def test_credentials_of_the_rfcs(vector: dict[str, Any]) -> None:
    """The printed credentials are read, and built again exactly as they were printed."""
    field_value = vector["input"]["header"].partition(": ")[2]
    read = parse_authorization(field_value)
    assert read.serialize() == field_value
    expected = vector["expected"]
    if vector["area"] == "basic":
        assert decode_base64(read.token68 or "").decode("utf-8") == f"{expected['user_id']}:{expected['password']}"
    elif vector["area"] == "bearer":
        assert (read.scheme.lower(), read.token68) == (expected["scheme"], expected["token68"])
    else:
        params = dict(read.params or {})
        assert params == expected.get("parsed", {"params": params})["params"]
        assert params["response"] == expected.get("response", params["response"])
        assert {"realm", "nonce", "uri", "qop", "nc", "cnonce", "opaque"} < params.keys()


@_vectors("list-parse")
def test_lists_of_rfc_9110(vector: dict[str, Any]) -> None:
    """The lists of §5.6.1.2 have as many members as the RFC says, and those it calls invalid for 1#element are no challenges."""
    data = vector["input"]["field_value"].encode("ascii").rstrip()
    members: list[str] = []

    def consume(data: bytes, pos: int) -> int:
        token, pos = parse_token(data, pos)
        members.append(token)
        return pos

    parse_list(data, 0, consume)
    assert len(members) == vector["expected"]["members"]
    if vector["expected"]["valid_for_1#"]:
        assert [challenge.scheme for challenge in parse_challenges(data)] == members
    else:
        with pytest.raises(GrammarError):
            parse_challenges(data)


@_vectors("client-cert")
def test_client_cert_of_rfc_9440(vector: dict[str, Any]) -> None:
    """The printed certificate is read to the octets whose thumbprint is known; the chain, a list, is no single byte sequence."""
    certificate = parse_byte_sequence(vector["input"]["Client-Cert"])
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(certificate).digest()).rstrip(b"=").decode()
    assert thumbprint == vector["expected"]["x5t#S256"]
    with pytest.raises(GrammarError):
        parse_byte_sequence(vector["input"]["Client-Cert-Chain"])
