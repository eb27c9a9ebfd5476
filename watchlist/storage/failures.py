"""What an error of DynamoDB or SQS means: one answer for everybody who has to go on after one.

PynamoDB's own `cause_response_code` must not be asked: on a connection that timed out or was closed it raises an
AttributeError, since botocore's errors of the transport have a `response` that is None.
"""

from collections.abc import Iterator
from enum import StrEnum
from http import HTTPStatus

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from pynamodb.exceptions import PutError, PynamoDBException, TransactWriteError, VerboseClientError


class Failure(StrEnum):
    """Why a call did not do what it was asked for."""

    CONDITION = "condition"
    """The condition of a write did not hold; nothing was written, and the same call will fail again."""

    CONTENTION = "contention"
    """Another transaction has one of the items at this instant: try again at once."""

    THROTTLING = "throttling"
    """AWS asks for fewer requests: try again, later each time."""

    OUTAGE = "outage"
    """AWS was not reached, did not answer, or failed: try again; whether the call was carried out is not known."""

    REQUEST = "request"
    """The call itself is wrong or not allowed: an error of ours."""


_CODES = {
    "ConditionalCheckFailed": Failure.CONDITION,
    "ConditionalCheckFailedException": Failure.CONDITION,
    "TransactionConflict": Failure.CONTENTION,
    "TransactionConflictException": Failure.CONTENTION,
    "TransactionInProgressException": Failure.CONTENTION,
    "ProvisionedThroughputExceeded": Failure.THROTTLING,
    "ProvisionedThroughputExceededException": Failure.THROTTLING,
    "RequestLimitExceeded": Failure.THROTTLING,
    "RequestThrottled": Failure.THROTTLING,
    "ThrottlingError": Failure.THROTTLING,
    "ThrottlingException": Failure.THROTTLING,
}
"""Codes of errors, and of the reasons of cancelled transactions (DynamoDB API reference, TransactWriteItems)."""

_WORST_FIRST = (Failure.REQUEST, Failure.CONDITION, Failure.CONTENTION, Failure.THROTTLING)
"""Of several reasons of one cancelled transaction, the one that another try would meet again."""

_NO_REASON = "None"


def failure_of(error: BaseException) -> Failure | None:
    """Return what `error` means, or None when it is no error of an AWS call."""
    if isinstance(error, TransactWriteError) and error.cancellation_reasons:
        reasons = set(map(_of_code, _reasons(error)))
        return next((failure for failure in _WORST_FIRST if failure in reasons), Failure.REQUEST)
    match _botocore_s(error):
        case ClientError() as cause:
            return _of_answer(cause)
        case ParamValidationError():
            return Failure.REQUEST
        case BotoCoreError():
            return Failure.OUTAGE
        case PutError():  # without a cause: PynamoDB has given up on what a batch left unprocessed
            return Failure.THROTTLING
        case cause:
            return Failure.REQUEST if isinstance(cause, PynamoDBException) else None


def is_refused(error: BaseException) -> bool:
    """Whether the condition of a write did not hold, and that alone is why nothing was written."""
    return failure_of(error) is Failure.CONDITION


def was_sent_again(error: BaseException) -> bool:
    """Whether the SDK sent the call more than once, so that what is refused may be what it has written itself."""
    cause = _botocore_s(error)
    return isinstance(cause, ClientError) and cause.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0


def passes(error: BaseException) -> bool:
    """Whether the same call can succeed later without anybody's doing: AWS's trouble, not ours."""
    return failure_of(error) in {Failure.CONTENTION, Failure.THROTTLING, Failure.OUTAGE}


def outage_in_words(part: str, error: BaseException) -> str:
    """Put an error that passes in a sentence: what AWS says of a failure of its own, or that `part` did not answer."""
    match _botocore_s(error):
        case ClientError() as cause if _status_of(cause) >= HTTPStatus.INTERNAL_SERVER_ERROR and _is_aws_s(cause):
            return f"{part} failed: {cause.response['Error'].get('Message', '').rstrip('.')}."
    return f"{part} did not answer."


def _reasons(error: TransactWriteError) -> Iterator[str]:
    return (reason.code for reason in error.cancellation_reasons if reason is not None and reason.code != _NO_REASON)


def _of_answer(error: ClientError) -> Failure:
    failure = _of_code(error.response.get("Error", {}).get("Code", ""))
    if failure is Failure.REQUEST and _status_of(error) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Failure.OUTAGE
    return failure


def _is_aws_s(error: ClientError) -> bool:
    """Whether AWS itself has answered: for a gateway's page botocore puts the status where AWS's code would stand."""
    return error.response["Error"].get("Code") != str(_status_of(error))


def _status_of(error: ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _of_code(code: str) -> Failure:
    return _CODES.get(code, Failure.REQUEST)


def _botocore_s(error: BaseException | None) -> BaseException | None:
    """Return the error of botocore in PynamoDB's, whose own ClientError lacks the HTTP status."""
    if isinstance(error, PynamoDBException) and error.cause is not None:
        return _botocore_s(error.cause)
    if isinstance(error, VerboseClientError):
        return _botocore_s(error.__cause__)
    return error
