"""The list of all that a user watches."""

from collections.abc import Mapping

from playwright.sync_api import expect

from tests.page.conftest import Open

ORDER = ["missing", "fossil", "harbour", "machines", "empty", "lantern"]
"""The repositories in trouble, the worst first; those that are left are active."""


def test_each_repository_has_a_row_with_its_verdict_the_worst_first(
    open_page: Open, watched: Mapping[str, str]
) -> None:
    page = open_page("/")
    rows = page.locator(".watchlist tbody tr")
    expect(rows).to_have_count(len(watched))
    names = [name.partition("/")[2] for name in rows.locator(".c-name a").all_inner_texts()]
    assert names[: len(ORDER)] == ORDER
    verdicts = dict(zip(names, rows.locator(".c-verdict .verdict").all_inner_texts(), strict=True))
    assert verdicts["missing"].strip() == "failing"
    assert verdicts["compass"].strip() == "active"
