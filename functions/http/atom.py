"""A user's alerts as an Atom feed (RFC 4287)."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from xml.etree import ElementTree as ET

from functions.http.shapes.alerts import UserAlertAnswer
from watchlist import clock
from watchlist.text import one_line
from watchlist.watching.user_alerts import ListedAlert

CONTENT_TYPE = "application/atom+xml; charset=utf-8"

_NAMESPACE = "http://www.w3.org/2005/Atom"
_TITLE_CHARACTERS = 200
_SUMMARY_CHARACTERS = 1000


def feed(token: str, path: str, alerts: Sequence[ListedAlert], now: datetime) -> str:
    """Return the feed; an alert has the same id for ever, and is updated when it is acknowledged or resolved.

    Texts of strangers lose what XML cannot hold.
    """
    root = ET.Element("feed", xmlns=_NAMESPACE)
    name = hashlib.sha256(token.encode()).hexdigest()[:32]
    shown = [UserAlertAnswer.listed(alert) for alert in alerts]
    _text(root, "id", f"urn:repository-watchlist:feed:{name}")
    _text(root, "title", "Repository Watchlist: alerts")
    _text(root, "updated", clock.to_json(max((_updated(each) for each in shown), default=now)))
    ET.SubElement(root, "link", rel="self", href=path)
    author = ET.SubElement(root, "author")
    _text(author, "name", "Repository Watchlist")
    for each in shown:
        _entry(root, each)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode")


def _entry(root: ET.Element, alert: UserAlertAnswer) -> None:
    entry = ET.SubElement(root, "entry")
    _text(entry, "id", f"urn:repository-watchlist:{alert.id}")
    _text(entry, "title", one_line(f"{alert.name}: {alert.message}", _TITLE_CHARACTERS))
    _text(entry, "published", clock.to_json(alert.raised_at))
    _text(entry, "updated", clock.to_json(_updated(alert)))
    ET.SubElement(entry, "link", rel="alternate", href=alert.link or alert.repository_url)
    for term in (str(alert.level), str(alert.kind)):
        ET.SubElement(entry, "category", term=term)
    _text(entry, "summary", one_line(alert.message, _SUMMARY_CHARACTERS))


def _updated(alert: UserAlertAnswer) -> datetime:
    return max(moment for moment in (alert.raised_at, alert.acknowledged_at, alert.resolved_at) if moment is not None)


def _text(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = text
