"""How long the command `watchlist` takes, beside what it is made of: ratios, since machines differ.

`python -m bench.command_line`: `--help` against `import typer`, and imports of lock files with
1000 packages, all installed, as made up here.
Each is run several times in turn, and the medians of user time count.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_RUNS = 9
_PACKAGES = 1000
_ROOT = Path(__file__).parent.parent


def user_seconds(arguments: Sequence[str], folder: Path) -> float:
    """Return the user time of one run of Python."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    environment = {**os.environ, "PYTHONPATH": f"{_ROOT}:{_ROOT / 'cli'}", "WATCHLIST_CONFIG": str(folder / "none")}
    subprocess.run(
        [sys.executable, *arguments],
        check=True,
        cwd=folder,
        env=environment,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def node_project(folder: Path) -> None:
    """Make a lock file of npm and what it locks, installed."""
    packages = {}
    for number in range(_PACKAGES):
        place = f"node_modules/package-{number}"
        packages[place] = {"version": "1.0.0"}
        (folder / place).mkdir(parents=True)
        manifest = {
            "name": f"package-{number}",
            "repository": {"url": f"git+https://github.com/owner/package-{number}.git"},
        }
        (folder / place / "package.json").write_text(json.dumps(manifest))
    (folder / "package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "packages": packages}))


def python_project(folder: Path) -> None:
    """Make a lock file of uv and an environment with what it locks."""
    lines = []
    for number in range(_PACKAGES):
        lines.append(
            f'[[package]]\nname = "package-{number}"\nversion = "1.0.0"\nsource = {{ registry = "https://r.test" }}\n'
        )
        metadata = folder / ".venv/lib/python3.12/site-packages" / f"package_{number}-1.0.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.4\nName: package-{number}\nProject-URL: Source, https://github.com/owner/package-{number}\n"
        )
    (folder / "uv.lock").write_text("".join(lines))


def main() -> None:
    """Print each command's seconds and ratio."""
    with tempfile.TemporaryDirectory() as name:
        node, python = Path(name, "node"), Path(name, "python")
        node_project(node)
        python_project(python)
        lists = ("-m", "watchlist_cli", "import", "--dry-run")
        cases = {
            "import typer": (("-c", "import typer"), node),
            "watchlist --help": (("-m", "watchlist_cli", "--help"), node),
            "watchlist import --help": (("-m", "watchlist_cli", "import", "--help"), node),
            f"import of package-lock.json, {_PACKAGES} packages": ((*lists, "package-lock.json"), node),
            f"import of uv.lock, {_PACKAGES} packages": ((*lists, "uv.lock"), python),
        }
        taken: dict[str, list[float]] = {case: [] for case in cases}
        for _ in range(_RUNS):
            for case, (arguments, folder) in cases.items():
                taken[case].append(user_seconds(arguments, folder))
    unit = statistics.median(taken["import typer"])
    for case, seconds in taken.items():
        median = statistics.median(seconds)
        print(f"{case:48} {median:6.3f} s user  {median / unit:5.2f} x import typer")


if __name__ == "__main__":
    main()
