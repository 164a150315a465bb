"""docs/cli.md: what it shows is what happens, and it shows everything."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.command import Inside, commands
from watchword.cli import failures
from watchword.cli.findings import CODES
from watchword.cli.keys import KEYS
from watchword.cli.tokens import TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def examples() -> Iterator[tuple[str, str]]:
    """Every command of the page with what stands below it, in order."""
    for block in re.findall(r"^```console\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = example.partition("\n")
            yield command, shown


def written(command: str, environment: dict[str, str], inside: Inside) -> str:
    """What a line of shell writes: an assignment, a command, or a command that something is piped into."""
    if command.startswith("export "):
        name, _, value = command.removeprefix("export ").partition("=")
        environment[name] = value
        return ""
    before, pipe, after = command.rpartition(" | ")
    given = ""
    if pipe:
        tool, text = shlex.split(before)
        given = text.replace("\\n", "\n") if tool == "printf" else f"{text}\n"
    words = shlex.split(after)
    assert words[0] == "watchword"
    code = 1 if re.search(r"passwd ann|show zoe|audit$|import", after) else 0
    return inside(*words[1:], given=given, code=code, **environment).output


def test_what_the_page_shows_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command writes what stands below it; an ellipsis is what differs from time to time."""
    monkeypatch.chdir(tmp_path)
    inside, environment = Inside(tmp_path / "unused.db"), {"WATCHWORD_STORE": ""}
    tried = 0
    for command, shown in examples():
        pattern = re.sub(r" +", " +", re.escape(shown).replace("\\ ", " ")).replace("…", ".*")
        assert re.fullmatch(pattern, written(command, environment, inside)), command
        tried += 1
    assert tried >= 15
    assert PAGE.count("\n$ ") == tried


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_every_command_is_described(path: tuple[str, ...]) -> None:
    """With all of its options but those that stand in every command."""
    assert f"`watchword {' '.join(path)}" in PAGE
    (command,) = (command for one, command in commands() if one == path)
    options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    assert {option for option in options if f"`{option}" not in PAGE and f" {option}" not in PAGE} == set()


@pytest.mark.parametrize("code", CODES)
def test_every_finding_is_described(code: str) -> None:
    """With its severity, in the words of the command."""
    assert f"| `{code}` | {CODES[code][0]} | {CODES[code][1]} |\n" in PAGE


def test_every_error_code_is_listed() -> None:
    """Whoever writes a program finds every code that an error may have."""
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(failures.__file__).parent.glob("*.py"))
    used = set(re.findall(r'Failure\((?:[^"]|"(?!,))*?f?".*?", "(\w+)"', sources)) | set(
        re.findall(r'_(?:end|report)\([^\n]*?, "(\w+)"', sources)
    )
    used |= {f"not_a_{kind.what}" for kind in (KEYS, TOKENS)}
    assert {"not_found", "weak_password", "store_unusable"} <= used
    assert [code for code in sorted(used) if f"`{code}`" not in PAGE] == []
