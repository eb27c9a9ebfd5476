"""The real service with real repositories, and a real browser that fails a test whenever the page complains."""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from local_service.commands.api_client import ApiClient
from local_service.service import LocalService, LocalSettings
from tests import waiting
from tests.page.watched import build_all, fake_scorecard
from tests.waiting import SECONDS

USER = "ada@example.org"

expect.set_options(timeout=SECONDS * 1000)

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

DESKTOP, TABLET, PHONE = (1280, 900), (390, 844), (320, 640)


@pytest.fixture(scope="session")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return build_all(tmp_path_factory.mktemp("repositories"), int(time.time()))


@pytest.fixture(scope="session")
def service(repositories: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalService]:
    log = tmp_path_factory.mktemp("service") / "service.log"
    variables = {"SCORECARD_PATH": fake_scorecard(tmp_path_factory.mktemp("scorecard"))}
    settings = LocalSettings(
        repositories=tuple(repositories.values()), variables=variables, log=log, schedule_interval=timedelta(seconds=3)
    )
    with LocalService(settings) as running:
        yield running


@pytest.fixture(scope="session")
def watched(service: LocalService, repositories: Mapping[str, Path]) -> Mapping[str, str]:
    """The ids of entries of the user, all processed, by the name of the repository; `missing` has failed."""
    api = ApiClient(service.url)
    urls = {name: service.repository_urls[path] for name, path in repositories.items()}
    urls["missing"] = urls["empty"].replace("/empty", "/missing")
    ids = {name: api.add(url, USER) for name, url in urls.items() if name != "latecomer"}
    wait_until_processed(api, ids.values())
    return ids


def wait_until_processed(api: ApiClient, ids: Iterable[str]) -> None:
    watched = set(ids)

    def processing() -> set[str]:
        return {each for each in watched if api.status(each)["status"] == "processing"}

    waiting.until("all are processed", processing, lambda left: not left)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield launched
        launched.close()


Open = Callable[..., Page]


class Complaints:
    """What the page wrote to the console as a warning or an error, and what it did not catch."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.expected: list[str] = []
        self._is_over = False

    def end(self) -> None:
        """Hear nothing more: a window that is closed while it connects complains of that."""
        self._is_over = True

    def expect(self, part: str) -> None:
        """Let a complaint pass that contains `part`."""
        self.expected.append(part)

    def listen(self, page: Page) -> None:
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self._add(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._add(f"{message.text} ({message.location.get('url')})")

    def _add(self, complaint: str) -> None:
        if not self._is_over:
            self.heard.append(complaint)

    def unexpected(self) -> list[str]:
        return [each for each in self.heard if not any(part in each for part in self.expected)]


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    collected = Complaints()
    yield collected
    assert collected.unexpected() == []


@contextmanager
def context_of(
    browser: Browser, size: tuple[int, int] = DESKTOP, scheme: str = "light", user: str | None = USER
) -> Iterator[BrowserContext]:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        accept_downloads=True,
    )
    context.set_default_timeout(SECONDS * 1000)
    if user is not None:
        context.add_init_script(f"localStorage.setItem('watchlist-user', {user!r})")
    yield context
    context.close()


@pytest.fixture
def open_page(browser: Browser, service: LocalService, complaints: Complaints) -> Iterator[Open]:
    """Return what opens an address of the service in a new context, by default as the user."""
    contexts = []

    def opens(path: str = "/", *, scripts: tuple[str, ...] = (), url: str | None = None, **options: object) -> Page:
        entered = context_of(browser, **options)  # type: ignore[arg-type] # its keywords, handed on
        context = entered.__enter__()
        contexts.append(entered)
        for script in scripts:
            context.add_init_script(script)
        page = context.new_page()
        complaints.listen(page)
        page.goto(f"{url or service.url}{path}")
        return page

    yield opens
    complaints.end()
    for each in contexts:
        each.__exit__(None, None, None)
