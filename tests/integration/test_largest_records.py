"""The largest record of each kind is written and read back: what comes from outside is bounded before it is stored.

`LARGEST` has each class of records, with every attribute: a new class or attribute fails a test until it is here, made
by what bounds it in the service.
"""

import functools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pynamodb.attributes import (
    AttributeContainer,
    BooleanAttribute,
    DiscriminatorAttribute,
    MapAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.exceptions import AttributeDeserializationError

from functions.http.refusals import fields_at_fault
from functions.http.shapes.adding import BatchAnswer, BatchItemAnswer, BatchOutcome
from tasks.hosts.fields import text_of
from tests.integration.aws import Aws
from tests.integration.jobs.harness import clean
from watchlist import limits
from watchlist.alerts.alert import Watcher
from watchlist.alerts.kind import AlertLevel, Finding
from watchlist.alerts.settings import AlertKind, AlertSettings
from watchlist.checks.decisions import Start
from watchlist.errors import ErrorCode, JobError
from watchlist.git.package import Package
from watchlist.git.protocol import BRANCHES_SHOWN, branch_of
from watchlist.health import store as health_store
from watchlist.health.analysis import Analysis
from watchlist.health.report import read_report
from watchlist.health.scorecard import MAX_CHECKS, MAX_DETAILS, PassedOver, ScorecardResult, ScorecardSource
from watchlist.health.store import KnownPeople
from watchlist.health.summary import summarize
from watchlist.health.verdict import VerdictState
from watchlist.history import segments
from watchlist.history import store as history_store
from watchlist.history.commits import Commit, FileChange, Signature
from watchlist.history.last_commits import LastCommits
from watchlist.history.mailmap import MAX_BYTES
from watchlist.history.metrics import MAX_CONTRIBUTORS, MAX_FILES, measure
from watchlist.history.people import AuthorSearch, People
from watchlist.history.store import Attempt, CommitFilter, KeptHistory
from watchlist.job_kinds import JobKind
from watchlist.notifications import webhooks
from watchlist.notifications.channels import ChannelSettings, Rule
from watchlist.notifications.settings import StoredNotifications
from watchlist.releases import store as release_store
from watchlist.releases.kept import KeptTag, Release
from watchlist.releases.listing import Listing
from watchlist.releases.store import KeptTags
from watchlist.releases.summary import LatestRelease, ReleaseSummary
from watchlist.states import Stage
from watchlist.storage import batches
from watchlist.storage.last_check import LastCheck
from watchlist.storage.records import (
    ENTRY_KEY,
    HEALTH_PREFIX,
    ActivityHeartbeat,
    ActivityItem,
    AlertRecord,
    Channel,
    Digest,
    Entry,
    ErasedAuthor,
    GivenAnswer,
    HealthRecord,
    Heartbeat,
    Holdings,
    HostPause,
    IntAttribute,
    Item,
    JobRecord,
    LastError,
    LiveConnection,
    OpenConnections,
    OwnShare,
    Progress,
    RepositoryKey,
    SchedulerRun,
    SegmentRecord,
    Sending,
    SharedAddress,
    Subscription,
    TagsRecord,
    TaskSlot,
    Turn,
    Usage,
    UserEntry,
    UserSubscription,
    WatchlistItem,
    user_hash,
)
from watchlist.text import shorten

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ITEM_BYTES = 400 * 1024
"""The most that DynamoDB takes."""

ID = "w" * limits.IDENTIFIER_CHARACTERS
USER = "\U0001f642" * limits.USER_CHARACTERS


@pytest.fixture(autouse=True)
def tables(aws: Aws) -> None:
    clean(aws.environment, aws.variables)


def noise(characters: int) -> str:
    """Text of four bytes a character, which does not get smaller by compression."""
    return "".join(chr(0x10000 + int.from_bytes(os.urandom(3)) % 0xFFFFF) for _ in range(characters))


@functools.cache
def texts() -> tuple[Signature, str, tuple[FileChange, ...]]:
    who = Signature(noise(2000), noise(2000), NOW)
    return who, noise(20_000), tuple(FileChange(noise(400), 10**12, 10**12) for _ in range(1500))


def largest_commits(number: int) -> Iterator[Commit]:
    who, message, files = texts()
    for each in range(number):
        parents = tuple(os.urandom(32).hex() for _ in range(12_000 if each == 0 else 200))
        yield Commit(f"{each:064x}", parents, who, who, message, message, signed=True, files=files)


def test_the_largest_commits_are_stored_and_read_in_pages() -> None:
    commits = list(largest_commits(60))
    order = [commit.sha for commit in commits]
    entry = Entry("watchlist_1", ENTRY_KEY, watchlist_id="watchlist_1")
    attempt = Attempt("watchlist_1", 1, 1)
    entry.manifest = history_store.save(attempt, order, KeptHistory((), ()), commits, batches.REQUEST).stored()

    records = list(SegmentRecord.query("watchlist_1", consistent_read=True))
    assert len(records) > 1
    assert all(batches.size_of(record.serialize()) < ITEM_BYTES for record in records)
    assert [commit.sha for commit in history_store.load(entry).commits] == order
    page = history_store.page(entry, CommitFilter(), 5, None)
    assert [kept.commit.sha for kept in page.commits] == order[:5]
    assert (page.commits[0].parent_count, len(page.commits[0].commit.parents)) == (12_000, limits.PARENTS)


def test_an_author_search_over_the_largest_history_reads_a_bounded_part_and_goes_on_by_cursor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only the last of a thousand commits is hers; all others have texts that are as long as they can be."""
    commits = [replace(commit, files=()) for commit in largest_commits(limits.HISTORY_COMMITS)]
    ada = Signature("Ada", "ada@example.org", NOW)
    commits[-1] = replace(commits[-1], author=ada)
    order = [commit.sha for commit in commits]
    entry = Entry("watchlist_1", ENTRY_KEY, watchlist_id="watchlist_1")
    attempt = Attempt("watchlist_1", 1, 1)
    entry.manifest = history_store.save(attempt, order, KeptHistory((), ()), commits, batches.REQUEST).stored()
    read: list[int] = []
    unpack = segments.unpack_listed

    def counted(listed: bytes) -> Any:
        found, size = unpack(listed)
        read.append(size)
        return found, size

    monkeypatch.setattr(segments, "unpack_listed", counted)
    found: list[str] = []
    cursor, calls = None, 0
    while True:
        page = history_store.page(entry, CommitFilter(author=AuthorSearch("ada@example.org")), 100, cursor)
        calls += 1
        found += (kept.commit.sha for kept in page.commits)
        assert sum(read[:-2]) <= limits.COMMITS_READ_BYTES  # but the one in which the cursor was, and the last one
        read.clear()
        if (cursor := page.next_cursor) is None:
            break
    assert found == [order[-1]]
    assert 2 <= calls <= 12


def largest_result() -> ScorecardResult:
    """Return what is kept of a report in which everything is endless."""
    check = {
        "score": 5,
        "reason": noise(3000),
        "details": [noise(3000) for _ in range(MAX_DETAILS + 5)],
        "documentation": {"url": noise(3000)},
    }
    document = {
        "date": "2026-01-31T12:00:00Z",
        "repo": {"name": "github.com/owner/name", "commit": noise(500)},
        "scorecard": {"version": noise(500)},
        "score": 5.0,
        "checks": [{"name": noise(500), **check} for _ in range(MAX_CHECKS + 5)],
    }
    name, source = "github.com/owner/name", ScorecardSource.PUBLISHED
    result = read_report(document, name=name, source=source, head="1" * 64, obtained_at=NOW)
    passed_over = tuple(PassedOver(source=each, reason=shorten(noise(3000))) for each in ScorecardSource)
    return result.model_copy(update={"passed_over": passed_over})


def largest_analysis() -> HealthRecord:
    """Let an analysis be stored of a history in which everybody has many long names."""
    authors = [Signature(noise(200), f"{number % 50}{'é' * 180}@example.org", NOW) for number in range(1000)]
    mailmap = "".join(f"{noise(200)} <{noise(200)}> <{author.email}>\n" for author in authors).encode()
    files = tuple(FileChange(noise(400), 10**12, 10**12) for _ in range(MAX_FILES + 1))
    commits = [Commit(f"{n:064x}", (), who, who, "s", "m", signed=True, files=files) for n, who in enumerate(authors)]
    people = People(authors, mailmap[:MAX_BYTES])
    metrics = measure(commits, People(authors), now=NOW)
    assert (len(metrics.top_contributors), len(metrics.top_files or ())) == (MAX_CONTRIBUTORS, MAX_FILES)
    analysis = Analysis(analyzed_at=NOW, head_sha="1" * 64, scorecard=largest_result(), history_metrics=metrics)
    known = KnownPeople.of(people, commits)
    assert known.identities
    fitting = KnownPeople(known.identities, [("n" * 25, "e", "p", "a")] * (limits.RENAMES_BYTES // 50))
    health_store.put("watchlist_1", analysis, fitting)
    return HealthRecord.get("watchlist_1", f"{HEALTH_PREFIX}{NOW.isoformat()}")


def largest_segment() -> SegmentRecord:
    commits = list(largest_commits(3))
    order = [commit.sha for commit in commits]
    history_store.save(Attempt("watchlist_2", 1, 1), order, KeptHistory((), ()), commits, batches.REQUEST)
    records = list(SegmentRecord.query("watchlist_2"))
    return max(records, key=lambda record: len(record.listed) + len(record.changes))


def largest_entry() -> Entry:
    """Return an entry whose every attribute is as long as what writes it lets it become."""
    error = LastError.of(JobError(ErrorCode.INTERNAL_ERROR, noise(5000)), Stage.CLONING, NOW)
    branch = str(branch_of("refs/heads/" + "é" * 5000))
    said = dict.fromkeys(("description", "name", "language"), "é" * 5000)
    text = text_of(said, "description")
    package = Package(
        name=str(text), url=str(text), description=text, language=text, license=text, renamed_to=text, reason=text
    )
    last = LastCommits.of([next(largest_commits(1))], People(), NOW).model_dump(mode="json")
    summary = summarize(measure([], People(), now=NOW), score=5.5, score_change=0.1)
    segment = ["f" * 8 + ".3." + "f" * 8, 100, -62_135_596_800, 253_402_300_799]
    most_segments = limits.TAGS_KEPT // limits.TAGS_OF_A_SEGMENT_MIN
    made = {
        "pk": ID,
        "sk": ENTRY_KEY,
        "watchlist_id": ID,
        "last_error": error,
        "last_check": LastCheck.failed(NOW, error.code, error.message),
        "progress": Progress.of(Stage.COUNTING_LINES, 1000, 1000),
        "package": package,
        "known_as": ["REPOSITORY#" + "r" * limits.REPOSITORY_URL_CHARACTERS] * limits.NAMES_OF_A_REPOSITORY,
        "default_branch": branch,
        "branches": [branch] * BRANCHES_SHOWN,
        "history_notes": [shorten(noise(5000), limits.NOTE_BYTES)] * 8,
        "score_reason": shorten(noise(5000)),
        "last_commits": {"by_person": last["by_person"], "by_bot": last["by_person"]},
        "summary": summary.model_dump(mode="json"),
        "manifest": {"format": 1, "segments": [segment] * (limits.HISTORY_COMMITS // 3)},
        "releases": largest_releases().model_dump(mode="json"),
        "tags": Listing("f" * 32, 10**5, 10**5, (("f" * 8 + ".3." + "f" * 8, 1000),) * most_segments).stored(),
        "put_off": Start(JobKind.COMMIT_BACKFILL, with_health=True).to_json(),
    }
    return Entry(**(others(Entry, made) | made))


def largest_releases() -> ReleaseSummary:
    name = noise(limits.TAG_BYTES // 4)
    release = LatestRelease(tag=name, version=name, product=name, commit_sha="f" * 64, made_at=NOW)
    return ReleaseSummary(
        tags=10**5, releases=10**5, latest=release, latest_prerelease=release, usual_days=1e5, note=noise(30)
    )


def largest_tags() -> TagsRecord:
    """Let a segment be stored of tags whose names are all as long as they may be."""
    tags = [
        KeptTag(noise(limits.TAG_BYTES // 4), os.urandom(32).hex(), os.urandom(32).hex(), NOW, Release(noise(32)))
        for _ in range(limits.TAGS_OF_A_SEGMENT_MAX)
    ]
    release_store.save(Attempt("watchlist_3", 1, 1), tags, "d", KeptTags(None, {}, ()), batches.REQUEST)
    return max(TagsRecord.query("watchlist_3"), key=lambda record: batches.size_of(record.serialize()))


def largest_user_entry() -> UserEntry:
    alerts = {kind: dict.fromkeys(kinds, 123456789.123) for kind, kinds in numbers_of_alerts().items()}
    url = "https://hooks.example.org/" + "x" * (limits.WEBHOOK_URL_CHARACTERS - 26)
    notifications = StoredNotifications(email=True, webhook_url=url, webhook_secret=webhooks.new_secret())
    made = {
        "pk": ID,
        "sk": UserEntry.sk_of(USER),
        "user": USER,
        "notes": noise(limits.NOTES_CHARACTERS),
        "labels": [noise(limits.LABEL_CHARACTERS) for _ in range(limits.LABELS)],
        "alerts": alerts,
        "notifications": notifications.model_dump(mode="json"),
        "last_delivery": {"at": NOW.isoformat(), "outcome": "switched_off", "error": shorten(noise(5000))},
    }
    return UserEntry(**(others(UserEntry, made) | made))


def largest_channel() -> Channel:
    label = noise(limits.LABEL_CHARACTERS)
    rule = Rule(
        levels=tuple(AlertLevel), kinds=tuple(AlertKind), labels=(label,) * limits.LABELS, verdicts=tuple(VerdictState)
    )
    settings = ChannelSettings(
        name=noise(limits.CHANNEL_NAME_CHARACTERS),
        webhook_url="https://hooks.example.org/" + "x" * (limits.WEBHOOK_URL_CHARACTERS - 26),
        rules=(rule,) * limits.CHANNEL_RULES,
    )
    made = {
        "user": USER,
        "settings": settings.model_dump(mode="json"),
        "secret": webhooks.new_secret(),
        "last_delivery": {"at": NOW.isoformat(), "outcome": "switched_off", "error": shorten(noise(5000))},
    }
    return Channel(**(others(Channel, made) | made))


def largest_alert() -> AlertRecord:
    finding = Finding(
        subject=(noise(5000),),
        level=AlertLevel.CRITICAL,
        metric="lines_changed",
        value=1e300,
        threshold=1e300,
        commit_sha="f" * 64,
        check=noise(5000),
        message=noise(100_000),
    )
    (alert,) = Watcher("u" * 320, AlertSettings()).alerts([(AlertKind.LINES_ADDED_DELETED, finding)])
    made = {
        "pk": alert.id,
        "sk": AlertRecord.SK,
        "alert": alert.model_dump(mode="json"),
        "user_hash": user_hash(USER),
    }
    return AlertRecord(**(others(AlertRecord, made) | made))


def largest_answer() -> str:
    """Write what a batch is answered each of whose items has as many faults as are told, in fields of long names."""
    problem = fields_at_fault([((f"{number}{'é' * 1000}",), "m" * 200) for number in range(3)])
    item = {"outcome": BatchOutcome.REJECTED, "watchlist_id": None, "status": None, "problem": problem}
    results = [BatchItemAnswer.model_validate({"index": index, **item}) for index in range(limits.BATCH_ADDS)]
    return BatchAnswer(results=results).model_dump_json()


def numbers_of_alerts() -> dict[str, list[str]]:
    return {
        kind: [name for name in type(settings).model_fields if name != "enabled"] for kind, settings in AlertSettings()
    }


def others(model: type[Item], made: Mapping[str, Any]) -> dict[str, Any]:
    """Return values for the attributes that are not made by something that bounds them: ids, moments, numbers."""
    values: dict[str, Any] = {}
    for name, attribute in model.get_attributes().items():
        match attribute:
            case _ if name in made or isinstance(attribute, DiscriminatorAttribute):
                pass
            case UTCDateTimeAttribute() | TTLAttribute():
                values[name] = NOW
            case NumberAttribute() | IntAttribute():
                values[name] = 10**15
            case BooleanAttribute():
                values[name] = True
            case UnicodeAttribute():
                values[name] = ID
            case _:
                raise AssertionError(f"{model.__name__}.{name} is neither an id nor made by what bounds it")
    return values


def in_order(record: Item) -> dict[str, Any]:
    """Return the item as it is stored, its sets in order."""
    return {name: sorted(value["SS"]) if "SS" in value else value for name, value in record.serialize().items()}


def made_of(model: type[Item], **made: Any) -> Item:
    return model(**(others(model, made) | made))


LARGEST: dict[type[Item], Callable[[], Item]] = {
    RepositoryKey: lambda: made_of(RepositoryKey, pk="REPOSITORY#" + "r" * limits.REPOSITORY_URL_CHARACTERS),
    Entry: largest_entry,
    UserEntry: largest_user_entry,
    Channel: largest_channel,
    Holdings: lambda: made_of(Holdings),
    OpenConnections: lambda: made_of(
        OpenConnections, ids={f"{number:016x}=" for number in range(limits.MOST_CONNECTIONS_OF_A_USER)}
    ),
    GivenAnswer: lambda: made_of(GivenAnswer, data=largest_answer()),
    OwnShare: lambda: made_of(OwnShare, user=USER),
    SharedAddress: lambda: made_of(SharedAddress, user=USER),
    ErasedAuthor: lambda: made_of(ErasedAuthor),
    Sending: lambda: made_of(Sending),
    UserSubscription: lambda: made_of(UserSubscription, user=USER),
    JobRecord: lambda: made_of(JobRecord, error=largest_entry().last_error),
    TaskSlot: lambda: made_of(TaskSlot),
    Usage: lambda: made_of(Usage),
    Turn: lambda: made_of(Turn),
    SchedulerRun: lambda: made_of(SchedulerRun),
    Heartbeat: lambda: made_of(Heartbeat),
    HostPause: lambda: made_of(HostPause),
    LiveConnection: lambda: made_of(LiveConnection, user=USER),
    Subscription: lambda: made_of(Subscription, user=USER),
    Digest: lambda: made_of(Digest, alert_ids={f"alert_{number:032x}" for number in range(limits.DIGEST_COLLECTED)}),
    ActivityHeartbeat: lambda: made_of(ActivityHeartbeat),
    SegmentRecord: largest_segment,
    TagsRecord: largest_tags,
    HealthRecord: largest_analysis,
    AlertRecord: largest_alert,
}


NEVER_SET: dict[type[Item], set[str]] = {SegmentRecord: {"expires_at"}, TagsRecord: {"expires_at"}}

WRITTEN_OFTEN: dict[type[Item], int] = {Entry: 80 * 1024, TaskSlot: 2048, Turn: 2048, Heartbeat: 2048, Usage: 2048}
"""Bytes of the largest of what is written again and again: each of these writes costs its size."""


@pytest.mark.parametrize("base", [WatchlistItem, ActivityItem])
def test_every_kind_of_record_is_here(base: type[Item]) -> None:
    assert set(base.__subclasses__()) == {model for model in LARGEST if issubclass(model, base)}


@pytest.mark.parametrize("model", LARGEST, ids=lambda model: model.__name__)
def test_the_largest_record_is_stored_and_read_back(model: type[Item]) -> None:
    record = LARGEST[model]()
    unset = {name for name, value in record.attribute_values.items() if value is None}
    assert set(model.get_attributes()) - set(record.attribute_values) - {"type"} | unset <= NEVER_SET.get(model, set())
    record.save()
    found = model.get(record.pk, record.sk, consistent_read=True)
    assert in_order(found) == in_order(record)
    assert batches.size_of(record.serialize()) < ITEM_BYTES


@pytest.mark.parametrize("model", LARGEST, ids=lambda model: model.__name__)
def test_whatever_is_stored_of_a_record_is_read_as_pynamodb_reads_it(model: type[Item]) -> None:
    stored = LARGEST[model]().serialize()
    names = sorted(stored)
    for missing in range(len(names)):
        odd = {names[missing - 1]: {"NULL": True}, "of another version": {"S": "x"}}
        found = {name: stored[name] for name in names if name != names[missing]} | odd

        assert read_by(model._instantiate, found) == read_by(functools.partial(by_pynamodb, model), found)  # noqa: SLF001 - held to the original
    # What items have by themselves is shared among them.
    assert not any(callable(attribute.default) for attribute in model.get_attributes().values())


def by_pynamodb(model: type[Item], stored: dict[str, Any]) -> Item:
    read: Item = AttributeContainer._instantiate.__func__(model, stored)  # type: ignore[attr-defined] # noqa: SLF001 - as above
    return read


def read_by(read: Callable[[dict[str, Any]], Item], stored: dict[str, Any]) -> object:
    """Return the class and values of what is read, or the error and what it says."""
    try:
        item = read(stored)
    except (AttributeDeserializationError, ValueError) as error:
        return type(error)
    values = item.attribute_values
    return type(item), {
        name: value.attribute_values if isinstance(value, MapAttribute) else value for name, value in values.items()
    }


@pytest.mark.parametrize("model", WRITTEN_OFTEN, ids=lambda model: model.__name__)
def test_what_is_written_again_and_again_is_small(model: type[Item]) -> None:
    assert batches.size_of(LARGEST[model]().serialize()) < WRITTEN_OFTEN[model]
