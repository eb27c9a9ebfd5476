"""One run of the command: which service, as whom, and how results are printed."""

import sys
from dataclasses import dataclass, replace
from functools import cached_property

from watchlist_cli.client import Client
from watchlist_cli.errors import CommandError
from watchlist_cli.output import Printer
from watchlist_cli.profile import Profile


@dataclass(frozen=True)
class Session:
    """What every command is given.

    Attributes:
        profile: the service, and whose watchlist it is.
        printer: of the results.
    """

    profile: Profile
    printer: Printer

    @cached_property
    def client(self) -> Client:
        """The service's API; nothing is asked before the first call."""
        return Client(self.profile)

    def at(self, issuer: str | None, client_id: str | None) -> "Session":
        """Return this session with another issuer, or another client at it, where they are given."""
        issuer, client_id = issuer or self.profile.issuer, client_id or self.profile.client_id
        return Session(replace(self.profile, issuer=issuer, client_id=client_id), self.printer)

    def agree(self, question: str) -> None:
        """Ask the person, who is there only if both ends are a terminal.

        Raises:
            CommandError: they do not agree, or nobody is there.
        """
        somebody = sys.stdin.isatty() and sys.stdout.isatty()
        if not somebody or input(f"{question} [y/N] ").strip().lower() not in {"y", "yes"}:
            raise CommandError("nothing was changed; say --yes to go on without being asked")
