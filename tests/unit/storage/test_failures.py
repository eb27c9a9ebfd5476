"""What errors of AWS calls mean."""

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)
from pynamodb.exceptions import (
    CancellationReason,
    DoesNotExist,
    PutError,
    TransactWriteError,
    UpdateError,
    VerboseClientError,
)

from watchlist.storage.failures import Failure, failure_of, is_refused, outage_in_words, passes


def an_answer(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "-"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item] # the rest does not matter
        "UpdateItem",
    )


def by_pynamodb(error: ClientError) -> UpdateError:
    """Wrap `error` as PynamoDB does: twice, the inner time without the HTTP status."""
    verbose = VerboseClientError({"Error": error.response["Error"]}, "UpdateItem", {})
    verbose.__cause__ = error
    return UpdateError("Failed to update item", verbose)


def cancelled_for(*codes: str | None) -> TransactWriteError:
    reasons = [None if code is None else CancellationReason(code=code) for code in codes]
    cause = VerboseClientError(
        {"Error": {"Code": "TransactionCanceledException"}}, "TransactWriteItems", {}, cancellation_reasons=reasons
    )
    cause.__cause__ = an_answer("TransactionCanceledException")
    return TransactWriteError("Failed to write transaction items", cause)


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="https://dynamodb"),
        ConnectTimeoutError(endpoint_url="https://dynamodb"),
        ConnectionClosedError(endpoint_url="https://dynamodb"),
        EndpointConnectionError(endpoint_url="https://dynamodb"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_broken_connection_is_an_outage(error: BotoCoreError) -> None:
    assert failure_of(error) is Failure.OUTAGE
    assert failure_of(UpdateError("Failed to update item", error)) is Failure.OUTAGE
    assert not is_refused(UpdateError("Failed to update item", error))


@pytest.mark.parametrize(
    ("code", "status", "failure"),
    [
        ("ConditionalCheckFailedException", 400, Failure.CONDITION),
        ("TransactionConflictException", 400, Failure.CONTENTION),
        ("ProvisionedThroughputExceededException", 400, Failure.THROTTLING),
        ("ThrottlingException", 400, Failure.THROTTLING),
        ("RequestThrottled", 403, Failure.THROTTLING),
        ("InternalServerError", 500, Failure.OUTAGE),
        ("ServiceUnavailable", 503, Failure.OUTAGE),
        ("ValidationException", 400, Failure.REQUEST),
        ("AccessDeniedException", 400, Failure.REQUEST),
    ],
)
def test_an_answer_is_told_by_its_code_and_its_status(code: str, status: int, failure: Failure) -> None:
    assert failure_of(an_answer(code, status)) is failure
    assert failure_of(by_pynamodb(an_answer(code, status))) is failure


@pytest.mark.parametrize(
    ("reasons", "failure"),
    [
        (("ConditionalCheckFailed", None), Failure.CONDITION),
        (("ConditionalCheckFailed", "TransactionConflict"), Failure.CONDITION),
        ((None, "TransactionConflict"), Failure.CONTENTION),
        (("ThrottlingError", "None"), Failure.THROTTLING),
        (("ProvisionedThroughputExceeded", "TransactionConflict"), Failure.CONTENTION),
        (("ValidationError", "ConditionalCheckFailed"), Failure.REQUEST),
    ],
)
def test_a_cancelled_transaction_is_told_by_its_worst_reason(reasons: tuple[str | None, ...], failure: Failure) -> None:
    assert failure_of(cancelled_for(*reasons)) is failure


def test_a_batch_whose_rest_dynamodb_leaves_unprocessed_is_throttled() -> None:
    assert failure_of(PutError("Failed to batch write items: max_retry_attempts exceeded")) is Failure.THROTTLING


@pytest.mark.parametrize("error", [ParamValidationError(report="-"), DoesNotExist()])
def test_what_is_wrong_with_the_call_does_not_pass(error: Exception) -> None:
    assert failure_of(error) is Failure.REQUEST
    assert not passes(error)


def test_other_errors_are_none_of_aws() -> None:
    assert failure_of(ValueError()) is None
    assert not passes(ValueError())


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="https://dynamodb"),
        an_answer("ThrottlingException"),
        cancelled_for("TransactionConflict"),
    ],
    ids=["outage", "throttling", "contention"],
)
def test_trouble_of_aws_passes(error: Exception) -> None:
    assert passes(error)


def test_an_outage_says_what_aws_says_of_it() -> None:
    full = an_answer("InternalServerError", 500)
    full.response["Error"]["Message"] = "the disk is full"
    assert outage_in_words("The database", by_pynamodb(full)) == "The database failed: the disk is full."
    assert outage_in_words("The queue", EndpointConnectionError(endpoint_url="-")) == "The queue did not answer."
    assert outage_in_words("The database", an_answer("ThrottlingException")) == "The database did not answer."
