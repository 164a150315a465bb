"""What users import: it is there, it is listed, and it says what it is for."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import pytest

import watchword
from tests.support import django_settings
from tests.support.each import each, noting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

SOURCE = Path(watchword.__file__).parent
django_settings.configure()  # Django REST framework reads the settings when it is imported
# The command line is for people at a terminal; nobody imports it.
MODULES = [
    import_module(found.name) for found in pkgutil.walk_packages([str(SOURCE)], "watchword.") if not found.name.startswith("watchword.cli")
]
LISTING = [module for module in [watchword, *MODULES] if hasattr(module, "__all__")]

# The jobs of the API design, as far as they are built: what its snippets import and call.
PROMISED: dict[str, list[str]] = {
    "watchword": [
        *["Guard", "Basic", "Bearer", "APIKey", "RequestView", "Refusal", "Firewall", "Scheme", "CredentialsError"],
        *["public", "optional", "authenticated", "nobody", "scope", "role", "permission", "network", "via", "fresh", "acr", "where"],
        *["Principal", "Principal.id", "Principal.roles", "Principal.scopes", "Principal.permissions", "Principal.claims"],
        *["Principal.evidence", "Principal.is_authenticated", "Principal.display_name", "Principal.has_scope", "Principal.has_role"],
        *["Evidence", "ANONYMOUS", "BasicCredentials.username", "BasicCredentials.password", "BearerToken.token", "APIKeyCredentials.key"],
        *["Verdict", "Accepted", "Refused", "Reason.EXPIRED", "Unavailable", "ConfigurationError", "GrammarError"],
        *["Decision", "Granted", "Challenged", "Forbidden", "Hidden", "Malformed", "Throttled", "Failed", "Operation"],
        *["Guard.decide", "Guard.adecide", "Guard.refuse", "Guard.explain", "Requirement.hidden"],
        *["Refusal.status", "Refusal.reason_phrase", "Refusal.headers", "Refusal.body"],
    ],
    "watchword.checkers": [
        *["Users", "Users.check", "Users.acheck", "Tokens", "Tokens.check", "Tokens.acheck", "verify_password", "nonblocking"],
        *["Htpasswd.check", "Htpasswd.acheck", "Accounts.check", "Accounts.acheck", "APIKeys.check", "APIKeys.acheck"],
        *["APIKeys.create", "APIKeys.rotate", "APIKeys.revoke", "APIKeys.list", "OpaqueTokens.check", "OpaqueTokens.acheck"],
        *["OpaqueTokens.create", "OpaqueTokens.revoke", "OpaqueTokens.revoke_all", "OpaqueTokens.redeem", "PasswordHasher"],
    ],
    "watchword.stores": ["MemoryStore", "SQLStore"],
    "watchword.grammar": ["parse_authorization", "parse_challenges", "Challenge.serialize", "Challenge.scheme", "Challenge.params"],
    "watchword.adapters.asgi": ["GuardMiddleware"],
    "watchword.adapters.wsgi": ["GuardMiddleware"],
    "watchword.testing": ["FixedClock"],
}


def test_what_was_promised_is_there() -> None:
    """Every name of the API design that belongs to what is built."""
    for module, name in [(module, name) for module, names in PROMISED.items() for name in names]:
        with noting(f"{module}.{name}"):
            found: Any = import_module(module)
            for part in name.split("."):
                found = getattr(found, part)


@each("module", LISTING)
def test_every_listed_name_is_there_once_and_in_order(module: ModuleType) -> None:
    """`from module import *` works, and the list can be read."""
    names = module.__all__
    assert [name for name in names if not hasattr(module, name)] == []
    assert len(set(names)) == len(names)


def late_names(tree: ast.Module) -> dict[str, str]:
    """Return what a package imports when it is asked for, and from where: type checkers see it under `if TYPE_CHECKING`."""
    if not any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body):
        return {}
    shown = [node for block in tree.body if isinstance(block, ast.If) for node in block.body if isinstance(node, ast.ImportFrom)]
    return {name.asname or name.name: str(node.module) for node in shown for name in node.names}


@pytest.mark.parametrize("module", [one for one in LISTING if "__getattr__" in vars(one)], ids=lambda module: module.__name__)
def test_what_is_imported_late_is_what_type_checkers_see(module: ModuleType) -> None:
    """A name that is imported when it is asked for is the same thing that type checkers are told of, and `dir()` shows it."""
    late = late_names(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")))
    assert late
    assert late.keys() == module._HOME.keys()
    for name, home in late.items():
        assert getattr(module, name) is getattr(import_module(home), name), name
    assert late.keys() <= set(dir(module))
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        module.nothing_of_the_kind  # noqa: B018 - asking is what fails


@each("module", [one for one in LISTING if hasattr(one, "__path__")])
def test_every_public_name_of_a_package_is_listed(module: ModuleType) -> None:
    """What a package imports or defines for others stands in `__all__`: type checkers re-export nothing else."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    names: set[str] = set(late_names(tree))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("watchword"):
            names |= {name.asname or name.name for name in node.names}
        elif isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    assert {name for name in names if not name.startswith("_")} == {name for name in module.__all__ if not name.startswith("_")}


def documented() -> Iterator[tuple[str, object]]:
    """Yield every public class, function, method and property with its name."""
    for module in MODULES:
        for name, thing in vars(module).items():
            if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
                continue
            if isinstance(thing, FunctionType):
                yield f"{module.__name__}.{name}", thing
            elif isinstance(thing, type):
                yield f"{module.__name__}.{name}", thing
                for inner, member in vars(thing).items():
                    if not inner.startswith("_") and isinstance(member, (FunctionType, property, classmethod, staticmethod)):
                        yield f"{module.__name__}.{name}.{inner}", member


def test_everything_public_says_what_it_is_for() -> None:
    """A docstring of one sentence at least; the one that a dataclass makes of its fields does not count."""
    for name, thing in documented():
        with noting(name):
            text = inspect.getdoc(thing)
            assert text
            assert text.split("\n\n")[0].rstrip().endswith((".", ":", ")"))
            assert not text.startswith(f"{name.rpartition('.')[2]}(")


def constants() -> set[str]:
    """Return the public names that are neither class nor function: a docstring of theirs stands below them."""
    return {
        f"{module.__name__}.{name}"
        for module in LISTING
        if hasattr(module, "__path__")
        for name in module.__all__
        if not name.startswith("_") and not isinstance(getattr(module, name), (type, FunctionType))
    }


@cache
def explained() -> set[str]:
    """Return the names of the package that a string literal follows."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for node, after in pairwise(body):
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def test_every_public_constant_says_what_it_is_for() -> None:
    """In a string below its assignment, where documentation tools look for it."""
    for name in sorted(constants()):
        with noting(name):
            assert name.rpartition(".")[2] in explained()
