"""Which errors of DynamoDB are its trouble, so that the same request can succeed later, and which are ours."""

from http import HTTPStatus

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

_THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)


def is_outage(error: BaseException) -> bool:
    """Whether DynamoDB could not be reached, has failed or asks for fewer requests."""
    cause = error.cause if isinstance(error, PynamoDBException) else error
    if isinstance(cause, ClientError):
        status = cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= HTTPStatus.INTERNAL_SERVER_ERROR or cause.response["Error"]["Code"] in _THROTTLED
    return isinstance(cause, BotoCoreError)
