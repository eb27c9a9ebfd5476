import contextlib
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tasks.second_look import look_twice
from watchlist import limits
from watchlist.errors import ErrorCode, JobCancelledError, JobError

HEAD = "1" * 40


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECOND_LOOK", timedelta(0))


class Host:
    """Answers one after the other."""

    def __init__(self, *answers: ErrorCode | str) -> None:
        self._answers: Iterator[ErrorCode | str] = iter(answers)
        self.asked = 0

    def ask(self) -> str:
        self.asked += 1
        answer = next(self._answers)
        if isinstance(answer, ErrorCode):
            raise JobError(answer, "Why.")
        return answer


def go_on() -> None:
    pass


@pytest.mark.parametrize("code", [ErrorCode.REPOSITORY_NOT_FOUND, ErrorCode.REPOSITORY_REQUIRES_LOGIN])
def test_a_repository_that_is_there_at_the_second_look_is_there(code: ErrorCode) -> None:
    assert look_twice(Host(code, HEAD).ask, go_on) == HEAD


def test_a_repository_that_is_not_there_twice_is_not_there() -> None:
    host = Host(ErrorCode.REPOSITORY_NOT_FOUND, ErrorCode.REPOSITORY_NOT_FOUND, HEAD)
    with pytest.raises(JobError):
        look_twice(host.ask, go_on)
    assert host.asked == 2


@pytest.mark.parametrize("answer", [HEAD, ErrorCode.HOST_UNREACHABLE, ErrorCode.HOST_RATE_LIMITED])
def test_any_other_answer_is_the_last(answer: ErrorCode | str) -> None:
    host = Host(answer, HEAD)
    with contextlib.suppress(JobError):
        look_twice(host.ask, go_on)
    assert host.asked == 1


def test_a_job_that_was_taken_away_meanwhile_does_not_look_again() -> None:
    def taken_away() -> None:
        raise JobCancelledError

    host = Host(ErrorCode.REPOSITORY_NOT_FOUND, HEAD)
    with pytest.raises(JobCancelledError):
        look_twice(host.ask, taken_away)
    assert host.asked == 1
