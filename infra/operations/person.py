"""What an environment keeps of a person: shows it to them, or erases it.

    python -m infra.operations.person <environment> export-user <user>
    python -m infra.operations.person <environment> erase-user <user>
    python -m infra.operations.person <environment> erase-author <address> [<name> ...]

docs/privacy.md says what is kept of whom. Each can be called again; what jobs under way have written meanwhile is found
then.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from infra.environments import Environment, InvalidEnvironmentError, environments_named
from infra.operations.smoke import CheckFailedError, Deployment
from watchlist import clock
from watchlist.settings import TableSettings, load
from watchlist.storage import records
from watchlist.watching import forgetting

_TABLES = {"StorageWatchlist": "WATCHLIST_TABLE", "StorageActivity": "ACTIVITY_TABLE"}
"""How the logical ids of the tables begin, and the variables that name them."""


def _export_user(user: str) -> str:
    return json.dumps(forgetting.kept_of_user(user), indent=2, ensure_ascii=False)


def _erase_user(user: str) -> str:
    return f"{forgetting.erase_user(user, clock.now())} items erased"


def _erase_author(address: str, *names: str) -> str:
    number = forgetting.erase_author(address, names)
    return f"{number} items changed; call again when jobs under way have ended, until it is 0"


COMMANDS: Mapping[str, Callable[..., str]] = {
    "export-user": _export_user,
    "erase-user": _erase_user,
    "erase-author": _erase_author,
}


def main(arguments: list[str]) -> int:
    """Run the command; return the exit code."""
    match arguments:
        case [name, command, person, *names] if command in COMMANDS and (command == "erase-author" or not names):
            try:
                (environment,) = environments_named(name)
                records.bind(load(TableSettings, {**os.environ, **_tables_of(environment)}))
                sys.stdout.write(COMMANDS[command](person, *names) + "\n")
            except (BotoCoreError, CheckFailedError, ClientError, PynamoDBException, InvalidEnvironmentError) as error:
                sys.stderr.write(f"{error}\n")
                return 1
            return 0
        case _:
            sys.stderr.write(
                f"usage: python -m infra.operations.person <environment> {'|'.join(COMMANDS)}"
                " <user, or address and names>\n"
            )
            return 2


def _tables_of(environment: Environment) -> dict[str, str]:
    """Return the variables that name the tables of a deployed environment."""
    deployment = Deployment.of(environment.name, boto3.Session())
    return {
        variable: deployment.physical_id("AWS::DynamoDB::GlobalTable", prefix) for prefix, variable in _TABLES.items()
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
