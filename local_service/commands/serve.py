"""`serve`: keep the service running until Ctrl-C."""

import json
import threading
from collections.abc import Iterable
from pathlib import Path

from local_service import lifeline
from local_service.commands.page_address import page_address
from local_service.service import HTTP_PORT, LocalService, LocalSettings, settings_variables
from watchlist.deployment import routes

USER = "you@example.org"

_ANSWER = "/tmp/watchlist-added.json"  # noqa: S108 - a file of the person who pastes the command, holding an id


def serve(repositories: Iterable[Path], *, port: int = HTTP_PORT, log: Path | None = None) -> None:
    """Serve this checkout and the repositories.

    Args:
        repositories: local git repositories besides this checkout.
        port: of the HTTP API.
        log: where all logs go; stderr if None.

    Raises:
        PortTakenError: the port is not free.
        NoRepositoryError: one of the paths is none.
    """
    paths = (lifeline.ROOT, *(path for path in repositories if path.resolve() != lifeline.ROOT))
    settings = LocalSettings(port=port, repositories=paths, variables=settings_variables(), log=log)
    with LocalService(settings) as service:
        print(_welcome(service), flush=True)  # noqa: T201 - the output of the command
        threading.Event().wait()


def _welcome(service: LocalService) -> str:
    urls = list(service.repository_urls.values())
    body = json.dumps({"repo_url": urls[0], "added_by": USER})
    others = "".join(f"\n  {url}" for url in urls)
    page = page_address(service.url, USER)
    look = f"\nThe page: {page}" if page else ""
    return f"""{look}
The API listens on {service.url} (its description: {service.url}{routes.OPENAPI.path}). Ctrl-C stops it.
Local repositories:{others}

Add one, in another terminal:

  curl -s {service.url}{routes.ADD.path} -H 'Content-Type: application/json' -d '{body}' | tee {_ANSWER}

and look how far it is:

  curl -s {service.url}{_status_path()}

or be told of each change, with any WebSocket client:

  {service.live_url}/?watchlist_id=...
"""


def _status_path() -> str:
    """Return the status path with the id taken from the first command's answer, so that it works as pasted."""
    watchlist_id = f"""$(sed 's/.*"watchlist_id": *"\\([^"]*\\)".*/\\1/' {_ANSWER})"""
    return routes.STATUS.path.replace("{watchlist_id}", watchlist_id)
