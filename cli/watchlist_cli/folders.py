"""Where this command keeps things, by the platform's rules."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

_NOWHERE = Path(os.devnull)
"""Stands for the folders of somebody who has none, as users of containers often do: nothing lies below it."""


def of_this_command(kind: Literal["cache", "config", "data"]) -> Path:
    """Return the folder for things of a kind; it need not exist."""
    import platformdirs  # noqa: PLC0415 - it takes long to import

    try:
        return Path(getattr(platformdirs, f"user_{kind}_path")("watchlist"))
    except RuntimeError:
        return _NOWHERE


def home(environment: Mapping[str, str]) -> Path:
    """Return the person's own folder."""
    try:
        return Path(environment.get("HOME") or Path.home())
    except RuntimeError:
        return _NOWHERE
