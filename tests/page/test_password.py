"""Who looks, where the service on one machine wants a token, which browsers ask for as a password."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from local_service.service import LocalService, LocalSettings
from tests.page.conftest import USER

TOKEN = "a-token-for-the-test"


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[LocalService]:
    with LocalService(LocalSettings(token=TOKEN, log=tmp_path / "service.log")) as running:
        yield running


def test_whoever_knows_the_password_sees_their_list(browser: Browser, closed: LocalService) -> None:
    with browser.new_context(http_credentials={"username": "anybody", "password": TOKEN}) as context:
        page = context.new_page()
        page.goto(f"{closed.url}/?user={USER}")

        expect(page.get_by_text("You watch nothing yet")).to_be_visible()


def test_whoever_knows_the_password_is_told_of_changes(browser: Browser, closed: LocalService) -> None:
    with browser.new_context(http_credentials={"username": "anybody", "password": TOKEN}) as context:
        page = context.new_page()
        with page.expect_websocket(
            lambda opened: opened.url.startswith(f"{closed.url.replace('http', 'ws')}/live?")
        ) as live:
            page.goto(f"{closed.url}/?user={USER}")

        told = json.loads(live.value.wait_for_event("framereceived"))

    assert told["type"] == "connected"
