"""How much of what real projects depend on `watchlist import` resolves, and why the rest is not.

`python -m bench.imports FOLDER...`: below each folder every lock file, manifest and bill of materials is one line.
What is installed beside a file (an environment, `node_modules`, `CARGO_HOME`) counts, as it does for the command;
nothing is asked on the network. `--sample 100` prints so many findings, drawn at random but the same each time, to be
checked by hand.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from watchlist_cli.commands.importing import Plan, plan_for
from watchlist_cli.dependencies.files import found_below
from watchlist_cli.errors import CommandError
from watchlist_cli.resolving.evidence import Found

_ROW = "{:44} {:10} {:>8} {:>8} {:>6} {:>8} {:>8} {:>8} {:>6}  {}"


@dataclass(frozen=True, slots=True)
class Measured:
    """One file as it was imported.

    Attributes:
        seconds: of processor time.
        fault: why it could not be read; None if it could.
    """

    file: Path
    plan: Plan
    seconds: float
    fault: str | None = None

    @property
    def found(self) -> list[Found]:
        """What was resolved."""
        return [each for group in self.plan.repositories.values() for each in group]


def measured(file: Path) -> Measured:
    """Import one file."""
    started = time.process_time()
    try:
        return Measured(file, plan_for([file]), time.process_time() - started)
    except CommandError as error:
        return Measured(file, Plan({}, []), time.process_time() - started, str(error))


def row(name: str, files: list[Measured]) -> str:
    """Sum files up in one line."""
    found = [each for file in files for each in file.found]
    missing = [each for file in files for each in file.plan.not_found]
    sure = Counter(each.evidence.confidence.name.lower() for each in found)
    number = len(found) + len(missing)
    share = f"{100 * len(found) / number:.1f} %" if number else "-"
    reasons = Counter(each.reason.partition(":")[0] for each in missing)
    dependencies = [each.dependency for each in found] + [each.dependency for each in missing]
    kinds = Counter(dependency.purl.type for dependency in dependencies)
    return _ROW.format(
        name[-44:],
        kinds.most_common(1)[0][0] if len(kinds) == 1 else "several" if kinds else "-",
        number,
        len(found),
        share,
        *(sure[confidence] for confidence in ("certain", "claimed", "guessed")),
        f"{sum(file.seconds for file in files):.2f}",
        "; ".join([*(f"{count} {reason}" for reason, count in reasons.most_common()), *(f.fault or "" for f in files)]),
    ).rstrip(" ;")


def sampled(files: list[Measured], size: int) -> Iterator[str]:
    """Yield findings to check by hand: package, repository, confidence, evidence."""
    found = {(each.dependency.purl.to_string(), each.url): each for file in files for each in file.found}
    ordered = [found[key] for key in sorted(found)]
    for each in random.Random(0).sample(ordered, min(size, len(ordered))):  # noqa: S311 - no secret
        sure = each.evidence.confidence.name.lower()
        yield f"{each.dependency.purl.to_string()}\t{each.url}\t{sure}\t{each.evidence.source}"


def main() -> None:
    """Print the table, and the sample if it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", metavar="FOLDER", type=Path, nargs="+")
    parser.add_argument("--sample", metavar="NUMBER", type=int, default=0)
    options = parser.parse_args()
    files = [measured(file) for folder in options.folders for file in found_below(folder)]
    print(
        _ROW.format("file", "ecosystem", "packages", "resolved", "share", *("certain", "claimed", "guessed"), "s", "")
    )
    for file in files:
        print(row(f"{file.file.parent.name}/{file.file.name}", [file]))
    print(row("all", files))
    for line in sampled(files, options.sample):
        print(line)
    if any(file.fault for file in files):
        sys.exit(1)


if __name__ == "__main__":
    main()
