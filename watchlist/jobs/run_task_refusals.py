"""Why ECS did not start a task, and whether asking again can help.

RunTask refuses in three ways: an exception that says so, an accepted call whose `failures` are not empty, and an
InvalidParameterException whose text hides a throttled call to another service (ECS API reference, RunTask and "API
failure reasons"; the last observed in the field).
"""

from enum import StrEnum
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_ecs.type_defs import FailureTypeDef


class Refusal(StrEnum):
    """What a refusal means."""

    NO_CAPACITY = "no_capacity"
    THROTTLED = "throttled"
    FOR_GOOD = "for_good"

    @property
    def is_temporary(self) -> bool:
        """Whether the same call can succeed later; such a launch is not an attempt."""
        return self is not Refusal.FOR_GOOD


_THROTTLING_CODES = frozenset(
    {
        "InternalServerError",
        "LimitExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "ServerException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_THROTTLING_WORDS = ("rate exceeded", "request limit exceeded", "throttl", "too many", "toomanyrequests")
# not just "capacity": a capacity provider that does not exist is no shortage
_CAPACITY_WORDS = ("capacity is unavailable", "limit on the number of")
_SERVER_ERROR = 500


def classify_exception(error: BotoCoreError | ClientError) -> Refusal:
    """Classify what RunTask raised; a connection that broke or timed out counts as throttled."""
    if isinstance(error, BotoCoreError):
        return Refusal.THROTTLED
    code = error.response["Error"]["Code"]
    text = error.response["Error"].get("Message", "").lower()
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _THROTTLING_CODES or status >= _SERVER_ERROR or any(word in text for word in _THROTTLING_WORDS):
        return Refusal.THROTTLED
    if any(word in text for word in _CAPACITY_WORDS):
        return Refusal.NO_CAPACITY
    return Refusal.FOR_GOOD


def classify_failures(failures: "Sequence[FailureTypeDef]") -> Refusal:
    """Classify the `failures` of an accepted RunTask call; none at all count as one for good."""
    reasons = [failure.get("reason", "") for failure in failures]
    if any("resource:" in reason.lower() for reason in reasons):
        return Refusal.NO_CAPACITY
    found = {classify_text(reason) for reason in reasons}
    return next((each for each in (Refusal.NO_CAPACITY, Refusal.THROTTLED) if each in found), Refusal.FOR_GOOD)


def classify_text(reason: str) -> Refusal:
    """Classify words of ECS, whether of RunTask or of a task that it accepted and could not start."""
    text = reason.lower()
    if any(word in text for word in _CAPACITY_WORDS):
        return Refusal.NO_CAPACITY
    if any(word in text for word in _THROTTLING_WORDS):
        return Refusal.THROTTLED
    return Refusal.FOR_GOOD
