"""The feed, checked against what RFC 4287 asks for."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from functions.http import atom
from tests.alerts import files_changed
from watchlist.repository_url import parse_repository_url
from watchlist.storage.records import AlertRecord
from watchlist.watching.user_alerts import ListedAlert

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
TOKEN = "a" * 43
FLASK = parse_repository_url("https://github.com/pallets/flask")
SHA = "8d3a1c1e6f0b4c7d9e2f5a6b7c8d9e0f1a2b3c4d"
NAMESPACE = "{http://www.w3.org/2005/Atom}"
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def listed(
    message: str = "Ada changed 412 files.",
    *,
    commit_sha: str | None = SHA,
    acknowledged_at: datetime | None = None,
    resolved_at: datetime | None = None,
) -> ListedAlert:
    alert = files_changed(commit_sha=commit_sha, message=message)
    record = AlertRecord(
        alert.id,
        AlertRecord.SK,
        user_watchlist_id="user_1_watchlist_1",
        watchlist_id="watchlist_1",
        raised_at=NOON,
        acknowledged_at=acknowledged_at,
        resolved_at=resolved_at,
        alert=alert.model_dump(mode="json"),
    )
    return ListedAlert(record, FLASK)


def feed(alerts: Sequence[ListedAlert]) -> ET.Element:
    return ET.fromstring(atom.feed(TOKEN, f"/feeds/{TOKEN}", alerts, NOON))  # noqa: S314 - what the service itself has written


def texts(element: ET.Element, tag: str) -> list[str | None]:
    return [each.text for each in element.findall(NAMESPACE + tag)]


def test_feed_and_entries_have_what_the_standard_asks_for() -> None:
    alerts = [listed(), listed(acknowledged_at=NOON + timedelta(hours=1))]
    root = feed(alerts)
    entries = root.findall(f"{NAMESPACE}entry")

    assert root.tag == f"{NAMESPACE}feed"
    assert texts(root.find(f"{NAMESPACE}author") or root, "name") == ["Repository Watchlist"]
    for element in (root, *entries):
        for tag in ("id", "title", "updated"):
            (text,) = texts(element, tag)
            assert text
        assert all(
            RFC_3339.fullmatch(moment or "") for moment in texts(element, "updated") + texts(element, "published")
        )
    ids = [text for element in (root, *entries) for text in texts(element, "id")]
    assert len(set(ids)) == len(ids) == 3
    assert not any(TOKEN in (text or "") for text in ids)
    for entry in entries:
        (link,) = entry.findall(f"{NAMESPACE}link")
        assert link.attrib == {"rel": "alternate", "href": f"{FLASK.url}/commit/{SHA}"}


LATER = NOON + timedelta(hours=1)


@pytest.mark.parametrize("changed", [listed(acknowledged_at=LATER), listed(resolved_at=LATER)])
def test_what_becomes_of_an_alert_updates_its_entry_and_the_feed(changed: ListedAlert) -> None:
    root = feed([changed])
    (entry,) = root.findall(f"{NAMESPACE}entry")

    assert texts(entry, "published") == ["2026-01-31T12:00:00.000Z"]
    assert texts(entry, "updated") == texts(root, "updated") == ["2026-01-31T13:00:00.000Z"]


def test_an_alert_of_no_commit_leads_to_the_repository() -> None:
    (entry,) = feed([listed(commit_sha=None)]).findall(f"{NAMESPACE}entry")

    assert [link.attrib["href"] for link in entry.findall(f"{NAMESPACE}link")] == [FLASK.url]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("<script>alert(1)</script> & ]]> \"'", "<script>alert(1)</script> & ]]> \"'"),
        ("a\x00b\x0bc\x1b[2Jd\ufffe", "a b c [2Jd"),
        ("one\r\ntwo\u2028three\u202efour", "one two three four"),
        ("\N{GRINNING FACE}" * 2000, "\N{GRINNING FACE}" * 999 + "…"),
    ],
    ids=["markup", "no XML", "lines", "long"],
)
def test_a_strangers_text_is_text_whatever_it_holds(message: str, shown: str) -> None:
    (entry,) = feed([listed(message)]).findall(f"{NAMESPACE}entry")

    assert texts(entry, "summary") == [shown]
    (title,) = texts(entry, "title")
    assert title is not None
    assert len(title) <= 200
    assert {child.tag for child in entry} == {
        NAMESPACE + tag for tag in ("id", "title", "published", "updated", "link", "category", "summary")
    }
