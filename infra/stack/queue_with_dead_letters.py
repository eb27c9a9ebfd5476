"""A queue with its dead-letter queue, as `watchlist.deployment.queue_specs` describes them."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.environments import Environment
from infra.stack.customer_key import customer_key
from infra.stack.durations import cdk_duration
from infra.stack.functions import Function
from infra.stack.monitoring import AlarmTitle, Monitoring
from watchlist.deployment.queue_specs import QueueSpec


class QueueWithDeadLetters(Construct):
    """Both queues: encrypted at rest and on the way; only the one can hand messages to the other.

    Nothing consumes the dead-letter queue: what lies there waits for an operator, who sends it back or purges it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, spec: QueueSpec, environment: Environment) -> None:
        super().__init__(scope, construct_id)
        self.spec = spec
        name = f"{environment.service}-{spec.name}"
        key = customer_key(self, environment)
        self.dead_letter_queue = sqs.Queue(
            self,
            "DeadLetterQueue",
            queue_name=f"{environment.service}-{spec.dead_letter_name}",
            retention_period=cdk_duration(spec.dead_letter_retention),
            encryption=sqs.QueueEncryption.SQS_MANAGED if key is None else sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            enforce_ssl=True,
            redrive_allow_policy=sqs.RedriveAllowPolicy(source_queues=[self._queue_by_name(name)]),
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=name,
            visibility_timeout=cdk_duration(spec.visibility),
            retention_period=cdk_duration(spec.retention),
            receive_message_wait_time=Duration.seconds(20),
            encryption=sqs.QueueEncryption.SQS_MANAGED if key is None else sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            enforce_ssl=True,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letter_queue, max_receive_count=spec.max_receives),
        )

    def _queue_by_name(self, name: str) -> sqs.IQueue:
        """Return the queue without a reference to it: each of the two queues names the other."""
        arn = Stack.of(self).format_arn(service="sqs", resource=name)
        return sqs.Queue.from_queue_arn(self, "QueueByName", arn)

    def deliver_to(self, function: Function, *, max_concurrency: int) -> None:
        """Call `function` with what comes, by so many invocations at once at most.

        The L2 event source would also allow GetQueueUrl; the function's permissions have what is needed.
        """
        function.function.add_event_source_mapping(
            self.spec.name,
            event_source_arn=self.queue.queue_arn,
            batch_size=self.spec.batch_size,
            max_concurrency=max_concurrency,
            report_batch_item_failures=True,
        )

    def watch_dead_letters(
        self, monitoring: Monitoring, title: AlarmTitle, *, happened: str, subject: str | None = None
    ) -> None:
        """Register the alarm that rings while there is a dead letter."""
        watch_depth(self.dead_letter_queue, self.spec.name, monitoring, title, happened=happened, subject=subject)

    def watch_age(
        self,
        monitoring: Monitoring,
        title: AlarmTitle,
        *,
        happened: str,
        oldest: Duration,
        subject: str | None = None,
    ) -> None:
        """Register the alarm that rings when a message has been in the queue for as long as `oldest`."""
        monitoring.alarm(
            title,
            subject=subject,
            happened=happened,
            console=console_of(self.queue, monitoring),
            metric=self.queue.metric_approximate_age_of_oldest_message(
                period=Duration.minutes(5), statistic=cloudwatch.Stats.MAXIMUM
            ),
            threshold=oldest.to_seconds(),
            missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )


def watch_depth(
    queue: sqs.IQueue,
    label: str,
    monitoring: Monitoring,
    title: AlarmTitle,
    *,
    happened: str,
    subject: str | None = None,
) -> None:
    """Register the alarm that rings while a message is in `queue`, whether it waits or somebody holds it."""
    monitoring.alarm(
        title,
        subject=subject,
        happened=happened,
        console=console_of(queue, monitoring),
        metric=depth(queue, label),
        threshold=1,
        # SQS reports nothing for a queue that was idle for six hours: nothing has come in since.
        missing_data=cloudwatch.TreatMissingData.IGNORE,
    )


def depth(queue: sqs.IQueue, label: str) -> cloudwatch.IMetric:
    """Return how many messages are in the queue: those that wait and those that somebody holds."""
    period = Duration.minutes(1)
    name = label.replace("-", "_")
    visible, held = f"visible_{name}", f"held_{name}"
    return cloudwatch.MathExpression(
        expression=f"{visible} + {held}",
        using_metrics={
            visible: queue.metric_approximate_number_of_messages_visible(period=period, statistic="Maximum"),
            held: queue.metric_approximate_number_of_messages_not_visible(period=period, statistic="Maximum"),
        },
        period=period,
        label=label,
    )


def console_of(queue: sqs.IQueue, monitoring: Monitoring) -> str:
    """Return the console's page of the queue."""
    return f"sqs/v3/home?region={monitoring.region}#/queues/{queue.queue_url}"
