"""Runs the tests of Flask-HTTPAuth against `watchword.compat.flask_httpauth`, and compares what fails with the table of deviations.

    uv run python tests/peers/run_flask_httpauth.py

The source distribution is fetched from PyPI into a temporary folder. Its tests run twice: as they are, and in a copy whose tokens are
token68 (RFC 9110 §11.2). Theirs end with `!`, so that most of their tests of tokens would say no more than that. The copy has the files
with tokens.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

VERSION = "4.8.1"
COUNT = 121
TABLE = Path(__file__).with_name("flask_httpauth.toml")
_SHIM = "from watchword.compat.flask_httpauth import *  # noqa: F403\n"


class Unreachable(Exception):
    """PyPI cannot be reached; the message is pip's."""


@dataclass(frozen=True)
class Deviation:
    """Tests that fail for one reason.

    Args:
        clause: makes this behaviour right.
        why: in a sentence.
        tests: `module.class.test` of each.
        of_token: whether the same tests pass with a token68.
    """

    clause: str
    why: str
    tests: frozenset[str]
    of_token: bool = False


def deviations() -> list[Deviation]:
    """Return the table."""
    groups = tomllib.loads(TABLE.read_text(encoding="utf-8"))["deviation"]
    return [Deviation(one["clause"], one["why"], frozenset(one["tests"]), one.get("of_token", False)) for one in groups]


def fetch(folder: Path) -> Path:
    """Fetch the source distribution, and return the folder of its tests.

    Args:
        folder: an empty one.

    Raises:
        Unreachable: pip could not fetch it.
    """
    download = [
        sys.executable,
        "-m",
        "pip",
        "download",
        f"flask-httpauth=={VERSION}",
        "--dest",
        str(folder),
        "--retries",
        "1",
        "--timeout",
        "15",
    ]
    download += ["--no-binary", ":all:", "--no-deps", "--no-build-isolation", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(download, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unreachable(done.stderr.strip()[-1000:])
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder / "source", filter="data")
    (tests,) = (folder / "source").glob("*/tests")
    return tests


def run(tests: Path, folder: Path) -> tuple[dict[str, bool], dict[str, bool]]:
    """Run the tests as they are and with legal tokens; return for each test whether it passes.

    Args:
        tests: the folder of the tests.
        folder: takes copies, and the module that stands in for theirs.
    """
    shutil.copytree(tests, folder / "plain")
    (folder / "token68").mkdir()
    for path in tests.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name == "__init__.py" or "-token!" in text:
            (folder / "token68" / path.name).write_text(text.replace("-token!", "-token~"), encoding="utf-8")
    (folder / "flask_httpauth.py").write_text(_SHIM, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    report = folder / "report.xml"
    plugins = [
        part for name in ("randomly", "xdist", "cacheprovider", "timeout", "hypothesispytest", "sybil") for part in ("-p", f"no:{name}")
    ]
    command = [sys.executable, "-m", "pytest", "plain", "token68", "-c", "pytest.ini", "-q", "--tb=no", f"--junit-xml={report}", *plugins]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if not report.exists():
        raise RuntimeError(done.stdout + done.stderr)
    results: dict[str, dict[str, bool]] = {"plain": {}, "token68": {}}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - pytest has written it
        kind, _, name = f"{case.attrib['classname']}.{case.attrib['name']}".partition(".")
        results[kind][name] = all(case.find(sign) is None for sign in ("failure", "error", "skipped"))
    return results["plain"], results["token68"]


def differences(passed: dict[str, bool], listed: frozenset[str]) -> list[str]:
    """Return what differs from the table, in words.

    Args:
        passed: as `run` returns it.
        listed: the tests that are to fail.
    """
    failed = {name for name, passes in passed.items() if not passes}
    return [f"not listed, and fails: {name}" for name in sorted(failed - listed)] + [
        f"listed, and {'passes' if name in passed else 'is not there'}: {name}" for name in sorted(listed - failed)
    ]


def compare(plain: dict[str, bool], token68: dict[str, bool]) -> list[str]:
    """Return what differs from the table in both runs.

    Args:
        plain: of the tests as they are.
        token68: of the tests with legal tokens.
    """
    table = deviations()
    modules = {name.partition(".")[0] for name in token68}
    others = frozenset(name for one in table if not one.of_token for name in one.tests if name.partition(".")[0] in modules)
    return differences(plain, frozenset().union(*(one.tests for one in table))) + differences(token68, others)


def main() -> int:
    """Print each deviation and its clause, and what differs from the table."""
    with TemporaryDirectory() as scratch:
        (Path(scratch) / "fetched").mkdir()
        plain, token68 = run(fetch(Path(scratch) / "fetched"), Path(scratch))
    table = deviations()
    for group in table:
        print(f"{group.clause}: {group.why}")  # noqa: T201 - a script
        print(*(f"    {name}" for name in sorted(group.tests)), sep="\n")  # noqa: T201 - as above
    found = compare(plain, token68)
    counts = (
        f"{sum(plain.values())} of {len(plain)} tests pass; with legal tokens {sum(token68.values())} of {len(token68)} in the same files"
    )
    print(counts, *found, sep="\n")  # noqa: T201 - as above
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
