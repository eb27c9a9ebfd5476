"""The command line of the chaos run; its exit code is 0 only if nothing is wrong."""

import argparse
import random
import sys
from pathlib import Path

from rich.console import Console

from tests.e2e.chaos.report import show
from tests.e2e.chaos.run import Plan, run


def main(arguments: list[str]) -> int:
    """Run once and return the exit code."""
    options = _parser().parse_args(arguments)
    seed = random.randrange(10**6) if options.seed is None else options.seed  # noqa: S311 - dice, not secrets
    console = Console(highlight=False)
    console.print(f"seed {seed}")
    result = run(Plan(options.repositories, options.users, options.minutes, seed, options.lives, options.log))
    show(result, console)
    return 1 if result.findings else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.chaos", description=__doc__)
    parser.add_argument("--repositories", type=int, default=40, help="(default: %(default)s)")
    parser.add_argument("--users", type=int, default=8, help="(default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=4, help="under harm (default: %(default)s)")
    parser.add_argument("--lives", type=int, default=3, help="of the service; each is killed (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="of all dice (default: any)")
    parser.add_argument("--log", type=Path, default=Path("build/chaos/service.log"), help="(default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
