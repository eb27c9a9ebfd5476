"""The records in DynamoDB and how they are reached.

Two tables: `watchlist` holds what transactions touch (small items), `activity` what a repository's analysis
yields (many items). Both have the keys `pk` and `sk` and expire items by `expires_at`.

watchlist table
    pk                    sk              item              reached by
    REPOSITORY#<key>      KEY             RepositoryKey     add: is this repository watched already?
    <watchlist_id>        ENTRY           Entry             status poll (one Query over pk), every job
    <watchlist_id>        USER#<hash>     UserEntry         status poll; alerts and removal of one user
    JOBS#<kind>#<outcome> <ended>#<id>    JobRecord         recent jobs of a queue, newest first
    SLOTS#<share>         <number>        TaskSlot          dispatcher: which tasks of a share run
    TURN#<share>          TURN            Turn              line: whose job was called last
    USAGE#<hash>          <hour>          Usage             what a user has asked for within the hour
    USAGE#<hash>          HOLDINGS        Holdings          how many repositories a user watches
    USAGE#<hash>          CONNECTIONS     OpenConnections   which WebSocket connections a user has
    ANSWERS#<hash>        <key>           GivenAnswer       what an add with an `Idempotency-Key` was answered
    ERASED-AUTHORS        <hash>          ErasedAuthor      whose name and address no job may keep
    SENDING#<hash>        SENDING         Sending           which sender calls a user's webhook: one at a time
    SCHEDULER             RUN             SchedulerRun      scheduler: only one run at a time
    HOSTS                 <origin>        HostPause         scheduler: which hosts are left alone, and until when
    CONNECTION#<id>       CONNECTION      LiveConnection    live status: what does a WebSocket connection watch?
    LIVE#<watchlist_id>   <id>            Subscription      live status: all connections of an entry, paged
    LIVE-USERS            <hash>#<id>     UserSubscription  live status: all connections that show all of a user's
    DIGEST#<user_watchlist_id>  DIGEST    Digest            alerts still to be told; a user's are `user_<hash>`
    SHARED#<hash>         SHARED          SharedAddress     what a shared address shows, by its token's hash
    SHARES#<hash>         <token>         OwnShare          the addresses that a user shares
    CHANNELS#<hash>       <slot>          Channel           where a user is told of alerts: all channels in one Query
    HEARTBEAT             HEARTBEAT       Heartbeat         keeps the stream's consumers called
    index `by-user`       user, added_order                 a user's watchlist, newest first
    index `by-due`        due_kind, due_at                  entries that the reconciler or scheduler must look at,
                                                            digests that must be sent
    index `by-queue`      open_queue, job_queued_at         the oldest job of a queue that has not ended
    index `by-turn`       waits_in, turn                    jobs that wait for a slot of their share, by users

activity table
    <watchlist_id>        SEGMENT#<id>              SegmentRecord  some commits; the entry's manifest says which count
    <watchlist_id>        TAGS#<id>                 TagsRecord     some tags; the entry's listing says which count
    <watchlist_id>        HEALTH#<analysed>         HealthRecord   health, newest first
    <alert_id>            ALERT                     AlertRecord    acknowledge and resolve; one event, one alert
    HEARTBEAT             HEARTBEAT                 ActivityHeartbeat  keeps the stream's consumers called
    index `by-user-entry` user_watchlist_id, raised_at             alerts of a user entry, newest first
    index `by-user-alerts` user_hash, listed_order                 alerts of a user: open ones first, newest first
"""

import functools
import hashlib
import json
import threading
import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar

from pydantic import BaseModel
from pynamodb.attributes import (
    Attribute,
    BinaryAttribute,
    BooleanAttribute,
    DiscriminatorAttribute,
    JSONAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.connection import Connection, TableConnection
from pynamodb.constants import BINARY, NULL, NUMBER, STRING
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, IncludeProjection
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from watchlist import limits
from watchlist.errors import JobError
from watchlist.git.package import Package
from watchlist.job_kinds import JobKind
from watchlist.repository_url import Repository
from watchlist.settings import TableSettings
from watchlist.states import EntryStatus, JobState, Share, Stage
from watchlist.storage import tables, whole_answers
from watchlist.storage.last_check import LastCheck

ENTRY_KEY = "ENTRY"
USER_PREFIX = "USER#"
SEGMENT_PREFIX = "SEGMENT#"
TAGS_PREFIX = "TAGS#"
HEALTH_PREFIX = "HEALTH#"


Stored = TypeVar("Stored", bound=BaseModel)


class ModelAttribute(Attribute[Stored]):
    """A Pydantic model as JSON, without what is None; what another version has written besides is passed over."""

    attr_type = STRING

    def __init__(self, model: type[Stored], **options: Any) -> None:  # noqa: ANN401 - PynamoDB's
        super().__init__(**options)
        self._model = model

    def serialize(self, value: Stored) -> str:
        """Return the model's JSON."""
        return value.model_dump_json(exclude_none=True)

    def deserialize(self, value: str) -> Stored:
        """Return the model of this JSON."""
        return self._model.model_validate_json(value, extra="ignore")


class CompressedJSONAttribute(Attribute[Any]):
    """What is JSON, compressed: an analysis takes a quarter of the units that its text would."""

    attr_type = BINARY

    def serialize(self, value: Any) -> bytes:  # noqa: ANN401 - anything that is JSON
        """Return the value as it is stored."""
        return zlib.compress(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(errors="replace"))

    def deserialize(self, value: bytes) -> Any:  # noqa: ANN401 - anything that is JSON
        """Return the value that was stored."""
        return json.loads(zlib.decompress(value))


class IntAttribute(Attribute[int]):
    """A whole number; PynamoDB's own may have a fraction."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        """Return the number in decimal digits."""
        return f"{value:d}"

    def deserialize(self, value: str) -> int:
        """Return the number that was stored."""
        return int(value)


class Item(Model):
    """Any item of either table; its class is told by `type`."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    type = DiscriminatorAttribute()
    expires_at = TTLAttribute(null=True)

    @classmethod
    def _get_connection(cls) -> TableConnection:
        """Return the model's connection, with the client that all models share.

        PynamoDB would make a client for each model, and in each thread that is the first to use it: this costs more
        than dozens of calls, and every client opens sockets of its own.
        """
        table = super()._get_connection()
        table.connection._client = _connection().client  # noqa: SLF001 - there is no other way to give it one
        return table

    @classmethod
    def _instantiate(cls, attribute_values: dict[str, dict[str, Any]]) -> Self:
        """Return the item with these values, of the class that its `type` tells.

        PynamoDB's own looks three times at every attribute that the class has, and an entry has few of its many.

        Raises:
            ValueError: it is of a class that is unknown, or not one of this.
        """
        kind = cls._get_discriminator_class(attribute_values) or cls
        if not issubclass(kind, cls):
            raise ValueError(f"a {kind.__name__} is no {cls.__name__}")  # noqa: TRY004 - as PynamoDB's own
        item: Self = kind.__new__(kind)
        item.attribute_values = {**_defaults(kind)}
        attributes = _attributes(kind)
        for stored_name, value in attribute_values.items():
            if stored_name in attributes and NULL not in value:
                name, attribute = attributes[stored_name]
                item.attribute_values[name] = attribute.deserialize(attribute.get_value(value))
        return item

    @classmethod
    def first_of(cls, pk: str, most: int) -> list[Self]:
        """Return the first items of a partition, whatever they are, as they were written just now.

        PynamoDB's own query has a filter that names every class of the table.
        """
        answer = cls._get_connection().query(pk, consistent_read=True, limit=most)
        return [cls.from_raw_data(item) for item in answer["Items"]]


@functools.cache
def _defaults(kind: type[Item]) -> Mapping[str, Any]:
    """Return what an item has of which nothing is stored; all of it is immutable."""
    return kind(_user_instantiated=False).attribute_values


@functools.cache
def _attributes(kind: type[Item]) -> Mapping[str, tuple[str, Attribute[Any]]]:
    """Return the attributes by the names that they are stored under, each with the one that it has in Python."""
    return {attribute.attr_name: (name, attribute) for name, attribute in kind.get_attributes().items()}


class WatchlistItem(Item):
    """Any item of the watchlist table."""

    class Meta:
        """The table; `bind` gives it its name."""

        table_name = "unbound"
        billing_mode = "PAY_PER_REQUEST"

    write_id = UnicodeAttribute(null=True)
    """Names the last write of `watchlist.storage.updates`."""


class RepositoryKey(WatchlistItem, discriminator="repository"):
    """Which entry a repository's name leads to; written in a transaction, so that it is only one."""

    PREFIX = "REPOSITORY#"
    SK = "KEY"
    watchlist_id = UnicodeAttribute()

    @staticmethod
    def pk_of(repository: Repository) -> str:
        """Return the hash key for `repository`."""
        return RepositoryKey.PREFIX + repository.key


class LastError(MapAttribute[str, Any]):
    """Why the last attempt failed."""

    code = UnicodeAttribute()
    message = UnicodeAttribute()
    stage = UnicodeAttribute(null=True)
    retryable = BooleanAttribute()
    at = UTCDateTimeAttribute()

    @classmethod
    def of(cls, error: JobError, stage: Stage | None, at: datetime) -> Self:
        """Return `error` as it is kept, with its message cut to size."""
        return cls(
            code=str(error.code),
            message=error.message[: limits.ERROR_MESSAGE_CHARACTERS],
            stage=stage and str(stage),
            retryable=error.retryable,
            at=at,
        )


class Progress(MapAttribute[str, Any]):
    """How far the job is: `done` of `total` (if known) in its stage."""

    stage = UnicodeAttribute()
    done = IntAttribute()
    total = IntAttribute(null=True)

    @classmethod
    def of(cls, stage: Stage, done: int = 0, total: int | None = None) -> Self:
        """Return that `stage` has done `done` of `total`."""
        return cls(stage=str(stage), done=done, total=total)


class ByDueIndex(GlobalSecondaryIndex["Entry"]):
    """Entries by the moment at which somebody must look at them; entries that need none are not in it."""

    class Meta:
        """Keys only, since heartbeats and progress would otherwise be written twice."""

        index_name = tables.BY_DUE.name
        projection = IncludeProjection(["type"])

    due_kind = UnicodeAttribute(hash_key=True)
    due_at = UTCDateTimeAttribute(range_key=True)


class ByQueueIndex(GlobalSecondaryIndex["Entry"]):
    """Entries whose job has not ended, by its queue, the longest queued first."""

    class Meta:
        """Keys, and whether the job waits: they change rarely."""

        index_name = tables.BY_QUEUE.name
        projection = IncludeProjection(["type", "waits_in"])

    open_queue = UnicodeAttribute(hash_key=True)
    job_queued_at = UTCDateTimeAttribute(range_key=True)


class ByTurnIndex(GlobalSecondaryIndex["Entry"]):
    """Entries whose job waits until a task of its share may start, in the order of `watchlist.jobs.waiting`."""

    class Meta:
        """Keys only: an entry is in it from the moment at which it waits to the moment at which it is called."""

        index_name = tables.BY_TURN.name
        projection = IncludeProjection(["type"])

    waits_in = UnicodeAttribute(hash_key=True)
    turn = UnicodeAttribute(range_key=True)


class Entry(WatchlistItem, discriminator="entry"):
    """One watched repository and the state of its current job.

    The job's part obeys the protocol in `watchlist.jobs.protocol`; nothing else writes it.
    """

    watchlist_id = UnicodeAttribute()
    origin = UnicodeAttribute()
    owner = UnicodeAttribute()
    name = UnicodeAttribute()
    known_as = JSONAttribute(null=True)
    """The keys of all names that lead here (`watchlist.watching.names`); absent while there is but the one."""
    renamed_at = UTCDateTimeAttribute(null=True)
    merged_into = UnicodeAttribute(null=True)
    """The id of the entry to which its watchers are moved, or were (`watchlist.watching.merging`)."""
    created_at = UTCDateTimeAttribute()
    watchers = IntAttribute()

    status = UnicodeAttribute()
    processing_started_at = UTCDateTimeAttribute()
    processing_completed_at = UTCDateTimeAttribute(null=True)
    last_error = LastError(null=True)
    progress = Progress(null=True)

    generation = IntAttribute()
    job_id = UnicodeAttribute()
    job_kind = UnicodeAttribute()
    job_state = UnicodeAttribute()
    job_queued_at = UTCDateTimeAttribute()
    job_started_at = UTCDateTimeAttribute(null=True)
    job_ended_at = UTCDateTimeAttribute(null=True)
    correlation_id = UnicodeAttribute()
    delivery = IntAttribute()
    message_id = UnicodeAttribute(null=True)
    launch_owner = UnicodeAttribute(null=True)
    attempt = IntAttribute()
    claimed_attempt = IntAttribute()
    attempts_used_up = BooleanAttribute(default=False)
    next_attempt_at = UTCDateTimeAttribute(null=True)
    lease_owner = UnicodeAttribute(null=True)
    lease_expires_at = UTCDateTimeAttribute(null=True)
    task_arn = UnicodeAttribute(null=True)
    due_kind = UnicodeAttribute(null=True)
    due_at = UTCDateTimeAttribute(null=True)
    by_due = ByDueIndex()
    open_queue = UnicodeAttribute(null=True)
    by_queue = ByQueueIndex()
    asked_by = UnicodeAttribute(null=True)
    """`user_hash` of the user who asked for the last setup: whose turn it takes where jobs wait."""
    waits_in = UnicodeAttribute(null=True)
    turn = UnicodeAttribute(null=True)
    called_at = UTCDateTimeAttribute(null=True)
    by_turn = ByTurnIndex()

    package = ModelAttribute(Package, null=True)
    default_branch = UnicodeAttribute(null=True)
    head_sha = UnicodeAttribute(null=True)
    commits = IntAttribute(null=True)
    bad_commits = IntAttribute(null=True)
    recounts = IntAttribute(null=True)
    """Refreshes in a row that have tried in vain to count commits that are without line counts."""
    history_since = UTCDateTimeAttribute(null=True)
    history_covered_since = UTCDateTimeAttribute(null=True)
    """From when on all commits are stored; absent where those of the whole year are."""
    history_notes = ListAttribute(of=UnicodeAttribute, null=True)
    branches = ListAttribute(of=UnicodeAttribute, null=True)
    """Where HEAD names a branch that does not exist, some of those that do."""
    score = NumberAttribute(null=True)
    score_reason = UnicodeAttribute(null=True)
    analyzed_at = UTCDateTimeAttribute(null=True)
    scorecard_date = UTCDateTimeAttribute(null=True)
    scorecard_checked_at = UTCDateTimeAttribute(null=True)
    scorecard_head_sha = UnicodeAttribute(null=True)
    last_commit_at = UTCDateTimeAttribute(null=True)
    last_commit_sha = UnicodeAttribute(null=True)
    """The last one by a person, as in `last_commits`."""
    last_commits = JSONAttribute(null=True)
    """A `LastCommits`."""
    summary = JSONAttribute(null=True)
    """What a row of a list needs of the last analysis (`watchlist.health.summary.Summary`)."""
    manifest = JSONAttribute(null=True)
    """Which segments make up the history (`watchlist.history.manifest`); what it does not name does not count."""

    releases = JSONAttribute(null=True)
    """What is shown of the releases (`watchlist.releases.summary.ReleaseSummary`)."""
    tags = JSONAttribute(null=True)
    """Which segments have the tags (`watchlist.releases.listing.Listing`)."""

    with_health = BooleanAttribute(null=True)
    """Whether the current job, a backfill, renews the health as well."""

    put_off = JSONAttribute(null=True)
    """The refresh that is due and was put off: `kind` of its job, and whether `with_health`."""

    checked_at = UTCDateTimeAttribute(null=True)
    check_requested_at = UTCDateTimeAttribute(null=True)
    """When somebody asked for a check that the next run is to do."""
    verdict = UnicodeAttribute(null=True)
    """The verdict that the last check found; a change is told. What is shown is judged anew, as of now."""
    last_check = ModelAttribute(LastCheck, null=True)
    check_failures = IntAttribute(default=0)
    gone_since = UTCDateTimeAttribute(null=True)
    announced_job_id = UnicodeAttribute(null=True)
    """The setup whose end the watchers were told of."""

    @property
    def repository(self) -> Repository:
        """The repository that is watched."""
        return Repository(self.origin, self.owner, self.name)

    @property
    def entry_status(self) -> EntryStatus:
        """`status`, typed."""
        return EntryStatus(self.status)

    @property
    def is_removed(self) -> bool:
        """Whether nobody watches it any more: to callers it is not there."""
        return self.entry_status is EntryStatus.REMOVED

    @property
    def is_merged(self) -> bool:
        """Whether another entry takes its place: its watchers are on the way to it, or have arrived."""
        return self.merged_into is not None

    @property
    def state(self) -> JobState:
        """`job_state`, typed."""
        return JobState(self.job_state)

    @property
    def kind(self) -> JobKind:
        """`job_kind`, typed."""
        return JobKind(self.job_kind)

    @property
    def stage(self) -> Stage | None:
        """The stage that the current job is in."""
        progress: Progress | None = self.progress
        return None if progress is None else Stage(progress.stage)

    @property
    def awaits_claim(self) -> bool:
        """Whether a launched task has not claimed its attempt yet."""
        return bool(self.attempt > self.claimed_attempt)

    @property
    def waits(self) -> bool:
        """Whether the job waits in line: it has no message until it is called."""
        return self.waits_in is not None

    @property
    def lacks_message(self) -> bool:
        """Whether the job's message is not known to have been sent, though the job neither waits nor has ended."""
        return self.state.is_open and not self.waits and self.message_id is None

    @property
    def could_start_at(self) -> datetime:
        """When the job could start at last: when it was called, or queued if it never had to wait."""
        return self.called_at or self.job_queued_at

    def is_held_by(self, launch_owner: str) -> bool:
        """Whether a task of that launch holds the entry, or held it until its lease ran out."""
        return bool(self.lease_owner) and self.lease_owner.startswith(f"{launch_owner}#")

    def pause(self, at: datetime) -> timedelta:
        """How long after `at` the job's message should come again: until the next attempt, if there is to be one."""
        next_attempt_at: datetime | None = self.next_attempt_at
        return timedelta(0) if next_attempt_at is None else max(next_attempt_at - at, timedelta(0))

    def has_live_lease(self, at: datetime) -> bool:
        """Whether a task holds the entry at that moment."""
        return bool(self.lease_owner) and self.lease_expires_at > at  # the two are set and removed together


class ByUserIndex(GlobalSecondaryIndex["UserEntry"]):
    """A user's watchlist, newest first."""

    class Meta:
        """Whole items, since the list shows them and they rarely change."""

        index_name = tables.BY_USER.name
        projection = AllProjection()

    user = UnicodeAttribute(hash_key=True)
    added_order = UnicodeAttribute(range_key=True)


class UserEntry(WatchlistItem, discriminator="user"):
    """That one user watches one repository: with which alerts, and why."""

    watchlist_id = UnicodeAttribute()
    user_watchlist_id = UnicodeAttribute()
    user = UnicodeAttribute()
    added_order = UnicodeAttribute()
    added_at = UTCDateTimeAttribute()
    notes = UnicodeAttribute(null=True)
    labels = JSONAttribute(null=True)
    alerts = JSONAttribute()
    notifications = JSONAttribute(null=True)
    last_delivery = JSONAttribute(null=True)
    """How the last call of the webhook went."""
    by_user = ByUserIndex()

    @staticmethod
    def sk_of(user: str) -> str:
        """Return the range key for `user`: a hash, since names have any length and any characters."""
        return USER_PREFIX + user_hash(user)


class JobRecord(WatchlistItem, discriminator="job"):
    """What became of one job."""

    job_id = UnicodeAttribute()
    kind = UnicodeAttribute()
    watchlist_id = UnicodeAttribute()
    repository_url = UnicodeAttribute()
    generation = IntAttribute()
    attempts = IntAttribute()
    queued_at = UTCDateTimeAttribute()
    started_at = UTCDateTimeAttribute(null=True)
    ended_at = UTCDateTimeAttribute()
    error = LastError(null=True)

    @staticmethod
    def pk_of(kind: JobKind, *, failed: bool) -> str:
        """Return the hash key of a queue's completed or failed jobs."""
        return f"JOBS#{kind}#{'failed' if failed else 'completed'}"


class TaskSlot(WatchlistItem, discriminator="slot"):
    """The right of one task of a share to run, until it lapses."""

    owner = UnicodeAttribute()
    lapses_at = UTCDateTimeAttribute()

    @staticmethod
    def pk_of(share: Share) -> str:
        """Return the hash key of a share's slots."""
        return f"SLOTS#{share}"

    @staticmethod
    def sk_of(number: int) -> str:
        """Return the range key of slot `number`."""
        return f"{number:04d}"


class Usage(WatchlistItem, discriminator="usage"):
    """What a user has asked for within one hour."""

    adds = IntAttribute(null=True)
    retries = IntAttribute(null=True)

    @staticmethod
    def pk_of(user: str) -> str:
        """Return the hash key of all that is counted of a user."""
        return f"USAGE#{user_hash(user)}"

    @staticmethod
    def sk_of(hour: datetime) -> str:
        """Return the range key of the hour that begins then."""
        return f"{hour:%Y-%m-%dT%H}"


class Holdings(WatchlistItem, discriminator="holdings"):
    """What a user has at this moment, in the partition of their `Usage`.

    Attributes:
        entries: repositories on their watchlist.
        counted_at: when these were counted last, and not only added to.
    """

    SK = "HOLDINGS"
    entries = IntAttribute(null=True)
    counted_at = UTCDateTimeAttribute(null=True)


class OpenConnections(WatchlistItem, discriminator="open_connections"):
    """The ids of a user's WebSocket connections, in the partition of their `Usage`."""

    SK = "CONNECTIONS"
    ids = UnicodeSetAttribute(null=True)


class GivenAnswer(WatchlistItem, discriminator="given_answer"):
    """What an add with an `Idempotency-Key` was answered.

    Powertools writes it, without a `type`; so it is read by its partition only.
    """

    data = UnicodeAttribute(null=True)
    """The answer's JSON, once there is one."""

    @staticmethod
    def pk_of(user: str) -> str:
        """Return the hash key for the answers given to `user`; batches of operators go by the empty name."""
        return f"ANSWERS#{user_hash(user)}"

    @classmethod
    def given_to(cls, user: str) -> list[Self]:
        """Return the answers given to `user`."""
        answers: list[Self] = []
        start = None
        while True:
            page = cls._get_connection().query(cls.pk_of(user), consistent_read=True, exclusive_start_key=start)
            answers += map(cls.from_raw_data, page["Items"])
            start = page.get("LastEvaluatedKey")
            if start is None:
                return answers


class Turn(WatchlistItem, discriminator="turn"):
    """Whose job was called last out of a share's line."""

    SK = "TURN"
    lane = UnicodeAttribute()

    @classmethod
    def last_served(cls, share: Share) -> str:
        """Return the lane whose job was called last; before the first call, the one before all others."""
        try:
            return str(cls.get(f"TURN#{share}", cls.SK).lane)
        except cls.DoesNotExist:
            return ""

    @classmethod
    def remember(cls, share: Share, lane: str) -> None:
        """Write that the lane's job was called."""
        cls(f"TURN#{share}", cls.SK, lane=lane).save()


class SchedulerRun(WatchlistItem, discriminator="scheduler_run"):
    """The right of one run of the scheduler to check entries, until it lapses."""

    PK = "SCHEDULER"
    SK = "RUN"
    owner = UnicodeAttribute()
    lapses_at = UTCDateTimeAttribute()


class Heartbeat(WatchlistItem, discriminator="watchlist-heartbeat"):
    """Changes regularly, so that the table's stream always has something to read."""

    PK = SK = "HEARTBEAT"
    at = UTCDateTimeAttribute()


class HostPause(WatchlistItem, discriminator="host"):
    """A host that is left alone, and how often in a row it was."""

    PK = "HOSTS"
    times = IntAttribute()
    until = UTCDateTimeAttribute()


class ErasedAuthor(WatchlistItem, discriminator="erased_author"):
    """That an author of commits was erased; its range key is a hash of the address (`watchlist.history.pseudonyms`)."""

    PK = "ERASED-AUTHORS"


class Sending(WatchlistItem, discriminator="sending"):
    """The right of one sender to call a user's webhooks, until it lapses."""

    SK = "SENDING"
    owner = UnicodeAttribute()
    lapses_at = UTCDateTimeAttribute()

    @staticmethod
    def pk_of(user: str) -> str:
        """Return the hash key for a user's webhooks."""
        return f"SENDING#{user_hash(user)}"


class LiveConnection(WatchlistItem, discriminator="connection"):
    """One open WebSocket connection: what it watches, and in whose name.

    Attributes:
        watchlist_id: of the entry; None for one that shows all that the user watches.
        user: as in `Subscription`.
        while_watching: likewise.
        stays: likewise.
    """

    SK = "CONNECTION"
    watchlist_id = UnicodeAttribute(null=True)
    user = UnicodeAttribute(null=True)
    while_watching = BooleanAttribute(default=False)
    stays = BooleanAttribute(default=False)

    @property
    def holder(self) -> str | None:
        """The user among whose connections it counts; None for one of somebody who may see all."""
        return self.user if self.while_watching else None

    @staticmethod
    def pk_of(connection_id: str) -> str:
        """Return the hash key for API Gateway's connection id."""
        return f"CONNECTION#{connection_id}"

    @property
    def connection_id(self) -> str:
        """API Gateway's id of the connection."""
        return str(self.pk).removeprefix(self.pk_of(""))


class Subscription(WatchlistItem, discriminator="subscription"):
    """That a connection is to be told of an entry's changes.

    It does not lie in the entry's own partition, which the status poll queries.

    Attributes:
        user: whose user entry is shown; None for the first ones of all users.
        while_watching: whether it ends when that user stops watching the entry.
        stays: whether it goes on when the entry is ready or has failed.
    """

    watchlist_id = UnicodeAttribute()
    connection_id = UnicodeAttribute()
    user = UnicodeAttribute(null=True)
    while_watching = BooleanAttribute(default=False)
    stays = BooleanAttribute(default=False)
    connected_at = UTCDateTimeAttribute()

    @property
    def holder(self) -> str | None:
        """The user among whose connections it counts; None for one of somebody who may see all."""
        return self.user if self.while_watching else None

    @staticmethod
    def pk_of(watchlist_id: str) -> str:
        """Return the hash key for the connections of an entry."""
        return f"LIVE#{watchlist_id}"

    @classmethod
    def of(cls, connection: LiveConnection, at: datetime) -> Self:
        """Return the subscription of a connection that was opened then."""
        return cls(
            cls.pk_of(connection.watchlist_id),
            connection.connection_id,
            watchlist_id=connection.watchlist_id,
            connection_id=connection.connection_id,
            user=connection.user,
            while_watching=connection.while_watching,
            stays=connection.stays,
            connected_at=at,
            expires_at=connection.expires_at,
        )


class UserSubscription(WatchlistItem, discriminator="user-subscription"):
    """That a connection is to be told of all that a user watches, and of the user's alerts."""

    PK = "LIVE-USERS"
    user = UnicodeAttribute()
    connection_id = UnicodeAttribute()
    while_watching = BooleanAttribute(default=False)
    connected_at = UTCDateTimeAttribute()

    @property
    def holder(self) -> str | None:
        """The user among whose connections it counts; None for one of somebody who may see all."""
        return self.user if self.while_watching else None

    @staticmethod
    def sk_of(user: str, connection_id: str) -> str:
        """Return the range key of a user's connection."""
        return f"{user_hash(user)}#{connection_id}"

    @classmethod
    def of(cls, connection: LiveConnection, at: datetime) -> Self:
        """Return the subscription of a connection that was opened then."""
        return cls(
            cls.PK,
            cls.sk_of(connection.user, connection.connection_id),
            user=connection.user,
            connection_id=connection.connection_id,
            while_watching=connection.while_watching,
            connected_at=at,
            expires_at=connection.expires_at,
        )


class ByDueDigestIndex(GlobalSecondaryIndex["Digest"]):
    """Digests by the moment from which they can be sent."""

    class Meta:
        """The index of due entries; `due_kind` tells the two apart."""

        index_name = tables.BY_DUE.name
        projection = IncludeProjection(["type"])

    due_kind = UnicodeAttribute(hash_key=True)
    due_at = UTCDateTimeAttribute(range_key=True)


class Digest(WatchlistItem, discriminator="digest"):
    """The alerts that a next digest tells of, and when the last one was sent.

    Attributes:
        of: whose alerts: a user entry's id, or `of_user`.
        user: whose channels tell of them; None where the user entry has settings of its own.
    """

    PREFIX = "DIGEST#"
    SK = "DIGEST"
    of = UnicodeAttribute(attr_name="user_watchlist_id")
    user = UnicodeAttribute(null=True)
    alert_ids = UnicodeSetAttribute(null=True)
    last_sent_at = UTCDateTimeAttribute(null=True)
    due_kind = UnicodeAttribute(null=True)
    due_at = UTCDateTimeAttribute(null=True)
    by_due = ByDueDigestIndex()

    @staticmethod
    def pk_of(of: str) -> str:
        """Return the hash key for the digest of a user entry, or of a user."""
        return Digest.PREFIX + of

    @staticmethod
    def of_user(user: str) -> str:
        """Return what stands for the digest of all repositories that go by the user's channels."""
        return f"user_{user_hash(user)}"


class ByDueChannelIndex(GlobalSecondaryIndex["Channel"]):
    """Channels by the moment from which their weekly report can be sent; those that want none are not in it."""

    class Meta:
        """The index of due entries; `due_kind` tells them apart."""

        index_name = tables.BY_DUE.name
        projection = IncludeProjection(["type"])

    due_kind = UnicodeAttribute(hash_key=True)
    due_at = UTCDateTimeAttribute(range_key=True)


class Channel(WatchlistItem, discriminator="channel"):
    """One way in which a user is told of alerts (`watchlist.notifications.channels`)."""

    user = UnicodeAttribute()
    channel_id = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    settings = JSONAttribute()
    secret = UnicodeAttribute(null=True)
    """What calls of the webhook are signed with."""
    last_delivery = JSONAttribute(null=True)
    leave_token = UnicodeAttribute(null=True)
    """Whoever has it can switch the weekly report off."""
    base_url = UnicodeAttribute(null=True)
    """The API's address as the owner used it last to ask for the report: where the link to leave leads."""
    due_kind = UnicodeAttribute(null=True)
    due_at = UTCDateTimeAttribute(null=True)
    by_due = ByDueChannelIndex()
    broken_since = UTCDateTimeAttribute(null=True)
    """When a delivery was given up first since the last one that was taken; the owner was told then."""

    @staticmethod
    def pk_of(hash_of_user: str) -> str:
        """Return the hash key for a user's channels."""
        return f"CHANNELS#{hash_of_user}"


class SharedAddress(WatchlistItem, discriminator="shared"):
    """What a shared address shows (`watchlist.watching.shares`); its token is not stored here."""

    SK = "SHARED"
    user = UnicodeAttribute()
    kind = UnicodeAttribute()
    watchlist_id = UnicodeAttribute(null=True)
    created_at = UTCDateTimeAttribute()

    @staticmethod
    def pk_of(token: str) -> str:
        """Return the hash key for an address."""
        return f"SHARED#{hashlib.sha256(token.encode()).hexdigest()}"


class OwnShare(WatchlistItem, discriminator="share"):
    """That a user shares an address; its range key is the token."""

    user = UnicodeAttribute()
    kind = UnicodeAttribute()
    watchlist_id = UnicodeAttribute(null=True)
    created_at = UTCDateTimeAttribute()

    @staticmethod
    def pk_of(user: str) -> str:
        """Return the hash key for what a user shares."""
        return f"SHARES#{user_hash(user)}"


class ActivityItem(Item):
    """Any item of the activity table."""

    class Meta:
        """The table; `bind` gives it its name."""

        table_name = "unbound"
        billing_mode = "PAY_PER_REQUEST"


class ActivityHeartbeat(ActivityItem, discriminator="activity-heartbeat"):
    """Changes regularly, so that the table's stream always has something to read."""

    PK = SK = "HEARTBEAT"
    at = UTCDateTimeAttribute()


class SegmentRecord(ActivityItem, discriminator="segment"):
    """Some commits of a history, in git's order; never written again. `watchlist.history.segments` packs them."""

    listed = BinaryAttribute(legacy_encoding=False)
    changes = BinaryAttribute(legacy_encoding=False)
    format = IntAttribute()


class TagsRecord(ActivityItem, discriminator="tags"):
    """Some tags of a repository; never written again. `watchlist.releases.kept` has their rows."""

    tags = CompressedJSONAttribute()


class HealthRecord(ActivityItem, discriminator="health"):
    """One analysis: Scorecard's result (or why there is none) and the history's metrics."""

    analyzed_at = UTCDateTimeAttribute()
    head_sha = UnicodeAttribute(null=True)
    document = CompressedJSONAttribute()
    identities = CompressedJSONAttribute(null=True)
    """Those of people who have several."""
    renames = CompressedJSONAttribute(null=True)
    """Authors whom `.mailmap` calls otherwise than committed; absent where that is not known, or too long to keep."""


class ByUserEntryIndex(GlobalSecondaryIndex["AlertRecord"]):
    """The alerts of a user entry, newest first."""

    class Meta:
        """Whole items, since the list shows them."""

        index_name = tables.BY_USER_ENTRY.name
        projection = AllProjection()

    user_watchlist_id = UnicodeAttribute(hash_key=True)
    raised_at = UTCDateTimeAttribute(range_key=True)


class ByUserAlertsIndex(GlobalSecondaryIndex["AlertRecord"]):
    """The alerts of a user: open ones first, newest first."""

    class Meta:
        """Whole items, since the list shows them."""

        index_name = tables.BY_USER_ALERTS.name
        projection = AllProjection()

    user_hash = UnicodeAttribute(hash_key=True)
    listed_order = UnicodeAttribute(range_key=True)


class AlertRecord(ActivityItem, discriminator="alert"):
    """One alert of one user; its id depends on the event alone, so an event that is seen twice raises it once."""

    SK = "ALERT"
    user_watchlist_id = UnicodeAttribute()
    watchlist_id = UnicodeAttribute()
    raised_at = UTCDateTimeAttribute()
    alert = JSONAttribute()
    acknowledged_at = UTCDateTimeAttribute(null=True)
    resolved_at = UTCDateTimeAttribute(null=True)
    told_at = UTCDateTimeAttribute(null=True)
    by_user_entry = ByUserEntryIndex()
    user_hash = UnicodeAttribute(null=True)
    listed_order = UnicodeAttribute(null=True)
    by_user_alerts = ByUserAlertsIndex()


def user_hash(user: str) -> str:
    """Return 32 hexadecimal digits that stand for `user` in keys and ids."""
    return hashlib.sha256(user.encode()).hexdigest()[:32]


def as_key(moment: datetime) -> str:
    """Return `moment` as it stands in keys; such texts are ordered as their moments."""
    key: str = AlertRecord.raised_at.serialize(moment)
    return key


def transaction() -> TransactWrite:
    """Return a transaction over both tables, to be used as a context manager."""
    return TransactWrite(connection=_connection())


_CONNECTING = threading.Lock()


def _connection() -> Connection:
    """Return the connection of all transactions; its client is that of all models, and is made by one thread."""
    with _CONNECTING:
        connection = _new_connection()
        _ = connection.client
    return connection


@functools.cache
def _new_connection() -> Connection:
    return Connection(
        connect_timeout_seconds=limits.STORAGE_CONNECT_TIMEOUT.seconds,
        read_timeout_seconds=limits.STORAGE_READ_TIMEOUT.seconds,
        max_pool_connections=limits.STORAGE_CONNECTIONS,
    )


def bind(settings: TableSettings) -> None:
    """Give the models their tables' names; called once when a program starts."""
    whole_answers.demand()
    for base, table_name in ((WatchlistItem, settings.watchlist_table), (ActivityItem, settings.activity_table)):
        for model in (base, *base.__subclasses__()):
            _bind(model, table_name)
    _new_connection.cache_clear()


def are_bound(settings: TableSettings) -> bool:
    """Whether the models' tables are those of the settings."""
    return (Entry.Meta.table_name, SegmentRecord.Meta.table_name) == (settings.watchlist_table, settings.activity_table)


def _bind(model: type[Model], table_name: str) -> None:
    model.Meta.table_name = table_name
    model._connection = None  # noqa: SLF001 - PynamoDB keeps the table's name there and has no other way to forget it
