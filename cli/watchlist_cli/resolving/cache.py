"""Answers of a service that are kept between runs, one file each. A cache that cannot be used is an empty one."""

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

_LONGEST_KEPT = timedelta(days=7)
_MISSES_KEPT = timedelta(days=1)
"""What is missing today may be published tomorrow."""


class Cache:
    """Keeps an answer for a week and that there is none for a day.

    Args:
        folder: need not exist; it is nobody else's.
        clock: seconds since the epoch.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock

    def get(self, key: str) -> dict[str, Any] | None:
        """Return what was put under the key; None if that is too old, damaged or was never there."""
        path = self._path(key)
        try:
            age = timedelta(seconds=self._clock() - path.stat().st_mtime)
            kept = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError, OverflowError):
            return None
        if not isinstance(kept, dict) or kept.get("key") != key or not isinstance(kept.get("answer"), dict):
            return None
        longest = _LONGEST_KEPT if kept["answer"] else _MISSES_KEPT
        return kept["answer"] if timedelta(0) <= age < longest else None

    def put(self, key: str, answer: dict[str, Any]) -> None:
        """Keep the answer; an empty one says that there is none. A full or read-only disk keeps nothing."""
        path = self._path(key)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            written, name = tempfile.mkstemp(dir=path.parent)
            try:
                with os.fdopen(written, "w", encoding="utf-8") as file:
                    json.dump({"key": key, "answer": answer}, file)
                now = self._clock()
                os.utime(name, (now, now))
                Path(name).replace(path)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise

    def prune(self) -> None:
        """Remove what is too old for any use."""
        oldest = self._clock() - _LONGEST_KEPT.total_seconds()
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                with contextlib.suppress(OSError):
                    if path.is_file() and path.stat().st_mtime < oldest:
                        path.unlink()

    def _path(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()
