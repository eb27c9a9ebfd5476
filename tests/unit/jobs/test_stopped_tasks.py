"""Events as EventBridge delivers them (ECS developer guide, "Task state change events", "Stopped tasks errors")."""

from typing import Any

import pytest
from pydantic import ValidationError

from watchlist.errors import ErrorCode
from watchlist.job_kinds import JobKind
from watchlist.jobs.message import JobMessage
from watchlist.jobs.stopped_tasks import StoppedTask, launch_of
from watchlist.settings import JobSettings

MESSAGE = JobMessage(
    job_id="0" * 32,
    kind=JobKind.REPOSITORY_SETUP,
    watchlist_id="watchlist_pallets_flask_1767225600",
    generation=2,
    delivery=1,
    correlation_id="JKJaXmPLvHcESHA",
)
JOB = JobSettings(
    JOB_MESSAGE=MESSAGE.model_dump_json(),
    MESSAGE_ID="59a8b1f4-5b0a-4f0c-9d7e-0d3a5c1b2e4f",
    RECEIPT_HANDLE="AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
    RECEIVE_COUNT=2,
    ATTEMPT=2,
    SLOT=1,
)


def detail(container: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    environment = [{"name": name, "value": value} for name, value in JOB.to_environment().items()]
    task = "arn:aws:ecs:eu-central-1:123456789012:task/watchlist/0d5f6c9a7b1e4a3d8c2b1a0f9e8d7c6b"
    return {
        "attachments": [{"id": "1f2e", "type": "eni", "status": "DELETED", "details": []}],
        "attributes": [{"name": "ecs.cpu-architecture", "value": "arm64"}],
        "availabilityZone": "eu-central-1b",
        "clusterArn": "arn:aws:ecs:eu-central-1:123456789012:cluster/watchlist",
        "connectivity": "CONNECTED",
        "containers": [
            {
                "containerArn": f"{task}/5c3a",
                "lastStatus": "STOPPED",
                "name": "job",
                "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/job@sha256:0",
                "runtimeId": "0d5f-265927825",
                "taskArn": task,
                "networkInterfaces": [],
                "cpu": "0",
                **({"exitCode": 0} if container is None else container),
            }
        ],
        "createdAt": "2026-03-01T11:58:02.011Z",
        "desiredStatus": "STOPPED",
        "group": "family:job",
        "lastStatus": "STOPPED",
        "launchType": "FARGATE",
        "memory": "2048",
        "overrides": {"containerOverrides": [{"environment": environment, "name": "job"}]},
        "platformVersion": "1.4.0",
        "startedBy": "0" * 32,
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "taskArn": task,
        "version": 6,
        **changed,
    }


ENDS: dict[str, tuple[dict[str, Any], ErrorCode, str]] = {
    "out of memory": (
        detail({"exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"}),
        ErrorCode.OUT_OF_MEMORY,
        "memory",
    ),
    "image that cannot be pulled": (
        detail(
            {"reason": "CannotPullContainerError: pull image manifest has been retried 5 time(s): not found"},
            stopCode="TaskFailedToStart",
            stoppedReason="CannotPullContainerError: pull image manifest has been retried 5 time(s): not found",
        ),
        ErrorCode.WORKER_NOT_STARTED,
        "CannotPullContainerError",
    ),
    "secret that cannot be read": (
        detail(
            {},
            stopCode="TaskFailedToStart",
            stoppedReason="ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
            "retrieval failed",
        ),
        ErrorCode.WORKER_NOT_STARTED,
        "unable to pull secrets",
    ),
    "no network interface": (
        detail(
            {},
            stopCode="TaskFailedToStart",
            stoppedReason="Timeout waiting for network interface provisioning to complete.",
        ),
        ErrorCode.WORKER_NOT_STARTED,
        "network interface",
    ),
    "Spot interruption": (
        detail({"exitCode": 137}, stopCode="SpotInterruption", stoppedReason="Your Spot Task was interrupted."),
        ErrorCode.WORKER_INTERRUPTED,
        "Spot",
    ),
    "stopped by a person": (
        detail({"exitCode": 143}, stopCode="UserInitiated", stoppedReason="Task stopped by user"),
        ErrorCode.WORKER_INTERRUPTED,
        "Task stopped by user",
    ),
    "host maintenance": (
        detail({"exitCode": 137}, stopCode="TerminationNotice", stoppedReason="Host EC2 terminated."),
        ErrorCode.WORKER_INTERRUPTED,
        "capacity",
    ),
    "exit code 1": (detail({"exitCode": 1}), ErrorCode.WORKER_LOST, "exit code 1"),
    "exit code 137 without a reason": (detail({"exitCode": 137}), ErrorCode.WORKER_LOST, "137"),
    "exit code 139": (detail({"exitCode": 139}), ErrorCode.WORKER_LOST, "exit code 139"),
    "no exit code": (
        detail({}, stoppedReason="Essential container in task exited"),
        ErrorCode.WORKER_LOST,
        "The platform ended the worker",
    ),
    "nothing but what is required": (
        {"taskArn": "arn", "lastStatus": "STOPPED"},
        ErrorCode.WORKER_LOST,
        "no reason given",
    ),
}


@pytest.mark.parametrize(("event", "code", "text"), ENDS.values(), ids=ENDS.keys())
def test_the_end_of_a_task_is_explained_in_words_a_person_can_use(
    event: dict[str, Any], code: ErrorCode, text: str
) -> None:
    error = StoppedTask.model_validate(event).error

    assert error is not None
    assert error.code is code
    assert text in error.message
    assert error.message.endswith(".")
    assert error.retryable


PASSES = {
    "no capacity": "Capacity is unavailable at this time. Please try again later or in a different availability zone",
    "no network interface": "Timeout waiting for network interface provisioning to complete.",
    "no disk": "Timeout waiting for EphemeralStorage provisioning to complete.",
    "registry throttles": "CannotPullContainerError: toomanyrequests: Rate exceeded",
    "registry is down": "CannotPullContainerError: received unexpected HTTP status: 503 Service Unavailable",
}
STAYS = {
    "no image": "CannotPullContainerError: pull image manifest has been retried 5 time(s): not found",
    "no way out": "CannotPullContainerError: dial tcp 52.94.0.1:443: i/o timeout",
    "no permission": "ResourceInitializationError: unable to pull secrets or registry auth: AccessDeniedException",
    "no reason": "",
}


@pytest.mark.parametrize("reason", PASSES.values(), ids=PASSES.keys())
def test_a_task_that_could_not_start_for_a_reason_that_passes_can_start_later(reason: str) -> None:
    of_the_task = detail({}, stopCode="TaskFailedToStart", stoppedReason=reason)
    of_the_container = detail({"reason": reason}, stopCode="TaskFailedToStart", stoppedReason="Task failed to start")

    assert StoppedTask.model_validate(of_the_task).can_start_later
    assert StoppedTask.model_validate(of_the_container).can_start_later


@pytest.mark.parametrize("reason", STAYS.values(), ids=STAYS.keys())
def test_a_task_that_could_not_start_for_a_reason_that_stays_cannot(reason: str) -> None:
    event = detail({}, stopCode="TaskFailedToStart", stoppedReason=reason)

    assert not StoppedTask.model_validate(event).can_start_later


@pytest.mark.parametrize(
    "event",
    [
        detail({"exitCode": 1, "reason": "Rate exceeded"}, stopCode="TaskFailedToStart"),
        detail({"reason": "Rate exceeded"}, stopCode="EssentialContainerExited"),
    ],
    ids=["it ran", "it did not fail to start"],
)
def test_a_task_that_started_is_not_one_that_can_start_later(event: dict[str, Any]) -> None:
    assert not StoppedTask.model_validate(event).can_start_later


def test_a_good_end_needs_no_explanation() -> None:
    assert StoppedTask.model_validate(detail()).error is None


def test_a_long_reason_is_cut_and_put_on_one_line() -> None:
    reason = "CannotPullContainerError:\n\tref " + "x" * 5000
    error = StoppedTask.model_validate(detail({"reason": reason}, stopCode="TaskFailedToStart")).error

    assert error is not None
    assert len(error.message) < 300
    assert error.message.isprintable()


def test_the_overrides_tell_which_launch_it_was() -> None:
    job = StoppedTask.model_validate(detail()).job

    assert job == JOB
    assert job is not None
    launch = launch_of(job)
    assert (launch.message, launch.attempt, launch.owner) == (MESSAGE, 2, f"{JOB.message_id}-2")


FOREIGN: dict[str, dict[str, Any]] = {
    "no overrides": detail(overrides={}),
    "overrides of another container": detail(overrides={"containerOverrides": [{"name": "sidecar"}]}),
    "no environment": detail(overrides={"containerOverrides": [{"name": "job", "command": ["sh"]}]}),
    "another environment": detail(
        overrides={"containerOverrides": [{"name": "job", "environment": [{"name": "ATTEMPT", "value": "x"}]}]}
    ),
}


@pytest.mark.parametrize("event", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_task_that_somebody_else_started_is_no_job(event: dict[str, Any]) -> None:
    assert StoppedTask.model_validate(event).job is None


@pytest.mark.parametrize("event", [{}, {"taskArn": "arn"}, detail(containers="none"), detail(overrides=[])], ids=repr)
def test_a_malformed_event_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        StoppedTask.model_validate(event)
