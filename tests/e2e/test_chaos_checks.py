"""The checks of the chaos run find what must not be: each test breaks one thing in an outcome in which all is well."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.e2e.chaos.checks import Kind, judge
from tests.e2e.chaos.observation import Entry, Observation, StoredHistory
from tests.e2e.chaos.sources import Host, Source
from tests.e2e.chaos.users import Outcome, Wish
from watchlist.history.manifest import Manifest, Segment
from watchlist.history.store import Attempt
from watchlist.job_kinds import JobKind
from watchlist.jobs.message import JobMessage

READY = Source("sound", Host.SOUND, ("b" * 40, "a" * 40))
USED_UP = Source("erring", Host.ERRORS, ())
MISSING = Source("missing", Host.MISSING, ())
SOURCES = {f"http://host/chaos/{source.name}": source for source in (READY, USED_UP, MISSING)}


def _entry(source: Source, status: str, **changes: Any) -> Entry:
    shown = {
        "status": status,
        "package": {"url": f"http://host/chaos/{source.name}"},
        "user_watchlists": [{"added_by": "ada"}],
        "last_error": None,
        "commits": len(source.commits),
        "processing_started_at": "2026-03-01T00:00:00Z",
        "processing_completed_at": "2026-03-01T00:00:09Z",
    }
    return Entry(shown | changes, source.commits)


def _error(code: str) -> dict[str, Any]:
    return {"code": code, "message": "why"}


def _outcome(source: Source) -> Outcome:
    return Outcome(Wish("ada", source, 0, insists=True), source.name)


def _job(source: Source, code: str, attempts: int) -> dict[str, Any]:
    return {
        "job_id": f"job-{source.name}",
        "watchlist_id": source.name,
        "generation": 1,
        "attempts": attempts,
        "error": _error(code),
    }


def _letter(source: Source) -> JobMessage:
    return JobMessage(
        job_id=f"job-{source.name}",
        kind=JobKind.REPOSITORY_SETUP,
        watchlist_id=source.name,
        generation=1,
        correlation_id="request",
    )


ALL_WELL = Observation(
    outcomes=[_outcome(source) for source in SOURCES.values()],
    sources=SOURCES,
    entries={
        READY.name: _entry(READY, "ready"),
        USED_UP.name: _entry(USED_UP, "failed", last_error=_error("host_error")),
        MISSING.name: _entry(MISSING, "failed", last_error=_error("repository_not_found")),
    },
    histories={
        READY.name: StoredHistory(
            Manifest((Segment("1.2.a", 1, 0, 0), Segment("1.2.b", 1, 0, 0))),
            {"1.2.a": 1, "1.2.b": 5},
            Attempt(READY.name, 1, 2),
        ),
        USED_UP.name: StoredHistory(Manifest(), {"1.1.a": 7}, Attempt(USED_UP.name, 1, 3)),
    },
    generations={READY.name: 1, USED_UP.name: 1, MISSING.name: 1},
    failed_jobs=[_job(USED_UP, "host_error", 3), _job(MISSING, "repository_not_found", 1)],
    dead_letters={"message": _letter(USED_UP)},
    dead_letter_depth=1,
    left_in_queues=0,
)


def _with_entry(entry: Entry | None, source: Source = READY) -> Callable[[Observation], Observation]:
    return lambda seen: replace(seen, entries={**seen.entries, source.name: entry})


def _with_commits(*commits: str) -> Callable[[Observation], Observation]:
    return _with_entry(replace(_entry(READY, "ready"), commits=commits))


def _with_history(source: Source = READY, **changes: Any) -> Callable[[Observation], Observation]:
    def broken(seen: Observation) -> Observation:
        return replace(seen, histories={**seen.histories, source.name: replace(seen.histories[source.name], **changes)})

    return broken


def _with_segments_of_nobody(seen: Observation) -> Observation:
    orphans = StoredHistory(Manifest(), {"1.1.a": 7}, Attempt("nobody", 0, 0))
    return replace(seen, histories={**seen.histories, "nobody": orphans})


def _with_second_entry(seen: Observation) -> Observation:
    return replace(seen, entries={**seen.entries, "another": _entry(READY, "ready")})


def _with_dead_letters(*sources: Source) -> Callable[[Observation], Observation]:
    letters = {f"message-{number}": _letter(source) for number, source in enumerate(sources)}
    return lambda seen: replace(seen, dead_letters=letters, dead_letter_depth=len(letters))


def _with_refused_wish(seen: Observation) -> Observation:
    refused = Outcome(Wish("ada", READY, 0, insists=True), None, [503])
    return replace(seen, outcomes=[*seen.outcomes, refused])


def test_nothing_is_found_when_all_is_well() -> None:
    assert judge(ALL_WELL) == []


@pytest.mark.parametrize(
    ("break_it", "kind"),
    [
        pytest.param(_with_entry(None), Kind.LOST, id="an accepted entry is gone"),
        pytest.param(_with_refused_wish, Kind.LOST, id="an add is never accepted"),
        pytest.param(_with_entry(_entry(READY, "ready", user_watchlists=[])), Kind.LOST, id="a watcher is gone"),
        pytest.param(_with_entry(_entry(READY, "failed")), Kind.LOST, id="failed without a reason"),
        pytest.param(_with_commits("b" * 40), Kind.LOST, id="a commit is missing"),
        pytest.param(_with_entry(_entry(READY, "processing")), Kind.STUCK, id="still processing"),
        pytest.param(_with_commits("b" * 40, "b" * 40, "a" * 40), Kind.DOUBLED, id="a commit is doubled"),
        pytest.param(_with_commits("c" * 40, "b" * 40, "a" * 40), Kind.DOUBLED, id="a commit is not the source's"),
        pytest.param(_with_history(segments={"1.2.a": 1}), Kind.LOST, id="a segment is missing"),
        pytest.param(_with_history(segments={"1.2.a": 1, "1.2.b": 0}), Kind.LOST, id="a segment is short"),
        pytest.param(_with_history(manifest=Manifest((Segment("1.2.a", 1, 0, 0),))), Kind.OUTCOME, id="counts differ"),
        pytest.param(
            _with_history(manifest=Manifest((Segment("1.2.b", 1, 0, 0),) * 2)), Kind.DOUBLED, id="a segment is doubled"
        ),
        pytest.param(
            _with_history(segments={"1.1.z": 9, "1.2.a": 1, "1.2.b": 5}), Kind.LEFT_OVER, id="a lost attempt's segment"
        ),
        pytest.param(_with_segments_of_nobody, Kind.LEFT_OVER, id="segments of an entry that is gone"),
        pytest.param(_with_second_entry, Kind.DOUBLED, id="a repository has two entries"),
        pytest.param(_with_dead_letters(USED_UP, USED_UP), Kind.DOUBLED, id="a job is dead twice"),
        pytest.param(_with_dead_letters(), Kind.DEAD_LETTERS, id="a dead letter is missing"),
        pytest.param(_with_dead_letters(USED_UP, READY), Kind.DEAD_LETTERS, id="a completed job is dead"),
        pytest.param(lambda seen: replace(seen, dead_letter_depth=2), Kind.DEAD_LETTERS, id="a depth is wrong"),
        pytest.param(lambda seen: replace(seen, left_in_queues=1), Kind.LEFT_OVER, id="a message is left"),
        pytest.param(_with_entry(_entry(USED_UP, "ready"), USED_UP), Kind.OUTCOME, id="ready from a broken host"),
        pytest.param(
            _with_entry(_entry(READY, "failed", last_error=_error("repository_not_found"))),
            Kind.OUTCOME,
            id="failed for good at a sound host",
        ),
        pytest.param(
            lambda seen: replace(seen, failed_jobs=[_job(USED_UP, "host_error", 2)]),
            Kind.OUTCOME,
            id="used up after two attempts",
        ),
    ],
)
def test_what_must_not_be_is_found(break_it: Callable[[Observation], Observation], kind: Kind) -> None:
    assert kind in {finding.kind for finding in judge(break_it(ALL_WELL))}


def test_superseded_job_need_not_be_a_dead_letter() -> None:
    seen = replace(ALL_WELL, generations={**ALL_WELL.generations, USED_UP.name: 2})
    assert judge(replace(seen, dead_letters={}, dead_letter_depth=0)) == []
