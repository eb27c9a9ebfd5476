"""What an ECS `Task State Change` event of a stopped task says: which launch it was, and why it ended.

Field names and stop codes: Amazon ECS developer guide, "Task state change events" and "Stopped tasks error messages".
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from watchlist.deployment.functions import TASK_CONTAINER
from watchlist.errors import ErrorCode, JobError
from watchlist.jobs.message import JobMessage
from watchlist.jobs.protocol import Launch
from watchlist.jobs.run_task_refusals import classify_text
from watchlist.settings import JobSettings

_KILLED = 137
_FAILED_TO_START = "TaskFailedToStart"
_PLATFORM_WAS_SLOW = ("timeout waiting for network interface", "timeout waiting for ephemeralstorage")
_REGISTRY_WAS_DOWN = ("internal server error", "bad gateway", "service unavailable", "tls handshake timeout")
# not "i/o timeout": so ends a pull from a network without a way out, which the operator must hear of
_REASON_CHARACTERS = 200


class _EventPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class _Variable(_EventPart):
    name: str
    value: str


class _ContainerOverride(_EventPart):
    name: str
    environment: tuple[_Variable, ...] = ()


class _Overrides(_EventPart):
    container_overrides: tuple[_ContainerOverride, ...] = ()


class _Container(_EventPart):
    name: str
    exit_code: int | None = None
    reason: str = ""


class StoppedTask(_EventPart):
    """The detail of the event, as far as it is read."""

    task_arn: str
    last_status: str
    stop_code: str = ""
    stopped_reason: str = ""
    containers: tuple[_Container, ...] = ()
    overrides: Annotated[_Overrides, Field(default_factory=_Overrides)]

    @property
    def job(self) -> JobSettings | None:
        """The job that the task was launched for; None if it was launched by hand."""
        for override in self.overrides.container_overrides:
            if override.name == TASK_CONTAINER:
                values: Mapping[str, Any] = {variable.name: variable.value for variable in override.environment}
                try:
                    return JobSettings.model_validate(values)
                except ValidationError:
                    return None
        return None

    @property
    def error(self) -> JobError | None:
        """Why the task ended, in words for a person; None if it ended by itself and well."""
        if self._exit_code == 0:
            return None
        return _explain(self.stop_code, self._exit_code, " ".join(self._reason.split())[:_REASON_CHARACTERS])

    @property
    def can_start_later(self) -> bool:
        """Whether the task never started, for a reason that passes: capacity, throttling, a registry that was down."""
        if self.stop_code != _FAILED_TO_START or self._exit_code is not None:
            return False
        text = f"{self._reason} {self.stopped_reason}".lower()
        passes = any(word in text for word in (*_PLATFORM_WAS_SLOW, *_REGISTRY_WAS_DOWN))
        return passes or classify_text(text).is_temporary

    @property
    def _container(self) -> _Container | None:
        return next((each for each in self.containers if each.name == TASK_CONTAINER), None)

    @property
    def _exit_code(self) -> int | None:
        return self._container.exit_code if self._container else None

    @property
    def _reason(self) -> str:
        return (self._container.reason if self._container else "") or self.stopped_reason


def launch_of(job: JobSettings) -> Launch:
    """Return the launch that a job's settings name.

    Raises:
        ValidationError: the message is none.
    """
    return Launch(JobMessage.model_validate_json(job.job_message), job.message_id, job.receive_count, job.attempt)


def _explain(stop_code: str, exit_code: int | None, reason: str) -> JobError:
    given = reason or "no reason given"
    if "outofmemory" in reason.lower().replace(" ", "").replace("-", ""):
        return JobError(ErrorCode.OUT_OF_MEMORY, "The worker used more memory than it has and was killed.")
    if stop_code == _FAILED_TO_START or "CannotPullContainer" in reason or "CannotStartContainer" in reason:
        return JobError(ErrorCode.WORKER_NOT_STARTED, f"The worker could not be started: {given}.")
    if stop_code in {"SpotInterruption", "TerminationNotice"}:
        return JobError(ErrorCode.WORKER_INTERRUPTED, "The platform took the worker's capacity back (Spot).")
    if stop_code in {"UserInitiated", "ServiceSchedulerInitiated"}:
        return JobError(ErrorCode.WORKER_INTERRUPTED, f"The worker was stopped from outside: {given}.")
    return JobError(ErrorCode.WORKER_LOST, _how_it_ended(exit_code, given))


def _how_it_ended(exit_code: int | None, given: str) -> str:
    if exit_code is None:
        return f"The platform ended the worker: {given}."
    if exit_code == _KILLED:
        return "The worker was killed (exit code 137), most often for its memory."
    return f"The worker broke down with exit code {exit_code}."
