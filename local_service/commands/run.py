"""`run`: start the service, add one repository, show its progress, print the result."""

import contextlib
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from local_service import interruption, lifeline
from local_service.commands.api_client import ApiClient
from local_service.commands.live_client import LiveStatusError, states
from local_service.commands.page_address import page_address
from local_service.commands.report import Result, print_result
from local_service.commands.scorecard import tell_if_missing
from local_service.gateways.http import PortTakenError
from local_service.git.served_repositories import NoRepositoryError, git_directories
from local_service.service import HTTP_PORT, LocalService, LocalSettings, settings_variables
from watchlist import git_hosts
from watchlist.repository_spelling import read_repository
from watchlist.repository_url import InvalidRepositoryUrlError
from watchlist.settings import OriginSettings, load

LOG = lifeline.ROOT / "build" / "local" / "service.log"
USER = "you@example.org"

_POLL_SECONDS = 0.5


def run(repository: str | None) -> int:
    """Analyse one repository from start to end.

    Args:
        repository: a local path, or an address in any spelling; this checkout if None.

    Returns:
        0 if it became ready, 1 if it failed.

    Raises:
        ProblemError: the API refused the repository.
        NoRepositoryError: it is neither a repository's path nor its address.
    """
    console = Console(highlight=False)
    named = _named_repository(repository)
    if isinstance(named, str) and "://" not in str(repository):
        console.print(f"There is no folder {repository}: it is taken for {named}", markup=False, soft_wrap=True)
    path = named if isinstance(named, Path) else None
    tell_if_missing(console)
    console.print(f"Starting the service; its log is {_shown(LOG)}")
    with _service(() if path is None else (path,)) as service:
        url = service.repository_urls[named] if isinstance(named, Path) else named
        console.print(f"The API listens on {service.url}; adding {url}", soft_wrap=True)
        if page := page_address(service.url, USER):
            console.print(f"Look at it: {page}", soft_wrap=True)
        client = ApiClient(service.url)
        status = _wait(console, statuses(client, service.live_url, client.add(url, USER)))
        if status["status"] != "ready":
            error = status["last_error"]
            console.print(f"Failed: {error['message']} ({error['code']})", markup=False, soft_wrap=True)
            return 1
        watchlist_id = status["watchlist_id"]
        print_result(console, Result(status, client.commits(watchlist_id), client.health(watchlist_id)))
    return 0


def _named_repository(typed: str | None) -> Path | str:
    """Return the repository's folder, this checkout if None, or its address where there is no such folder.

    Raises:
        NoRepositoryError: it is neither; nobody needs to start a service for it.
    """
    path = Path(typed or lifeline.ROOT)
    if typed is None or ("://" not in typed and path.exists()):
        git_directories((path,))
        return path
    settings = load(OriginSettings, settings_variables())
    git_hosts.bind(settings.git_hosts)
    try:
        return read_repository(typed, settings.allowed_origins).url
    except InvalidRepositoryUrlError as error:  # it may have a password
        missing = "" if "://" in typed else "there is no such folder, and "
        raise NoRepositoryError(f"{missing}the repository's address {error}") from None


@contextlib.contextmanager
def _service(repositories: tuple[Path, ...]) -> Iterator[LocalService]:
    """Run the service on the usual port, or on any free one when that is taken."""
    with contextlib.ExitStack() as running:
        try:
            service = running.enter_context(LocalService(_settings(HTTP_PORT, repositories), say=_look))
        except PortTakenError:
            service = running.enter_context(LocalService(_settings(0, repositories), say=_look))
        yield service


def _look(_what: str) -> None:
    interruption.check()


def _settings(port: int, repositories: tuple[Path, ...]) -> LocalSettings:
    variables = settings_variables()
    variables.pop("JWT_ISSUER", None)  # nobody else uses this service, and nobody issues tokens for it
    return LocalSettings(port=port, repositories=repositories, variables=variables, log=LOG)


def _wait(console: Console, statuses: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Show each status and return the last one."""
    if not console.is_terminal:
        return _wait_with_lines(console, statuses)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        bar = bars.add_task("queued", total=None, count="")
        for status in statuses:
            progress = status["progress"]
            bars.update(
                bar,
                description=_describe(status),
                completed=progress["done"],
                total=progress["total"] or None,
                count=_count(progress),
            )
    return status


def _wait_with_lines(console: Console, statuses: Iterable[dict[str, Any]]) -> dict[str, Any]:
    started = time.monotonic()
    last = ""
    for status in statuses:
        line = f"{_describe(status)} {_count(status['progress'])}".rstrip()
        if line != last:
            console.print(f"{time.monotonic() - started:6.1f} s  {line}", markup=False, soft_wrap=True)
        last = line
    return status


def statuses(client: ApiClient, live_url: str, watchlist_id: str) -> Iterator[dict[str, Any]]:
    """Yield the status whenever it changes, at last the one of an entry whose processing has ended.

    It comes over a WebSocket and, where that fails, by polling.
    """
    status = None
    with contextlib.suppress(LiveStatusError):
        for status in states(live_url, watchlist_id):
            interruption.check()
            yield status
    if status is None or status["status"] == "processing":
        yield from _polls(client, watchlist_id)


def _polls(client: ApiClient, watchlist_id: str) -> Iterator[dict[str, Any]]:
    """Yield the status again and again, at last the one of an entry whose processing has ended."""
    while True:
        interruption.check()
        status = client.status(watchlist_id)
        yield status
        if status["status"] != "processing":
            return
        time.sleep(_POLL_SECONDS)


def _describe(status: dict[str, Any]) -> str:
    stage = str(status["progress"]["stage"]).replace("_", " ")
    error = status["last_error"]
    if error is None or status["status"] != "processing":
        return stage
    return f"{stage} (attempt {status['attempt']} of {status['max_attempts']}: {error['message']})"


def _count(progress: dict[str, Any]) -> str:
    if progress["total"] is None:
        return str(progress["done"] or "")
    return f"{progress['done']} / {progress['total']}"


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
