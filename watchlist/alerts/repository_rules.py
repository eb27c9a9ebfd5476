"""Alerts about a repository as a whole: rewritten history, silence, a finished analysis. Pure functions."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Literal

from watchlist import limits
from watchlist.alerts.alert import Alert, AlertLevel, AlertMetric, ThresholdKind, Watcher, quoted
from watchlist.alerts.settings import AlertKind
from watchlist.health.verdict import Verdict, VerdictState
from watchlist.history.commits import Commit

_SHORT_SHA = 12
_DAY = timedelta(days=1)


def descends_from(
    previous_head: str, head: str, *, new_commits: Iterable[Commit], stored_shas: Collection[str]
) -> bool | None:
    """Return whether `head` has `previous_head` among its ancestors or is it; None where the commits do not tell.

    `stored_shas` are commits that were reachable from `previous_head`, so none of them but itself has it as an
    ancestor and the search ends at them. It also ends at root commits. A path that leaves both collections tells
    nothing: history was cut there by the window or by the limit on commits.
    """
    parents = {commit.sha: commit.parents for commit in new_commits}
    pending, seen, complete = [head], {head}, True
    while pending:
        sha = pending.pop()
        if sha == previous_head:
            return True
        if sha in stored_shas:
            continue
        complete = complete and sha in parents
        further = [parent for parent in parents.get(sha, ()) if parent not in seen]
        seen.update(further)
        pending += further
    return False if complete else None


def ancestry_break_alert(
    watcher: Watcher, *, previous_head: str | None, head: str, descends: bool | None
) -> Alert | None:
    """Return the alert of a rewritten default branch, as by a force push.

    Args:
        watcher: whose alert it is.
        previous_head: the commit that was the branch's head when it was last looked at, None at the first time.
        head: its head now.
        descends: whether `head` has `previous_head` among its ancestors (see `descends_from`); None where that is
            not known, which raises nothing.
    """
    if not watcher.settings.ancestry_breaks.enabled or previous_head in {None, head} or descends is not False:
        return None
    return Alert(
        id=watcher.alert_id(AlertKind.ANCESTRY_BREAKS, str(previous_head), head),
        kind=AlertKind.ANCESTRY_BREAKS,
        level=AlertLevel.CRITICAL,
        metric=AlertMetric.HISTORY_REWRITES,
        value=1,
        threshold=1,
        threshold_kind=ThresholdKind.OCCURRENCE,
        commit_sha=head,
        message=f"The default branch was rewritten: its former head {quoted(str(previous_head), _SHORT_SHA + 1)} is no "
        f"ancestor of {quoted(head, _SHORT_SHA + 1)}. Commits that others have built upon may be gone.",
    )


def inactivity_alert(
    watcher: Watcher,
    *,
    last_commit_sha: str,
    last_commit_at: datetime,
    watched_since: datetime,
    now: datetime,
) -> Alert | None:
    """Return the alert of a repository that has been quiet for the days of the settings; once per quiet period.

    The id names the last commit, so the alert comes once until there is another commit. A repository that was quiet
    for that long already when it was added is no news and raises none. All times are UTC.

    Args:
        watcher: whose alert it is.
        last_commit_sha: the newest commit of the default branch.
        last_commit_at: its committer time.
        watched_since: when this watcher added the repository.
        now: when this is evaluated.
    """
    days = watcher.settings.inactivity.days
    quiet = (now - last_commit_at) // _DAY
    quiet_when_added = (watched_since - last_commit_at) // _DAY
    if not watcher.settings.inactivity.enabled or not quiet_when_added < days <= quiet:
        return None
    return Alert(
        id=watcher.alert_id(AlertKind.INACTIVITY, last_commit_sha),
        kind=AlertKind.INACTIVITY,
        level=AlertLevel.MILD,
        metric=AlertMetric.DAYS_SINCE_LAST_COMMIT,
        value=quiet,
        threshold=days,
        threshold_kind=ThresholdKind.DAYS,
        commit_sha=last_commit_sha,
        message=f"No commit for {quiet} days, since {last_commit_at:%Y-%m-%d}: {days} or more raise this alert.",
    )


def processing_finished_alert(
    watcher: Watcher,
    *,
    job_id: str,
    status: Literal["ready", "failed"],
    reason: str | None = None,
) -> Alert | None:
    """Return the alert of an analysis that came to its end.

    Args:
        watcher: whose alert it is.
        job_id: the job that came to its end; every retry by hand is another job, every attempt is not.
        status: how it ended, for good.
        reason: why it failed, for a person.
    """
    chosen = watcher.settings.processing_finished
    if not chosen.enabled or not {"ready": chosen.ready, "failed": chosen.failed}[status]:
        return None
    why = f" {quoted(reason, 300)}" if reason else ""
    return Alert(
        id=watcher.alert_id(AlertKind.PROCESSING_FINISHED, job_id, status),
        kind=AlertKind.PROCESSING_FINISHED,
        level=AlertLevel.MILD if status == "ready" else AlertLevel.CRITICAL,
        metric=AlertMetric.PROCESSING_RUNS_FINISHED,
        value=1,
        threshold=1,
        threshold_kind=ThresholdKind.OCCURRENCE,
        message="The repository has been analysed and is ready."
        if status == "ready"
        else f"The repository could not be analysed.{why}",
    )


def unavailable_alert(watcher: Watcher, *, gone_since: datetime, reason: str, failures: int) -> Alert | None:
    """Return the alert of a repository that vanished, turned private or moved; once per absence.

    Args:
        watcher: whose alert it is.
        gone_since: when the absence was first seen; it names the absence.
        reason: what the host says, for a person.
        failures: checks in a row that found it gone.
    """
    if not watcher.settings.repository_unavailable.enabled:
        return None
    return Alert(
        id=watcher.alert_id(AlertKind.REPOSITORY_UNAVAILABLE, gone_since.isoformat(), "gone"),
        kind=AlertKind.REPOSITORY_UNAVAILABLE,
        level=AlertLevel.CRITICAL,
        metric=AlertMetric.CHECKS_FAILED,
        value=failures,
        threshold=limits.GONE_CONFIRMED_AFTER,
        threshold_kind=ThresholdKind.OCCURRENCE,
        message=f"The repository has not been there since {gone_since:%Y-%m-%d %H:%M} UTC. {quoted(reason, 300)} "
        "What is known of it stays; it is checked ever more rarely.",
    )


def available_again_alert(watcher: Watcher, *, gone_since: datetime) -> Alert | None:
    """Return the alert of a repository that is back after an absence that watchers were told of; once per absence."""
    if not watcher.settings.repository_unavailable.enabled:
        return None
    return Alert(
        id=watcher.alert_id(AlertKind.REPOSITORY_UNAVAILABLE, gone_since.isoformat(), "back"),
        kind=AlertKind.REPOSITORY_UNAVAILABLE,
        level=AlertLevel.MILD,
        metric=AlertMetric.CHECKS_ANSWERED,
        value=1,
        threshold=1,
        threshold_kind=ThresholdKind.OCCURRENCE,
        message=f"The repository, gone since {gone_since:%Y-%m-%d %H:%M} UTC, is back.",
    )


TOLD_OTHERWISE = frozenset({VerdictState.GONE, VerdictState.MOVED})
"""Verdicts whose coming and going `repository_unavailable` tells."""


def verdict_alert(watcher: Watcher, *, before: VerdictState, verdict: Verdict, at: datetime) -> Alert | None:
    """Return the alert of a verdict that changed.

    Args:
        watcher: whose alert it is.
        before: the verdict of the check before.
        verdict: the present one.
        at: the day of the change names it: a verdict that is found twice on one day is told once.
    """
    states = {before, verdict.state}
    if not watcher.settings.verdict_changes.enabled or len(states) == 1 or states & TOLD_OTHERWISE:
        return None
    return Alert(
        id=watcher.alert_id(AlertKind.VERDICT_CHANGES, before, verdict.state, f"{at:%Y-%m-%d}"),
        kind=AlertKind.VERDICT_CHANGES,
        level=AlertLevel.CRITICAL if verdict.state is VerdictState.FAILING else AlertLevel.MILD,
        metric=AlertMetric.VERDICTS_CHANGED,
        value=1,
        threshold=1,
        threshold_kind=ThresholdKind.OCCURRENCE,
        message=f"It is {verdict.state} now and was {before} before. {quoted(verdict.reasons[0].message, 300)}",
    )
