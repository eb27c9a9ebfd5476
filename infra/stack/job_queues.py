"""The job queues, one for each kind of job, each with its dead-letter queue."""

from collections.abc import Mapping

from constructs import Construct

from infra.environments import Environment
from infra.stack.durations import cdk_duration
from infra.stack.monitoring import AlarmTitle, Monitoring
from infra.stack.queue_with_dead_letters import QueueWithDeadLetters
from watchlist import limits
from watchlist.deployment.queue_specs import JOB_QUEUES
from watchlist.job_kinds import JobKind


class JobQueues(Construct):
    """The queues of all kinds of jobs."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, monitoring: Monitoring
    ) -> None:
        super().__init__(scope, construct_id)
        self.of_kind = {
            kind: QueueWithDeadLetters(self, kind.value, spec=spec, environment=environment)
            for kind, spec in JOB_QUEUES.items()
        }
        for kind, queue in self.of_kind.items():
            _watch(kind, queue, monitoring)

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables that name the queues and the dead-letter queues."""
        queues = {kind.queue_url_variable: queue.queue.queue_url for kind, queue in self.of_kind.items()}
        dead_letter_queues = {
            kind.dead_letter_queue_url_variable: queue.dead_letter_queue.queue_url
            for kind, queue in self.of_kind.items()
        }
        return queues | dead_letter_queues


def _watch(kind: JobKind, queue: QueueWithDeadLetters, monitoring: Monitoring) -> None:
    queue.watch_dead_letters(
        monitoring,
        AlarmTitle.DEAD_LETTERS,
        subject=kind,
        happened=f"Jobs of the {kind} queue used up all attempts and wait for an operator.",
    )
    queue.watch_age(
        monitoring,
        AlarmTitle.JOBS_WAITING,
        subject=kind,
        happened=f"A job has been in the {kind} queue for longer than all its attempts take.",
        oldest=cdk_duration(limits.MAX_ATTEMPTS * limits.JOB_TIMEOUT),
    )
