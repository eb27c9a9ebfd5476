"""Which errors of DynamoDB are its trouble, so that the same request can succeed later, and which are ours."""

from http import HTTPStatus

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException, VerboseClientError

_THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)


def is_outage(error: BaseException) -> bool:
    """Whether AWS could not be reached, has failed or asks for fewer requests."""
    cause = _unwrapped(error)
    if isinstance(cause, ClientError):
        status = cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= HTTPStatus.INTERNAL_SERVER_ERROR or cause.response["Error"]["Code"] in _THROTTLED
    return isinstance(cause, BotoCoreError)


def _unwrapped(error: BaseException | None) -> BaseException | None:
    """Return the error of botocore in PynamoDB's, whose own ClientError lacks the HTTP status."""
    if isinstance(error, PynamoDBException):
        return _unwrapped(error.cause)
    if isinstance(error, VerboseClientError):
        return _unwrapped(error.__cause__)
    return error
