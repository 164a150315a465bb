"""Who may import whom. Read from the sources, so that an import inside a function or for types alone counts too."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.each import each

SOURCE = Path(__file__).parents[2] / "src" / "watchword"
MODULES = {path.relative_to(SOURCE).as_posix(): path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py"))}

# From below to above; a part imports only from layers below its own. So schemes, checkers and authorization meet in the guard,
# and checkers take the hash limiter and the ports of the stores.
LAYERS = [
    {"errors", "process"},
    {"validators", "spelling", "findings"},
    {"clock", "principal", "credentials", "reason", "networks", "cache", "locking", "peer", "field_index"},
    {"operation", "grammar", "mount", "url"},
    {"content", "target"},
    {"verdict", "request", "decision", "field", "reasons"},
    {"remedy"},
    {"client", "protection", "observe", "stores"},
    {"fetching", "signals"},
    {"schemes", "checkers", "authorization", "probe"},
    {"refusal", "presets", "routes", "issuing", "recorded"},
    {"guard"},
    {"inventory"},
    {"explaining", "checkup"},
    {"adapters", "testing"},
    {"compat", "console"},
    {"cli"},
]
HEIGHT = {part: height for height, layer in enumerate(LAYERS) for part in layer}

FRAMEWORKS = {"aiohttp", "django", "fastapi", "flask", "litestar", "quart", "rest_framework", "starlette", "werkzeug"}
STANDS_ON = {"fastapi": "starlette", "flask": "werkzeug", "litestar": "starlette", "quart": "flask", "rest_framework": "django"}
DRIVERS = {"httpcore2", "httpx", "httpx2", "psycopg", "redis", "requests", "sqlalchemy", "sqlite3", "urllib3"}
OUTSIDE = (
    FRAMEWORKS
    | DRIVERS
    | {"asyncio", "click", "datetime", "logging", "socket", "ssl", "subprocess", "threading", "time", "trio", "uvicorn"}
)
AT_THE_EDGE = ("adapters/", "compat/", "fetching/", "stores/", "observe/", "cli/")
EXCEPTIONS = {
    "clock.py": {"time"},
    "operation.py": {"anyio"},  # a plain function goes to a worker thread
    # One limit for callers from threads and from event loops: each kind is woken in its own way.
    "protection/single_flight.py": {"threading", "anyio"},
    "protection/hash_limiter.py": {"threading", "anyio"},
    "checkers/dummy_hash_source.py": {"threading"},  # a login does not wait for a slow sample
    "process.py": {"threading"},  # of several threads one makes what belongs to a process
    "signals/exchanging.py": {"threading"},  # no request waits for the store
    "signals/signal.py": {"logging"},  # where no hook takes the signals, the log does
    "locking.py": {"threading"},  # of several threads one reads a file, and one takes a login down
    "console/streams.py": {"anyio"},  # a stream waits for what is new
    "console/layout.py": {"datetime"},  # a page shows times as people write them
    # The formats of their password hashes, which nobody else knows.
    "checkers/passwords/django.py": {"django"},
    # The time at which a request was recorded is text. No clock is read.
    "recorded/har.py": {"datetime"},
    # Its URLconf is nowhere but in the framework.
    "routes/django.py": {"django"},
    "checkers/passwords/werkzeug.py": {"werkzeug"},
}
# Who may name a concrete store; everybody else takes its port.
NAMES_STORES = ("stores/", "cli/", "testing/")
# What is asked of every store, what every store takes, and who changes what is in it.
EVERY_STORE = {"watchword.stores.ports", "watchword.stores.bounds", "watchword.stores.audit"}


def imports(text: str) -> set[str]:
    """Return the dotted names that a source imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module if node.module and not node.level else ".")
            # `from watchword import guard` names a part too.
            found |= {f"watchword.{name.name}" for name in node.names if node.module == "watchword" and name.name in HEIGHT}
    return found


def mistakes(module: str, text: str) -> list[str]:
    """Return what a module imports that it may not."""
    part = module.partition("/")[0].removesuffix(".py")
    found = imports(text)
    roots = {name.partition(".")[0] for name in found}
    wrong = sorted(found & {"."})  # relative imports hide where they lead
    if part != "__init__":
        others = {name.split(".")[1] if "." in name else "__init__" for name in found if name.partition(".")[0] == "watchword"} - {part}
        # People's programs import the front door, and so do the parts that stand in for people.
        free = {"__init__"} if part in {"cli", "testing"} else set()
        wrong += sorted(other for other in others - free if HEIGHT.get(other, len(LAYERS)) >= HEIGHT[part])
    if not module.startswith(AT_THE_EDGE):
        wrong += sorted(roots & OUTSIDE - EXCEPTIONS.get(module, set()))
    if not module.startswith((*AT_THE_EDGE, "testing/")):
        wrong += sorted(roots & {"anyio"} - EXCEPTIONS.get(module, set()))
    if not module.startswith(NAMES_STORES):
        wrong += sorted(name for name in found if f"{name}.".startswith("watchword.stores.") and name not in EVERY_STORE)
    frameworks = roots & FRAMEWORKS
    if len(frameworks - {STANDS_ON.get(one, "") for one in frameworks}) > 1:
        wrong += sorted(frameworks)
    return wrong


@each("module", MODULES)
def test_every_module_imports_only_what_it_may(module: str) -> None:
    """Only from below; the core knows no framework, driver, event loop, socket or clock; an adapter knows one framework."""
    assert mistakes(module, MODULES[module]) == []


def test_every_part_has_its_place() -> None:
    """A new part is given a layer, or these tests would not look at it."""
    parts = {module.partition("/")[0].removesuffix(".py") for module in MODULES} - {"__init__"}
    assert parts <= HEIGHT.keys()


@each(
    ("module", "text", "wrong"),
    [
        ("schemes/x.py", "from watchword.checkers import Users", ["checkers"]),
        ("checkers/x.py", "def f():\n    from watchword.authorization.leaves import role", ["authorization"]),
        ("authorization/x.py", "import watchword.schemes.basic", ["schemes"]),
        ("grammar/x.py", "from watchword.request import RequestView", ["request"]),
        ("errors.py", "from watchword import Guard", ["__init__"]),
        ("request.py", "from watchword import guard", ["__init__", "guard"]),
        ("refusal/x.py", "from watchword.guard import Guard", ["guard"]),
        ("guard/x.py", "from .policy import Policy", ["."]),
        ("guard/x.py", "import time", ["time"]),
        ("checkers/x.py", "from threading import Lock", ["threading"]),
        ("schemes/x.py", "import asyncio.events", ["asyncio"]),
        ("checkers/x.py", "if TYPE_CHECKING:\n    import redis", ["redis"]),
        ("guard/x.py", "import anyio", ["anyio"]),
        ("adapters/x.py", "import flask\nimport django", ["django", "flask"]),
        ("adapters/x.py", "from watchword.cli import main", ["cli"]),
        ("adapters/x.py", "import fastapi\nimport starlette.requests\nfrom watchword.guard import Guard", []),
        ("clock.py", "import time", []),
        ("protection/single_flight.py", "import threading\nfrom anyio.to_thread import run_sync", []),
        ("protection/x.py", "import threading\nimport anyio", ["threading", "anyio"]),
        ("protection/hash_limiter.py", "from watchword.checkers import Users", ["checkers"]),
        ("stores/x.py", "from watchword.checkers import Users", ["checkers"]),
        ("stores/x.py", "from watchword.protection.hash_limiter import HashLimiter", ["protection"]),
        ("checkers/x.py", "from watchword.protection.hash_limiter import HashLimiter\nfrom watchword.stores.ports import Clock", []),
    ],
)
def test_a_mistake_is_seen(module: str, text: str, wrong: list[str]) -> None:
    """What these tests look for they would find."""
    assert mistakes(module, text) == wrong


@pytest.mark.parametrize(
    ("module", "text", "wrong"),
    [
        ("checkers/x.py", "from watchword.stores.memory import MemoryStore", ["watchword.stores.memory"]),
        ("checkers/x.py", "if TYPE_CHECKING:\n    from watchword.stores import MemoryStore", ["watchword.stores"]),
        ("guard/x.py", "def f():\n    import watchword.stores.sql.tables", ["watchword.stores.sql.tables"]),
        ("adapters/x.py", "from watchword import stores", ["__init__", "watchword.stores"]),
        # not a port, however it looks
        ("guard/x.py", "from watchword.stores.ports_of_old import Accounts", ["watchword.stores.ports_of_old"]),
        ("__init__.py", "from watchword.stores.memory import MemoryStore", ["watchword.stores.memory"]),
        ("checkers/x.py", "from watchword.stores.ports import AccountStore", []),
        ("guard/x.py", "import watchword.stores.ports", []),
        ("stores/x.py", "from watchword.stores.memory import MemoryStore", []),
        ("cli/x.py", "from watchword.stores.sql import SQLStore", []),
        ("testing/x.py", "from watchword.stores import MemoryStore", []),
    ],
)
def test_only_ports_of_stores_are_taken(module: str, text: str, wrong: list[str]) -> None:
    """Whoever takes a concrete store instead of its port would be seen, wherever the import stands."""
    assert mistakes(module, text) == wrong
