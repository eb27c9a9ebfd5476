"""One repository: its verdict, its analysis, its settings; with hostile texts, live and not."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Route, WebSocketRoute, expect

from local_service.commands.api_client import ApiClient
from local_service.service import LocalService
from tests.page.conftest import USER, Complaints, Open
from tests.page.lists import another_user
from watchlist import clock
from watchlist.job_kinds import JobKind
from watchlist.watching.entries import user_watchlist_id_of


def test_the_verdict_comes_first_and_each_plot_has_a_table_behind_it(
    open_page: Open, watched: Mapping[str, str]
) -> None:
    page = open_page(f"/r/{watched['lantern']}")
    expect(page.locator(".answer")).to_contain_text("slowing")
    expect(page.locator(".answer")).to_contain_text("commits by people in the last 13 weeks")
    figures = page.locator("figure.plot")
    expect(figures.first).to_be_visible()
    for figure in figures.all():
        figure.get_by_text("As a table").click()
        expect(figure.locator("tbody tr").first).to_be_attached()
        assert figure.locator("[role=img]").get_attribute("aria-label")


def test_checks_are_ordered_by_what_they_cost_the_score(open_page: Open, watched: Mapping[str, str]) -> None:
    page = open_page(f"/r/{watched['compass']}")
    check = page.locator(".check")
    expect(check.first).to_be_visible()
    order = page.locator(".check-name bdi").all_text_contents()
    assert order[:3] == ["Dependency-Update-Tool", "Fuzzing", "Security-Policy"]
    assert order[-1] == "SAST"
    check.first.click()
    link = check.first.get_by_role("link")
    assert str(link.get_attribute("href")).startswith("https://github.com/ossf/scorecard/")


def test_a_check_says_what_it_was_in_the_analysis_before(open_page: Open, watched: Mapping[str, str]) -> None:
    page = open_page("/alerts")
    since, asked = "2026-01-05T00:00:00.000Z", []

    def analysed_twice(route: Route) -> None:
        response = route.fetch()
        answer = response.json()
        answer["history"].append({**answer["history"][0], "analyzed_at": since})
        route.fulfill(response=response, json=answer)

    def changes(route: Route) -> None:
        asked.append(route.request.url)
        changed = {"check": "License", "before": 10, "after": 9, "since": "2026-01-12T00:00:00.000Z", "reason": None}
        route.fulfill(json={"before": None, "after": None, "checks": [changed]})

    page.route("**/health", analysed_twice)
    page.route("**/health/changes?*", changes)
    page.evaluate(f"history.pushState(null, '', '/r/{watched['compass']}'); dispatchEvent(new Event('popstate'))")
    expect(page.locator(".check", has_text="License").locator("summary")).to_contain_text("was 10 before 12 Jan 2026")
    expect(page.locator(".check", has_text="Fuzzing").locator("summary")).not_to_contain_text("was")
    assert all(f"since={since.replace(':', '%3A')}" in url for url in asked)


def test_texts_from_a_repository_stay_texts(open_page: Open, watched: Mapping[str, str]) -> None:
    page = open_page(f"/r/{watched['hostile']}")
    expect(page.locator(".commits li").first).to_be_visible()
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".commits li")).to_have_count(16)
    for check in page.locator(".check summary").all():
        check.click()
    assert page.evaluate("window.hacked") is None
    assert page.locator("main img, main script, main iframe, main [onerror], main [onmouseover]").count() == 0
    addresses = [link.get_attribute("href") or "" for link in page.locator("main a").all()]
    assert addresses
    assert all(address.startswith(("/", "#", "https://github.com/ossf/scorecard/")) for address in addresses)
    assert page.locator("bdi", has_text="\u202egnitirw").count() > 0


def test_commits_are_those_of_an_author_if_one_is_named(open_page: Open, watched: Mapping[str, str]) -> None:
    page = open_page(f"/r/{watched['compass']}")
    expect(page.locator(".commits li").first).to_be_visible()
    page.get_by_role("textbox", name="Author").fill("Linus T")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(".commit-who", has_text="Ada Lovelace")).to_have_count(0)
    expect(page.locator(".commit-who", has_text="Linus T").first).to_be_visible()


def test_one_that_failed_says_why_and_can_be_tried_again(open_page: Open, watched: Mapping[str, str]) -> None:
    page = open_page(f"/r/{watched['missing']}")
    expect(page.locator(".notice-bad")).to_contain_text("repository_not_found")
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("It is tried again.")).to_be_visible()
    expect(page.get_by_role("button", name="Retry")).to_be_visible()


def test_alert_settings_are_those_of_the_api_and_only_what_was_chosen_is_kept(
    open_page: Open, watched: Mapping[str, str], service: LocalService
) -> None:
    page = open_page(f"/r/{watched['solo']}")
    page.get_by_role("group", name="Inactivity").get_by_label("Days").fill("30")
    page.get_by_role("group", name="High churn").get_by_role("checkbox").first.uncheck()
    page.get_by_role("button", name="Save alert settings").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    settings = f"/activity/user-watchlist-alerts/{user_watchlist_id_of(watched['solo'], USER)}"
    answer = page.request.get(service.url + settings).json()
    assert answer["chosen"] == {"inactivity": {"days": 30}, "high_churn": {"enabled": False}}


def latecomer(service: LocalService, repositories: Mapping[str, Path], user: str) -> str:
    """Return an entry that stays in its queue."""
    return ApiClient(service.url).add(f"{service.repository_urls[repositories['solo']]}-{user[:4]}", user)


def test_the_stage_is_told_live_over_one_websocket(
    open_page: Open, service: LocalService, repositories: Mapping[str, Path]
) -> None:
    setups = service.pollers[JobKind.REPOSITORY_SETUP]
    setups.pause()
    try:
        waiting = latecomer(service, repositories, "live@example.org")
        page = open_page(f"/r/{waiting}", user="live@example.org")
        expect(page.locator(".processing")).to_contain_text("Live")
    finally:
        setups.resume()
    expect(page.locator(".notice-bad")).to_contain_text("could not be analysed")


def test_a_broken_websocket_leaves_the_polling(
    open_page: Open, service: LocalService, repositories: Mapping[str, Path], complaints: Complaints
) -> None:
    complaints.expect("WebSocket")
    setups = service.pollers[JobKind.REPOSITORY_SETUP]
    setups.pause()

    def hang_up(socket: WebSocketRoute) -> None:
        socket.close()

    try:
        waiting = latecomer(service, repositories, "poll@example.org")
        page = open_page("/alerts", user="poll@example.org")
        page.route_web_socket("**/*", hang_up)
        page.goto(f"{service.url}/r/{waiting}")
        expect(page.locator(".processing")).to_contain_text("Asked for again and again")
    finally:
        setups.resume()
    expect(page.locator(".notice-bad")).to_contain_text("could not be analysed")


def test_one_repository_tells_others_than_the_channels_do(
    open_page: Open, service: LocalService, repositories: Mapping[str, Path], watched: Mapping[str, str]
) -> None:
    user = another_user(service, repositories, "solo")
    page = open_page(f"/r/{watched['solo']}", user=user)
    settings = page.get_by_role("region", name="Settings")
    expect(settings.get_by_role("radio", name="Your channels")).to_be_checked()
    expect(settings.get_by_role("button", name="Save who is told")).to_be_disabled()
    settings.get_by_role("radio", name="Only as follows").check()
    settings.get_by_role("textbox", name="Address").fill("https://receiver.invalid/hook")
    settings.get_by_role("button", name="Save who is told").click()
    expect(page.get_by_role("dialog")).to_contain_text("whsec_")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(settings).to_contain_text("receiver.invalid (Standard Webhooks, signed): nothing was sent yet.")
    settings.get_by_role("button", name="Send a test").click()
    expect(settings).to_contain_text("(Standard Webhooks, signed): failed")

    settings.get_by_role("checkbox", name="E-mail").check()
    settings.get_by_role("textbox", name="Address").fill("https://hooks.slack.com/services/T0/B0/x")
    settings.get_by_role("button", name="Save who is told").click()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(settings).to_contain_text("hooks.slack.com (Slack)")

    settings.get_by_role("radio", name="Your channels").check()
    settings.get_by_role("button", name="Save who is told").click()
    expect(settings.get_by_role("button", name="Save who is told")).to_be_disabled()
    page.reload()
    expect(settings.get_by_role("radio", name="Your channels")).to_be_checked()


def test_an_address_that_nothing_may_be_sent_to_is_refused_and_stays_in_the_form(
    open_page: Open, watched: Mapping[str, str], complaints: Complaints
) -> None:
    complaints.expect("422")
    page = open_page(f"/r/{watched['compass']}")
    settings = page.get_by_role("region", name="Settings")
    settings.get_by_role("radio", name="Only as follows").check()
    settings.get_by_role("textbox", name="Address").fill("http://receiver.example/hook")
    settings.get_by_role("button", name="Save who is told").click()
    expect(page.get_by_role("alert")).to_contain_text("https")
    expect(settings.get_by_role("textbox", name="Address")).to_have_value("http://receiver.example/hook")


def test_releases_say_how_old_the_latest_is_and_are_listed_and_marked(
    open_page: Open, watched: Mapping[str, str]
) -> None:
    made_at = (clock.now() - timedelta(days=20)).isoformat()
    latest = {"tag": "v3.1.0", "version": "3.1.0", "product": None, "commit_sha": "0f" * 20, "made_at": made_at}
    release = {
        "tags": 14,
        "releases": 12,
        "latest": latest,
        "latest_prerelease": None,
        "days_since": 20,
        "usual_days": 40.5,
        "commits_since": 27,
        "commits_since_is_least": True,
        "note": None,
    }
    listed = {**latest, "prerelease": False, "annotated": True, "tag_sha": "0f" * 20}
    others = [{**listed, "tag": f"v2.{number}.0", "made_at": None} for number in range(11)]

    def with_releases(route: Route) -> None:
        answer = route.fetch().json()
        home = "https://github.com/local/compass"
        route.fulfill(
            json={
                **answer,
                "release": release,
                "tag_page": f"{home}/releases/tag/{{tag}}",
                "package": {**answer["package"], "url": home},
            }
        )

    page = open_page("/docs")
    page.route("**/status?*", with_releases)
    page.route(
        "**/releases?*",
        lambda route: route.fulfill(json={"release": release, "items": [listed, *others], "next_cursor": None}),
    )
    page.goto(page.url.replace("/docs", f"/r/{watched['compass']}"))
    fact = page.locator(".fact", has_text="Latest release")
    expect(fact).to_contain_text("3.1.0")
    expect(fact).to_contain_text("20 d ago; at least 27 commits since; usually every 41 d")
    section = page.get_by_role("region", name="Releases")
    expect(section).to_contain_text("12 releases among 14 tags")
    expect(section.get_by_role("link", name="v3.1.0")).to_have_attribute(
        "href", "https://github.com/local/compass/releases/tag/v3.1.0"
    )
    expect(section.get_by_role("listitem")).to_have_count(8)
    section.get_by_role("button", name="Show 4 more").click()
    expect(section.get_by_role("listitem")).to_have_count(12)
    expect(page.locator(".mark-release")).to_have_count(1)


def test_a_repository_without_tags_says_so(open_page: Open, watched: Mapping[str, str]) -> None:
    page = open_page(f"/r/{watched['solo']}")
    expect(page.get_by_role("region", name="Releases")).to_contain_text("tags")


def test_provenance_names_the_branches_where_head_has_none_and_all_that_is_odd_in_the_history(
    open_page: Open, watched: Mapping[str, str]
) -> None:
    odd = {"state": "head_missing", "branches": ["trunk", "<i>next</i>"], "notes": ["Two trees could not be read."]}

    def without_head(route: Route) -> None:
        answer = route.fetch().json()
        route.fulfill(json={**answer, "head_sha": None, "history": {**answer["history"], **odd}})

    page = open_page("/docs")
    page.route("**/status?*", without_head)
    page.goto(page.url.replace("/docs", f"/r/{watched['compass']}"))
    section = page.get_by_role("region", name="Provenance")
    expect(section).to_contain_text("names a branch that does not exist; there are trunk, <i>next</i>")
    expect(section).to_contain_text("Two trees could not be read.")
