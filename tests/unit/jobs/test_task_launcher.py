import json
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from watchlist import limits
from watchlist.deployment.functions import TASK_CONTAINER
from watchlist.job_kinds import JobKind
from watchlist.jobs.message import JobMessage
from watchlist.jobs.protocol import Launch
from watchlist.jobs.stopped_tasks import launch_of
from watchlist.jobs.task_launcher import TaskLauncher, overrides
from watchlist.settings import DispatcherSettings, JobSettings, load


def launch(identifier: str = "watchlist_a_b_1", receive_count: int = 1000) -> Launch:
    message = JobMessage(
        job_id=identifier,
        kind=JobKind.REPOSITORY_SETUP,
        watchlist_id=identifier,
        generation=10**6,
        delivery=10**6,
        correlation_id=identifier,
    )
    return Launch(message, str(uuid.uuid4()), receive_count, limits.MAX_ATTEMPTS)


@dataclass
class Ecs:
    """Takes what is asked for."""

    calls: list[dict[str, Any]] = field(default_factory=list)

    def run_task(self, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        return {"tasks": [{"taskArn": "arn"}], "failures": []}


def size_of_task(kind: JobKind, attempt: int) -> tuple[str | None, str | None]:
    """Return CPU units and MiB of the task that is started, None for those of the task definition."""
    call = call_for(kind, attempt)
    return call["overrides"].get("cpu"), call["overrides"].get("memory")


def call_for(kind: JobKind, attempt: int) -> dict[str, Any]:
    """Return what ECS is asked for."""
    ecs = Ecs()
    client: Any = ecs
    chosen = {
        **{name: "http://127.0.0.1:9/queue" for name in DispatcherSettings.variables() if name.endswith("_QUEUE_URL")},
        **dict.fromkeys(("WATCHLIST_TABLE", "ACTIVITY_TABLE", "CLUSTER", "TASK_DEFINITION"), "name"),
        **dict.fromkeys(("SUBNET_IDS", "SECURITY_GROUP_IDS"), "name"),
        **dict.fromkeys(("MAX_SETUP_TASKS", "MAX_REFRESH_TASKS"), "1"),
        "REFRESH_TASK_CPU": "512",
        "REFRESH_TASK_MEMORY": "1024",
    }
    settings = load(
        DispatcherSettings, {name: chosen[name] for name in chosen if name in DispatcherSettings.variables()}
    )
    given = launch()
    message = given.message.model_copy(update={"kind": kind})
    TaskLauncher(client, settings).start(replace(given, message=message, attempt=attempt), "receipt", 1)
    (call,) = ecs.calls
    return call


def test_a_task_has_the_tags_of_its_definition_by_which_its_cost_is_told() -> None:
    assert call_for(JobKind.REPOSITORY_SETUP, 1)["propagateTags"] == "TASK_DEFINITION"


def test_a_refresh_is_tried_in_a_small_task_first_and_then_in_one_of_full_size() -> None:
    assert size_of_task(JobKind.COMMIT_BACKFILL, 1) == size_of_task(JobKind.HEALTH_ANALYSIS, 1) == ("512", "1024")
    assert size_of_task(JobKind.COMMIT_BACKFILL, 2) == (None, None)


def test_a_setup_s_task_has_full_size() -> None:
    assert size_of_task(JobKind.REPOSITORY_SETUP, 1) == (None, None)


def environment_of(result: Any) -> dict[str, str]:
    (container,) = result["containerOverrides"]
    assert container["name"] == TASK_CONTAINER
    return {each["name"]: each["value"] for each in container["environment"]}


def test_the_token_of_a_launch_fits_into_what_ecs_takes() -> None:
    assert len(launch().owner) <= limits.CLIENT_TOKEN_CHARACTERS


def test_the_longest_ids_fit_into_the_overrides() -> None:
    assert len(json.dumps(overrides(launch("i" * 300), "r" * 1024, 999))) <= limits.OVERRIDES_CHARACTERS


def test_overrides_that_are_too_long_are_refused_before_ecs_sees_them() -> None:
    with pytest.raises(ValueError, match="longer than ECS allows"):
        overrides(launch(), "r" * limits.OVERRIDES_CHARACTERS, 0)


def test_the_overrides_say_the_job_and_nothing_else() -> None:
    given = launch()

    environment = environment_of(overrides(given, "receipt", 7))

    assert set(environment) == {"JOB_MESSAGE", "MESSAGE_ID", "RECEIPT_HANDLE", "RECEIVE_COUNT", "ATTEMPT", "SLOT"}
    job = JobSettings.model_validate(environment)
    assert (launch_of(job), job.receipt_handle, job.slot) == (given, "receipt", 7)
