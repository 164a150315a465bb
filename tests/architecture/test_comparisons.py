"""Secrets are compared in constant time: a check of the sources."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.each import each

PACKAGE = Path(__file__).parents[2] / "src" / "watchword"
# A store compares what it holds with what it has read before, and finds digests through an index; commands work for the
# operator; a grammar knows no secret. Everything else may be handed one by a client.
TRUSTED = {"stores", "cli", "grammar"}
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in TRUSTED)
WORDS = {"digest", "hash", "key", "mac", "otp", "password", "secret", "signature", "token"}


def words_of(node: ast.AST) -> set[str]:
    """Return the words of every name in an expression: `stored_token.digest[0]` has four."""
    names = [found.id for found in ast.walk(node) if isinstance(found, ast.Name)]
    names += [found.attr for found in ast.walk(node) if isinstance(found, ast.Attribute)]
    return {word.rstrip("s") for name in names for word in name.lower().split("_")}


def suspicious(text: str) -> list[int]:
    """Return the lines that compare something with the name of a secret by `==`, `!=`, or a look into a sequence."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Compare)
        and any(isinstance(operator, (ast.Eq, ast.NotEq)) for operator in node.ops)
        and WORDS & set().union(*(words_of(side) for side in (node.left, *node.comparators)))
    ]


@each("path", SOURCES)
def test_secrets_are_compared_with_compare_digest_only(path: Path) -> None:
    """W9: `==` stops at the first octet that differs, and tells by its time how far somebody got."""
    assert suspicious(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "if token == stored: pass",
        "x = row.password != given",
        "same = sha256(a).digest() == b",
        "if api_keys[0] == k: pass",
        "a == b == secret",
    ],
)
def test_a_comparison_by_equality_is_seen(text: str) -> None:
    """What this test looks for it would find."""
    assert suspicious(text) == [1]
