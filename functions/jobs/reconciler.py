"""Finds, on a schedule, the entries that nobody looks after any more, and puts them right.

A lease that ran out, an add that died between its two writes, a message that was lost, a job past its bound: each
stands in the index of due entries, by the moment at which somebody should have shown a sign of life. It also ends what
is done in steps: it deletes what removed entries have left, and moves the watchers of those that were merged.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any, assert_never

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import startup
from watchlist import clock, limits
from watchlist.deployment import functions as function_specs
from watchlist.job_kinds import JobKind
from watchlist.jobs import line, reconciling, restarting
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.protocol import SupersededError
from watchlist.jobs.reconciling import DeclareLost, Requeue, TimeOut, Wait
from watchlist.metrics import Metric, publisher
from watchlist.states import DueKind, Share
from watchlist.storage import heartbeats
from watchlist.storage.records import Entry
from watchlist.watching import merging, removal

function = startup.Function(function_specs.RECONCILER)
logger = function.logger
metrics = publisher()
queue = function.part(startup.job_queue)

_RESERVE = timedelta(seconds=20)
"""Time that is left for the entry in hand: more than SQS and DynamoDB can take until their clients give up."""


@function.handler
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Serve the entries that are due, the longest overdue first; what is left over is the next run's.

    `restarted_at` in the event's detail says that the whole service was ended and starts again, as only the one on
    one machine does: whoever was at work before has ended.

    Raises:
        ExceptionGroup: some entries could not be served; the others were.
    """
    restarted_at = event.get("detail", {}).get("restarted_at")
    if restarted_at is not None:
        restarting.give_back(function.settings, datetime.fromisoformat(restarted_at))
    in_turn = _InTurn(context)
    remedies: list[reconciling.Remedy] = []
    in_turn.serve(_due(clock.now()), lambda watchlist_id: remedies.append(_serve(watchlist_id)))
    for share in Share:
        line.call(share, function.settings, queue(), clock.now())
    in_turn.serve(_to_do(DueKind.REMOVAL, limits.PURGED_AT_ONCE), _purge)
    in_turn.serve(_to_do(DueKind.MERGE, limits.MERGED_AT_ONCE), partial(_move_watchers, has_time=in_turn.has_time))
    if restarted_at is None:  # a start is no sign that the schedule works
        heartbeats.beat(clock.now())
    recovered = sum(not isinstance(remedy, Wait) for remedy in remedies)
    overdue = sum(isinstance(remedy, TimeOut) for remedy in remedies)
    metrics.add_some(Metric.ENTRIES_RECOVERED, recovered)
    metrics.add_some(Metric.LONGEST_WAIT, line.longest_wait(clock.now()).total_seconds())
    metrics.add_some(Metric.ENTRIES_OVERDUE, overdue)
    if in_turn.errors:
        raise ExceptionGroup("entries could not be served", in_turn.errors)
    metrics.add(Metric.RECONCILER_RUN)
    return {"recovered": recovered, "overdue": overdue}


class _InTurn:
    """Serves entries one after the other while there is time; one that cannot be served does not keep others waiting.

    Attributes:
        errors: what went wrong so far.
    """

    def __init__(self, context: LambdaContext) -> None:
        self._context = context
        self.errors: list[Exception] = []

    def has_time(self) -> bool:
        """Whether one more can be begun."""
        return self._context.get_remaining_time_in_millis() >= _RESERVE.total_seconds() * 1000

    def serve(self, watchlist_ids: Iterable[str], serve: Callable[[str], object]) -> None:
        """Serve these; those that there is no time for are the next run's."""
        for watchlist_id in watchlist_ids:
            if not self.has_time():
                logger.warning("out of time; the rest is the next run's")
                break
            try:
                serve(watchlist_id)
            except Exception as error:
                logger.exception("entry could not be served", watchlist_id=watchlist_id)
                self.errors.append(error)


def _purge(watchlist_id: str) -> None:
    """Delete what a removed entry has left; it is due once no task can write to it any more."""
    done = removal.purge(watchlist_id, clock.now())
    logger.info("entry purged", watchlist_id=watchlist_id, done=done)


def _move_watchers(watchlist_id: str, has_time: Callable[[], bool]) -> None:
    moved = merging.go_on(watchlist_id, clock.now(), has_time)
    logger.info("watchers moved", watchlist_id=watchlist_id, number=moved)


def _to_do(kind: DueKind, at_most: int) -> Iterator[str]:
    """Yield the entries that are due for this, the longest overdue first."""
    for key in Entry.by_due.query(kind, Entry.due_at <= clock.now(), limit=at_most):
        yield key.pk


def _due(now: datetime) -> Iterator[str]:
    """Yield the entries whose job is past its bound, however lively it seems, then those that gave no sign of life."""
    for kind in JobKind:
        past_bound = Entry.job_queued_at <= now - limits.PROCESSING_BOUND
        at_work = Entry.waits_in.does_not_exist()
        for key in Entry.by_queue.query(kind, past_bound, at_work, limit=limits.RECONCILED_AT_ONCE):
            yield key.pk
    yield from _to_do(DueKind.JOB, limits.RECONCILED_AT_ONCE)


def _serve(watchlist_id: str) -> reconciling.Remedy:
    """Put the entry's job right and return what had to be done."""
    entry = job_protocol.find_entry(watchlist_id)
    if entry is None:
        return Wait()
    remedy = reconciling.decide(entry, clock.now())
    try:
        _apply(remedy, entry)
    except SupersededError:
        logger.info("the entry has moved on", watchlist_id=watchlist_id)
        return Wait()
    if not isinstance(remedy, Wait):
        logger.warning("entry recovered", watchlist_id=watchlist_id, remedy=repr(remedy))
    return remedy


def _apply(remedy: reconciling.Remedy, entry: Entry) -> None:
    match remedy:
        case Wait():
            pass
        case TimeOut(error):
            job_protocol.record_timed_out(entry, error, clock.now())
            metrics.add(Metric.JOB_FAILED)
        case DeclareLost(error):
            entry = job_protocol.record_lost(entry, error, clock.now())
            metrics.attempt_failed(error.code)
            if entry.state.is_open:
                _send_again(entry)
            else:
                metrics.add(Metric.JOB_FAILED)
        case Requeue():
            _send_again(entry)
        case _:
            assert_never(remedy)


def _send_again(entry: Entry) -> None:
    """Let a new copy count, then send it: a crash between leaves no message, and the entry is due again soon."""
    now = clock.now()
    pause = entry.pause(now)
    copy = job_protocol.requeue(entry, now + function.settings.send_timeout)
    job_protocol.adopt(copy, queue().send(copy, pause), now + pause + function.settings.queue_timeout)
