"""What can be seen of the service from outside when nothing is under way any more."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import boto3

from local_service.aws import embedded as embedded_aws
from local_service.commands.api_client import ApiClient, ProblemError
from local_service.service import LocalService
from tests.e2e.chaos.sources import Source
from tests.e2e.chaos.users import Outcome
from watchlist.history.manifest import Manifest
from watchlist.history.segments import unpack
from watchlist.history.store import Attempt
from watchlist.jobs.message import JobMessage
from watchlist.storage import tables
from watchlist.storage.records import SEGMENT_PREFIX

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_sqs.type_defs import MessageTypeDef

Item = Mapping[str, Any]

_POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, as its status and its commits say.

    Attributes:
        status: the API's answer.
        commits: shas of all pages.
    """

    status: Mapping[str, Any]
    commits: tuple[str, ...]

    @property
    def error(self) -> Mapping[str, Any] | None:
        """The `last_error`."""
        error: Mapping[str, Any] | None = self.status["last_error"]
        return error

    @property
    def time_in_processing(self) -> timedelta | None:
        """From the start of the last job to its end; None for one that has not ended."""
        if self.status["processing_completed_at"] is None:
            return None
        started, completed = (self.status[f"processing_{moment}_at"] for moment in ("started", "completed"))
        return datetime.fromisoformat(completed) - datetime.fromisoformat(started)


@dataclass(frozen=True, slots=True)
class StoredHistory:
    """What the tables hold of one entry's history.

    Attributes:
        manifest: what counts; without segments for an entry that has none.
        segments: by id, how many commits can be read of each.
        written_by: generation and attempt of the last task that held the entry.
    """

    manifest: Manifest
    segments: Mapping[str, int]
    written_by: Attempt


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that the checks look at.

    Attributes:
        outcomes: of all adds.
        sources: by the address under which they were added.
        entries: by their ids; None for an id that was answered to an add and is not known now.
        histories: by the ids of entries; of one that is not there, the manifest names nothing.
        generations: of each entry, which jobs of its earlier generations are superseded by.
        failed_jobs: the records of all jobs that failed.
        dead_letters: the messages in all dead-letter queues, by their ids.
        dead_letter_depth: what the API says of them.
        left_in_queues: messages in the job queues, of any visibility, by the API.
    """

    outcomes: Sequence[Outcome]
    sources: Mapping[str, Source]
    entries: Mapping[str, Entry | None]
    histories: Mapping[str, StoredHistory]
    generations: Mapping[str, int]
    failed_jobs: Sequence[Item]
    dead_letters: Mapping[str, JobMessage]
    dead_letter_depth: int
    left_in_queues: int


class Observer:
    """Looks at one running service."""

    def __init__(self, service: LocalService) -> None:
        arguments: Any = embedded_aws.client_arguments(service.aws.url)
        self._api = ApiClient(service.url)
        self._sqs = boto3.client("sqs", **arguments)
        database = boto3.resource("dynamodb", **arguments)
        self._watchlist, self._activity = (database.Table(each.name) for each in (tables.WATCHLIST, tables.ACTIVITY))
        self._dead_letter_queues = [queue.url for queue in service.environment.dead_letter_queues.values()]

    def wait_until_quiet(self, seconds: float) -> bool:
        """Return True as soon as nothing is processing and the job queues are empty, False if that takes too long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self._is_processing() and self._left_in_queues() == 0:
                return True
            time.sleep(_POLL_SECONDS)
        return False

    def observe(self, outcomes: Sequence[Outcome], sources: Mapping[str, Source]) -> Observation:
        """Look at everything; the arguments are what the service itself cannot tell."""
        items = _all_of(self._watchlist)
        ids = {item["watchlist_id"] for item in items if item["type"] == "entry"}
        ids |= {outcome.watchlist_id for outcome in outcomes if outcome.watchlist_id}
        depth = sum(queue["dead_letters"] for queue in self._api.queues())
        return Observation(
            outcomes=outcomes,
            sources=sources,
            entries={watchlist_id: self._entry(watchlist_id) for watchlist_id in sorted(ids)},
            histories=_histories(items, _all_of(self._activity)),
            generations={item["watchlist_id"]: int(item["generation"]) for item in items if item["type"] == "entry"},
            failed_jobs=[item for item in items if item["type"] == "job" and item.get("error")],
            dead_letters=self._dead_letters(),
            dead_letter_depth=depth,
            left_in_queues=self._left_in_queues(),
        )

    def _entry(self, watchlist_id: str) -> Entry | None:
        try:
            status = self._api.status(watchlist_id)
            commits = tuple(commit["sha"] for commit in self._api.commits(watchlist_id))
        except ProblemError as problem:
            if problem.status != HTTPStatus.NOT_FOUND:
                raise
            return None
        return Entry(status, commits)

    def _is_processing(self) -> bool:
        return any(item["type"] == "entry" and item["status"] == "processing" for item in _all_of(self._watchlist))

    def _left_in_queues(self) -> int:
        return sum(queue["waiting"] + queue["in_flight"] + queue["delayed"] for queue in self._api.queues())

    def _dead_letters(self) -> dict[str, JobMessage]:
        return {
            message["MessageId"]: JobMessage.model_validate_json(message["Body"])
            for url in self._dead_letter_queues
            for message in self._messages(url)
        }

    def _messages(self, queue_url: str) -> "Iterable[MessageTypeDef]":
        while True:
            received = self._sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=600)
            if not received.get("Messages"):
                return
            yield from received["Messages"]


def _all_of(table: "Table") -> list[Item]:
    """Return the whole table: what no answer told of is found nowhere else."""
    items: list[Item] = []
    start: dict[str, Any] = {}
    while True:
        page = table.scan(ConsistentRead=True, **start)
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            return items
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _histories(watchlist: Iterable[Item], activity: Iterable[Item]) -> dict[str, StoredHistory]:
    entries = {item["pk"]: item for item in watchlist if item["type"] == "entry"}
    segments: dict[str, dict[str, int]] = {pk: {} for pk in entries}
    for item in activity:
        if item["type"] == "segment":
            commits = unpack(bytes(item["listed"]), bytes(item["changes"]))
            segments.setdefault(item["pk"], {})[item["sk"].removeprefix(SEGMENT_PREFIX)] = len(commits)
    return {pk: _history(pk, entries.get(pk, {}), found) for pk, found in segments.items()}


def _history(watchlist_id: str, entry: Item, segments: Mapping[str, int]) -> StoredHistory:
    manifest = Manifest.of(json.loads(entry["manifest"]) if entry.get("manifest") else None)
    attempt = Attempt(watchlist_id, int(entry.get("generation", 0)), int(entry.get("claimed_attempt", 0)))
    return StoredHistory(manifest, segments, attempt)
