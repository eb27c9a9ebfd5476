"""Where alerts are told, and what is told live."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from playwright.sync_api import expect

from local_service.commands.api_client import ApiClient
from local_service.service import LocalService
from tests.page.conftest import Complaints, Open
from tests.page.lists import another_user, names_become, rows_become


def test_a_channel_is_made_with_a_rule_tried_changed_and_removed(open_page: Open, service: LocalService) -> None:
    page = open_page("/channels", user="grace@example.org")
    expect(page.get_by_text("Nobody is told yet")).to_be_visible()
    page.get_by_role("button", name="Add a channel").click()
    page.get_by_role("textbox", name="Name").fill("On call")
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_text("Levels: any").click()
    page.get_by_role("checkbox", name="Critical").check()
    page.get_by_role("textbox", name="Labels").fill("core web")
    page.get_by_role("checkbox", name="And once a week what changed").check()
    page.get_by_role("button", name="Save").click()
    channel = page.get_by_role("region", name="On call")
    expect(channel).to_contain_text("critical alerts; repositories labelled core or web.")
    expect(channel).to_contain_text("E-mail nothing was sent yet")
    channel.get_by_role("button", name="Send a test").click()
    expect(channel).to_contain_text("works; delivered")

    channel.get_by_role("button", name="Change …").click()
    page.get_by_role("button", name="Remove rule 1").click()
    page.get_by_role("checkbox", name="Send alerts there").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(channel).to_contain_text("All alerts.")
    expect(channel).to_contain_text("The weekly report.")
    expect(channel.get_by_role("button", name="Send a test")).to_be_disabled()
    (kept,) = page.request.get(f"{service.url}/activity/channels?user=grace@example.org").json()["items"]
    assert (kept["settings"]["name"], kept["settings"]["enabled"], kept["settings"]["rules"]) == ("On call", False, [])

    channel.get_by_role("button", name="Remove …").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("Nobody is told yet")).to_be_visible()


def test_the_secret_of_a_webhook_is_shown_when_it_is_new(open_page: Open) -> None:
    page = open_page("/channels", user="hook@example.org")
    page.get_by_role("button", name="Add a channel").click()
    page.get_by_role("textbox", name="Name").fill("Program")
    page.get_by_role("textbox", name="Address").fill("https://receiver.example/hook")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_contain_text("whsec_")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(page.get_by_role("region", name="Program")).to_contain_text("receiver.example (Standard Webhooks, signed)")


def test_an_address_that_is_refused_is_said_and_nothing_typed_is_lost(open_page: Open, complaints: Complaints) -> None:
    complaints.expect("422")
    page = open_page("/channels", user="typo@example.org")
    page.get_by_role("button", name="Add a channel").click()
    page.get_by_role("textbox", name="Name").fill("Plain")
    page.get_by_role("textbox", name="Address").fill("http://receiver.example/hook")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("https")
    expect(page.get_by_role("textbox", name="Name")).to_have_value("Plain")


def test_a_feed_and_a_badge_are_shared_and_revoked(
    open_page: Open, service: LocalService, repositories: Mapping[str, Path], watched: Mapping[str, str]
) -> None:
    user = another_user(service, repositories, "solo")
    page = open_page(f"/r/{watched['solo']}", user=user)
    page.get_by_role("button", name="Share a badge").click()
    address = page.locator(".shares code")
    expect(address).to_contain_text("/badges/")
    assert page.request.get(address.inner_text()).headers["content-type"].startswith("image/svg+xml")

    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Channels").click()
    page.get_by_role("button", name="Share a feed of your alerts").click()
    shared = page.get_by_role("region", name="Shared addresses").get_by_role("listitem")
    expect(shared).to_have_count(2)
    expect(shared.filter(has_text="Badge of local/solo")).to_have_count(1)
    feed = shared.filter(has_text="Feed of your alerts")
    read = feed.locator("code").inner_text()
    assert page.request.get(read).ok
    feed.get_by_role("button", name="Revoke").click()
    expect(shared).to_have_count(1)
    assert page.request.get(read).status == HTTPStatus.NOT_FOUND


def test_what_changes_is_told_to_the_watchlist_live(
    open_page: Open, service: LocalService, repositories: Mapping[str, Path], watched: Mapping[str, str]
) -> None:
    del watched
    user = another_user(service, repositories, "solo")
    page = open_page("/", user=user)
    with page.expect_websocket() as opened:
        rows_become(page, 1)
    assert f"user={user.replace('@', '%40')}" in opened.value.url
    opened.value.wait_for_event("framereceived")
    # Polling alone would ask again after longer than a test waits.
    ApiClient(service.url).add(service.repository_urls[repositories["compass"]], user)
    names_become(page, "compass", "solo")


def test_who_hears_nothing_asks_again(
    open_page: Open,
    service: LocalService,
    repositories: Mapping[str, Path],
    watched: Mapping[str, str],
    complaints: Complaints,
) -> None:
    del watched
    complaints.expect("WebSocket")
    user = another_user(service, repositories, "solo")
    page = open_page("/docs", user=user)
    page.route_web_socket("**/*", lambda socket: socket.close())
    page.goto(service.url)
    rows_become(page, 1)
    ApiClient(service.url).add(service.repository_urls[repositories["compass"]], user)
    names_become(page, "compass", "solo")
