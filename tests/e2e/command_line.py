"""The command `watchlist` as a process."""

import subprocess
import sys
from collections.abc import Mapping

from local_service import lifeline
from tests.waiting import SECONDS


def run(variables: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it with these variables, and no others that it might read."""
    return subprocess.run(
        [sys.executable, "-m", "watchlist_cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={"PYTHONPATH": str(lifeline.ROOT / "cli"), **variables},
        timeout=SECONDS,
    )
