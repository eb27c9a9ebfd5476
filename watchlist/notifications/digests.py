"""Alerts that a user is still to be told of, collected so that there is at most one digest in an interval.

One item per user, and one per user entry with settings of its own, holds the ids of the alerts, a set: an alert that is
collected twice is told once. Whoever tells marks the alerts as told first, so that a stream record that comes again
later collects nothing.
"""

import hashlib
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from pynamodb.exceptions import PutError, UpdateError

from watchlist import limits
from watchlist.states import DueKind
from watchlist.storage import batches
from watchlist.storage.failures import is_refused
from watchlist.storage.records import AlertRecord, Digest

_TRIES = 5
"""Tries against a digest of the same user entry that is being sent at the same instant."""


class ContendedDigestError(Exception):
    """The digest changed again and again while an alert was collected; try again later."""


def collect(of: str, alert_id: str, interval: timedelta, at: datetime, *, user: str | None = None) -> None:
    """Let an alert be told with the next digest: at once after a quiet interval, else when the interval is over.

    A digest that is full tells of no more.

    Args:
        of: the user entry's id, or `Digest.of_user`.
        alert_id: which alert.
        interval: the least time between two digests.
        at: now.
        user: whose channels tell of it, None where the user entry's own settings do.

    Raises:
        ContendedDigestError: others were faster again and again; nothing is collected.
    """
    for _ in range(_TRIES):
        digest = find(of)
        try:
            if digest is None:
                _start(of, user, alert_id, at)
            elif is_full(digest):
                return
            else:
                _add(digest, alert_id, interval, at)
        except (PutError, UpdateError) as error:
            if is_refused(error):
                continue
            raise
        return
    raise ContendedDigestError(of)


def is_full(digest: Digest) -> bool:
    """Whether it collects no more: other alerts may have come since."""
    return len(digest.alert_ids or ()) >= limits.DIGEST_COLLECTED


def find(of: str) -> Digest | None:
    """Return the digest of a user entry, or of a user's channels; None if there never was one."""
    try:
        return Digest.get(Digest.pk_of(of), Digest.SK, consistent_read=True)
    except Digest.DoesNotExist:
        return None


def due(at: datetime) -> list[Digest]:
    """Return the digests that are due, the longest overdue first, at most `limits.DIGESTS_AT_ONCE`."""
    keys = Digest.by_due.query(DueKind.DIGEST, Digest.due_at <= at, limit=limits.DIGESTS_AT_ONCE)
    found = (find(key.pk.removeprefix(Digest.PREFIX)) for key in keys)
    return [digest for digest in found if digest is not None and digest.alert_ids]


def alerts_of(digest: Digest) -> list[AlertRecord]:
    """Return the collected alerts that still exist, newest first."""
    keys = [(alert_id, AlertRecord.SK) for alert_id in digest.alert_ids]
    found = batches.get(AlertRecord, keys, batches.FUNCTION)
    return sorted(found, key=lambda alert: (alert.raised_at, alert.pk), reverse=True)


def id_of(digest: Digest) -> str:
    """Return the digest's id: the same when the same alerts are told again."""
    text = "\n".join((digest.pk, *sorted(digest.alert_ids)))
    return "digest_" + hashlib.sha256(text.encode()).hexdigest()[:32]


def mark_told(alerts: Iterable[AlertRecord], at: datetime) -> None:
    """Note that the alerts have been told."""
    for alert in alerts:
        alert.update(actions=[AlertRecord.told_at.set(at)], condition=AlertRecord.pk.exists())


def close(digest: Digest, interval: timedelta, at: datetime) -> None:
    """Note that a digest was told; alerts that came meanwhile wait for the next one."""
    try:
        digest.update(
            actions=[
                Digest.alert_ids.remove(),
                Digest.due_kind.remove(),
                Digest.due_at.remove(),
                Digest.last_sent_at.set(at),
            ],
            condition=Digest.alert_ids == digest.alert_ids,
        )
    except UpdateError as error:
        if not is_refused(error):
            raise
        _keep_the_others(digest.of, digest.alert_ids, interval, at)


def _start(of: str, user: str | None, alert_id: str, at: datetime) -> None:
    Digest(
        Digest.pk_of(of),
        Digest.SK,
        of=of,
        user=user,
        alert_ids={alert_id},
        due_kind=DueKind.DIGEST,
        due_at=at,
        expires_at=at + limits.ALERT_RETENTION,
    ).save(condition=Digest.pk.does_not_exist())


def _add(digest: Digest, alert_id: str, interval: timedelta, at: datetime) -> None:
    last = digest.last_sent_at
    due_at = at if last is None else max(at, last + interval)
    digest.update(
        actions=[
            Digest.alert_ids.add({alert_id}),
            Digest.due_kind.set(DueKind.DIGEST),
            Digest.due_at.set(Digest.due_at | due_at),
            Digest.expires_at.set(at + limits.ALERT_RETENTION),
        ],
        condition=Digest.last_sent_at.does_not_exist() if last is None else Digest.last_sent_at == last,
    )


def _keep_the_others(of: str, told: Collection[str], interval: timedelta, at: datetime) -> None:
    Digest(Digest.pk_of(of), Digest.SK).update(
        actions=[
            Digest.alert_ids.delete(set(told)),
            Digest.due_at.set(at + interval),
            Digest.last_sent_at.set(at),
        ],
        condition=Digest.pk.exists(),
    )
