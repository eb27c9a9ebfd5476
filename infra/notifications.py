"""How people are told: digests go to a topic (e-mail) and to a queue of deliveries to their webhooks."""

from collections.abc import Mapping
from datetime import timedelta

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.environments import Environment
from infra.functions import Function
from infra.monitoring import AlarmTitle, Monitoring
from watchlist import limits
from watchlist.queues import WEBHOOK_DELIVERY

_VISIBILITY_FACTOR = 6
"""A message stays invisible for so many timeouts of its function (Lambda guide, using Lambda with SQS)."""

_SENDERS_AT_ONCE = 5


class Notifications(Construct):
    """The topic for digests, and the queue of webhook deliveries with its dead-letter queue."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        sender_timeout: timedelta,
        monitoring: Monitoring,
    ) -> None:
        super().__init__(scope, construct_id)
        name = f"{environment.service}-{WEBHOOK_DELIVERY}"
        self._topic = sns.Topic(self, "Digests", display_name="Repository Watchlist", enforce_ssl=True)
        self._dead_letter_queue = sqs.Queue(
            self,
            "DeadLetterQueue",
            queue_name=f"{name}-dead-letters",
            retention_period=_duration(limits.DEAD_LETTER_RETENTION),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
        )
        self._queue = sqs.Queue(
            self,
            "Queue",
            queue_name=name,
            visibility_timeout=_duration(_VISIBILITY_FACTOR * sender_timeout),
            retention_period=_duration(limits.MESSAGE_RETENTION),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self._dead_letter_queue, max_receive_count=limits.WEBHOOK_ATTEMPTS
            ),
        )
        CfnOutput(self, "DigestTopic", value=self._topic.topic_arn)
        monitoring.alarm(
            AlarmTitle.WEBHOOKS_UNDELIVERED,
            happened="Digests could not be delivered to somebody's webhook in any of their tries.",
            console=f"sqs/v3/home?region={monitoring.region}#/queues/{self._dead_letter_queue.queue_url}",
            metric=self._dead_letter_queue.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(1), statistic=cloudwatch.Stats.MAXIMUM
            ),
            threshold=1,
            # SQS reports nothing for a queue that was idle for six hours: nothing has come in since.
            missing_data=cloudwatch.TreatMissingData.IGNORE,
        )

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables that name the topic and the queue."""
        return {"NOTIFICATION_TOPIC_ARN": self._topic.topic_arn, "WEBHOOK_QUEUE_URL": self._queue.queue_url}

    def allow_notify(self, role: iam.Role) -> None:
        """Let `role` publish digests and queue deliveries."""
        role.add_to_policy(iam.PolicyStatement(actions=["sns:Publish"], resources=[self._topic.topic_arn]))
        role.add_to_policy(iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self._queue.queue_arn]))

    def deliver_by(self, sender: Function) -> None:
        """Let `sender` receive the deliveries, one at a time."""
        actions = ("ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
        sender.role.add_to_policy(
            iam.PolicyStatement(actions=[f"sqs:{action}" for action in actions], resources=[self._queue.queue_arn])
        )
        sender.function.add_event_source_mapping(
            WEBHOOK_DELIVERY,
            event_source_arn=self._queue.queue_arn,
            batch_size=1,
            max_concurrency=_SENDERS_AT_ONCE,
            report_batch_item_failures=True,
        )


def _duration(duration: timedelta) -> Duration:
    return Duration.seconds(duration.total_seconds())
