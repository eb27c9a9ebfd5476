"""Who looks, where an issuer of tokens says it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from local_service.service import LocalService, LocalSettings
from tests.page.conftest import Complaints, Open
from tests.sign_in_issuer import SignInIssuer


@pytest.fixture(scope="module")
def issuer() -> Iterator[SignInIssuer]:
    with SignInIssuer() as running:
        yield running


@pytest.fixture(scope="module")
def guarded(
    issuer: SignInIssuer, repositories: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalService]:
    """The service where a token is wanted."""
    log = tmp_path_factory.mktemp("guarded") / "service.log"
    settings = LocalSettings(repositories=(repositories["solo"],), variables=issuer.variables, log=log)
    with LocalService(settings) as running:
        yield running


def sign_in(page: Page) -> None:
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Ada Lovelace")).to_be_visible()


def test_people_sign_in_at_the_issuer_and_come_back_to_where_they_were(
    open_page: Open, guarded: LocalService, issuer: SignInIssuer
) -> None:
    issuer.grants.clear()
    page = open_page("/?sort=name", url=guarded.url, user=None)
    sign_in(page)
    expect(page.get_by_text("You watch nothing yet")).to_be_visible()
    assert page.url == f"{guarded.url}/?sort=name"
    assert issuer.grants == ["authorization_code"]
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "ey" not in kept


def test_a_repository_is_added_and_followed_live_with_the_token(
    open_page: Open, guarded: LocalService, repositories: Mapping[str, Path]
) -> None:
    page = open_page("/", url=guarded.url, user=None)
    sign_in(page)
    page.get_by_role("button", name="Add repositories").first.click()
    page.get_by_label("Addresses").fill(guarded.repository_urls[repositories["solo"]])
    page.get_by_role("button", name="Watch 1 repository").click()
    page.locator(".c-name a").first.click()
    expect(page.locator(".answer")).to_contain_text("active")


def test_a_token_that_has_expired_is_renewed_without_asking_anybody(
    open_page: Open, guarded: LocalService, issuer: SignInIssuer, complaints: Complaints
) -> None:
    complaints.expect("401")
    complaints.expect("WebSocket")
    issuer.grants.clear()
    issuer.lifetime = -600
    page = open_page("/alerts", url=guarded.url, user=None)
    try:
        sign_in(page)
    finally:
        issuer.lifetime = 600
    expect(page.get_by_role("heading", name="Alerts")).to_be_visible()
    expect(page.locator(".loading")).to_have_count(0)
    expect(page.locator("[role=alert]:visible")).to_have_count(0)
    assert "refresh_token" in issuer.grants


def test_users_see_no_operations(open_page: Open, guarded: LocalService, complaints: Complaints) -> None:
    complaints.expect("403")
    page = open_page("/ops", url=guarded.url, user=None)
    sign_in(page)
    expect(page.get_by_text("This is for operators")).to_be_visible()


def test_an_issuer_that_refuses_is_quoted(open_page: Open, guarded: LocalService, issuer: SignInIssuer) -> None:
    issuer.refuses = True
    try:
        page = open_page("/", url=guarded.url, user=None)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("The sign-in did not work")
    finally:
        issuer.refuses = False


def test_an_answer_to_no_question_of_ours_signs_nobody_in(
    open_page: Open, guarded: LocalService, issuer: SignInIssuer
) -> None:
    issuer.grants.clear()
    page = open_page("/?code=stolen&state=guessed", url=guarded.url, user=None)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert (page.url, issuer.grants) == (f"{guarded.url}/", [])
