"""The service on this machine: `python -m local_service run [REPO]` and `python -m local_service serve [REPO ...]`."""

import argparse
import os
import signal
import sys
from pathlib import Path

from local_service.commands.api_client import ProblemError
from local_service.commands.run import run
from local_service.commands.serve import serve
from local_service.functions.processes import FunctionError
from local_service.gateways.http import PortTakenError
from local_service.git.served_repositories import NoRepositoryError
from local_service.lifeline import ChildDiedError
from local_service.service import HTTP_PORT
from watchlist.settings import SettingsError

_INTERRUPTED = 130


def main(arguments: list[str]) -> int:
    """Run one of the commands and return the exit code; what a person can put right is said in one line."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)  # a shell starts background jobs with SIGINT ignored
    _forget_aws_account()
    try:
        if options.command == "run":
            return run(options.repository)
        serve(options.repositories, port=options.port, log=options.log)
    except (NoRepositoryError, PortTakenError, ProblemError, SettingsError) as error:
        return _complain(str(error))
    except (ChildDiedError, FunctionError) as error:
        return _complain(f"the service did not start; its log says why: {error}")
    except KeyboardInterrupt:
        return _INTERRUPTED if options.command == "run" else 0
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local_service", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run_command = commands.add_parser("run", help="analyse one repository, print the result, stop")
    run_command.add_argument(
        "repository", metavar="REPO", nargs="?", help="a local path or an https URL (default: this checkout)"
    )
    serve_command = commands.add_parser("serve", help="keep running until Ctrl-C")
    serve_command.add_argument(
        "repositories", metavar="REPO", nargs="*", type=Path, help="local repositories to serve besides this checkout"
    )
    serve_command.add_argument("--port", type=int, default=HTTP_PORT, help="of the API (default: %(default)s)")
    serve_command.add_argument("--log", type=Path, help="file for the logs (default: stderr)")
    return parser


def _complain(reason: str) -> int:
    print(f"error: {reason}", file=sys.stderr)  # noqa: T201 - the output of the command
    return 1


def _forget_aws_account() -> None:
    """Drop what the caller's shell says of AWS: a profile that is missing or broken must not matter here."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]


def _interrupt(_signal: int, _frame: object) -> None:
    """End as on Ctrl-C, so that every process is stopped."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
