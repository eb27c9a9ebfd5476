"""The local service's own program, whose tasks and functions can be held.

    python -m tests.e2e.kills.program FOLDER PORT ...

What is due is looked for every second. Further arguments are those of `python -m local_service serve`.
"""

import sys
from datetime import timedelta

from local_service.functions import processes
from local_service.tasks import runner
from tests.e2e.kills.places import FUNCTIONS, JOB
from watchlist import limits


def main() -> int:
    """Run the program."""
    folder, port, *arguments = sys.argv[1:]
    runner.JOB = (sys.executable, "-m", JOB, folder)
    processes.HOST = (sys.executable, "-m", FUNCTIONS, folder)
    limits.DIGEST_RUN_INTERVAL = limits.SCHEDULE_INTERVAL = timedelta(seconds=1)

    from local_service.commands import program  # noqa: PLC0415 - it reads what was set here when it is imported

    return program.main([*arguments, "--port", port])


if __name__ == "__main__":
    sys.exit(main())
