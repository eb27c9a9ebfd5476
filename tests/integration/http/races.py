"""What somebody else does in the middle of a request."""

from collections.abc import Callable
from types import ModuleType

import pytest


def in_between(monkeypatch: pytest.MonkeyPatch, finds: ModuleType, write: Callable[[], object]) -> None:
    """Let somebody else write, once, between what a request reads and what it writes."""
    find, waiting = finds.find, [write]

    def find_and_let_write(named: str, caller: str | None) -> object:
        found = find(named, caller)
        if waiting:
            waiting.pop()()
        return found

    monkeypatch.setattr(finds, "find", find_and_let_write)
