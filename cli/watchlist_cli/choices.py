"""What some options can be."""

from enum import StrEnum


class ReportFormat(StrEnum):
    """How a report is written."""

    MARKDOWN = "markdown"
    HTML = "html"


class ExportFormat(StrEnum):
    """How a list is written."""

    CSV = "csv"
    JSONL = "jsonl"


class WebhookForm(StrEnum):
    """Who reads what is posted to a webhook."""

    STANDARD = "standard"
    SLACK = "slack"
    TEAMS = "teams"
    DISCORD = "discord"


NOWHERE = "none"
"""Takes an address away."""
