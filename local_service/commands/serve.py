"""`serve`: keep the service running until Ctrl-C."""

import dataclasses
import json
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlencode

from rich.console import Console

from local_service import interruption, lifeline
from local_service.commands.page_address import page_address
from local_service.commands.scorecard import tell_if_missing
from local_service.service import LocalService, LocalSettings
from watchlist.deployment import routes

USER = "you@example.org"

_LOOK_SECONDS = 1
_STEADY_SECONDS = 30
"""A service that has run for so long is started again when its storage ends; one that has not is broken."""


def serve(repositories: Iterable[Path], settings: LocalSettings) -> None:
    """Serve this checkout and the repositories.

    Args:
        repositories: local git repositories besides this checkout.
        settings: how the service runs.

    Raises:
        PortTakenError: a port is not free.
        NoRepositoryError: one of the paths is none.
        DataFolderError: the data folder cannot be used.
    """
    own = (lifeline.ROOT,) if (lifeline.ROOT / ".git").exists() else ()
    paths = (*own, *(path for path in repositories if path.resolve() != lifeline.ROOT))
    settings = dataclasses.replace(settings, repositories=paths)
    console = Console(highlight=False)
    tell_if_missing(console)
    while True:
        started = _serve_until_storage_ends(console, settings)
        if time.monotonic() - started < _STEADY_SECONDS:
            raise lifeline.ChildDiedError("its storage ended soon after the start")
        console.print("The service's storage ended; starting again")


def _serve_until_storage_ends(console: Console, settings: LocalSettings) -> float:
    """Run the service; return when it had started."""
    console.print(f"Starting the service; its data is in {settings.data}", markup=False, soft_wrap=True)
    with ExitStack() as running:
        with console.status("starting ...") as status:

            def say(what: str) -> None:
                interruption.check()
                status.update(f"starting {what} ...")

            service = running.enter_context(LocalService(settings, say=say))
        started = time.monotonic()
        console.print(_welcome(service, wants_token=settings.token is not None), markup=False, soft_wrap=True)
        while not service.aws.ended.wait(_LOOK_SECONDS):
            interruption.check()
    return started


def _welcome(service: LocalService, *, wants_token: bool) -> str:
    urls = list(service.repository_urls.values())
    example = urls[0] if urls else "https://github.com/owner/name"
    body = json.dumps({"repo_url": example, "added_by": USER})
    watch = f"{service.url}{routes.USER_WATCHLIST.path}?{urlencode({'user': USER})}"
    # The token itself is kept out of terminals and of what systemd notes.
    shown = ' -H "Authorization: Bearer $WATCHLIST_TOKEN"' if wants_token else ""
    where = " that has WATCHLIST_TOKEN" if wants_token else ""
    local = "".join(f"\n  {url}" for url in urls) or " none"
    return f"""
The page:  {page_address(service.url, USER) or "is not built"}
The API:   {service.url}{routes.DOCS.path}

Local repositories:{local}

Add one, in another terminal{where}:

  curl -s {service.url}{routes.ADD.path}{shown} -H 'Content-Type: application/json' -d '{body}'

and look how it is doing:

  curl -s{shown} '{watch}'

Ctrl-C stops the service. Each change is told to WebSocket clients of {service.live_url}/?watchlist_id=...
"""
