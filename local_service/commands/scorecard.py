"""Is Scorecard there? Without it there are results, but no scores."""

import os
import shutil

from rich.console import Console


def tell_if_missing(console: Console) -> None:
    """Say how to install Scorecard where it is not."""
    if shutil.which(os.environ.get("SCORECARD_PATH", "scorecard")) is None:
        console.print(
            "Scorecard is not installed, so there are no scores: `make scorecard` installs it (it needs Go)",
            soft_wrap=True,
        )
