"""Every page for everybody: no finding of axe, no sideways scrolling, at three widths in light and dark."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from local_service import lifeline
from tests.page.conftest import DESKTOP, PHONE, TABLET, Complaints, Open

AXE = lifeline.ROOT / "page" / "node_modules" / "axe-core" / "axe.min.js"

_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def findings(page: Page) -> list[str]:
    found = page.evaluate(f"axe.run(document, {json.dumps(_RULES)})")
    return [
        f"{finding['id']}: {node['html']} {node['failureSummary']}"
        for finding in found["violations"]
        for node in finding["nodes"][:3]
    ]


def settled(page: Page) -> None:
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(".loading")).to_have_count(0)


def _everything_open(page: Page) -> None:
    settled(page)
    for summary in page.locator("main summary").all():
        summary.click()


def _adding(page: Page) -> None:
    settled(page)
    page.get_by_label("Addresses").fill("pallets/flask\nnonsense\npallets/flask")


def _adding_a_channel(page: Page) -> None:
    settled(page)
    page.get_by_role("button", name="Share a feed of your alerts").click()
    expect(page.locator(".shares li").first).to_be_visible()
    page.get_by_role("button", name="Add a channel").click()
    page.get_by_role("button", name="Add a rule").click()
    for choice in page.locator(".choice summary").all():
        choice.click()


def _told_otherwise(page: Page) -> None:
    settled(page)
    page.get_by_role("radio", name="Only as follows").check()


def _selected(page: Page) -> None:
    settled(page)
    page.get_by_label("Select all").check() if page.get_by_label("Select all").is_visible() else None


PAGES: Mapping[str, tuple[str, Callable[[Page], None], str | None]] = {
    "watchlist": ("/", _selected, "ada@example.org"),
    "adding": ("/?add=1", _adding, "ada@example.org"),
    "empty": ("/", settled, "newcomer@example.org"),
    "unknown person": ("/", settled, None),
    "repository": ("/r/{compass}", _everything_open, "ada@example.org"),
    "repository that tells others": ("/r/{solo}", _told_otherwise, "ada@example.org"),
    "hostile repository": ("/r/{hostile}", settled, "ada@example.org"),
    "failed repository": ("/r/{missing}", settled, "ada@example.org"),
    "alerts": ("/alerts?all=1", settled, "ada@example.org"),
    "channels": ("/channels", settled, "ada@example.org"),
    "adding a channel": ("/channels", _adding_a_channel, "ada@example.org"),
    "operations": ("/ops", _everything_open, "ada@example.org"),
    "compare": ("/compare?ids={compass},{lantern},{fossil}", settled, "ada@example.org"),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_no_page_keeps_anybody_out(open_page: Open, watched: Mapping[str, str], name: str, scheme: str) -> None:
    address, prepare, user = PAGES[name]
    page = open_page(address.format(**watched), scheme=scheme, user=user, scripts=(AXE.read_text(),))
    prepare(page)
    keeps_nobody_out(page)


def keeps_nobody_out(page: Page) -> None:
    for width, height in (DESKTOP, TABLET, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert (width, too_wide) == (width, 0)
        assert (width, findings(page)) == (width, [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "address", ["/", "/r/{compass}", "/alerts", "/channels", "/ops", "/compare?ids={compass},{solo}"]
)
def test_neither_does_one_that_waits_or_fails(
    open_page: Open, watched: Mapping[str, str], complaints: Complaints, address: str, scheme: str
) -> None:
    complaints.expect("500")
    page = open_page("/docs", scheme=scheme, scripts=(AXE.read_text(),))
    service = page.url.removesuffix("/docs")
    page.route("**/activity/**", lambda _: None)
    page.goto(service + address.format(**watched))
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(".loading").first).to_be_visible()
    keeps_nobody_out(page)
    page.unroute("**/activity/**")
    page.route("**/activity/**", lambda route: route.fulfill(status=500, json={"message": "Internal Server Error"}))
    page.goto(service + address.format(**watched))
    expect(page.get_by_role("alert").first).to_contain_text("500")
    keeps_nobody_out(page)


_NOT_ISOLATED = """
() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    const turns = /[\\u0590-\\u08ff\\u202a-\\u202e\\u2066-\\u2069]/.test(data);
    if (turns && !parentElement.closest("bdi, text, script, option")) found.push(data);
  }
  return found;
}
"""
"""Returns the texts that may turn the direction of what stands beside them."""


@pytest.mark.parametrize(
    "address", ["/", "/r/{hostile}", "/r/{compass}", "/alerts?all=1", "/compare?ids={compass},{hostile}"]
)
def test_a_text_that_runs_from_right_to_left_turns_nothing_beside_it(
    open_page: Open, watched: Mapping[str, str], address: str
) -> None:
    page = open_page(address.format(**watched))
    _everything_open(page)
    if address.startswith("/r/"):
        assert page.get_by_text(re.compile("[\u0590-\u08ff\u202a-\u202e]")).count()
    assert page.evaluate(_NOT_ISOLATED) == []


@pytest.mark.parametrize("address", ["/", "/r/{compass}", "/alerts?all=1", "/compare?ids={compass},{solo}"])
def test_on_paper_stands_what_is_known_and_nothing_to_press(
    open_page: Open, watched: Mapping[str, str], address: str
) -> None:
    page = open_page(address.format(**watched))
    settled(page)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 794, "height": 1123})  # A4 at 96 dots per inch
    expect(page.locator("h1")).to_be_visible()
    assert [button.inner_text() for button in page.locator("button, nav, footer").all() if button.is_visible()] == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_all_can_be_done_by_keyboard(open_page: Open, watched: Mapping[str, str]) -> None:
    page = open_page("/")
    settled(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.get_by_role("button", name="Add repositories").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Addresses")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Add repositories")).to_be_focused()
    page.get_by_role("link", name="local/compass", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    assert page.url.endswith(watched["compass"])


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/r/{compass}", "local/compass"),
        ("/compare?ids={compass},{lantern}", "Compare"),
        ("/ops", "Operations"),
    ],
)
def test_the_tab_is_named_as_the_page(open_page: Open, watched: Mapping[str, str], address: str, name: str) -> None:
    page = open_page(address.format(**watched))
    settled(page)
    expect(page).to_have_title(f"{name} · Repository Watchlist")


_LINES = """link => {
    const text = new Range();
    text.selectNodeContents(link.firstChild);
    return text.getClientRects().length;
}"""


def test_no_word_of_the_navigation_is_broken(open_page: Open, watched: Mapping[str, str]) -> None:
    del watched
    page = open_page("/")
    settled(page)
    links = page.get_by_role("navigation", name="Pages").get_by_role("link")
    expect(links.filter(has_text="Alerts").locator(".badge")).to_be_visible()
    for width, height in (PHONE, (360, 740), TABLET, DESKTOP):
        page.set_viewport_size({"width": width, "height": height})
        assert [(width, link.evaluate(_LINES)) for link in links.all()] == [(width, 1)] * links.count()


@pytest.mark.parametrize("address", ["/r/{compass}", "/alerts", "/channels", "/ops", "/compare?ids={compass},{solo}"])
def test_every_page_says_how_many_alerts_are_open(open_page: Open, watched: Mapping[str, str], address: str) -> None:
    page = open_page(address.format(**watched))
    link = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Alerts")
    expect(link.locator(".badge")).to_be_visible()


def test_the_chosen_colours_are_kept(open_page: Open, watched: Mapping[str, str]) -> None:
    del watched
    page = open_page("/")
    page.get_by_label("Colours").select_option("dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def pictures() -> Path:
    folder = lifeline.ROOT / "build" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["watchlist", "repository", "alerts", "operations", "compare"])
def test_pictures_are_made_for_whoever_builds_it(
    open_page: Open, watched: Mapping[str, str], name: str, scheme: str
) -> None:
    address, _, user = PAGES[name]
    page = open_page(address.format(**watched), scheme=scheme, user=user)
    settled(page)
    for size, (width, height) in {"desktop": DESKTOP, "phone": TABLET}.items():
        page.set_viewport_size({"width": width, "height": height})
        picture = pictures() / f"{name}-{size}-{scheme}.png"
        page.screenshot(path=picture, full_page=True)
        assert picture.stat().st_size > 0
