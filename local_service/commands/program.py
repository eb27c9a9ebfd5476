"""The command line of the local service."""

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from local_service import interruption, lifeline
from local_service.aws.data_folder import DataFolderError
from local_service.commands.api_client import ProblemError
from local_service.commands.backup import backup
from local_service.commands.run import run
from local_service.commands.serve import serve
from local_service.fitness import UnfitMachineError
from local_service.functions.processes import FunctionError
from local_service.gateways.http import PortTakenError
from local_service.git.served_repositories import NoRepositoryError
from local_service.guard import LOOPBACK
from local_service.lifeline import ChildDiedError
from local_service.service import HTTP_PORT, LocalSettings, settings_variables
from watchlist.repository_url import InvalidRepositoryUrlError
from watchlist.settings import SettingsError
from watchlist.storage.failures import outage_in_words, passes

DATA = lifeline.ROOT / "build" / "local" / "data"
_INTERRUPTED = 130

_STOP_SECONDS = 40
"""Longest that stopping may take. A task that is stopped has half a minute to hand its job back."""
_TOKEN_CHARACTERS = 16
_PORTS = 65535


class _UsageError(Exception):
    """The arguments do not fit together; the message says how."""


def main(arguments: list[str]) -> int:
    """Run one of the commands and return the exit code; what a person can put right is said in one line."""
    options = _parser().parse_args(arguments)
    interrupted = _INTERRUPTED if options.command == "run" else 0
    interruption.listen(interrupted, _STOP_SECONDS)
    _forget_aws_account()
    try:
        return _perform(options)
    except (
        DataFolderError,
        InvalidRepositoryUrlError,
        NoRepositoryError,
        PortTakenError,
        ProblemError,
        SettingsError,
        UnfitMachineError,
        _UsageError,
    ) as error:
        return _complain(str(error))
    except OSError as error:  # of a file or folder; those of the network have names of their own
        return _complain(f"{error.filename or 'the system'}: {error.strerror or error}")
    except (BotoCoreError, ClientError) as error:
        reason = outage_in_words("its storage", error) if passes(error) else str(error)
        return _complain(f"the service did not start: {reason}")
    except (ChildDiedError, FunctionError) as error:
        return _complain(f"the service did not start; its log says why: {error}")
    except KeyboardInterrupt:
        return interrupted


def _perform(options: argparse.Namespace) -> int:
    match options.command:
        case "run":
            return run(options.repository)
        case "backup":
            backup(options.data, options.to)
        case _:
            serve(options.repositories, _serve_settings(options))
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, as every other error; `--help` has the rest."""
        self.exit(2, f"error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m local_service", description="The service on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    run_command = commands.add_parser("run", help="analyse one repository, print the result, stop")
    run_command.add_argument(
        "repository",
        metavar="REPO",
        nargs="?",
        help="a local path, or an address in any spelling (default: this checkout)",
    )
    serve_command = commands.add_parser("serve", help="keep running until Ctrl-C")
    serve_command.add_argument(
        "repositories", metavar="REPO", nargs="*", type=Path, help="local repositories to serve besides this checkout"
    )
    serve_command.add_argument("--port", type=_port, default=HTTP_PORT, help="of the API (default: %(default)s)")
    serve_command.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    serve_command.add_argument(
        "--token",
        default=os.environ.get("WATCHLIST_TOKEN"),
        help="what callers have to show, as a bearer token or a password (default: WATCHLIST_TOKEN)",
    )
    backup_command = commands.add_parser("backup", help="copy the data, also while the service runs")
    backup_command.add_argument("to", metavar="FOLDER", type=Path, help="where the copy goes; it must not exist")
    for command in (serve_command, backup_command):
        command.add_argument(
            "--data",
            type=_folder,
            default=os.environ.get("WATCHLIST_DATA") or str(DATA),
            help="the folder where everything is kept (default: WATCHLIST_DATA, or build/local/data)",
        )
    serve_command.add_argument("--log", type=Path, help="file for the logs (default: stderr)")
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= _PORTS):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 0 to {_PORTS} is")
    return int(text)


def _folder(text: str) -> Path:
    """Read a folder that no shell may have read before: a variable can come from a file."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is in nobody's home: {error}") from error


def _serve_settings(options: argparse.Namespace) -> LocalSettings:
    variables = settings_variables()
    if options.token is not None and not (options.token.isascii() and len(options.token) >= _TOKEN_CHARACTERS):
        raise _UsageError(f"the token has fewer than {_TOKEN_CHARACTERS} characters, or others than ASCII has")
    if options.token is not None and "JWT_ISSUER" in variables:
        raise _UsageError("callers show either the token or one of JWT_ISSUER: set one of the two")
    if options.host not in LOOPBACK and options.token is None and "JWT_ISSUER" not in variables:
        raise _UsageError(f"whoever reaches {options.host} could use the service: set --token, or JWT_ISSUER")
    return LocalSettings(
        host=options.host,
        port=options.port,
        token=options.token,
        variables=variables,
        data=options.data.resolve(),
        log=options.log,
    )


def _complain(reason: str) -> int:
    print(f"error: {reason}", file=sys.stderr)  # noqa: T201 - the output of the command
    return 1


def _forget_aws_account() -> None:
    """Drop what the caller's shell says of AWS: a profile that is missing or broken must not matter here."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
