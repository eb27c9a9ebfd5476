"""Receives job messages and launches a task for each.

A launched message is reported as failed, so that Lambda leaves it in flight: the task deletes it, extends its
invisibility or hands it back, and SQS counts receives and moves it to the dead-letter queue. Only a message that
nothing is left to do for is reported as handled.
"""

import random
from datetime import timedelta
from typing import Any, assert_never

import boto3
from aws_lambda_powertools.utilities.data_classes import SQSEvent, event_source
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from functions import startup
from functions.task_launcher import Refused, TaskLauncher
from watchlist import clock, dispatching, entries, function_specs, job_protocol, limits
from watchlist.dispatching import Drop, GiveUp, LeaveToDeadLetterQueue, Postpone, ReceivedMessage, Redrive, Start
from watchlist.errors import ErrorCode, JobError
from watchlist.job_message import JobMessage
from watchlist.job_protocol import Launch, SupersededError
from watchlist.job_queue import HeldMessage
from watchlist.metrics import Metric, publisher
from watchlist.settings import DispatcherSettings

settings, logger = startup.start(DispatcherSettings, function_specs.DISPATCHER.name)
metrics = publisher()
queue = startup.job_queue(settings)
launcher = TaskLauncher(boto3.client("ecs", config=startup.CLIENT_CONFIG), settings)

Handled = bool
"""Whether Lambda may delete the message."""


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
@event_source(data_class=SQSEvent)
def handler(event: SQSEvent, context: LambdaContext) -> dict[str, Any]:
    """Serve each record and report those that stay in flight.

    Raises:
        ExceptionGroup: records could not be served for a reason that nobody foresaw. Every message of the batch then
            stays in flight, which is harmless, and the function's error count says so.
    """
    del context
    in_flight: list[str] = []
    errors: list[Exception] = []
    for record in event.records:
        try:
            handled = _serve(record)
        except Exception as error:
            logger.exception("message could not be served", message_id=record.message_id)
            errors.append(error)
        else:
            if not handled:
                in_flight.append(record.message_id)
    if errors:
        raise ExceptionGroup("messages could not be served", errors)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in in_flight]}


def _serve(record: SQSRecord) -> Handled:
    try:
        message = JobMessage.model_validate_json(record.body)
    except ValidationError:
        # Left alone it ends in the dead-letter queue, where an operator can look at it.
        logger.exception("not a job message", message_id=record.message_id)
        return False
    received = ReceivedMessage(
        message, record.message_id, int(record.attributes.approximate_receive_count), record.receipt_handle
    )
    logger.set_correlation_id(message.correlation_id)
    try:
        return _act(received)
    except SupersededError:
        # The entry changed between reading and writing: the next receive decides on what it is then.
        logger.info("entry changed while its message was served", watchlist_id=message.watchlist_id)
        return False


def _act(received: ReceivedMessage) -> Handled:
    message = received.message
    entry = job_protocol.find_entry(message.watchlist_id)
    decision = dispatching.decide(received, entry, clock.now())
    logger.info("job message", watchlist_id=message.watchlist_id, job_id=message.job_id, decision=repr(decision))
    match decision:
        case Drop():
            return True
        case Start(attempt):
            return _start(received, attempt)
        case Postpone(delay, _):
            return _postpone(received, delay)
        case GiveUp():
            if entry is not None:
                lost = JobError(ErrorCode.WORKER_LOST, "The last worker vanished without a report.")
                job_protocol.record_lost(entry, lost, clock.now())
            return _leave_to_dead_letter_queue(received)
        case LeaveToDeadLetterQueue():
            return _leave_to_dead_letter_queue(received)
        case Redrive():
            entries.retry(message.watchlist_id, queue, message.correlation_id, clock.now())
            return True
        case _:
            assert_never(decision)


def _start(received: ReceivedMessage, attempt: int) -> Handled:
    message, now = received.message, clock.now()
    job_protocol.adopt(message, received.message_id, now + limits.LAUNCH_TIMEOUT)
    launch = Launch(message, received.message_id, received.receive_count, attempt)
    try:
        task_arn = launcher.start(launch, received.receipt_handle, now)
    except Refused as refused:
        return _refused(received, attempt, refused)
    metrics.add_metric(Metric.TASK_LAUNCHED, Metric.TASK_LAUNCHED.unit, 1)
    job_protocol.record_launch(message, attempt, task_arn, clock.now())
    return False


def _refused(received: ReceivedMessage, attempt: int, refused: Refused) -> Handled:
    logger.warning("task refused", refusal=refused.refusal, reason=refused.reason)
    if refused.refusal.is_temporary:
        metrics.add_metric(Metric.TASK_POSTPONED, Metric.TASK_POSTPONED.unit, 1)
        jitter = random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries, protects nothing
        return _postpone(received, timedelta(seconds=settings.postpone_seconds * jitter))
    metrics.add_metric(Metric.TASK_REFUSED, Metric.TASK_REFUSED.unit, 1)
    error = JobError(ErrorCode.WORKER_NOT_STARTED, "The worker was refused; the operator's log has the reason.")
    now = clock.now()
    entry = job_protocol.record_unstarted(received.message, attempt, error, now)
    queue.hide(_held(received), max(entry.next_attempt_at - now, timedelta(0)) if entry.state.is_open else timedelta(0))
    return False


def _postpone(received: ReceivedMessage, delay: timedelta) -> Handled:
    """Put a copy in the message's place: send it, then let it count, so that a crash between leaves two, not none."""
    copy = received.message.copy_for_later()
    delay = min(delay, limits.MAX_DELAY)
    message_id = queue.send(copy, delay)
    job_protocol.adopt(copy, message_id, clock.now() + delay + limits.QUEUE_TIMEOUT)
    return True


def _leave_to_dead_letter_queue(received: ReceivedMessage) -> Handled:
    job_protocol.remember_dead_letter(received.message, received.message_id)
    queue.hide(_held(received), timedelta(0))
    return False


def _held(received: ReceivedMessage) -> HeldMessage:
    return queue.held(received.message.kind, received.receipt_handle)
