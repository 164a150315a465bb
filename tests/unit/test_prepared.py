"""A prepared process is like one that was just started."""

from __future__ import annotations

import json
import os
import signal

import pytest

from tests.support import prepared

SHOWN = """
import json, os, sys
print(json.dumps([sys.argv, dict(os.environ), os.getsid(0) == os.getpid(), sys.stdin.read(), __name__]))
print("said", file=sys.stderr)
sys.exit(7)
"""


def test_it_has_what_it_was_given() -> None:
    """Arguments, environment, standard input, a session and a process of its own; what it prints and its exit code come back."""
    done = prepared.run(SHOWN, ["name", "ä"], "ö\n".encode(), {"ONLY": "this"})
    assert json.loads(done.stdout) == [["name", "ä"], {"ONLY": "this"}, True, "ö\n", "__main__"]
    assert (done.returncode, done.stderr) == (7, b"said\n")


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("1 / 0", 1, b"ZeroDivisionError: division by zero"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, b""),
        ("import atexit; atexit.register(print, 'the end', file=__import__('sys').stderr)", 0, b"the end"),
        ("import warnings; warnings.warn('odd')", 1, b"UserWarning: odd"),
    ],
)
def test_it_ends_as_programs_do(source: str, code: int, said: bytes) -> None:
    """By an error, a signal or its last line, and by a warning where those are errors."""
    done = prepared.run(source, [""], b"", os.environ, strict=True)
    assert (done.returncode, done.stdout) == (code, b"")
    assert done.stderr.rstrip().endswith(said)
