"""Starts the Fargate task of one attempt."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from watchlist import limits
from watchlist.deployment.functions import TASK_CONTAINER
from watchlist.jobs.protocol import Launch
from watchlist.jobs.run_task_refusals import Refusal, classify_exception, classify_failures
from watchlist.settings import DispatcherSettings, JobSettings

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import CapacityProviderStrategyItemTypeDef, TaskOverrideTypeDef

_ON_DEMAND = "FARGATE"


class Refused(Exception):  # noqa: N818 - a refusal is an answer of ECS, not an error of ours
    """ECS refused the launch."""

    def __init__(self, refusal: Refusal, reason: str) -> None:
        super().__init__(reason)
        self.refusal = refusal
        self.reason = reason


class TaskLauncher:
    """Starts tasks as the settings say."""

    def __init__(self, ecs: "ECSClient", settings: DispatcherSettings) -> None:
        self._ecs = ecs
        self._settings = settings

    def start(self, launch: Launch, receipt_handle: str, slot: int) -> str:
        """Start the launch's task in its slot and return the task's ARN.

        Raises:
            Refused: ECS did not start it.
        """
        try:
            response = self._ecs.run_task(
                cluster=self._settings.cluster,
                taskDefinition=self._settings.task_definition,
                count=1,
                clientToken=launch.owner,
                startedBy=launch.message.job_id,
                propagateTags="TASK_DEFINITION",  # by them the budget counts what tasks cost
                capacityProviderStrategy=[self._capacity(launch)],
                networkConfiguration={
                    "awsvpcConfiguration": {
                        "subnets": list(self._settings.subnet_ids),
                        "securityGroups": list(self._settings.security_group_ids),
                        "assignPublicIp": self._settings.assign_public_ip,
                    }
                },
                overrides={**overrides(launch, receipt_handle, slot), **self._size(launch)},
            )
        except (BotoCoreError, ClientError) as error:
            raise Refused(classify_exception(error), str(error)) from error
        if response["failures"] or not response["tasks"]:
            reasons = "; ".join(failure.get("reason", "no reason") for failure in response["failures"])
            raise Refused(classify_failures(response["failures"]), reasons)
        return response["tasks"][0]["taskArn"]

    def _size(self, launch: Launch) -> "TaskOverrideTypeDef":
        """Return the size of a refresh's task, which is smaller than a setup's; one that failed is tried in full size.

        A refresh brings few commits and files. What it may need more for, memory above all, is rare.
        """
        cpu, memory = self._settings.refresh_task_cpu, self._settings.refresh_task_memory
        if not launch.message.kind.is_refresh or launch.attempt > 1 or cpu is None or memory is None:
            return {}
        return {"cpu": str(cpu), "memory": str(memory)}

    def _capacity(self, launch: Launch) -> "CapacityProviderStrategyItemTypeDef":
        refresh = launch.message.kind.is_refresh
        return {
            "capacityProvider": self._settings.refresh_capacity_provider if refresh else _ON_DEMAND,
            "weight": 1,
        }


def overrides(launch: Launch, receipt_handle: str, slot: int) -> "TaskOverrideTypeDef":
    """Return the container overrides that tell the task its job: ids only, no secrets.

    Raises:
        ValueError: they are longer than ECS allows.
    """
    job = JobSettings(
        JOB_MESSAGE=launch.message.model_dump_json(),
        MESSAGE_ID=launch.message_id,
        RECEIPT_HANDLE=receipt_handle,
        RECEIVE_COUNT=launch.receive_count,
        ATTEMPT=launch.attempt,
        SLOT=slot,
    )
    environment = job.to_environment()
    result: TaskOverrideTypeDef = {
        "containerOverrides": [
            {
                "name": TASK_CONTAINER,
                "environment": [{"name": name, "value": value} for name, value in environment.items()],
            }
        ]
    }
    if len(json.dumps(result)) > limits.OVERRIDES_CHARACTERS:
        raise ValueError("container overrides are longer than ECS allows")
    return result
