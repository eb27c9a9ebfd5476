"""Receives job messages and launches a task for each.

A launched message is reported as failed, so that Lambda leaves it in flight: the task deletes it, extends its
invisibility or hands it back, and SQS counts receives and moves it to the dead-letter queue. Only a message that
nothing is left to do for is reported as handled.
"""

import random
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never

import boto3
from aws_lambda_powertools.utilities.data_classes import SQSEvent, event_source
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from functions import startup
from watchlist import clock, limits
from watchlist.deployment import functions as function_specs
from watchlist.errors import ErrorCode, JobError
from watchlist.jobs import dispatching, host_back_off, line, task_slots
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.dispatching import (
    DeclareLost,
    Drop,
    LeaveToDeadLetterQueue,
    Postpone,
    ReceivedMessage,
    Redrive,
    Start,
)
from watchlist.jobs.message import JobMessage
from watchlist.jobs.protocol import Launch, SupersededError
from watchlist.jobs.queue import MessageGoneError
from watchlist.jobs.task_launcher import Refused, TaskLauncher
from watchlist.metrics import Metric, publisher
from watchlist.states import Share
from watchlist.storage.records import Entry
from watchlist.watching import entries
from watchlist.watching.entries import EntryNotFoundError, NotFailedError

function = startup.Function(function_specs.DISPATCHER)
logger = function.logger
metrics = publisher()
queue = function.part(startup.job_queue)
launcher = function.part(lambda settings: TaskLauncher(boto3.client("ecs", config=startup.CLIENT_CONFIG), settings))

Handled = bool
"""Whether Lambda may delete the message."""


@function.handler
@metrics.log_metrics
@event_source(data_class=SQSEvent)
def handler(event: SQSEvent, context: LambdaContext) -> dict[str, Any]:
    """Serve each record and report those that stay in flight.

    Raises:
        ExceptionGroup: records could not be served for a reason that nobody foresaw. Their messages and the launched
            ones stay in flight, which is harmless, and the function's error count says so.
    """
    del context
    in_flight: list[str] = []
    errors: list[Exception] = []
    lines: set[Share] = set()
    for record in event.records:
        try:
            handled = _serve(record, lines)
        except Exception as error:
            logger.exception("message could not be served", message_id=record.message_id)
            errors.append(error)
        else:
            if not handled:
                in_flight.append(record.message_id)
    for share in sorted(lines):  # a slot may have been freed while its jobs stepped into line
        try:
            line.call(share, function.settings, queue(), clock.now())
        except Exception as error:
            logger.exception("nobody could be called", share=share)
            errors.append(error)
    if errors:
        raise ExceptionGroup("messages could not be served", errors)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in in_flight]}


def _serve(record: SQSRecord, lines: set[Share]) -> Handled:
    """Do what there is to do about a message, and add the share of a job that has to wait to `lines`."""
    try:
        message = JobMessage.model_validate_json(record.body)
    except ValidationError:
        # Left alone it ends in the dead-letter queue, where an operator can look at it.
        logger.exception("not a job message", message_id=record.message_id)
        return False
    attributes = record.attributes
    received = ReceivedMessage(
        message,
        message_id=record.message_id,
        receive_count=int(attributes.approximate_receive_count),
        receipt_handle=record.receipt_handle,
        sent_at=datetime.fromtimestamp(int(attributes.sent_timestamp) / 1000, UTC),
    )
    logger.set_correlation_id(message.correlation_id)
    try:
        handled = _act(received, lines)
    except SupersededError:
        # The entry changed between reading and writing: the next receive decides on what it is then.
        logger.info("entry changed while its message was served", watchlist_id=message.watchlist_id)
        return False
    if handled:
        _delete(received)
    return handled


def _act(received: ReceivedMessage, lines: set[Share]) -> Handled:
    message = received.message
    entry = job_protocol.find_entry(message.watchlist_id)
    now = clock.now()
    paused_until = None if entry is None else host_back_off.paused_until(entry.origin, now)
    decision = dispatching.decide(received, entry, now, host_paused_until=paused_until)
    logger.info(
        "job message",
        watchlist_id=message.watchlist_id,
        job_id=message.job_id,
        generation=message.generation,
        delivery=message.delivery,
        message_id=received.message_id,
        receive_count=received.receive_count,
        decision=repr(decision),
    )
    match decision:
        case Drop():
            return True
        case Start(attempt):
            launch = Launch(message, received.message_id, received.receive_count, attempt)
            return entry is None or _start(received, launch, entry, lines)
        case Postpone(delay, _, for_task):
            return _postpone(received, delay, for_task=for_task)
        case DeclareLost(error):
            if entry is not None:
                _count_failure(job_protocol.record_lost(entry, error, clock.now()), error)
            return _act(received, lines)
        case LeaveToDeadLetterQueue():
            job_protocol.remember_dead_letter(message, received.message_id)
            _hand_back(received, timedelta(0))
            return False
        case Redrive():
            return _redrive(message)
        case _:
            assert_never(decision)


def _start(received: ReceivedMessage, launch: Launch, entry: Entry, lines: set[Share]) -> Handled:
    now, share = clock.now(), Share.of(received.message.kind)
    slot = line.slot_for(launch, function.settings, now, behind_others=share in lines)
    if slot is None:
        job_protocol.wait_in_line(received.message, entry)
        logger.info("waits in line: %s", received.message.watchlist_id)
        lines.add(share)
        return True
    try:
        job_protocol.begin_launch(launch, now + function.settings.launch_timeout)
        task_arn = launcher().start(launch, received.receipt_handle, slot)
    except Refused as refused:
        return _refused(received, launch, slot, refused)
    except Exception:
        task_slots.free_slot(share, slot, launch.owner)
        raise
    metrics.add(Metric.TASK_LAUNCHED)
    job_protocol.record_launch(launch, task_arn, clock.now() + function.settings.launch_timeout)
    return False


def _refused(received: ReceivedMessage, launch: Launch, slot: int, refused: Refused) -> Handled:
    """Put the launch off, or count it as an attempt.

    The slot of one that is put off is kept for it: it stays ahead of the jobs that wait, which ECS would refuse, too.
    A task that started although its answer was lost then runs without a slot: the bound gives way.
    """
    logger.warning("task refused", refusal=refused.refusal, reason=refused.reason)
    now = clock.now()
    if refused.refusal.is_temporary:
        metrics.add(Metric.TASK_POSTPONED)
        jitter = random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries, protects nothing
        delay = function.settings.postpone * jitter
        line.keep_slot(launch, slot, delay + function.settings.send_timeout, now)
        return _postpone(received, delay)
    metrics.add(Metric.TASK_REFUSED)
    error = JobError(ErrorCode.WORKER_NOT_STARTED, "The worker was refused; the operator's log has the reason.")
    line.free_slot(launch, slot, function.settings, queue(), now)
    entry = job_protocol.record_unstarted(launch, error, now)
    _count_failure(entry, error)
    _hand_back(received, entry.pause(now))
    return False


def _postpone(received: ReceivedMessage, delay: timedelta, *, for_task: bool = False) -> Handled:
    """Put a copy in the message's place: send it, then let it count, so that a crash between leaves two, not none."""
    copy = received.message.copy_for_later()
    delay = min(delay, limits.MAX_DELAY)
    message_id = queue().send(copy, delay)
    job_protocol.adopt(copy, message_id, None if for_task else clock.now() + delay + function.settings.queue_timeout)
    return True


def _redrive(message: JobMessage) -> Handled:
    try:
        entries.retry(message.watchlist_id, queue(), message.correlation_id, clock.now())
    except (EntryNotFoundError, NotFailedError):
        logger.info("somebody else was faster", watchlist_id=message.watchlist_id)
    return True


def _hand_back(received: ReceivedMessage, pause: timedelta) -> None:
    """Let the message be received again after `pause`; the entry is written, so that any later moment will do."""
    try:
        queue().hide(queue().held(received.message.kind, received.receipt_handle), pause)
    except (MessageGoneError, JobError) as error:
        logger.warning("the message could not be handed back", message_id=received.message_id, reason=repr(error))


def _delete(received: ReceivedMessage) -> None:
    """Take a handled message out at once, though Lambda would do it in the end.

    When another record of the batch fails, or the function dies, Lambda deletes nothing. The message would come back,
    and after a few times end in the dead-letter queue, where nobody needs it.
    """
    try:
        queue().delete(queue().held(received.message.kind, received.receipt_handle))
    except (MessageGoneError, JobError) as error:
        logger.warning("the message is left to Lambda", message_id=received.message_id, reason=repr(error))


def _count_failure(entry: Entry, error: JobError) -> None:
    metrics.attempt_failed(error.code)
    if not entry.state.is_open:
        metrics.add(Metric.JOB_FAILED)
