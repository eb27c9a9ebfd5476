"""A report of a user's watchlist that can be mailed: what is in trouble, what changed, the worst first."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Any

from watchlist_cli.errors import CommandError
from watchlist_cli.text import as_markdown

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_VERDICT_CHANGES = "verdict_changes"
_WELL = frozenset({"active", "slowing"})


def period(text: str) -> timedelta:
    """Read a length of time: `12h`, `7d`, `2w`.

    Raises:
        CommandError: it is none.
    """
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not (number.isascii() and number.isdecimal()) or not 0 < int(number) <= 1000:  # noqa: PLR2004 - 1000 weeks are 19 years
        raise CommandError(f"{text!r} is no length of time like 12h, 7d or 2w")
    return int(number) * _UNITS[unit]


class Report:
    """What is told of a watchlist: sections of lines, rendered as Markdown or HTML.

    Args:
        rows: the watchlist, the most worrying first.
        alerts: those of the period.
        since: when the period began.
        now: when it ends.
    """

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        alerts: Sequence[Mapping[str, Any]],
        since: datetime,
        now: datetime,
    ) -> None:
        self._title = f"Watchlist: {since:%Y-%m-%d} to {now:%Y-%m-%d}"
        verdicts = Counter(row["verdict"]["state"] for row in rows)
        self._summary = f"{len(rows)} repositories: " + (
            ", ".join(f"{number} {verdict}" for verdict, number in verdicts.most_common()) or "none"
        )
        processing = sum(row["status"] == "processing" for row in rows)
        self._summary += f"; {processing} are being processed" if processing else ""
        self._sections = {
            "In trouble": [
                (row["name"], f"{row['verdict']['state']}: {row['verdict']['reasons'][0]['message']}")
                for row in rows
                if row["verdict"]["state"] not in _WELL and row["status"] != "processing"
            ],
            "Verdicts that changed": _told(alerts, lambda kind: kind == _VERDICT_CHANGES),
            "Releases": [
                (row["name"], f"{latest['tag']}, {moment:%Y-%m-%d}")
                for row in rows
                if (latest := (row.get("release") or {}).get("latest")) and latest["made_at"]
                if (moment := datetime.fromisoformat(latest["made_at"])) >= since
            ],
            "Alerts": _told(alerts, lambda kind: kind != _VERDICT_CHANGES),
            "Scores that moved": [
                (row["name"], f"{row['score']:g} ({row['score_change']:+g})")
                for row in sorted(rows, key=lambda row: row["score_change"] or 0)
                if row["score_change"] and row["analyzed_at"] and datetime.fromisoformat(row["analyzed_at"]) >= since
            ],
        }

    def markdown(self) -> str:
        """Return the report as Markdown; strangers' texts are only text in it."""
        lines = [f"# {self._title}", "", self._summary, ""]
        for title, entries in self._sections.items():
            lines += [f"## {title}", ""]
            lines += [f"- **{as_markdown(name)}** {as_markdown(text)}" for name, text in entries] or ["None."]
            lines.append("")
        return "\n".join(lines)

    def html(self) -> str:
        """Return the report as one HTML page without anything from elsewhere."""
        body = [f"<h1>{escape(self._title)}</h1>", f"<p>{escape(self._summary)}</p>"]
        for title, entries in self._sections.items():
            body.append(f"<h2>{escape(title)}</h2>")
            items = [f"<li><strong>{escape(name)}</strong> {escape(text)}</li>" for name, text in entries]
            body.append(f"<ul>{''.join(items)}</ul>" if items else "<p>None.</p>")
        head = f'<meta charset="utf-8"><title>{escape(self._title)}</title>'
        return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(body)}</body></html>\n'


def _told(alerts: Sequence[Mapping[str, Any]], is_told: Callable[[str], bool]) -> list[tuple[str, str]]:
    """Alerts of some kinds, critical ones first."""
    return [
        (alert["name"], f"{alert['level']}: {alert['message']}")
        for alert in sorted(alerts, key=lambda alert: str(alert["level"]))
        if is_told(alert["kind"])
    ]
