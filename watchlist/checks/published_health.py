"""The health of a repository at rest, renewed by a check: where its score is published, no task is started for it."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger

from watchlist import clock, limits
from watchlist.alerts.health_news import tell_of_health
from watchlist.checks import decisions as checking
from watchlist.health import store as health_store
from watchlist.health.analysis import Analysis, scorecards_of
from watchlist.health.published import FORGE_HOST, NotAnsweredError, published_report
from watchlist.health.report import UnusableReportError, read_report
from watchlist.health.scorecard import ScorecardResult, ScorecardSource
from watchlist.health.store import KnownPeople
from watchlist.health.summary import in_short, of_result, score_change
from watchlist.history import store as history_store
from watchlist.history.last_commits import LastCommits
from watchlist.history.metrics import HistoryMetrics
from watchlist.history.outlook import Outlook
from watchlist.history.people import People, Rename, Renames
from watchlist.jobs.host_back_off import Hosts
from watchlist.json_client import JsonClient
from watchlist.storage.records import Entry


@dataclass(frozen=True, slots=True)
class Renewed:
    """A health that is stored already.

    Attributes:
        attributes: of the entry that change with it; the health counts when they are written.
        alerts: how many it has raised.
    """

    attributes: Mapping[str, Any]
    alerts: int


class PublishedHealth:
    """Renews the health of entries; `renew` may be called by several threads at once."""

    def __init__(self, base_url: str, hosts: Hosts, logger: Logger) -> None:
        """Ask the server at `base_url`, and leave it alone like any of `hosts` when it is in trouble."""
        self._base_url = base_url
        self._hosts = hosts
        self._logger = logger
        self._client = JsonClient(seconds=limits.PUBLISHED_SCORE_TIMEOUT.total_seconds())
        self._measuring = threading.Semaphore(limits.HISTORIES_AT_ONCE)

    def renew(self, entry: Entry, now: datetime) -> Renewed | None:
        """Store an analysis with the published score; return None where a task is needed for it.

        That is so when the repository has moved, when no score is published that would renew the last one, when a part
        of the history is lost, and when it is not known what `.mailmap` says.
        """
        if entry.repository.host != FORGE_HOST or not checking.is_at_rest(entry):
            return None
        renames = health_store.renames(entry.watchlist_id)
        if renames is None or self._hosts.paused_until(self._base_url, now) is not None:
            return None
        result = self._published(entry, now)
        if result is None:
            return None
        with self._measuring:
            measured = _measured(entry, renames, now)
        if measured is None:
            return None
        metrics, people = measured
        earlier = scorecards_of(health_store.latest(entry.watchlist_id))
        alerts = tell_of_health(entry.watchlist_id, earlier, result, now)
        # After the alerts, since the next look compares with what is stored.
        analysis = Analysis(analyzed_at=now, head_sha=entry.head_sha, scorecard=result, history_metrics=metrics)
        health_store.put(entry.watchlist_id, analysis, people)
        self._logger.info("health renewed by the published score", watchlist_id=entry.watchlist_id)
        change = score_change(entry, earlier, result)
        summary = in_short(metrics, score=result.score, score_change=change)
        return Renewed(of_result(result, entry.head_sha, now) | summary, alerts)

    def _published(self, entry: Entry, now: datetime) -> ScorecardResult | None:
        asked_at = clock.now()
        try:
            document = published_report(self._base_url, entry.owner, entry.name, self._client)
        except NotAnsweredError as error:
            self._hosts.failed(self._base_url, error.trouble, clock.now())
            return None
        except UnusableReportError:
            self._answered(asked_at)
            return None
        self._answered(asked_at)
        try:
            result = read_report(
                document,
                name=f"{FORGE_HOST}/{entry.owner}/{entry.name}",
                source=ScorecardSource.PUBLISHED,
                head=entry.head_sha,
                obtained_at=now,
            )
        except UnusableReportError:
            return None
        return result if result.date is not None and checking.renews(result.date, entry, now) else None

    def _answered(self, asked_at: datetime) -> None:
        answered_at = clock.now()
        self._hosts.answered(self._base_url, answered_at, answered_at - asked_at)


def _measured(entry: Entry, renames: Sequence[Rename], now: datetime) -> tuple[HistoryMetrics, KnownPeople] | None:
    """Measure the history as of now; return None when it cannot be read as a whole."""
    history = history_store.load(entry)
    if history.is_lost:
        return None
    commits = history.commits
    people = People((commit.author for commit in commits), Renames.of(renames))
    last = LastCommits.of(commits, people, now).or_later(LastCommits.model_validate(entry.last_commits or {}))
    metrics = Outlook.at(now, people, last, entry.history_covered_since).measure(commits, now)
    return metrics, KnownPeople.of(people, commits)
