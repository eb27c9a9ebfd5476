"""Alerts from the keyboard; queues and jobs."""

from collections.abc import Mapping, Sequence

import pytest
from playwright.sync_api import Locator, Route, expect

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


def test_histograms_show_how_many_jobs_took_how_long(open_page: Open, watched: Mapping[str, str]) -> None:
    del watched
    waited: list[float | None] = [0.1, 0.3, 3, 3.5, 4, 100, None, None]
    ran: list[float | None] = [2] * 7 + [None]

    def jobs(route: Route) -> None:
        response = route.fetch()
        queues = response.json()["queues"]
        one = next(job for queue in queues for job in queue["completed"])
        times = enumerate(zip(waited, ran, strict=True))
        of_times = [one | {"job_id": f"{at}", "seconds_queued": w, "seconds_run": r} for at, (w, r) in times]
        shown = [{"queue": queues[0]["queue"], "completed": of_times[:5], "failed": of_times[5:]}]
        route.fulfill(response=response, json={"queues": shown})

    page = open_page("/alerts")
    page.route("**/activity/jobs", jobs)
    page.get_by_role("link", name="Operations").click()
    figures = page.get_by_role("region", name="Wait and run times").locator("figure")
    expect(figures).to_have_count(2)

    assert_histogram(
        figures.first,
        "Waited: median 3.5 s, 95 % within 2 min",
        "6 jobs; median 3.5 s, 95 % within 2 min.",
        [
            *(("0 s", "0.3 s", 1), ("0.3 s", "0.5 s", 1), ("0.5 s", "1 s", 0), ("1 s", "2 s", 0), ("2 s", "4 s", 3)),
            *(("4 s", "8 s", 0), ("8 s", "16 s", 0), ("16 s", "32 s", 0), ("32 s", "64 s", 0), ("64 s", "2 min", 1)),
        ],
    )
    assert_histogram(
        figures.last, "Ran: median 2 s, 95 % within 2 s", "7 jobs; median 2 s, 95 % within 2 s.", [("1 s", "2 s", 7)]
    )


def assert_histogram(figure: Locator, title: str, summary: str, bins: Sequence[tuple[str, str, int]]) -> None:
    """Its words, its bars (as high as their share of the highest one) and the table behind it show these bins."""
    expect(figure.locator("figcaption")).to_have_text(title)
    expect(figure.get_by_role("img", name=summary)).to_be_visible()
    figure.get_by_text("As a table").click()
    expect(figure.locator("tbody tr")).to_have_count(len(bins))
    rows = [row.get_by_role("cell").all_inner_texts() for row in figure.locator("tbody tr").all()]
    assert rows == [[start, end, str(count)] for start, end, count in bins]
    heights = [float(bar.get_attribute("height") or 0) for bar in figure.locator("rect.bar").all()]
    most = max(count for *_, count in bins)
    assert heights == pytest.approx([max(heights) * count / most for *_, count in bins])
    assert max(heights) > 0


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
