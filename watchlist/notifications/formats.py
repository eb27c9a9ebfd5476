"""How a webhook's body is written, as the service's own message or as chat services show one, and what its answer says.

The chat services' forms, with their limits: Slack, "Sending messages using incoming webhooks" and "Blocks"; Microsoft
Teams, "Create incoming webhooks with Workflows" (an Adaptive Card in a message, 28 KB, of which others found 21 KB to
be taken); Discord, "Execute Webhook" (2000 characters, which are code points).
Texts from repositories are escaped: no message mentions anybody, and none has headings or links under other names.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from watchlist.notifications import webhooks
from watchlist.notifications.chat_text import ChatText, Line, Link
from watchlist.notifications.message import Message
from watchlist.text import one_line

SHOWN = 10
"""Lines that a chat message shows: all fit within every service's limits."""

_TEXT_CHARACTERS = 400
"""Longest text of one line, or of the title, in a chat message."""

_DISCORD_CHARACTERS = 2000

_SLACK_GONE = frozenset({b"no_service", b"no_team", b"channel_not_found"})
"""The webhook is disabled, removed or invalid; its workspace, or its channel, is no more."""

_DISCORD_UNKNOWN_WEBHOOK = 10015


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


def body_of(webhook_format: WebhookFormat, message: Message) -> bytes:
    """Return the body of a webhook call."""
    if webhook_format is WebhookFormat.STANDARD:
        return message.model_dump_json().encode()
    # A character beyond ASCII has up to four bytes in UTF-8, and twelve as JSON's escapes.
    return json.dumps(_CHATS[webhook_format](message.chat_text), ensure_ascii=False).encode()


def says_gone(webhook_format: WebhookFormat, status: int, body: bytes) -> bool:
    """Whether an answer says that the webhook is there no more and will not be again.

    From anybody that is 410 (RFC 9110, section 15.5.11), which Slack answers for an archived channel. Of a webhook that
    was deleted Slack and Discord answer 404, as they may in passing, too, and say which in the body: Slack by one word
    ("Sending messages using incoming webhooks", "Handling errors"), Discord by a code ("Opcodes and status codes").
    """
    if status != HTTPStatus.NOT_FOUND:
        return status == HTTPStatus.GONE
    match webhook_format:
        case WebhookFormat.SLACK:
            return body.strip() in _SLACK_GONE
        case WebhookFormat.DISCORD:
            return _discord_code(body) == _DISCORD_UNKNOWN_WEBHOOK
        case WebhookFormat.STANDARD | WebhookFormat.TEAMS:
            return False


def _discord_code(body: bytes) -> object:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return said.get("code") if isinstance(said, dict) else None


def _slack(text: ChatText) -> dict[str, Any]:
    title = _slack_escaped(text.title)
    links = " · ".join(f"<{link.url}|{link.name}>" for link in text.links)
    return {
        "text": title,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": [
            _slack_section(part)
            for part in (f"*{title}*", *_lines(text, _slack_escaped), *_more(text), *([links] if links else []))
        ],
    }


def _slack_section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _slack_escaped(text: str) -> str:
    """Return the text with Slack's three control characters as entities ("Formatting text for app surfaces")."""
    line = one_line(text, _TEXT_CHARACTERS).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([*_~`])", "\\1\u200b", line)  # a zero-width space after each mark, for there is no other escape


def _discord(text: ChatText) -> dict[str, Any]:
    links = " · ".join(f"[{link.name}](<{link.url}>)" for link in text.links)
    end = "".join(f"\n{part}" for part in (*_more(text), *([links] if links else [])))
    content = "\n".join((f"**{_markdown_escaped(text.title)}**", *_lines(text, _markdown_escaped)))
    room = _DISCORD_CHARACTERS - len(end)
    return {
        "content": (content if len(content) <= room else content[: room - 1] + "…") + end,
        "allowed_mentions": {"parse": []},
        "flags": 4,  # no previews of links
    }


def _teams(text: ChatText) -> dict[str, Any]:
    lines = [
        {
            "type": "TextBlock",
            "text": _line(line, _markdown_escaped),
            "wrap": True,
            "color": "Attention" if line.is_urgent else "Default",
        }
        for line in _shown(text)
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "TextBlock", "text": _markdown_escaped(text.title), "weight": "Bolder", "wrap": True},
            *lines,
            *({"type": "TextBlock", "text": more, "isSubtle": True} for more in _more(text)),
        ],
        "actions": [_teams_action(link) for link in text.links],
    }
    return {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        ],
    }


def _teams_action(link: Link) -> dict[str, Any]:
    return {"type": "Action.OpenUrl", "title": link.name, "url": link.url}


_CHATS: Mapping[WebhookFormat, Callable[[ChatText], dict[str, Any]]] = {
    WebhookFormat.SLACK: _slack,
    WebhookFormat.TEAMS: _teams,
    WebhookFormat.DISCORD: _discord,
}


def _shown(text: ChatText) -> Sequence[Line]:
    return text.lines[:SHOWN]


def _more(text: ChatText) -> list[str]:
    """Return what is said of the lines that are not shown."""
    more = text.and_more(len(_shown(text)))
    return [] if more is None else [more]


def _lines(text: ChatText, escaped: Callable[[str], str]) -> list[str]:
    return [_line(line, escaped) for line in _shown(text)]


def _line(line: Line, escaped: Callable[[str], str]) -> str:
    return f"{line.mark}: {escaped(line.text)}"


def _markdown_escaped(text: str) -> str:
    """Return the text so that Markdown shows it as it is; addresses stay, without a name of their own."""
    return re.sub(r"([\\*_~`|>\[\]()#<])", r"\\\1", one_line(text, _TEXT_CHARACTERS))
