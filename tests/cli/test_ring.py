"""`watchword keys`: a file of signing keys is made, rotated, shown and published."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.support.command import run
from watchword.issuing import KeyRingFile

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Inside


def test_a_ring_is_made_rotated_shown_and_published(inside: Inside, tmp_path: Path) -> None:
    """Only its owner can read it, the key that signs was published before, and no private member is shown."""
    path = tmp_path / "keys.json"
    assert inside("keys", "rotate", str(path), "--create", "--algorithm", "Ed25519").stdout.startswith(f"made {path}: ")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = KeyRingFile(path).current()
    published = json.loads(inside("keys", "publish", str(path)).stdout)
    assert published == before.jwks()
    assert inside("keys", "rotate", str(path)).stdout.startswith(f"rotated {path}: ")
    after = KeyRingFile(path).current()
    assert after.active.kid in {key["kid"] for key in published["keys"]}
    shown = inside("keys", "list", str(path)).stdout
    for key in after.keys:
        assert key.kid in shown
        assert key.jwk["d"] not in shown + json.dumps(published)


def test_what_cannot_be_done_is_said(inside: Inside, tmp_path: Path) -> None:
    """A missing file, one that is there already, and one that holds no ring; each stays as it is."""
    path = tmp_path / "keys.json"
    for command in ("rotate", "list", "publish"):
        code, words = inside.error("keys", command, str(path), code=1)
        assert (code, "cannot be read" in words) == ("unreadable", True)
    path.write_text("{}")
    assert inside.error("keys", "rotate", str(path), "--create", code=1)[0] == "already_exists"
    assert inside.error("keys", "rotate", str(path), code=1)[0] == "unreadable"
    assert path.read_text() == "{}"


def test_two_commands_at_once_lose_no_key(tmp_path: Path) -> None:
    """Each command in a process of its own either rotates or says that another one does; what was rotated is in the file."""
    path = tmp_path / "keys.json"
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: run("keys", "rotate", str(path), "--create", "--json"), range(4)))
        assert sorted(one.returncode for one in made) == [0, 1, 1, 1]
        done = list(pool.map(lambda _: run("keys", "rotate", str(path), "--json"), range(8)))
    rotated = [json.loads(one.stdout)["active"] for one in done if one.returncode == 0]
    assert all("another process" in one.stdout + one.stderr for one in done if one.returncode)
    kids = {key.kid for key in KeyRingFile(path).current().keys}
    assert kids >= {*rotated, *(json.loads(one.stdout)["active"] for one in made if one.returncode == 0)}
    assert len(kids) == 2 + len(rotated)
