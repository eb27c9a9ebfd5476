"""The harm that is done to the service while people use it, by dice with a seed."""

import contextlib
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import boto3

from local_service.aws import embedded as embedded_aws
from local_service.aws.faults import PLATFORM, Fault
from local_service.functions.processes import FunctionError
from local_service.service import Invoke, LocalService
from watchlist.deployment import functions as function_specs
from watchlist.jobs.message import JobMessage
from watchlist.states import JobState
from watchlist.storage import tables
from watchlist.storage.records import ENTRY_KEY

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

Event = dict[str, Any]

_CAPACITY = {"tasks": [], "failures": [{"arn": "cluster", "reason": "Capacity is unavailable at this time."}]}
_THROTTLED = {"__type": "ThrottlingException", "message": "Rate exceeded"}
_HIDDEN_THROTTLE = {"__type": "InvalidParameterException", "message": "Error: Rate exceeded by a called service"}
_DENIED = {"__type": "AccessDeniedException", "message": "not authorized to perform ecs:RunTask"}

_OUTAGES: tuple[tuple[str, Fault], ...] = (
    ("DynamoDB refuses", Fault(service="dynamodb", probability=0.7, moment="before")),
    ("DynamoDB's answer is lost", Fault(service="dynamodb", probability=0.5, moment="after", status=503)),
    ("DynamoDB refuses tasks", Fault(service="dynamodb", caller="task", probability=0.8)),
    ("SQS refuses", Fault(service="sqs", probability=0.8, moment="before", status=503)),
    ("SQS's answer is lost", Fault(service="sqs", probability=0.6, moment="after")),
    ("a received message is lost", Fault(
        service="sqs", operation="ReceiveMessage", caller=PLATFORM, probability=0.2, moment="after")),
    ("a handled message stays", Fault(
        service="sqs", operation="DeleteMessage", caller=PLATFORM, probability=0.8, moment="before")),
    ("RunTask fails", Fault(service="ecs", operation="RunTask", probability=0.8)),
    ("RunTask's answer is lost", Fault(service="ecs", operation="RunTask", probability=0.6, moment="after")),
    ("RunTask has no capacity", Fault(service="ecs", operation="RunTask", status=200, answer=_CAPACITY)),
    ("RunTask is throttled", Fault(service="ecs", operation="RunTask", status=400, answer=_THROTTLED)),
    ("RunTask is throttled inside", Fault(service="ecs", operation="RunTask", status=400, answer=_HIDDEN_THROTTLE)),
    ("AWS does not answer", Fault(probability=0.3, harm="hang", seconds=10)),
    ("AWS performs and does not answer", Fault(probability=0.2, harm="hang", moment="after", seconds=10)),
    ("AWS hangs up", Fault(probability=0.4, harm="close")),
    ("AWS performs and hangs up", Fault(probability=0.3, harm="close", moment="after")),
    ("AWS hangs up in its answer", Fault(probability=0.4, harm="cut")),
    ("AWS hangs up on pollers", Fault(caller=PLATFORM, probability=0.3, harm="cut")),
    ("AWS is late", Fault(probability=0.5, harm="delay", seconds=1)),
    ("DynamoDB throttles", Fault(service="dynamodb", probability=0.5, harm="throttle")),
    ("SQS throttles", Fault(service="sqs", probability=0.6, harm="throttle")),
    ("the disk is slow", Fault(probability=0.2, harm="slow_disk", seconds=0.3)),
    ("the disk is full", Fault(probability=0.6, harm="full_disk")),
    ("the disk is full for pollers", Fault(caller=PLATFORM, probability=0.6, harm="full_disk")),
    ("RunTask is denied", Fault(service="ecs", operation="RunTask", probability=0.5, status=400, answer=_DENIED)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rates:
    """How often harm is done: shares of invocations, and mean seconds between two strikes at tasks or two outages.

    Attributes:
        task_strikes: shares of tasks killed, asked to stop, frozen.
        frozen_seconds: longer than a lease.
    """

    dispatcher_killed: float = 0.08
    dispatched_twice: float = 0.08
    received_again: float = 0.08
    body_sent_again: float = 0.04
    stop_event_lost: float = 0.25
    stop_event_twice: float = 0.15
    stop_event_late: float = 0.25
    function_killed: float = 0.05
    task_struck_seconds: float = 3
    task_strikes: tuple[float, float, float] = (0.65, 0.2, 0.15)
    frozen_seconds: float = 15
    calm_seconds: float = 1.5


@dataclass(slots=True)
class Tally:
    """How much harm was done, by kind."""

    counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, number: int = 1) -> None:
        """Count."""
        with self._lock:
            self.counts[kind] += number

    @property
    def total(self) -> int:
        """All kinds together."""
        return sum(self.counts.values())


class Havoc:
    """Does the harm between `begin` and `end`; `interfere` goes into the service's invocations."""

    def __init__(self, seed: str, rates: Rates, tally: Tally) -> None:
        self._dice = random.Random(f"{seed} invocations")  # noqa: S311 - dice, not secrets
        self._strikes = random.Random(f"{seed} strikes")  # noqa: S311 - as above
        self._weather = random.Random(f"{seed} weather")  # noqa: S311 - as above
        self._rates = rates
        self._tally = tally
        self._ended = threading.Event()
        self._is_killed = False
        self._threads: list[threading.Thread] = []

    def interfere(self, invoke: Invoke, name: str, event: Event) -> Any:
        """Stand in for an invocation."""
        if name == function_specs.DISPATCHER.name:
            return self._dispatch(invoke, event)
        if not self._is_on:
            return invoke(name, event)
        if name == function_specs.TASK_STOPPED.name:
            return self._report_stop(invoke, event)
        with self._perhaps_killed(name, self._rates.function_killed):
            return invoke(name, event)

    def begin(self, service: LocalService) -> None:
        """Start to do harm to the running service."""
        self._service = service
        arguments: Any = embedded_aws.client_arguments(service.aws.url)
        self._sqs: SQSClient = boto3.client("sqs", **arguments)
        self._table = boto3.resource("dynamodb", **arguments).Table(tables.WATCHLIST.name)
        self._threads = [
            threading.Thread(target=self._while_it_lives, args=[harm]) for harm in (self._strike, self._make_weather)
        ]
        for thread in self._threads:
            thread.start()

    def kill(self, processes: Iterable[int]) -> None:
        """Kill all processes of the service, in the middle of whatever they and this harm are doing."""
        self._is_killed = True
        for pid in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._ended.set()
        self._tally.add("the whole service killed")

    def end(self) -> None:
        """Stop; nothing goes wrong any more when this returns."""
        self._ended.set()
        for thread in list(self._threads):
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def _is_on(self) -> bool:
        return bool(self._threads) and not self._ended.is_set()

    def _dispatch(self, invoke: Invoke, event: Event) -> Any:
        name = function_specs.DISPATCHER.name
        if not self._is_on:
            return invoke(name, event)
        if self._happens(self._rates.dispatched_twice):
            self._tally.add("message dispatched twice")
            self._later(self._delay(0, 6), lambda: self._dispatch_again(invoke, event))
        if self._happens(self._rates.received_again):
            record = self._choose(event["Records"])
            self._later(self._delay(0.2, 6), lambda: self._show_again(record))
        if self._happens(self._rates.body_sent_again):
            record = self._choose(event["Records"])
            self._later(self._delay(0.2, 6), lambda: self._send_again(record))
        with self._perhaps_killed(name, self._rates.dispatcher_killed):
            return invoke(name, event)

    def _dispatch_again(self, invoke: Invoke, event: Event) -> None:
        """Lambda may invoke twice for one receive, and deletes what the second invocation has handled."""
        response = invoke(function_specs.DISPATCHER.name, event)
        in_flight = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
        for record in event["Records"]:
            if record["messageId"] not in in_flight:
                self._sqs.delete_message(QueueUrl=self._queue_url(record), ReceiptHandle=record["receiptHandle"])

    def _show_again(self, record: Event) -> None:
        self._sqs.change_message_visibility(
            QueueUrl=self._queue_url(record), ReceiptHandle=record["receiptHandle"], VisibilityTimeout=0
        )
        self._tally.add("message received again")

    def _send_again(self, record: Event) -> None:
        """Send a copy of the body, unless the job has failed: then that is what an operator does to redrive it."""
        watchlist_id = JobMessage.model_validate_json(record["body"]).watchlist_id
        found = self._table.get_item(Key={"pk": watchlist_id, "sk": ENTRY_KEY}, ConsistentRead=True)
        if found.get("Item", {}).get("job_state") in {None, JobState.FAILED}:
            return
        self._sqs.send_message(QueueUrl=self._queue_url(record), MessageBody=record["body"])
        self._tally.add("message sent twice")

    def _queue_url(self, record: Event) -> str:
        return self._service.environment.queues[JobMessage.model_validate_json(record["body"]).kind].url

    def _report_stop(self, invoke: Invoke, event: Event) -> Any:
        name = function_specs.TASK_STOPPED.name
        if self._happens(self._rates.stop_event_lost):
            self._tally.add("task-stopped event lost")
            return None
        if self._happens(self._rates.stop_event_late):
            self._tally.add("task-stopped event late")
            self._later(self._delay(1, 12), lambda: invoke(name, event))
            return None
        if self._happens(self._rates.stop_event_twice):
            self._tally.add("task-stopped event twice")
            self._later(self._delay(0, 8), lambda: invoke(name, event))
        with self._perhaps_killed(name, self._rates.function_killed):
            return invoke(name, event)

    @contextlib.contextmanager
    def _perhaps_killed(self, name: str, share: float) -> Iterator[None]:
        """Perhaps kill the function's processes at some moment of its run."""
        if not self._happens(share):
            yield
            return
        killer = threading.Timer(self._delay(0, 0.3), self._kill, [name])
        killer.start()
        try:
            yield
        finally:
            killer.cancel()
            killer.join()

    def _kill(self, name: str) -> None:
        for pid in self._service.functions.process_ids(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._tally.add(f"{name.replace('_', ' ')} killed")

    def _strike(self) -> None:
        """Do harm to a running task now and then."""
        strikes = (self._kill_task, self._ask_task_to_stop, self._freeze_task)
        while not self._ended.wait(self._strikes.expovariate(1 / self._rates.task_struck_seconds)):
            running = sorted(self._service.runner.process_ids().values())
            (strike,) = self._strikes.choices(strikes, self._rates.task_strikes)
            if running:
                with contextlib.suppress(ProcessLookupError):
                    strike(self._strikes.choice(running))

    def _kill_task(self, pid: int) -> None:
        os.killpg(pid, signal.SIGKILL)
        self._tally.add("task killed")

    def _ask_task_to_stop(self, pid: int) -> None:
        os.kill(pid, signal.SIGTERM)
        self._tally.add("task asked to stop")

    def _freeze_task(self, pid: int) -> None:
        """Stop a task for longer than its lease lasts: it wakes up as one that has lost its job and does not know."""
        os.killpg(pid, signal.SIGSTOP)
        self._tally.add("task frozen")
        self._later(self._rates.frozen_seconds, lambda: os.killpg(pid, signal.SIGCONT))

    def _make_weather(self) -> None:
        """Let one thing after another be out of order for a while."""
        episodes: list[Callable[[float], None]] = [
            *(lambda seconds, kind=kind, fault=fault: self._outage(kind, fault, seconds) for kind, fault in _OUTAGES),
            self._stop_pollers,
            self._stop_pollers,
            self._stop_runner,
        ]
        while not self._ended.is_set():
            self._weather.shuffle(episodes)
            for episode in episodes:
                if not self._ended.wait(self._weather.expovariate(1 / self._rates.calm_seconds)):
                    episode(self._weather.uniform(0.5, 3))

    def _outage(self, kind: str, fault: Fault, seconds: float) -> None:
        self._service.aws.inject(fault, seed=self._weather.randrange(2**32))
        self._ended.wait(seconds)
        self._tally.add(kind, sum(self._service.aws.faults_used()))
        self._service.aws.inject()

    def _stop_pollers(self, seconds: float) -> None:
        for poller in self._service.pollers.values():
            poller.pause()
        self._ended.wait(seconds)
        for poller in self._service.pollers.values():
            poller.resume()
        self._tally.add("poller stopped and restarted")

    def _stop_runner(self, seconds: float) -> None:
        self._service.runner.pause()
        self._ended.wait(seconds)
        self._service.runner.resume()
        self._tally.add("tasks start late")

    def _while_it_lives(self, harm: Callable[[], object]) -> None:
        try:
            harm()
        except Exception:
            if not self._is_killed:
                raise

    def _later(self, seconds: float, act: Callable[[], object]) -> None:
        """Do something in a while, at the latest when the harm ends."""
        thread = threading.Thread(target=self._wait_and, args=(seconds, act))
        self._threads.append(thread)
        thread.start()

    def _wait_and(self, seconds: float, act: Callable[[], object]) -> None:
        self._ended.wait(seconds)
        # The function may fail as any other time; the message or the task may be gone.
        with contextlib.suppress(FunctionError, self._sqs.exceptions.ClientError, ProcessLookupError):
            self._while_it_lives(act)

    def _happens(self, share: float) -> bool:
        return self._dice.random() < share

    def _delay(self, least: float, most: float) -> float:
        return self._dice.uniform(least, most)

    def _choose(self, records: list[Event]) -> Event:
        return self._dice.choice(records)
