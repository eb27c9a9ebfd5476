import re
import subprocess
import sys
from pathlib import Path

import pytest

from local_service import lifeline

SEED = 5
"""Its hosts answer soon, be it badly: one that never answers costs a run a minute."""


@pytest.mark.timeout(400)
def test_nothing_is_lost_stuck_or_doubled_while_everything_fails(tmp_path: Path) -> None:
    size = ("--repositories", "12", "--users", "5", "--minutes", "0.6", "--seed", str(SEED))
    finished = subprocess.run(
        [sys.executable, "-m", "tests.e2e.chaos", *size, "--log", str(tmp_path / "service.log")],
        cwd=lifeline.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    outcome = finished.stdout.splitlines()[-1] if finished.stdout else finished.stderr
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert re.fullmatch(r"adds=[1-9]\d* faults=[1-9]\d* ready=[1-9]\d* failed=\d+ lost=0 stuck=0 doubled=0", outcome)
