"""How each route is asked, by a user who has one of everything: what is held of all routes is held by this table."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from functions.http.openapi import built
from tests.integration.http.client import CLICK, FLASK, Answer, Client
from tests.integration.http.stored import end_job, raise_alerts, store_commits, store_health
from watchlist import clock
from watchlist.deployment import routes
from watchlist.deployment.routes import Route
from watchlist.job_kinds import JobKind
from watchlist.notifications import channels
from watchlist.states import DueKind, EntryStatus
from watchlist.storage.records import ENTRY_KEY, Entry

Ids = Mapping[str, str]
"""By the names that they have in requests."""

_DOCUMENT = json.loads(built.DOCUMENT.read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request names besides its path: `{name}` in `query` and `body` stands for an id, as in the path.

    `called` says which id the path's name stands for, where that is not the one of the same name.
    """

    query: str = ""
    body: object = None
    called: Mapping[str, str] = field(default_factory=dict)

    def path(self, route: Route) -> str:
        """Return path and query with the names of ids."""
        path = route.path
        for name, id_name in self.called.items():
            path = path.replace(f"{{{name}}}", f"{{{id_name}}}")
        return f"{path}?{self.query}" if self.query else path

    def names(self, route: Route) -> list[str]:
        """Return the names of the ids that the request has."""
        text = self.path(route) + json.dumps(self.body)
        return [name for name in IDS if f"{{{name}}}" in text]


IDS = (
    *("user", "watchlist_id", "failed_id", "user_watchlist_id", "alert_id", "channel_id", "queue"),
    *("share", "feed", "badge", "leave"),
)
_SETTINGS = {"name": "team", "webhook_url": "https://hooks.example.org/team"}
_SHARED_BADGE, _SHARED_FEED, _LEFT = {"token": "badge"}, {"token": "feed"}, {"token": "leave"}

ASKED: Mapping[str, Asked] = {
    route.key: asked
    for route, asked in (
        (routes.ADD, Asked(body={"repo_url": "pallets/jinja", "added_by": "{user}"})),
        (routes.ADD_BATCH, Asked(body={"items": [{"repo_url": "pallets/jinja", "added_by": "{user}"}]})),
        (routes.STATUS, Asked("user={user}")),
        (routes.RETRY, Asked(called={"watchlist_id": "failed_id"})),
        (routes.RETRY_FAILED, Asked(body={"user": "{user}"})),
        (routes.CHECK, Asked()),
        (routes.COMMITS, Asked()),
        (routes.RELEASES, Asked()),
        (routes.HEALTH, Asked()),
        (routes.HEALTH_HISTORY, Asked()),
        (routes.HEALTH_CHANGES, Asked()),
        (routes.COMPARE, Asked("watchlist_ids={watchlist_id},{failed_id}")),
        (routes.EXPORT_WATCHLIST, Asked("user={user}")),
        (routes.EXPORT_COMMITS, Asked()),
        (routes.EXPORT_ALERTS, Asked("user={user}")),
        (routes.USER_WATCHLIST, Asked("user={user}")),
        (routes.SHOW_ALERTS, Asked()),
        (routes.CHANGE_ALERTS, Asked(body={})),
        (routes.PATCH_ALERTS, Asked(body={"inactivity": None})),
        (routes.SHOW_NOTIFICATIONS, Asked()),
        (routes.CHANGE_NOTIFICATIONS, Asked(body={"email": True})),
        (routes.FORGET_NOTIFICATIONS, Asked()),
        (routes.PATCH_NOTIFICATIONS, Asked(body={"webhook_url": "https://hooks.example.org/mine"})),
        (routes.TEST_NOTIFICATIONS, Asked()),
        (routes.CHANNELS, Asked("user={user}")),
        (routes.ADD_CHANNEL, Asked("user={user}", _SETTINGS)),
        (routes.SHOW_CHANNEL, Asked()),
        (routes.CHANGE_CHANNEL, Asked(body=_SETTINGS)),
        (routes.REMOVE_CHANNEL, Asked()),
        (routes.PATCH_CHANNEL, Asked(body={"rules": []})),
        (routes.TEST_CHANNEL, Asked()),
        (routes.LEAVE, Asked(called=_LEFT)),
        (routes.LEAVE_NOW, Asked(called=_LEFT)),
        (routes.STOP_WATCHING, Asked()),
        (routes.PATCH_WATCH, Asked(body={"notes": "Why."})),
        (routes.USER_ALERTS, Asked("user={user}&watchlist_id={watchlist_id}")),
        (routes.ACKNOWLEDGE_ALERTS, Asked(body={"ids": ["{alert_id}"]})),
        (routes.RESOLVE_ALERTS, Asked(body={"ids": ["{alert_id}"]})),
        (routes.ALERTS, Asked()),
        (routes.ACKNOWLEDGE_ALERT, Asked()),
        (routes.RESOLVE_ALERT, Asked()),
        (routes.JOBS, Asked()),
        (routes.OPEN_JOBS, Asked()),
        (routes.QUEUES, Asked()),
        (routes.REDRIVE, Asked()),
        (routes.SHARES, Asked("user={user}")),
        (routes.ADD_SHARE, Asked("user={user}", {"kind": "badge", "watchlist_id": "{watchlist_id}"})),
        (routes.REVOKE_SHARE, Asked("user={user}", called={"token": "share"})),
        (routes.FEED, Asked(called=_SHARED_FEED)),
        (routes.BADGE, Asked(called=_SHARED_BADGE)),
        (routes.BADGE_FOR_SHIELDS, Asked(called=_SHARED_BADGE)),
        (routes.OPENAPI, Asked()),
        (routes.DOCS, Asked()),
    )
}
"""By the key of the route."""


def one_of_everything(client: Client, user: str) -> Ids:
    """Let a user have one of everything; return the ids."""
    client = client.of(user)
    ready, failed = client.add(FLASK, user), client.add(CLICK, user)
    end_job(failed, EntryStatus.FAILED)
    end_job(ready, EntryStatus.READY)
    now = clock.now()
    Entry(ready, ENTRY_KEY).update(
        [
            Entry.due_kind.set(DueKind.CHECK),
            Entry.due_at.set(now + timedelta(hours=20)),
            Entry.checked_at.set(now - timedelta(hours=4)),
        ]
    )
    store_commits(ready, 3)
    store_health(ready)
    mine = client.user_watchlist_id(ready, user)
    client.put(
        routes.CHANGE_NOTIFICATIONS.path.replace("{user_watchlist_id}", mine),
        {"webhook_url": "https://hooks.example.org/mine"},
    )
    (alert_id,) = raise_alerts(mine, ready, 1)
    of_user = f"?user={quote(user)}"
    channel = client.post(routes.ADD_CHANNEL.path + of_user, {"name": "mail", "weekly_report": True}).body
    feed = client.post(routes.ADD_SHARE.path + of_user, {"kind": "feed"}).body["token"]
    badge = client.post(routes.ADD_SHARE.path + of_user, {"kind": "badge", "watchlist_id": ready}).body["token"]
    leave = channels.find(channel["channel_id"], user).leave_token
    assert leave is not None
    return {
        "user": user,
        "watchlist_id": ready,
        "failed_id": failed,
        "user_watchlist_id": mine,
        "alert_id": alert_id,
        "channel_id": channel["channel_id"],
        "share": badge,
        "feed": feed,
        "badge": badge,
        "leave": leave,
        "queue": JobKind.REPOSITORY_SETUP,
    }


def ask(client: Client, route: Route, ids: Ids, asked: Asked | None = None) -> Answer:
    """Ask with these ids."""
    asked = asked or ASKED[route.key]
    path = _filled(asked.path(route), {name: quote(value, safe="") for name, value in ids.items()})
    body = None if asked.body is None else json.loads(_filled(json.dumps(asked.body), ids))
    kind = {"content-type": "application/merge-patch+json"} if route.body is routes.Body.MERGE_PATCH else {}
    return client.call(route.method, path, body, kind)


def is_for_operators(route: Route) -> bool:
    """Whether the document says that users are refused."""
    refused: Any = _DOCUMENT["paths"].get(route.path, {}).get(route.method.lower(), {}).get("responses", {})
    return "operators_only" in refused.get("403", {}).get("description", "")


def _filled(text: str, ids: Ids) -> str:
    for name, value in ids.items():
        text = text.replace(f"{{{name}}}", value)
    return text
