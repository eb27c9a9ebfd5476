"""Alerts from the keyboard; queues and jobs."""

from collections.abc import Mapping

from playwright.sync_api import Route, expect

from local_service.commands.api_client import ApiClient
from local_service.service import LocalService
from tests.page.conftest import Complaints, Open, wait_until_processed
from watchlist.job_kinds import JobKind

FAILING = 3


def test_alerts_are_selected_acknowledged_and_resolved_from_the_keyboard(
    open_page: Open, service: LocalService
) -> None:
    user, api = "keys@example.org", ApiClient(service.url)
    absent = [f"{next(iter(service.repository_urls.values()))}-absent-{number}" for number in range(FAILING)]
    wait_until_processed(api, [api.add(url, user) for url in absent])
    page = open_page("/alerts", user=user)
    boxes = page.locator("input[data-alert]")
    expect(boxes).to_have_count(FAILING)
    boxes.first.focus()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_text("2 alerts selected")).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_text("seen")).to_have_count(2)
    boxes.first.focus()
    page.keyboard.press("x")
    page.keyboard.press("r")
    expect(boxes).to_have_count(FAILING - 1)
    page.get_by_label("also resolved").check()
    expect(page.get_by_text("resolved", exact=True)).to_have_count(1)


def test_all_that_is_open_is_selected_at_once(open_page: Open, watched: Mapping[str, str]) -> None:
    del watched
    page = open_page("/alerts")
    boxes = page.locator("input[data-alert]")
    expect(boxes.first).to_be_visible()
    page.get_by_role("button", name=f"Select all {boxes.count()}").click()
    expect(page.get_by_role("button", name=f"Acknowledge {boxes.count()}")).to_be_visible()


def test_an_alert_leads_to_the_setting_that_silences_its_kind(
    open_page: Open, service: LocalService, watched: Mapping[str, str]
) -> None:
    page = open_page(f"/alerts?all=1&repository={watched['hostile']}")
    page.get_by_role("link", name="Silence … processing finished").click()
    setting = page.get_by_role("checkbox", name="Processing finished")
    expect(setting).to_be_focused()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Save alert settings").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    (mine,) = ApiClient(service.url).status(watched["hostile"])["user_watchlists"]
    assert mine["alerts"]["processing_finished"] == {"enabled": False}


def test_a_number_of_jobs_leads_to_these_jobs(open_page: Open, watched: Mapping[str, str]) -> None:
    page = open_page("/ops")
    row = page.get_by_role("row", name="Repository setup")
    expect(row).to_be_visible()
    failed = int(row.get_by_role("cell").last.inner_text())
    assert failed >= 1
    row.get_by_role("cell").last.get_by_role("link").click()
    expect(page.locator(".jobs .outcome")).to_have_text(["failed"] * failed)
    expect(page.get_by_role("heading", name="Recent jobs")).to_be_focused()
    expect(page.get_by_role("heading", name="Recent jobs")).to_be_in_viewport()
    page.locator(".failures a", has_text="repository_not_found").click()
    expect(page.locator(".job-error", has_text="repository_not_found").first).to_be_visible()
    page.locator(".jobs a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("local/")
    del watched


def test_what_waits_is_shown_with_the_reason_and_how_many_tasks_may_run(
    open_page: Open, service: LocalService, watched: Mapping[str, str]
) -> None:
    del watched
    setups = service.pollers[JobKind.REPOSITORY_SETUP]
    setups.pause()
    try:
        ApiClient(service.url).add(f"{next(iter(service.repository_urls.values()))}-waiting", "ops@example.org")
        page = open_page("/ops")
        waiting = page.locator("section", has_text="Open jobs").get_by_role("listitem")
        expect(waiting).to_contain_text("Its message waits to be received")
        expect(page.get_by_text("Setup tasks: 0 of 4.")).to_be_visible()
    finally:
        setups.resume()
    expect(page.get_by_text("Nothing waits and nothing runs.")).to_be_visible()


def test_dead_letters_are_redriven_after_a_question(open_page: Open, watched: Mapping[str, str]) -> None:
    del watched
    page = open_page("/alerts")
    dead, asked = [3], []

    def queues(route: Route) -> None:
        response = route.fetch()
        answer = response.json()
        answer["queues"][0]["dead_letters"] = dead[0]
        route.fulfill(response=response, json=answer)

    def redrive(route: Route) -> None:
        asked.append(route.request.method)
        dead[0] = 0
        route.fulfill(status=202, json={"queue": "repository-setup", "dead_letters": 3})

    page.route("**/activity/queues", queues)
    page.route("**/activity/queues/repository-setup/redrive", redrive)
    page.get_by_role("link", name="Operations").click()
    page.get_by_role("button", name="Redrive 3 …").click()
    page.get_by_role("dialog").get_by_role("button", name="Redrive 3").click()
    expect(page.get_by_role("button", name="Redrive 3 …")).to_have_count(0)
    assert asked == ["POST"]


def test_two_repositories_are_compared_fact_by_fact(open_page: Open, watched: Mapping[str, str]) -> None:
    page = open_page(f"/compare?ids={watched['compass']},{watched['lantern']}")
    expect(page.get_by_role("columnheader", name="local/compass")).to_be_visible()
    verdicts = page.get_by_role("row", name="Verdict")
    expect(verdicts).to_contain_text("active")
    expect(verdicts).to_contain_text("slowing")
    expect(page.get_by_role("row", name="Security-Policy").get_by_role("cell")).to_have_text(["0", "0"])
    expect(page.get_by_role("row", name="Last commit by a person").locator("time")).to_have_count(2)


def test_one_that_was_never_analysed_is_compared_by_what_is_known(
    open_page: Open, watched: Mapping[str, str], complaints: Complaints
) -> None:
    complaints.expect("404")
    page = open_page(f"/compare?ids={watched['compass']},{watched['missing']}")
    expect(page.get_by_role("row", name="Verdict")).to_contain_text("failing")
    expect(page.get_by_role("row", name="Active people")).to_contain_text("unknown")
