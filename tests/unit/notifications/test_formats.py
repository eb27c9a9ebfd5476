"""Bodies for chat services, checked against the forms that these document."""

import json
import re
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from watchlist.alerts.kind import AlertLevel
from watchlist.alerts.settings import AlertKind
from watchlist.health.verdict import VerdictState
from watchlist.notifications.digest_message import DigestMessage, ToldAlert
from watchlist.notifications.formats import WebhookFormat, body_of, format_of, says_gone
from watchlist.notifications.message import Message
from watchlist.notifications.messages import (
    ChannelFailedMessage,
    ChannelTestMessage,
    ReportedRepository,
    ToldRepositoryAlert,
    UserDigestMessage,
    WeeklyReportMessage,
    compose_user_digest,
    read,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOSTILE = "<!channel> @everyone [click](https://example.org) *bold* `code` <https://example.org|here> & # heading"

LONGEST = ("\N{GRINNING FACE}", "\u6f22", "\\", '"', "&", "<", "\x01", "\u200b", "\n")
"""Characters that take more room than others in one form or another."""

TEAMS_BYTES = 21_000
"""What Teams was found to take (`msteams_hermes`), of the 28 KB that it documents."""


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SlackText(Strict):
    """Slack, "Text object": at most 3000 characters."""

    type: Literal["mrkdwn"]
    text: str = Field(min_length=1, max_length=3000)
    verbatim: bool


class SlackSection(Strict):
    type: Literal["section"]
    text: SlackText


class SlackMessage(Strict):
    """Slack, "Sending messages using incoming webhooks": at most 50 blocks."""

    text: str = Field(min_length=1)
    unfurl_links: bool
    unfurl_media: bool
    blocks: list[SlackSection] = Field(min_length=1, max_length=50)


class DiscordMessage(Strict):
    """Discord, "Execute Webhook"."""

    content: str = Field(min_length=1, max_length=2000)
    allowed_mentions: dict[Literal["parse"], list[str]]
    flags: int


class TextBlock(Strict):
    """Adaptive Cards 1.4, TextBlock."""

    type: Literal["TextBlock"]
    text: str = Field(min_length=1)
    weight: Literal["Bolder"] | None = None
    wrap: bool | None = None
    color: Literal["Attention", "Default"] | None = None
    is_subtle: bool | None = Field(default=None, alias="isSubtle")


class OpenUrl(Strict):
    type: Literal["Action.OpenUrl"]
    title: str
    url: str = Field(pattern="^https://")


class Card(Strict):
    schema_: Literal["http://adaptivecards.io/schemas/adaptive-card.json"] = Field(alias="$schema")
    type: Literal["AdaptiveCard"]
    version: Literal["1.4"]
    body: list[TextBlock] = Field(min_length=1)
    actions: list[OpenUrl]


class Attachment(Strict):
    content_type: Literal["application/vnd.microsoft.card.adaptive"] = Field(alias="contentType")
    content_url: None = Field(alias="contentUrl")
    content: Card


class TeamsMessage(Strict):
    """Microsoft Teams, "Create incoming webhooks with Workflows": a message with one card."""

    type: Literal["message"]
    attachments: list[Attachment] = Field(min_length=1, max_length=1)


FORMS: dict[WebhookFormat, type[BaseModel]] = {
    WebhookFormat.SLACK: SlackMessage,
    WebhookFormat.TEAMS: TeamsMessage,
    WebhookFormat.DISCORD: DiscordMessage,
}


def digest(count: int = 1, text: str = "Ada changed 400 files.") -> DigestMessage:
    alerts = tuple(
        ToldAlert(
            id=f"alert_{number}",
            kind=AlertKind.FILES_CHANGED,
            level=AlertLevel.CRITICAL,
            message=text,
            commit_sha=None,
            raised_at=NOON,
        )
        for number in range(count)
    )
    return DigestMessage(
        id="digest_1",
        created_at=NOON,
        user_watchlist_id="user_1",
        watchlist_id="watchlist_1",
        repository_url="https://github.com/pallets/flask",
        alerts=alerts,
        more_alerts=3,
    )


def user_digest(repositories: int) -> UserDigestMessage:
    alerts = [
        ToldRepositoryAlert(
            **dict(digest().alerts[0]),
            watchlist_id=f"watchlist_{number}",
            user_watchlist_id=f"user_{number}",
            repository_url=f"https://gitlab.com/group/{'sub-' * 20}{number}/*name*",
            verdict=VerdictState.QUIET,
        )
        for number in range(repositories)
    ]
    return compose_user_digest("digest_1", "channel_1", NOON, alerts)


TESTED = ChannelTestMessage(id="test_1", created_at=NOON, channel_id="channel_1", name=HOSTILE)
REPORT = WeeklyReportMessage(
    id="report_1",
    created_at=NOON,
    channel_id="channel_1",
    since=NOON,
    watched=70,
    verdicts={VerdictState.QUIET: 70},
    changed=tuple(
        ReportedRepository(
            watchlist_id="watchlist_1",
            user_watchlist_id="user_1",
            repository_url=f"https://github.com/a/{number}",
            verdict=VerdictState.QUIET,
            reason="No commit.",
            changes=(HOSTILE, "x" * 300),
            more_changes=4,
            has_critical=True,
        )
        for number in range(50)
    ),
    more_changed=20,
    leave_url=f"https://abcdefghij.execute-api.eu-central-1.amazonaws.com/leave/channel_{'0' * 51}/{'a' * 43}",
)
NOTHING_TO_DO = REPORT.model_copy(update={"changed": (), "more_changed": 0})
FAILED = ChannelFailedMessage(id="failed_1", created_at=NOON, name=HOSTILE, error="it answered 410", switched_off=True)


@pytest.mark.parametrize("webhook_format", FORMS)
@pytest.mark.parametrize(
    "message",
    [
        *(digest(), digest(50, "x" * 500), digest(50, "*" * 500), digest(1, HOSTILE)),
        *(digest(50, each * 500) for each in LONGEST),
        *(user_digest(1), user_digest(60), TESTED, FAILED, REPORT, NOTHING_TO_DO),
    ],
)
def test_each_body_has_the_form_that_its_reader_documents(webhook_format: WebhookFormat, message: Message) -> None:
    body = body_of(webhook_format, message)

    FORMS[webhook_format].model_validate_json(body)
    if webhook_format is WebhookFormat.TEAMS:
        assert len(body) < TEAMS_BYTES


@pytest.mark.parametrize("webhook_format", [WebhookFormat.SLACK, WebhookFormat.TEAMS, WebhookFormat.DISCORD])
def test_a_chat_message_says_what_there_is_and_how_much_more(webhook_format: WebhookFormat) -> None:
    text = body_of(webhook_format, digest(12)).decode()

    assert "15 alerts" in text
    assert "Ada changed 400 files." in text
    assert "and 5 more" in text


@pytest.mark.parametrize("message", [digest(50), user_digest(60)])
def test_a_digest_that_was_full_says_that_there_may_be_more(message: DigestMessage | UserDigestMessage) -> None:
    full = message.model_copy(update={"more_alerts": 950, "more_alerts_is_least": True})

    assert full.subject.startswith("1000 alerts or more: ")
    assert "\n... and at least 950 more.\n" in full.text
    for webhook_format in FORMS:
        assert "and at least 990 more" in body_of(webhook_format, full).decode()


@pytest.mark.parametrize("message", [digest(2), user_digest(60), TESTED, FAILED, REPORT, NOTHING_TO_DO])
def test_the_service_s_own_form_is_read_again_as_the_same_message(message: Message) -> None:
    assert read(body_of(WebhookFormat.STANDARD, message).decode()) == message


@pytest.mark.parametrize("message", [digest(1, HOSTILE), user_digest(60), TESTED, FAILED, REPORT, NOTHING_TO_DO])
def test_an_e_mail_s_subject_is_one_that_sns_takes(message: Message) -> None:
    assert re.fullmatch(r"[ -~]{1,100}", message.subject)
    assert not message.subject.startswith(" ")


def test_an_e_mail_has_all_that_a_chat_shows_and_the_way_out() -> None:
    text = REPORT.text

    assert text.startswith("Weekly report: 70 of 70 repositories changed\n")
    assert "[QUIET] a/0: <!channel>" in text
    assert "\n... and 20 more.\n" in text
    assert text.endswith(f"\nStop these reports: {REPORT.leave_url}\n")


@pytest.mark.parametrize("message", [digest(1, HOSTILE), TESTED, FAILED, REPORT])
def test_nobody_is_mentioned_and_no_text_becomes_markup(message: Message) -> None:
    slack: Any = json.loads(body_of(WebhookFormat.SLACK, message))
    discord: Any = json.loads(body_of(WebhookFormat.DISCORD, message))
    teams: Any = json.loads(body_of(WebhookFormat.TEAMS, message))
    card = teams["attachments"][0]["content"]

    for said in (slack["text"], *(block["text"]["text"] for block in slack["blocks"])):
        assert "<!channel>" not in said
        assert "|here>" not in said
        assert "*bold*" not in said
        assert "`code`" not in said
    assert discord["allowed_mentions"] == {"parse": []}
    for said in (discord["content"], *(block["text"] for block in card["body"])):
        assert "[click](" not in said
        assert "*bold*" not in said.replace("\\*", "")
        assert "`code`" not in said


@pytest.mark.parametrize("webhook_format", FORMS)
def test_what_does_not_print_is_not_shown(webhook_format: WebhookFormat) -> None:
    body = body_of(webhook_format, digest(1, "Ada\x1b[2J changed \u202e400\u202c\r\n@here\u2028files."))

    assert not any(character in body.decode() for character in ("\\u001b", "\u202e", "\u202c", "\\r", "\u2028"))
    FORMS[webhook_format].model_validate_json(body)


@pytest.mark.parametrize(
    ("url", "chosen", "expected"),
    [
        ("https://hooks.slack.com/services/T/B/x", None, WebhookFormat.SLACK),
        ("https://discord.com/api/webhooks/1/x", None, WebhookFormat.DISCORD),
        ("https://discordapp.com/api/webhooks/1/x", None, WebhookFormat.DISCORD),
        ("https://contoso.webhook.office.com/webhookb2/x", None, WebhookFormat.TEAMS),
        ("https://prod-1.westeurope.logic.azure.com/workflows/x", None, WebhookFormat.TEAMS),
        ("https://hooks.example.org/x", None, WebhookFormat.STANDARD),
        ("https://hooks.slack.com.example.org/x", None, WebhookFormat.STANDARD),
        ("https://hooks.example.org/x", WebhookFormat.SLACK, WebhookFormat.SLACK),
        ("https://hooks.slack.com/services/T/B/x", WebhookFormat.STANDARD, WebhookFormat.STANDARD),
    ],
)
def test_the_host_tells_the_format_unless_one_is_chosen(
    url: str, chosen: WebhookFormat | None, expected: WebhookFormat
) -> None:
    assert format_of(url, chosen) is expected


UNKNOWN = b'{"message": "Unknown Webhook", "code": 10015}'


@pytest.mark.parametrize(
    ("webhook_format", "status", "body", "is_gone"),
    [
        *((each, 410, b"", True) for each in WebhookFormat),
        *((each, 404, b"", False) for each in WebhookFormat),
        *((each, 500, b"no_service", False) for each in WebhookFormat),
        (WebhookFormat.SLACK, 404, b"no_service", True),
        (WebhookFormat.SLACK, 404, b"no_team\n", True),
        (WebhookFormat.SLACK, 404, b"channel_not_found", True),
        (WebhookFormat.SLACK, 404, b"<html>no_service</html>", False),
        (WebhookFormat.SLACK, 404, UNKNOWN, False),
        (WebhookFormat.DISCORD, 404, UNKNOWN, True),
        (WebhookFormat.DISCORD, 404, b'{"message": "404: Not Found", "code": 0}', False),
        (WebhookFormat.DISCORD, 404, b"[10015]", False),
        (WebhookFormat.DISCORD, 404, b"[" * 1024, False),
        (WebhookFormat.DISCORD, 404, b"no_service", False),
        (WebhookFormat.STANDARD, 404, b"no_service", False),
        (WebhookFormat.TEAMS, 404, UNKNOWN, False),
    ],
)
def test_an_answer_says_gone_as_its_service_documents_it(
    webhook_format: WebhookFormat, status: int, body: bytes, *, is_gone: bool
) -> None:
    assert says_gone(webhook_format, status, body) is is_gone
