"""The table of the watchlist, and users who look at theirs."""

from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from playwright.sync_api import Page, expect

from local_service.commands.api_client import ApiClient
from local_service.service import LocalService


def names_become(page: Page, *expected: str) -> None:
    expect(page.locator(".watchlist .c-name a")).to_have_text([f"local/{name}" for name in expected])


def rows_become(page: Page, number: int) -> None:
    expect(page.locator(".watchlist tbody tr")).to_have_count(number)


def another_user(service: LocalService, repositories: Mapping[str, Path], *watched: str) -> str:
    """Return a new user who watches what others watch already, so that it is there at once."""
    user = f"{uuid4().hex[:8]}@example.org"
    for name in watched:
        ApiClient(service.url).add(service.repository_urls[repositories[name]], user)
    return user
