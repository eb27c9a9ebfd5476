"""Speaks for a task that ended without a report: explains it on the entry and hands its message back at once.

The reconciler finds the same entries later by their leases, so nothing depends on these events arriving, arriving
once, or in order.
"""

import random
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import startup
from watchlist import clock
from watchlist.deployment import functions as function_specs
from watchlist.errors import ErrorCode, JobError
from watchlist.jobs import line
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.protocol import Launch, SupersededError
from watchlist.jobs.queue import MessageGoneError
from watchlist.jobs.stopped_tasks import StoppedTask, launch_of
from watchlist.metrics import Metric, publisher
from watchlist.storage.records import Entry

function = startup.Function(function_specs.TASK_STOPPED)
logger = function.logger
metrics = publisher()
queue = function.part(startup.job_queue)


@function.handler
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Serve one `ECS Task State Change` event."""
    del context
    task = StoppedTask.model_validate(event["detail"])
    job = task.job
    if task.last_status != "STOPPED" or job is None:
        logger.info("not a stopped job", task_arn=task.task_arn, last_status=task.last_status)
        return
    launch = launch_of(job)
    logger.set_correlation_id(launch.message.correlation_id)
    line.free_slot(launch, job.slot, function.settings, queue(), clock.now())
    try:
        entry = _record(launch, task)
    except SupersededError:
        logger.info("the entry has moved on", watchlist_id=launch.message.watchlist_id)
        return
    if entry is not None:
        _hand_back(launch, job.receipt_handle, entry)


def _record(launch: Launch, task: StoppedTask) -> Entry | None:
    """Write why the attempt ended, or was none; None if it had ended already, or reported by itself."""
    error = task.error
    entry = job_protocol.find_entry(launch.message.watchlist_id)
    if entry is None:
        return None
    now = clock.now()
    if entry.is_held_by(launch.owner):
        silent = JobError(ErrorCode.WORKER_LOST, "The worker ended without a report.")
        entry = job_protocol.record_lost(entry, error or silent, now)
    elif error is not None and task.can_start_later:
        return _put_off(launch, error)
    elif error is not None:
        entry = job_protocol.record_unstarted(launch, error, now)
    else:
        return None
    reason = error or silent
    logger.warning("task ended without a report", watchlist_id=entry.watchlist_id, reason=str(reason))
    metrics.attempt_failed(reason.code)
    if not entry.state.is_open:
        metrics.add(Metric.JOB_FAILED)
    return entry


def _put_off(launch: Launch, error: JobError) -> Entry:
    """Let the launch be tried again later, like one that ECS refuses at once for the same reason."""
    now = clock.now()
    jitter = random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries, protects nothing
    until = now + function.settings.postpone * jitter
    entry = job_protocol.record_put_off(launch, error, now, until)
    logger.warning("task could not start now", watchlist_id=entry.watchlist_id, reason=error.message)
    metrics.add(Metric.TASK_POSTPONED)
    return entry


def _hand_back(launch: Launch, receipt_handle: str, entry: Entry) -> None:
    """Let the message be received again after the pause; at once when SQS is to move it to the dead-letter queue."""
    try:
        queue().hide(queue().held(launch.message.kind, receipt_handle), entry.pause(clock.now()))
    except MessageGoneError:
        logger.info("the message is gone; the reconciler looks after the entry", watchlist_id=entry.watchlist_id)
