"""Finds, on a schedule, the entries that nobody looks after any more, and puts them right.

A lease that ran out, an add that died between its two writes, a message that was lost, a job past its bound: each
stands in the index of due entries, by the moment at which somebody should have shown a sign of life.
"""

from datetime import timedelta
from typing import Any, assert_never

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import startup
from watchlist import clock, function_specs, job_protocol, limits, reconciling, removal
from watchlist.job_protocol import SupersededError
from watchlist.metrics import Metric, attempt_failed_by, publisher
from watchlist.reconciling import DeclareLost, Forget, Requeue, TimeOut, Wait
from watchlist.records import Entry
from watchlist.settings import EnqueueSettings
from watchlist.states import DueKind

settings, logger = startup.start(EnqueueSettings, function_specs.RECONCILER.name)
metrics = publisher()
queue = startup.job_queue(settings)


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Serve the entries that are due, the longest overdue first; what is left over is the next run's."""
    del event, context
    recovered = overdue = 0
    due = Entry.by_due.query(DueKind.JOB, Entry.due_at <= clock.now(), limit=limits.RECONCILED_AT_ONCE)
    for key in due:
        entry = job_protocol.find_entry(key.pk)
        if entry is None:
            continue
        remedy = reconciling.decide(entry, clock.now())
        overdue += isinstance(remedy, TimeOut)
        try:
            recovered += _apply(entry, remedy)
        except SupersededError:
            logger.info("the entry has moved on", watchlist_id=entry.watchlist_id)
    _purge_removed()
    metrics.add_metric(Metric.ENTRIES_RECOVERED, Metric.ENTRIES_RECOVERED.unit, recovered)
    metrics.add_metric(Metric.ENTRIES_OVERDUE, Metric.ENTRIES_OVERDUE.unit, overdue)
    metrics.add_metric(Metric.RECONCILER_RUN, Metric.RECONCILER_RUN.unit, 1)
    return {"recovered": recovered, "overdue": overdue}


def _purge_removed() -> None:
    """Delete what removed entries have left, once no task can write to them any more."""
    due = Entry.by_due.query(DueKind.REMOVAL, Entry.due_at <= clock.now(), limit=limits.PURGED_AT_ONCE)
    for key in due:
        if removal.purge(key.pk, clock.now()):
            logger.info("entry purged", watchlist_id=key.pk)


def _apply(entry: Entry, remedy: reconciling.Remedy) -> bool:
    """Put the entry right; whether anything had to be done for its job."""
    now = clock.now()
    match remedy:
        case Wait():
            return False
        case Forget():
            job_protocol.forget_due(entry)
            return False
        case TimeOut(error):
            job_protocol.record_timed_out(entry, error, now)
            metrics.add_metric(Metric.JOB_FAILED, Metric.JOB_FAILED.unit, 1)
        case DeclareLost(error):
            entry = job_protocol.record_lost(entry, error, now)
            metrics.add_metric(Metric.ATTEMPT_FAILED, Metric.ATTEMPT_FAILED.unit, 1)
            metrics.add_metric(attempt_failed_by(error.code), Metric.ATTEMPT_FAILED.unit, 1)
            if entry.state.is_open:
                _send_again(entry)
            else:
                metrics.add_metric(Metric.JOB_FAILED, Metric.JOB_FAILED.unit, 1)
        case Requeue():
            _send_again(entry)
        case _:
            assert_never(remedy)
    logger.warning("entry recovered", watchlist_id=entry.watchlist_id, remedy=repr(remedy))
    return True


def _send_again(entry: Entry) -> None:
    """Let a new copy count, then send it; if sending fails, the entry is due again soon."""
    now = clock.now()
    pause = max(entry.next_attempt_at - now, timedelta(0)) if entry.next_attempt_at else timedelta(0)
    queue.send(job_protocol.requeue(entry, now + limits.SEND_TIMEOUT), pause)
