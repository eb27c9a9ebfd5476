"""What the answers of git hosts mean; the texts are those that public hosts send."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from watchlist.errors import ErrorCode
from watchlist.git.answers import (
    error_of_content,
    error_of_line,
    error_of_status,
    followed,
    is_refusal,
    renamed,
)
from watchlist.repository_url import Repository

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORIGIN = "https://host"
PLAIN = {"Content-Type": "text/plain; charset=utf-8"}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, ErrorCode.REPOSITORY_REQUIRES_LOGIN),
        (403, ErrorCode.REPOSITORY_REQUIRES_LOGIN),
        (404, ErrorCode.REPOSITORY_NOT_FOUND),
        (408, ErrorCode.HOST_ERROR),
        (410, ErrorCode.REPOSITORY_NOT_FOUND),
        (418, ErrorCode.REPOSITORY_UNSUPPORTED),
        (429, ErrorCode.HOST_RATE_LIMITED),
        (451, ErrorCode.REPOSITORY_NOT_FOUND),
        (500, ErrorCode.HOST_ERROR),
        (503, ErrorCode.HOST_ERROR),
        (522, ErrorCode.HOST_ERROR),
    ],
)
def test_a_status_says_whose_fault_it_is(status: int, code: ErrorCode) -> None:
    assert error_of_status(status, {}, b"", NOW).code is code


@pytest.mark.parametrize("status", [403, 429, 503])
@pytest.mark.parametrize("asked", ["90", "89.5", "Sun, 01 Mar 2026 12:01:30 GMT"])
def test_a_host_that_says_how_long_to_wait_is_busy(status: int, asked: str) -> None:
    error = error_of_status(status, {"Retry-After": asked}, b"", NOW)
    assert (error.code, error.retry_after) == (ErrorCode.HOST_RATE_LIMITED, timedelta(seconds=90))


@pytest.mark.parametrize(
    ("headers", "page"),
    [
        (PLAIN, b"You have exceeded a secondary rate limit.\n"),
        ({"Content-Type": "text/html"}, b"<!DOCTYPE html><title>Too many requests</title>"),
        ({"X-RateLimit-Remaining": "0"}, b""),
    ],
)
def test_a_host_is_busy_by_its_words_and_its_counters(headers: Mapping[str, str], page: bytes) -> None:
    assert error_of_status(403, headers, page, NOW).code is ErrorCode.HOST_RATE_LIMITED


def test_what_a_host_says_in_plain_words_is_told() -> None:
    said = error_of_status(
        403, PLAIN, b"Access to this repository has been disabled\nby\x07 GitHub staff.", NOW
    ).message
    assert (
        said == "The host answered with HTTP status 403: Access to this repository has been disabled by GitHub staff."
    )
    page = error_of_status(500, {"Content-Type": "text/html"}, b"<html>oops", NOW).message
    assert page == "The host answered with HTTP status 500."


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"Repository not found.", ErrorCode.REPOSITORY_NOT_FOUND),
        (b"access denied or repository not exported: /x", ErrorCode.REPOSITORY_NOT_FOUND),
        (
            b"The project you were looking for could not be found or you don't have permission to view it.",
            ErrorCode.REPOSITORY_NOT_FOUND,
        ),
        (b"Access denied.", ErrorCode.REPOSITORY_REQUIRES_LOGIN),
        (b"You are not allowed to download code from this project.", ErrorCode.REPOSITORY_REQUIRES_LOGIN),
        (b"GitLab is currently unable to handle this request due to load.", ErrorCode.HOST_ERROR),
        (b"GitLab is not responding. Please try again later.", ErrorCode.HOST_ERROR),
        (b"Internal API unreachable", ErrorCode.HOST_ERROR),
        (b"rate limit exceeded", ErrorCode.HOST_RATE_LIMITED),
        (b"", ErrorCode.HOST_ERROR),
    ],
)
def test_an_error_line_is_the_repositorys_only_if_it_says_so(said: bytes, code: ErrorCode) -> None:
    assert error_of_line(said).code is code


@pytest.mark.parametrize("said", [b"upload-pack: not our ref 1234", b"want 1234 not valid", b"unknown filter"])
def test_a_refused_argument_is_no_trouble_of_the_host(said: bytes) -> None:
    assert is_refusal(said)
    assert not is_refusal(b"GitLab is not responding. Please try again later.")


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (b"<html><title>We are down for maintenance</title>", ErrorCode.HOST_ERROR),
        (b"<html><title>Too many requests</title>", ErrorCode.HOST_RATE_LIMITED),
        (b"<html><title>My home page</title>", ErrorCode.REPOSITORY_UNSUPPORTED),
        (b"1234\trefs/heads/main\n", ErrorCode.REPOSITORY_UNSUPPORTED),
    ],
)
def test_a_page_in_place_of_git_can_be_trouble_that_passes(page: bytes, code: ErrorCode) -> None:
    assert error_of_content({"Content-Type": "text/html"}, page).code is code


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("https://host/new/name/info/refs?service=git-upload-pack", "/new/name"),
        ("https://host/new/name.git/info/refs", "/new/name.git"),
        ("/owner/other/info/refs", "/owner/other"),
        ("/owner/name.git/info/refs", "/owner/name.git"),
    ],
)
def test_a_rename_on_the_same_host_is_followed(location: str, path: str) -> None:
    assert followed(ORIGIN, "/owner/name/info/refs", location) == path


@pytest.mark.parametrize(
    "location",
    [
        "",
        "https://other/owner/name/info/refs",
        "http://host/owner/name/info/refs",
        "//other/owner/name/info/refs",
        "https://host/users/sign_in",
        "https://host/owner/name",
        "https://host/../../etc/info/refs",
        "https://host/a%2fb/c/info/refs",
        "https://user@host/owner/other/info/refs",
        "https://[/owner/other/info/refs",
    ],
)
def test_no_other_redirect_is_followed(location: str) -> None:
    assert followed(ORIGIN, "/owner/name/info/refs", location) is None


def test_a_redirect_to_a_login_page_asks_for_login() -> None:
    moved = error_of_status(302, {"Location": "https://host/users/sign_in"}, b"", NOW)
    assert moved.code is ErrorCode.REPOSITORY_REQUIRES_LOGIN


def test_a_redirect_to_nowhere_is_the_host_s_trouble() -> None:
    assert error_of_status(301, {}, b"", NOW).code is ErrorCode.HOST_ERROR


@pytest.mark.parametrize("page", [b"<title>Just a moment...</title>", b"<p>Checking your browser</p>", b"a captcha"])
def test_a_page_that_keeps_programs_out_passes(page: bytes) -> None:
    assert error_of_content({"Content-Type": "text/html"}, page).code is ErrorCode.HOST_ERROR


def test_a_redirect_elsewhere_is_told_with_its_address() -> None:
    moved = error_of_status(301, {"Location": "https://other/owner/name"}, b"", NOW)
    assert moved.code is ErrorCode.REPOSITORY_MOVED
    assert "https://other/owner/name" in moved.message


def test_another_spelling_of_the_name_is_no_rename() -> None:
    repository = Repository("https://github.com", "Owner", "Name")
    assert renamed(repository, "/owner/name.git") is None
    assert renamed(repository, "/owner/other.git") == Repository("https://github.com", "owner", "other")
