"""What `--help` says: the command has no manual besides it and docs/cli.md."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner
from watchlist_cli.main import app

from local_service import lifeline

COMMANDS: dict[str, Any] = {}


def walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    yield name, command
    for part, child in getattr(command, "commands", {}).items():
        yield from walk(child, f"{name} {part}".strip())


COMMANDS.update(walk(typer.main.get_command(app), ""))


def helped(name: str) -> str:
    shown = CliRunner().invoke(app, [*name.split(), "--help"], terminal_width=100)
    assert shown.exit_code == 0
    return shown.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_all_that_it_takes_is_explained(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), parameter.name


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_leaves_a_stranger_to_guess_what_an_option_takes(name: str) -> None:
    options = helped(name).partition("Options:")[2].partition("Commands:")[0].partition("Examples:")[0]
    assert re.findall(r"<(?:str|int|float|path|list)\b[^>]*>", options) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_which_it_takes(name: str) -> None:
    examples = re.findall(r"^    watchlist (.+)$", helped(name).partition("Examples:")[2], re.MULTILINE)
    assert examples
    for example in examples:
        words = [word for word in shlex.split(example.partition(" > ")[0]) if word != "--json"]
        called = max((each for each in COMMANDS if words[: len(each.split())] == each.split()), key=len)
        assert called.startswith(name)
        COMMANDS[called].make_context(called, words[len(called.split()) :])


def test_no_summary_is_cut_off() -> None:
    for name, command in COMMANDS.items():
        if getattr(command, "commands", None):
            listed = helped(name).partition("Commands:")[2]
            assert listed
            assert "..." not in listed


def test_every_variable_that_is_read_is_named_by_the_help_and_the_documentation() -> None:
    sources = "".join(path.read_text() for path in Path(lifeline.ROOT, "cli").rglob("*.py"))
    read = set(re.findall(r'(?:get\(|environment\[)"(WATCHLIST_[A-Z_]+)"', sources))
    said = " ".join(helped("").split())
    documented = (lifeline.ROOT / "docs" / "cli.md").read_text()
    assert {"WATCHLIST_URL", "WATCHLIST_SIGN_INS"} <= read
    assert [name for name in sorted(read) if name not in said or f"`{name}`" not in documented] == []


def test_help_needs_no_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "WATCHLIST_PROFILE", "absent")
    assert "--min-score" in helped("gate")
