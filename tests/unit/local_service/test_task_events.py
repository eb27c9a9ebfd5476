from datetime import UTC, datetime
from typing import TYPE_CHECKING

from local_service.tasks.runner import StoppedTask, environment_of, event_of

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import TaskTypeDef

ARN = "arn:aws:ecs:us-east-1:123456789012:task/watchlist/0123"
CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/watchlist"
DEFINITION = "arn:aws:ecs:us-east-1:123456789012:task-definition/job:1"
TASK: "TaskTypeDef" = {
    "taskArn": ARN,
    "clusterArn": CLUSTER,
    "taskDefinitionArn": DEFINITION,
    "group": "family:job",
    "startedBy": "job-1",
    "capacityProviderName": "FARGATE_SPOT",
    "containers": [{"name": "job"}],
    "overrides": {
        "containerOverrides": [
            {
                "name": "job",
                "environment": [{"name": "ATTEMPT", "value": "1"}, {"name": "LOG_LEVEL", "value": "DEBUG"}],
            },
            {"name": "sidecar", "environment": [{"name": "ATTEMPT", "value": "9"}]},
        ]
    },
}


def test_a_stopped_task_is_reported_as_eventbridge_does() -> None:
    stopped = StoppedTask(
        TASK,
        exit_code=137,
        stop_code="EssentialContainerExited",
        stopped_reason="Essential container in task exited",
        started_at=datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC),
        stopped_at=datetime(2026, 3, 1, 10, 0, 5, 250000, tzinfo=UTC),
    )

    event = event_of(stopped)

    assert {key: event[key] for key in ("detail-type", "source", "resources", "time", "version")} == {
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "resources": [ARN],
        "time": "2026-03-01T10:00:05Z",
        "version": "0",
    }
    assert event["detail"] == {
        "clusterArn": CLUSTER,
        "taskArn": ARN,
        "taskDefinitionArn": DEFINITION,
        "group": "family:job",
        "startedBy": "job-1",
        "launchType": "FARGATE",
        "capacityProviderName": "FARGATE_SPOT",
        "lastStatus": "STOPPED",
        "desiredStatus": "STOPPED",
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [
            {
                "containerArn": f"{ARN}/job",
                "name": "job",
                "taskArn": ARN,
                "lastStatus": "STOPPED",
                "exitCode": 137,
            }
        ],
        "overrides": TASK["overrides"],
        "createdAt": "2026-03-01T10:00:00.000Z",
        "startedAt": "2026-03-01T10:00:00.000Z",
        "stoppingAt": "2026-03-01T10:00:05.250Z",
        "stoppedAt": "2026-03-01T10:00:05.250Z",
        "executionStoppedAt": "2026-03-01T10:00:05.250Z",
        "version": 1,
    }


def test_overrides_of_the_container_win_over_the_task_definition() -> None:
    defined = {"LOG_LEVEL": "INFO", "WATCHLIST_TABLE": "watchlist"}

    assert environment_of(defined, TASK) == {"ATTEMPT": "1", "LOG_LEVEL": "DEBUG", "WATCHLIST_TABLE": "watchlist"}
