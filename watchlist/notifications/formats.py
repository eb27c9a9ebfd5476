"""How a webhook's body is written: as the service's own digest, or as a chat service shows a message.

The chat services' forms, with their limits: Slack, "Sending messages using incoming webhooks" and "Blocks"; Microsoft
Teams, "Create incoming webhooks with Workflows" (an Adaptive Card in a message, 28 KB); Discord, "Execute Webhook".
Texts from repositories are escaped: no message mentions anybody, and none has headings or links under other names.
"""

import json
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from watchlist.alerts.kind import AlertLevel
from watchlist.notifications import webhooks
from watchlist.notifications.digest_message import DigestMessage, ToldAlert

SHOWN = 10
"""Alerts that a chat message shows: all fit within every service's limits."""

_TEXT_CHARACTERS = 400
"""Longest text of one alert in a chat message."""


class WebhookFormat(StrEnum):
    """Who reads the body."""

    STANDARD = "standard"
    SLACK = "slack"
    TEAMS = "teams"
    DISCORD = "discord"


_HOSTS: tuple[tuple[re.Pattern[str], WebhookFormat], ...] = (
    (re.compile(r"hooks\.slack(-gov)?\.com"), WebhookFormat.SLACK),
    (re.compile(r"(.+\.)?discord(app)?\.com"), WebhookFormat.DISCORD),
    (re.compile(r".+\.(webhook\.office\.com|logic\.azure\.com|api\.powerplatform\.com)"), WebhookFormat.TEAMS),
)
"""Where the chat services' webhooks are."""


def format_of(url: str, chosen: WebhookFormat | None) -> WebhookFormat:
    """Return the format for an address: the chosen one, or that of the chat service whose host it names."""
    if chosen is not None:
        return chosen
    host = webhooks.parse(url).host
    return next((each for pattern, each in _HOSTS if pattern.fullmatch(host)), WebhookFormat.STANDARD)


def body_of(webhook_format: WebhookFormat, message: DigestMessage) -> bytes:
    """Return the body of a webhook call."""
    if webhook_format is WebhookFormat.STANDARD:
        return message.model_dump_json().encode()
    return json.dumps(_CHATS[webhook_format](message)).encode()


def _slack(message: DigestMessage) -> dict[str, Any]:
    title = _slack_escaped(message.subject)
    blocks = [
        _slack_section(f"*{title}*"),
        *(_slack_section(_line(alert, _slack_escaped)) for alert in _shown(message)),
    ]
    more = _more(message)
    return {
        "text": title,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": [*blocks, *([_slack_section(more)] if more else [])],
    }


def _slack_section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _slack_escaped(text: str) -> str:
    """Return the text with Slack's three control characters as entities ("Formatting text for app surfaces")."""
    return _plain(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"), "*_~`")


def _discord(message: DigestMessage) -> dict[str, Any]:
    lines = [
        f"**{_markdown_escaped(message.subject)}**",
        *(_line(alert, _markdown_escaped) for alert in _shown(message)),
    ]
    more = _more(message)
    content = "\n".join([*lines, *([more] if more else [])])
    limit = 2000
    return {
        "content": content if len(content) <= limit else content[: limit - 1] + "…",
        "allowed_mentions": {"parse": []},
        "flags": 4,  # no previews of links
    }


def _teams(message: DigestMessage) -> dict[str, Any]:
    title = {"type": "TextBlock", "text": _markdown_escaped(message.subject), "weight": "Bolder", "wrap": True}
    lines = [
        {
            "type": "TextBlock",
            "text": _line(alert, _markdown_escaped),
            "wrap": True,
            "color": "Attention" if alert.level is AlertLevel.CRITICAL else "Default",
        }
        for alert in _shown(message)
    ]
    more = _more(message)
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [title, *lines, *([{"type": "TextBlock", "text": more, "isSubtle": True}] if more else [])],
        "actions": [{"type": "Action.OpenUrl", "title": "Open the repository", "url": message.repository_url}],
    }
    return {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        ],
    }


_CHATS: Mapping[WebhookFormat, Callable[[DigestMessage], dict[str, Any]]] = {
    WebhookFormat.SLACK: _slack,
    WebhookFormat.TEAMS: _teams,
    WebhookFormat.DISCORD: _discord,
}


def _shown(message: DigestMessage) -> tuple[ToldAlert, ...]:
    return message.alerts[:SHOWN]


def _more(message: DigestMessage) -> str:
    """Return what is said of the alerts that are not shown."""
    number = len(message.alerts) - len(_shown(message)) + message.more_alerts
    return f"and {number} more" if number else ""


def _line(alert: ToldAlert, escaped: Callable[[str], str]) -> str:
    text = alert.message if len(alert.message) <= _TEXT_CHARACTERS else alert.message[: _TEXT_CHARACTERS - 1] + "…"
    return f"{alert.level.upper()}: {escaped(text)}"


def _markdown_escaped(text: str) -> str:
    """Return the text so that Markdown shows it as it is; addresses stay, without a name of their own."""
    return re.sub(r"([\\*_~`|>\[\]()#<])", r"\\\1", " ".join(text.split()))


def _plain(text: str, marks: str) -> str:
    """Return the text with a zero-width space after each mark, which Slack cannot escape otherwise."""
    return re.sub(f"([{re.escape(marks)}])", "\\1\u200b", " ".join(text.split()))
