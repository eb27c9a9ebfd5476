"""How people are told: digests go to a topic (e-mail) and to a queue of deliveries to their webhooks."""

from collections.abc import Mapping

from aws_cdk import CfnOutput
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.environments import Environment
from infra.stack.customer_key import customer_key
from infra.stack.durations import cdk_duration
from infra.stack.functions import Function
from infra.stack.monitoring import AlarmTitle, Monitoring
from infra.stack.queue_with_dead_letters import QueueWithDeadLetters
from watchlist.deployment.queue_specs import WEBHOOK_QUEUE
from watchlist.notifications import webhook_delivery

_SENDERS_AT_ONCE = 5


class Notifications(Construct):
    """The topic for digests, and the queue of webhook deliveries with its dead-letter queue."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        monitoring: Monitoring,
    ) -> None:
        super().__init__(scope, construct_id)
        self._topic = sns.Topic(
            self,
            "Digests",
            display_name="Repository Watchlist",
            enforce_ssl=True,
            master_key=customer_key(self, environment),
        )
        CfnOutput(self, "DigestTopic", value=self._topic.topic_arn)
        self.webhooks = QueueWithDeadLetters(self, "Webhooks", spec=WEBHOOK_QUEUE, environment=environment)
        self.webhooks.watch_dead_letters(
            monitoring,
            AlarmTitle.WEBHOOKS_UNDELIVERED,
            happened="Digests could not be delivered to somebody's webhook in any of their tries.",
        )
        self.webhooks.watch_age(
            monitoring,
            AlarmTitle.WEBHOOKS_WAITING,
            happened="A delivery has been in the queue for longer than all its tries take.",
            oldest=cdk_duration(webhook_delivery.ALL_TRIES),
        )

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables that name the topic and the queue."""
        return {"NOTIFICATION_TOPIC_ARN": self._topic.topic_arn, "WEBHOOK_QUEUE_URL": self.webhooks.queue.queue_url}

    def allow_notify(self, role: iam.Role) -> None:
        """Let `role` publish digests and queue deliveries."""
        role.add_to_policy(iam.PolicyStatement(actions=["sns:Publish"], resources=[self._topic.topic_arn]))
        self.allow_deliver(role)

    def allow_deliver(self, role: iam.Role) -> None:
        """Let `role` queue deliveries to webhooks."""
        role.add_to_policy(iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self.webhooks.queue.queue_arn]))

    def deliver_by(self, sender: Function) -> None:
        """Let `sender` receive the deliveries, one at a time, and put them off."""
        self.allow_deliver(sender.role)
        actions = ("ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
        sender.role.add_to_policy(
            iam.PolicyStatement(
                actions=[f"sqs:{action}" for action in actions], resources=[self.webhooks.queue.queue_arn]
            )
        )
        self.webhooks.deliver_to(sender, max_concurrency=_SENDERS_AT_ONCE)
