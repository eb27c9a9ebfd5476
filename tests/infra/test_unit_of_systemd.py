"""The unit that keeps the service running on one machine, as systemd itself judges it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from local_service import lifeline

UNIT = lifeline.ROOT / "scripts" / "watchlist.service"
MOST_EXPOSED = 25
"""Of 100, as `systemd-analyze security` counts; what is left is mostly the network, which the service is for."""

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit as if this checkout lay where it wants it."""
    text = UNIT.read_text().replace("/opt/watchlist/app/.venv", str(lifeline.ROOT / ".venv"))
    here = tmp_path / UNIT.name
    here.write_text(text.replace("/opt/watchlist/app", str(lifeline.ROOT)))
    return here


def analyzed(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", "--no-pager", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_systemd_understands_every_line(unit: Path) -> None:
    verified = analyzed("verify", unit)
    said = [line for line in verified.stderr.splitlines() if UNIT.name in line]
    assert (verified.returncode, said) == (0, [])


def test_it_may_do_little_besides_serving(unit: Path) -> None:
    judged = analyzed("security", "--offline=true", f"--threshold={MOST_EXPOSED}", unit)
    assert judged.returncode == 0, judged.stdout
