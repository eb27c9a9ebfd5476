"""Hands messages on: to the topic, which sends e-mail, or into the webhook queue."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from watchlist.notifications import channels
from watchlist.notifications.message import Message
from watchlist.notifications.webhook_delivery import WebhookDelivery
from watchlist.storage.records import Channel, user_hash

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class Outbox:
    """The ways out.

    Attributes:
        sns: client.
        topic_arn: of the topic for e-mail.
        sqs: client.
        queue_url: of the webhook queue.
    """

    sns: "SNSClient"
    topic_arn: str
    sqs: "SQSClient"
    queue_url: str

    def to_topic(self, message: Message, user: str, *, about: tuple[str, str]) -> None:
        """Publish a message; `about` is a name and a value that subscriptions can choose by, besides the user."""
        attributes = dict((("user", user), about))
        self.sns.publish(
            TopicArn=self.topic_arn,
            Subject=message.subject,
            Message=message.text,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )

    def to_webhook(self, delivery: WebhookDelivery, user: str, delay: timedelta = timedelta(0)) -> None:
        """Queue a delivery to a webhook of `user`, as one of theirs, to be seen after `delay`.

        SQS hands out other groups' messages first while one group, here one user, takes more than its share of the
        senders. Source: the Amazon SQS Developer Guide, "How Amazon SQS fair queues work".
        """
        self.sqs.send_message(
            QueueUrl=self.queue_url,
            MessageBody=delivery.model_dump_json(),
            MessageGroupId=user_hash(user),
            DelaySeconds=round(delay.total_seconds()),
        )

    def to_channel(self, channel: Channel, message: Message) -> bool:
        """Hand a message on to a channel; whether it is there already, as what goes to the topic is."""
        if channels.settings_of(channel).webhook_url is None:
            self.to_topic(message, channel.user, about=("channel_id", channel.channel_id))
            return True
        delivery = WebhookDelivery(
            channel_id=channel.channel_id, delivery_id=message.id, body=message.model_dump_json()
        )
        self.to_webhook(delivery, channel.user)
        return False
