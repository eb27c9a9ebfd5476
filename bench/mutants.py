"""What `make mutants` found: how many of the changed modules the unit tests told from the right ones.

    python -m bench.mutants

Fails when a module has not been tried whole, or less than 90 % of all changes were noticed.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from mutmut.stats import status_by_exit_code

RESULTS = Path("mutants")
LEAST = 0.9
NOTICED = ("killed", "timeout")


def found(results: Path) -> dict[str, Counter[str]]:
    """Return by module how many changes ended how, as mutmut names it."""
    modules = {}
    for file in sorted(results.glob("watchlist/**/*.meta")):
        codes = json.loads(file.read_text())["exit_code_by_key"].values()
        if codes:
            module = file.relative_to(results).with_suffix("").with_suffix("")
            modules[".".join(module.parts)] = Counter(status_by_exit_code[code] for code in codes)
    return modules


def share(counts: Counter[str]) -> float:
    """Return the share of the changes that a test noticed; one that made it hang was noticed."""
    return sum(counts[status] for status in NOTICED) / counts.total()


def main() -> int:
    """Print a line for each module and one for all; return 1 when too little was noticed or tried."""
    modules = found(RESULTS)
    modules["all"] = sum(modules.values(), Counter())
    for name, counts in modules.items():
        others = ", ".join(f"{count} {status}" for status, count in counts.most_common() if status not in NOTICED)
        sys.stdout.write(f"{name:55} {share(counts):7.1%} of {counts.total():4}  {others}\n")
    return int(share(modules["all"]) < LEAST or modules["all"]["not checked"] > 0)


if __name__ == "__main__":
    sys.exit(main())
