import re
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from watchlist.notifications.outbox import Outbox
from watchlist.notifications.webhook_delivery import WebhookDelivery
from watchlist.watching.entries import user_watchlist_id_of

URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/webhook-delivery"


@dataclass
class Sqs:
    """The real client, which checks parameters by the service's model; what it would send is kept."""

    sent: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client: Any = boto3.client(
            "sqs", region_name="eu-central-1", aws_access_key_id="none", aws_secret_access_key="none"
        )
        self.client.meta.events.register("before-parameter-build.sqs.SendMessage", self._keep)
        self.client.meta.events.register(
            "before-call.sqs.SendMessage",
            lambda **_: (_Ok(), {}),  # type: ignore[arg-type] # botocore-stubs knows no handler that answers
        )

    def _keep(self, params: dict[str, Any], **_: object) -> None:
        self.sent.append(params)

    def send(self, watchlist_id: str, user: str) -> None:
        delivery = WebhookDelivery(
            user_watchlist_id=user_watchlist_id_of(watchlist_id, user), delivery_id="digest_1", body="{}"
        )
        Outbox(sns=self.client, topic_arn="none", sqs=self.client, queue_url=URL).to_webhook(delivery, user)


@dataclass(frozen=True)
class _Ok:
    status_code: int = 200


@pytest.fixture
def sqs() -> Sqs:
    return Sqs()


def test_all_deliveries_of_a_user_are_one_group_and_those_of_others_another(sqs: Sqs) -> None:
    sqs.send("watchlist_a_b_1", "ada@example.org")
    sqs.send("watchlist_c_d_1", "ada@example.org")
    sqs.send("watchlist_a_b_1", "bob@example.org")

    first, second, other = (sent["MessageGroupId"] for sent in sqs.sent)
    assert first == second != other


@pytest.mark.parametrize("user", ["a" * 500, "Ada Lovelace", "\N{SNOWMAN}"])
def test_any_user_is_a_group_that_sqs_takes_and_that_does_not_show_the_name(sqs: Sqs, user: str) -> None:
    sqs.send("watchlist_a_b_1", user)

    (sent,) = sqs.sent
    assert re.fullmatch(r"[0-9a-f]{1,128}", sent["MessageGroupId"])
    assert WebhookDelivery.model_validate_json(sent["MessageBody"]).delivery_id == "digest_1"
