"""What goes wrong in a part that a job can do without costs that part, and nothing else does."""

import pytest
from aws_lambda_powertools import Logger
from pynamodb.exceptions import GetError

from tasks.optional_parts import OptionalParts
from watchlist.errors import ErrorCode, JobCancelledError, JobError


def failing(error: Exception, *, may_try_again: bool = True) -> tuple[OptionalParts, str]:
    parts = OptionalParts(may_try_again, Logger(service="test"))

    def ask() -> str:
        raise error

    return parts, parts.get("The part is missing", ask, otherwise="without")


def test_a_part_that_is_there_leaves_no_note() -> None:
    parts = OptionalParts(may_try_again=True, logger=Logger(service="test"))
    assert parts.get("The part is missing", lambda: "there", otherwise="without") == "there"
    assert (parts.notes, parts.broken) == ([], [])


@pytest.mark.parametrize(
    "error", [ZeroDivisionError(), RecursionError(), MemoryError(), OSError(28, "full"), KeyError()]
)
def test_an_error_that_nobody_foresaw_costs_the_part_and_is_logged(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    parts, got = failing(error)
    assert (got, parts.broken) == ("without", ["The part is missing"])
    assert parts.notes == [f"The part is missing: an error in the service itself ({type(error).__name__})."]
    assert "Traceback" in caplog.text


def test_what_a_host_cannot_give_is_noted_in_its_words() -> None:
    parts, got = failing(JobError(ErrorCode.TRANSFER_INVALID, "It broke off."))
    assert (got, parts.notes, parts.broken) == ("without", ["The part is missing: It broke off."], [])


def test_what_is_asked_for_twice_in_vain_is_noted_once() -> None:
    parts, _ = failing(JobError(ErrorCode.TRANSFER_INVALID, "It broke off."))

    def ask() -> str:
        raise JobError(ErrorCode.TRANSFER_INVALID, "It broke off.")

    assert parts.get("The part is missing", ask, otherwise="without") == "without"
    assert parts.notes == ["The part is missing: It broke off."]


def test_trouble_of_the_host_that_passes_is_worth_another_attempt_while_there_is_one() -> None:
    busy = JobError(ErrorCode.HOST_RATE_LIMITED, "Slow down.")
    with pytest.raises(JobError):
        failing(busy)
    parts, got = failing(busy, may_try_again=False)
    assert (got, parts.notes) == ("without", ["The part is missing: Slow down."])


@pytest.mark.parametrize("error", [JobCancelledError(), GetError("no answer")])
def test_a_lost_job_and_storage_that_fails_end_the_attempt(error: Exception) -> None:
    with pytest.raises(type(error)):
        failing(error)
