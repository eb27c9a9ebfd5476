"""The service on this machine: `python -m local_service run [REPO]` and `python -m local_service serve [REPO ...]`."""

import os
import signal
import sys


def _leave(number: int, _frame: object) -> None:
    """End at once and say nothing: there is nothing to stop while the program is still being imported.

    `serve` has then done what it was told, as later; make would print any other exit code.
    """
    os._exit(0 if sys.argv[1:2] == ["serve"] else 128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)

    from local_service.commands.program import main

    sys.exit(main(sys.argv[1:]))
