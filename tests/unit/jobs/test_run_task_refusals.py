"""Texts as ECS gives them: API reference, "API failure reasons", developer guide, issues in the field."""

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from watchlist.jobs.run_task_refusals import Refusal, classify_exception, classify_failures

NO_CAPACITY, THROTTLED, FOR_GOOD = Refusal.NO_CAPACITY, Refusal.THROTTLED, Refusal.FOR_GOOD

EXCEPTIONS = [
    ("ThrottlingException", "Rate exceeded", 400, THROTTLED),
    ("ThrottlingException", "Rate exceeded.", 429, THROTTLED),
    ("RequestLimitExceeded", "Request limit exceeded.", 503, THROTTLED),
    ("ServerException", "Service Unavailable. Please try again later.", 500, THROTTLED),
    ("InternalServerError", "We encountered an internal error. Please try again.", 500, THROTTLED),
    ("UnknownError", "", 500, THROTTLED),
    ("UnknownError", "", 502, THROTTLED),
    ("ServiceUnavailableException", "Service is unavailable", 503, THROTTLED),
    (
        "InvalidParameterException",
        "Error retrieving subnet information for [subnet-0a1b2c3d]: Rate exceeded (ErrorCode: RequestLimitExceeded)",
        400,
        THROTTLED,
    ),
    (
        "InvalidParameterException",
        "Error retrieving security group information: Request limit exceeded. (ErrorCode: RequestLimitExceeded)",
        400,
        THROTTLED,
    ),
    (
        "ClientException",
        "Too many concurrent attempts to create a new revision of the specified family.",
        400,
        THROTTLED,
    ),
    ("LimitExceededException", "The limit for the resource was exceeded.", 400, THROTTLED),
    (
        "ClientException",
        "You've reached the limit on the number of vCPUs you can run concurrently",
        400,
        NO_CAPACITY,
    ),
    (
        "ClientException",
        "Capacity is unavailable at this time. Please try again later or in a different availability zone",
        400,
        NO_CAPACITY,
    ),
    (
        "AccessDeniedException",
        "User: arn:aws:sts::1:assumed-role/x is not authorized to perform: ecs:RunTask",
        400,
        FOR_GOOD,
    ),
    (
        "ClientException",
        "ECS was unable to assume the role 'arn:aws:iam::1:role/task' that was provided",
        400,
        FOR_GOOD,
    ),
    (
        "InvalidParameterException",
        "The provided subnet ID does not exist (ErrorCode: InvalidSubnetID.NotFound)",
        400,
        FOR_GOOD,
    ),
    ("InvalidParameterException", "Task definition is inactive", 400, FOR_GOOD),
    ("InvalidParameterException", "The specified capacity provider 'FARGATE_SPOT' was not found.", 400, FOR_GOOD),
    (
        "InvalidParameterException",
        "Override for container named worker is not a container in the TaskDefinition.",
        400,
        FOR_GOOD,
    ),
    ("ClusterNotFoundException", "Cluster not found.", 400, FOR_GOOD),
    ("ClientException", "TaskDefinition not found.", 400, FOR_GOOD),
    ("PlatformUnknownException", "The specified platform version does not exist.", 400, FOR_GOOD),
    ("BlockedException", "Your AWS account was blocked. For more information, contact AWS Support.", 400, FOR_GOOD),
    ("ExpiredTokenException", "The security token included in the request is expired", 403, FOR_GOOD),
    ("UnrecognizedClientException", "The security token included in the request is invalid.", 400, FOR_GOOD),
]


@pytest.mark.parametrize(("code", "message", "status", "refusal"), EXCEPTIONS, ids=[row[1][:40] for row in EXCEPTIONS])
def test_an_exception_is_told_by_code_status_and_text(code: str, message: str, status: int, refusal: Refusal) -> None:
    error = ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "",
                "HostId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        "RunTask",
    )

    assert classify_exception(error) is refusal


def test_an_exception_without_text_or_status_is_for_good() -> None:
    assert classify_exception(ClientError({"Error": {"Code": "Odd"}}, "RunTask")) is FOR_GOOD


@pytest.mark.parametrize(
    "error",
    [ConnectTimeoutError(endpoint_url="https://ecs"), EndpointConnectionError(endpoint_url="https://ecs")],
    ids=["timed out", "refused"],
)
def test_a_connection_that_broke_is_worth_another_try(error: BotoCoreError) -> None:
    assert classify_exception(error) is THROTTLED


FAILURES = [
    (["Capacity is unavailable at this time. Please try again later or in a different availability zone"], NO_CAPACITY),
    (["RESOURCE:CPU"], NO_CAPACITY),
    (["RESOURCE:MEMORY"], NO_CAPACITY),
    (["RESOURCE:ENI"], NO_CAPACITY),
    (["RESOURCE:FARGATE"], NO_CAPACITY),
    (["ATTRIBUTE", "RESOURCE:CPU"], NO_CAPACITY),
    (["Rate exceeded"], THROTTLED),
    (["AGENT"], FOR_GOOD),
    (["ATTRIBUTE"], FOR_GOOD),
    (["LOCATION"], FOR_GOOD),
    (["INACTIVE"], FOR_GOOD),
    (["MISSING"], FOR_GOOD),
    (["InvalidUserOperation"], FOR_GOOD),
    ([""], FOR_GOOD),
]


@pytest.mark.parametrize(("reasons", "refusal"), FAILURES, ids=[" ".join(reasons)[:40] for reasons, _ in FAILURES])
def test_the_failures_of_an_accepted_call_are_told_by_their_reasons(reasons: list[str], refusal: Refusal) -> None:
    assert classify_failures([{"reason": reason} for reason in reasons]) is refusal


def test_an_accepted_call_that_started_nothing_and_says_nothing_is_for_good() -> None:
    assert classify_failures([]) is FOR_GOOD
    assert classify_failures([{"arn": "arn:aws:ecs:::container-instance/1"}]) is FOR_GOOD


def test_only_a_refusal_for_good_is_an_attempt() -> None:
    assert [refusal for refusal in Refusal if not refusal.is_temporary] == [FOR_GOOD]
