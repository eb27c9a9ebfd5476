"""The job queues, one for each kind of job, each with its dead-letter queue."""

from collections.abc import Mapping
from datetime import timedelta

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.environments import Environment
from infra.monitoring import AlarmTitle, Monitoring
from watchlist import limits
from watchlist.queues import JobKind


class JobQueues(Construct):
    """The queues of all kinds of jobs."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, monitoring: Monitoring
    ) -> None:
        super().__init__(scope, construct_id)
        self.of_kind = {
            kind: JobQueue(self, kind.value, kind=kind, name=f"{environment.service}-{kind}", monitoring=monitoring)
            for kind in JobKind
        }

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables that name the queues and the dead-letter queues."""
        queues = {kind.queue_url_variable: queue.queue.queue_url for kind, queue in self.of_kind.items()}
        dead_letter_queues = {
            kind.dead_letter_queue_url_variable: queue.dead_letter_queue.queue_url
            for kind, queue in self.of_kind.items()
        }
        return queues | dead_letter_queues


class JobQueue(Construct):
    """One queue: a message that was received as often as a job has attempts goes to the dead-letter queue.

    Nothing consumes the dead-letter queue: what lies there waits for an operator, who sends it back or purges it.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, kind: JobKind, name: str, monitoring: Monitoring
    ) -> None:
        super().__init__(scope, construct_id)
        self.dead_letter_queue = sqs.Queue(
            self,
            "DeadLetterQueue",
            queue_name=f"{name}-dead-letters",
            retention_period=_duration(limits.DEAD_LETTER_RETENTION),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            redrive_allow_policy=sqs.RedriveAllowPolicy(source_queues=[self._queue_by_name(name)]),
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=name,
            visibility_timeout=_duration(limits.LEASE),
            retention_period=_duration(limits.MESSAGE_RETENTION),
            receive_message_wait_time=Duration.seconds(20),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letter_queue, max_receive_count=limits.MAX_RECEIVES),
        )
        self._watch(kind, monitoring)

    def _queue_by_name(self, name: str) -> sqs.IQueue:
        """Return the queue without a reference to it: each of the two queues names the other."""
        arn = Stack.of(self).format_arn(service="sqs", resource=name)
        return sqs.Queue.from_queue_arn(self, "QueueByName", arn)

    def _watch(self, kind: JobKind, monitoring: Monitoring) -> None:
        monitoring.alarm(
            AlarmTitle.DEAD_LETTERS,
            subject=kind,
            happened=f"Jobs of the {kind} queue used up all attempts and wait for an operator.",
            console=_console(monitoring, self.dead_letter_queue),
            metric=depth(self.dead_letter_queue, kind),
            threshold=1,
            # SQS reports nothing for a queue that was idle for six hours: nothing has come in since.
            missing_data=cloudwatch.TreatMissingData.IGNORE,
        )
        monitoring.alarm(
            AlarmTitle.JOBS_WAITING,
            subject=kind,
            happened=f"A job has been in the {kind} queue for longer than all its attempts take.",
            console=_console(monitoring, self.queue),
            metric=self.queue.metric_approximate_age_of_oldest_message(period=Duration.minutes(5)),
            threshold=(limits.MAX_ATTEMPTS * limits.JOB_TIMEOUT).total_seconds(),
            missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )


def depth(queue: sqs.IQueue, kind: JobKind) -> cloudwatch.IMetric:
    """Return how many messages of `kind` are in the queue: those that wait and those that somebody holds."""
    period = Duration.minutes(1)
    visible, held = f"visible_{kind.name.lower()}", f"held_{kind.name.lower()}"
    return cloudwatch.MathExpression(
        expression=f"{visible} + {held}",
        using_metrics={
            visible: queue.metric_approximate_number_of_messages_visible(period=period, statistic="Maximum"),
            held: queue.metric_approximate_number_of_messages_not_visible(period=period, statistic="Maximum"),
        },
        period=period,
        label=str(kind),
    )


def _console(monitoring: Monitoring, queue: sqs.IQueue) -> str:
    return f"sqs/v3/home?region={monitoring.region}#/queues/{queue.queue_url}"


def _duration(duration: timedelta) -> Duration:
    return Duration.seconds(duration.total_seconds())
