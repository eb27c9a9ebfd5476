"""Alerts from the keyboard; queues and jobs."""

from collections.abc import Mapping

from playwright.sync_api import expect

from tests.page.conftest import Complaints, Open


def test_alerts_are_selected_acknowledged_and_resolved_from_the_keyboard(
    open_page: Open, watched: Mapping[str, str]
) -> None:
    page = open_page("/alerts")
    boxes = page.locator("input[data-alert]")
    expect(boxes).to_have_count(len(watched))
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
    expect(boxes).to_have_count(len(watched) - 1)
    page.get_by_label("also resolved").check()
    expect(page.get_by_text("resolved", exact=True)).to_have_count(1)


def test_a_number_of_jobs_leads_to_these_jobs(open_page: Open, watched: Mapping[str, str]) -> None:
    page = open_page("/ops")
    row = page.get_by_role("row", name="Repository setup")
    expect(row).to_be_visible()
    failed = int(row.get_by_role("cell").last.inner_text())
    assert failed >= 1
    row.get_by_role("cell").last.get_by_role("link").click()
    expect(page.locator(".jobs .outcome")).to_have_text(["failed"] * failed)
    page.locator(".failures a", has_text="repository_not_found").click()
    expect(page.locator(".job-error", has_text="repository_not_found").first).to_be_visible()
    page.locator(".jobs a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("local/")
    del watched


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
