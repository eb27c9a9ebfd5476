"""The list of all that a user watches."""

import csv
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route, expect

from local_service.service import LocalService
from tests.page.conftest import Complaints, Open
from tests.page.lists import another_user, names_become, rows_become

ORDER = ["missing", "fossil", "harbour", "machines", "empty", "lantern"]
"""The repositories in trouble, the worst first; those that are left are active."""


def names(page: Page) -> list[str]:
    """Return the names in their order; not the texts as drawn, since a row out of sight is not drawn."""
    return [name.partition("/")[2] for name in page.locator(".watchlist .c-name a").all_text_contents()]


def watched_by(page: Page, service: LocalService, user: str) -> list[dict[str, Any]]:
    """Return what the API says of all that a user watches."""
    items: list[dict[str, Any]] = page.request.get(f"{service.url}/activity/watchlist?user={user}").json()["items"]
    return items


def test_each_repository_has_a_row_with_its_verdict_the_worst_first(
    open_page: Open, watched: Mapping[str, str]
) -> None:
    page = open_page("/")
    rows_become(page, len(watched))
    assert names(page)[: len(ORDER)] == ORDER
    verdicts = dict(zip(names(page), page.locator(".c-verdict .verdict").all_text_contents(), strict=True))
    assert (verdicts["missing"].strip(), verdicts["compass"].strip()) == ("failing", "active")
    expect(page.locator("tr", has_text="local/harbour")).to_contain_text("No commit by a person for")


def test_a_click_on_a_total_shows_those_that_it_counts(open_page: Open, watched: Mapping[str, str]) -> None:
    page = open_page("/")
    rows_become(page, len(watched))
    quiet = page.get_by_role("button", name="2 quiet")
    quiet.click()
    names_become(page, "harbour", "machines")
    expect(quiet).to_have_attribute("aria-pressed", "true")
    page.reload()
    rows_become(page, 2)
    quiet.click()
    rows_become(page, len(watched))


def test_the_list_is_searched_in_names_and_reasons(open_page: Open, watched: Mapping[str, str]) -> None:
    page = open_page("/")
    rows_become(page, len(watched))
    page.get_by_role("searchbox", name="Search").fill("no commits yet")
    names_become(page, "empty")
    page.get_by_role("searchbox", name="Search").fill("nothing of the kind")
    expect(page.get_by_text("None of your repositories is like that")).to_be_visible()


def test_a_column_sorts_by_a_click_and_back_and_says_so(open_page: Open, watched: Mapping[str, str]) -> None:
    page = open_page("/")
    rows_become(page, len(watched))
    page.get_by_role("button", name="Repository").click()
    names_become(page, *sorted(watched))
    expect(page.get_by_role("columnheader", name="Repository")).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("button", name="Repository").click()
    names_become(page, *sorted(watched, reverse=True))


def test_many_are_removed_at_once_after_a_question_that_names_them(
    open_page: Open, service: LocalService, repositories: Mapping[str, Path], watched: Mapping[str, str]
) -> None:
    del watched
    page = open_page("/", user=another_user(service, repositories, "solo", "compass", "fossil"))
    rows_become(page, 3)
    page.get_by_label("Select local/solo").check()
    page.get_by_label("Select local/fossil").check()
    page.get_by_role("button", name="Stop watching 2").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("local/solo")
    dialog.get_by_role("button", name="Stop watching 2").click()
    rows_become(page, 1)
    names_become(page, "compass")


def test_many_are_labelled_at_once(
    open_page: Open, service: LocalService, repositories: Mapping[str, Path], watched: Mapping[str, str]
) -> None:
    del watched
    user = another_user(service, repositories, "solo", "compass", "fossil")
    page = open_page("/", user=user)
    rows_become(page, 3)
    page.get_by_label("Select all").check()
    page.get_by_role("button", name="Label 3").click()
    page.get_by_label("Labels to add").fill("core, web")
    page.get_by_role("dialog").get_by_role("button", name="Label 3").click()
    expect(page.get_by_role("status").filter(has_text="3 repositories labelled")).to_be_visible()
    assert [sorted(row["labels"]) for row in watched_by(page, service, user)] == [["core", "web"]] * 3


def test_alerts_of_many_are_set_at_once_and_what_was_set_before_stays(
    open_page: Open, service: LocalService, repositories: Mapping[str, Path], watched: Mapping[str, str]
) -> None:
    del watched
    user = another_user(service, repositories, "solo", "compass")
    page = open_page("/", user=user)
    rows_become(page, 2)
    settings = {
        row["name"]: f"{service.url}/activity/user-watchlist-alerts/{row['user_watchlist_id']}"
        for row in watched_by(page, service, user)
    }
    page.request.put(settings["local/solo"], data={"high_churn": {"enabled": False}})
    page.get_by_label("Select all").check()
    page.get_by_role("button", name="Set alerts of 2").click()
    page.get_by_role("group", name="Inactivity").get_by_label("Days").fill("30")
    page.get_by_role("dialog").get_by_role("button", name="Set alerts of 2").click()
    expect(page.get_by_role("status").filter(has_text="2 repositories set")).to_be_visible()
    chosen = {name: page.request.get(address).json()["chosen"] for name, address in settings.items()}
    assert chosen["local/solo"] == {"high_churn": {"enabled": False}, "inactivity": {"days": 30}}
    assert chosen["local/compass"] == {"inactivity": {"days": 30}}


def test_what_is_selected_is_exported_as_a_table(open_page: Open, watched: Mapping[str, str]) -> None:
    page = open_page("/")
    rows_become(page, len(watched))
    page.get_by_label("Select all").check()
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Export {len(watched)}").click()
    with Path(download.value.path()).open(newline="") as file:
        exported = {row["repository"].rpartition("/")[2]: row for row in csv.DictReader(file)}
    assert exported.keys() == watched.keys()
    assert (exported["fossil"]["verdict"], exported["missing"]["score"]) == ("dormant", "")


def test_a_pasted_list_is_previewed_and_added_and_becomes_ready_while_one_watches(
    open_page: Open, service: LocalService, repositories: Mapping[str, Path], watched: Mapping[str, str]
) -> None:
    del watched
    page = open_page("/", user=another_user(service, repositories, "solo"))
    rows_become(page, 1)
    page.get_by_role("button", name="Add repositories").click()
    late, solo, compass = (service.repository_urls[repositories[name]] for name in ("latecomer", "solo", "compass"))
    page.get_by_label("Addresses").fill(
        f"- {late}.git\n{compass}, {compass}/\n{solo}\nnot an address!\nhttps://evil.example/a/b"
    )
    status = page.get_by_role("dialog").get_by_role("status")
    expect(status).to_have_text("3 to add, 1 watched already, 1 twice, 3 not understood.")
    expect(page.get_by_role("dialog").get_by_role("listitem").first).to_contain_text(
        "This is no address of a repository."
    )
    expect(page.get_by_role("button", name="Watch 3 repositories")).to_be_enabled()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("2 added, 1 refused")
    expect(page.get_by_role("alert")).to_contain_text("https://evil.example/a/b")
    page.get_by_role("button", name="Cancel").click()
    rows_become(page, 3)
    row = page.locator("tr", has_text="local/latecomer")
    expect(row.locator(".verdict")).to_have_text("active")


def test_nobody_who_is_unknown_sees_a_list_and_the_name_is_remembered(
    open_page: Open, watched: Mapping[str, str]
) -> None:
    page = open_page("/", user=None)
    page.get_by_label("Name or e-mail").fill("ada@example.org")
    page.get_by_role("button", name="Show my watchlist").click()
    rows_become(page, len(watched))
    page.reload()
    rows_become(page, len(watched))


def test_the_address_that_make_run_prints_names_the_user_and_keeps_no_name(
    open_page: Open, watched: Mapping[str, str]
) -> None:
    page = open_page("/?user=ada%40example.org", user=None)
    rows_become(page, len(watched))
    assert "user=" not in page.url


def test_whoever_watches_nothing_is_asked_to_add(open_page: Open) -> None:
    page = open_page("/", user="newcomer@example.org")
    expect(page.get_by_text("You watch nothing yet")).to_be_visible()


def test_an_api_that_cannot_be_reached_is_said_and_asked_again(
    open_page: Open, watched: Mapping[str, str], complaints: Complaints
) -> None:
    complaints.expect("net::ERR_FAILED")
    page = open_page("/")
    rows_become(page, len(watched))
    page.route("**/activity/watchlist?*", lambda route: route.abort())
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("The service cannot be reached")
    page.unroute("**/activity/watchlist?*")
    page.get_by_role("button", name="Try again now").click()
    rows_become(page, len(watched))


def test_a_tab_that_nobody_sees_asks_nothing_until_it_is_seen_again(
    open_page: Open, watched: Mapping[str, str]
) -> None:
    page = open_page("/docs")
    page.clock.install()
    page.goto(page.url.replace("/docs", "/"))
    rows_become(page, len(watched))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    turn(page, hidden=True)
    page.clock.run_for(timedelta(hours=1) // timedelta(milliseconds=1))
    assert asked == []
    with page.expect_request("**/activity/watchlist?*"):
        turn(page, hidden=False)


def turn(page: Page, *, hidden: bool) -> None:
    """Let the tab be told that it is not seen, or seen again, as the browser does."""
    page.evaluate(
        "is => { Object.defineProperty(document, 'hidden', { value: is, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        hidden,
    )


def test_nothing_moves_under_the_pointer(open_page: Open, watched: Mapping[str, str]) -> None:
    page = open_page("/")
    rows_become(page, len(watched))
    before = names(page)
    page.locator("tr", has_text="local/compass").hover()

    def worse(route: Route) -> None:
        response = route.fetch()
        answer = response.json()
        for item in answer["items"]:
            if item["name"] == "local/compass":
                item["verdict"] = {"state": "gone", "reasons": [{"code": "not_there", "message": "It has gone."}]}
        route.fulfill(response=response, json=answer)

    page.route("**/activity/watchlist?*", worse)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("tr", has_text="local/compass")).to_contain_text("It has gone.")
    assert names(page) == before
    expect(page.get_by_text("The order waits for the pointer to leave.")).to_be_visible()
    page.mouse.move(5, 5)
    expect(page.get_by_text("The order waits for the pointer to leave.")).to_have_count(0)
    expect(page.locator(".watchlist .c-name a").first).to_have_text("local/compass")


def many(page: Page, number: int) -> list[str]:
    """Let the API answer with this many rows, copies of one; return their names in order."""
    order = [f"local/copy-{place:03}" for place in range(number)]

    def copied(route: Route) -> None:
        response = route.fetch()
        item = next(item for item in response.json()["items"] if item["name"] == "local/compass")
        copies = [
            item | {"user_watchlist_id": name, "watchlist_id": name, "name": name, "score": float(place % 10)}
            for place, name in enumerate(order)
        ]
        route.fulfill(response=response, json={"items": copies, "next_cursor": None})

    page.route("**/activity/watchlist?*", copied)
    page.reload()
    rows_become(page, number)
    return order


def test_long_lists_are_in_order_and_the_focus_stays_on_its_row(open_page: Open, watched: Mapping[str, str]) -> None:
    del watched
    page = open_page("/?sort=name")
    order = many(page, 130)
    links = page.locator(".watchlist .c-name a")
    expect(links).to_have_text(order)
    page.get_by_role("link", name=order[2], exact=True).focus()
    page.evaluate("document.querySelector('thead .c-name button').click()")
    expect(links).to_have_text(order[::-1])
    expect(page.get_by_role("link", name=order[2], exact=True)).to_be_focused()
    page.get_by_label("Search").fill("copy-12")
    expect(links).to_have_text([name for name in reversed(order) if "copy-12" in name])
    page.get_by_label("Search").fill("")
    expect(links).to_have_text(order[::-1])
    page.get_by_role("button", name="Score").click()
    by_score = sorted(order, key=lambda name: (int(name[-1]), name))
    expect(links).to_have_text(by_score)


def test_a_click_beside_a_box_selects_its_row(open_page: Open, watched: Mapping[str, str]) -> None:
    page = open_page("/")
    rows_become(page, len(watched))
    row = page.locator("tr", has_text="local/compass")
    row.locator(".c-select").click(position={"x": 3, "y": 3})
    expect(row.get_by_role("checkbox")).to_be_checked()
    expect(page.get_by_role("region", name="Selected repositories")).to_contain_text("1 selected")
    row.get_by_role("checkbox").click()
    expect(row.get_by_role("checkbox")).not_to_be_checked()


def test_the_first_rows_are_there_after_five_requests(open_page: Open, watched: Mapping[str, str]) -> None:
    page = open_page("/")
    rows_become(page, len(watched))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    rows_become(page, len(watched))
    assert len(asked) <= 5, asked
