import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.alerts.evaluating import only_one, watcher
from tests.unit.commit_factory import ADA, NOON
from watchlist import limits
from watchlist.alerts.alert import Alert
from watchlist.alerts.baseline import Baseline
from watchlist.alerts.kind import AlertLevel
from watchlist.alerts.kinds.ancestry_breaks import descends_from
from watchlist.alerts.occasions import Gone, NewCommits, Quiet, Renamed, Returned, SetupEnded, VerdictFound, WebhookGone
from watchlist.alerts.settings import AlertMetric, ThresholdKind
from watchlist.health.verdict import Reason, ReasonCode, Verdict, VerdictState
from watchlist.history.commits import Commit
from watchlist.history.people import People
from watchlist.repository_url import Repository

DAY = timedelta(days=1)
PEOPLE = People()


def commits(**parents: str) -> list[Commit]:
    """Return commits by name with the names of their parents: commits(c="b", b="a")."""
    return [
        Commit(sha, tuple(names.split()), ADA, ADA, subject="", message="", signed=False)
        for sha, names in parents.items()
    ]


@pytest.mark.parametrize(
    ("head", "new", "stored", "descends"),
    [
        ("b", {}, "ab", True),
        ("c", {"c": "b"}, "ab", True),
        ("e", {"e": "c d", "d": "a", "c": "b"}, "ab", True),
        ("x", {"x": "a"}, "ab", False),
        ("a", {}, "ab", False),
        ("y", {"y": "x", "x": ""}, "ab", False),
        ("z", {"z": "x y", "x": "a", "y": "0"}, "ab", None),
        ("z", {}, "ab", None),
        ("z", {"z": "y c", "y": "0", "c": "b"}, "ab", True),
    ],
    ids=[
        "unchanged",
        "one more commit",
        "behind a merge",
        "replaced",
        "reset to an older commit",
        "another root",
        "a parent outside of the window",
        "nothing known",
        "found beside an unknown parent",
    ],
)
def test_descent_from_the_former_head_b(head: str, new: dict[str, str], stored: str, descends: bool | None) -> None:  # noqa: FBT001 - a parameter of the table above
    assert descends_from("b", head, new_commits=commits(**new), stored_shas=set(stored)) is descends


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdefg"), max_size=3).map(" ".join)))
def test_descent_ends_even_where_commits_claim_to_be_their_own_ancestors(parents: dict[str, str]) -> None:
    assert descends_from("b", "f", new_commits=commits(**parents), stored_shas=()) in {True, False, None}


def ancestry(previous: str | None, head: str, *, descends: bool | None, **fields: Any) -> Alert | None:
    nothing: Any = {"baseline": Baseline.of([], PEOPLE), "new": [], "people": PEOPLE}
    occasion = NewCommits(previous_head=previous, head=head, descends=descends, **nothing)
    return only_one(watcher(ancestry_breaks=fields), "ancestry_breaks", occasion)


def test_a_rewritten_history_is_critical_and_names_both_heads() -> None:
    alert = ancestry("a" * 40, "b" * 40, descends=False)

    assert alert
    assert (alert.level, alert.metric) == (AlertLevel.CRITICAL, AlertMetric.HISTORY_REWRITES)
    assert (alert.value, alert.threshold, alert.threshold_kind) == (1, 1, ThresholdKind.OCCURRENCE)
    assert alert.commit_sha == "b" * 40
    assert "aaaaaaaaaaaa" in alert.message
    assert "bbbbbbbbbbbb" in alert.message


def test_a_continued_unknown_first_or_unchanged_history_raises_nothing() -> None:
    assert ancestry("a", "b", descends=True) is None
    assert ancestry("a", "b", descends=None) is None
    assert ancestry(None, "b", descends=False) is None
    assert ancestry("a", "a", descends=False) is None
    assert ancestry("a", "b", descends=False, enabled=False) is None


def test_each_rewrite_is_an_event_of_its_own() -> None:
    there, again, back = (ancestry(*heads, descends=False) for heads in (("a", "b"), ("a", "b"), ("b", "a")))

    assert there
    assert again
    assert back
    assert there.id == again.id != back.id


def inactivity(quiet: timedelta, *, watched: timedelta = 30 * DAY, sha: str = "a" * 40, **fields: Any) -> Alert | None:
    """Evaluate a repository that was added `watched` ago and has been quiet for `quiet`."""
    occasion = Quiet(last_commit_sha=sha, last_commit_at=NOON - quiet, now=NOON)
    return only_one(replace(watcher(inactivity=fields), since=NOON - watched), "inactivity", occasion)


def test_silence_alerts_from_the_days_of_the_settings_on() -> None:
    assert inactivity(90 * DAY - timedelta(seconds=1)) is None
    alert = inactivity(90 * DAY)

    assert alert
    assert (alert.value, alert.threshold, alert.threshold_kind) == (90, 90, ThresholdKind.DAYS)
    assert (alert.level, alert.metric) == (AlertLevel.MILD, AlertMetric.DAYS_SINCE_LAST_COMMIT)
    assert alert.commit_sha == "a" * 40
    assert alert.message == "No commit by a person for 90 days, since 2025-12-04: 90 or more raise this alert."
    assert inactivity(29 * DAY, days=30) is None
    assert inactivity(30 * DAY, days=30)


def test_silence_alerts_once_until_there_is_another_commit() -> None:
    first, later, after_another = inactivity(91 * DAY), inactivity(95 * DAY), inactivity(91 * DAY, sha="b" * 40)

    assert first
    assert later
    assert after_another
    assert first.id == later.id != after_another.id


def test_a_repository_that_was_quiet_when_it_was_added_is_no_news() -> None:
    assert inactivity(400 * DAY, watched=310 * DAY) is None
    assert inactivity(400 * DAY, watched=310 * DAY + timedelta(seconds=1))
    assert inactivity(1000 * DAY, watched=timedelta(0)) is None


def test_a_last_commit_in_the_future_is_no_silence() -> None:
    assert inactivity(-400 * DAY) is None


def test_programs_do_not_end_the_silence_of_people_but_are_told_of() -> None:
    occasion = Quiet(last_commit_sha="a", last_commit_at=NOON - 91 * DAY, last_commit_by_bot_at=NOON - DAY, now=NOON)
    alert = only_one(replace(watcher(), since=NOON - 30 * DAY), "inactivity", occasion)

    assert alert
    assert alert.message.endswith("The last one by a program is of 2026-03-03.")


def test_a_disabled_inactivity_alert_raises_nothing() -> None:
    assert inactivity(91 * DAY, enabled=False) is None


@given(st.datetimes(), st.datetimes(), st.datetimes())
def test_any_times_raise_an_alert_or_none_but_no_error(at: Any, since: Any, now: Any) -> None:
    occasion = Quiet(last_commit_sha="a", last_commit_at=at, last_commit_by_bot_at=since, now=now)
    alert = only_one(replace(watcher(), since=since), "inactivity", occasion)

    assert alert is None or alert.value >= 90


def finished(
    status: Literal["ready", "failed"], *, job: str = "job-1", reason: str | None = None, **fields: Any
) -> Alert | None:
    occasion = SetupEnded(job_id=job, status=status, reason=reason)
    return only_one(watcher(processing_finished=fields), "processing_finished", occasion)


def test_a_ready_repository_is_mild_news_and_a_failed_one_critical_with_its_reason() -> None:
    ready, failed = finished("ready"), finished("failed", reason="The host\n did not answer.")

    assert ready
    assert failed
    assert (ready.level, failed.level) == (AlertLevel.MILD, AlertLevel.CRITICAL)
    assert ready.message == "The repository has been analysed and is ready."
    assert failed.message == "The repository could not be analysed. The host did not answer."
    assert [(each.value, each.threshold) for each in (ready, failed)] == [(1, 1), (1, 1)]


def test_a_failure_without_a_reason_is_told_without_one() -> None:
    failed = finished("failed")

    assert failed
    assert failed.message == "The repository could not be analysed."


def test_ready_and_failed_can_be_chosen_apart() -> None:
    assert finished("ready", ready=False) is None
    assert finished("failed", ready=False)
    assert finished("failed", failed=False) is None
    assert finished("ready", failed=False)
    assert finished("ready", enabled=False) is None
    assert finished("failed", enabled=False) is None


def test_each_job_ends_once() -> None:
    one, again, other = finished("ready"), finished("ready"), finished("ready", job="job-2")

    assert one
    assert again
    assert other
    assert one.id == again.id != other.id


QUIET = Verdict(VerdictState.QUIET, (Reason(ReasonCode.NO_COMMIT_BY_PEOPLE, "No commit for 90 days."),))
FAILING = Verdict(VerdictState.FAILING, (Reason(ReasonCode.CHECKS_FAIL, "The last 3 checks failed."),))
IS_GONE = Verdict(VerdictState.GONE, (Reason(ReasonCode.NOT_THERE, "It is not there."),))


def test_a_verdict_that_changed_says_what_it_was_and_why() -> None:
    alert = only_one(watcher(), "verdict_changes", VerdictFound(before=VerdictState.ACTIVE, verdict=QUIET, at=NOON))

    assert alert is not None
    assert (alert.level, alert.message) == (
        AlertLevel.MILD,
        "It is quiet now and was active before. No commit for 90 days.",
    )
    assert (alert.value, alert.threshold) == (1, 1)


def test_what_is_failing_is_critical() -> None:
    alert = only_one(watcher(), "verdict_changes", VerdictFound(before=VerdictState.ACTIVE, verdict=FAILING, at=NOON))

    assert alert is not None
    assert alert.level is AlertLevel.CRITICAL


@pytest.mark.parametrize(
    ("before", "verdict", "settings"),
    [
        (VerdictState.QUIET, QUIET, {}),
        (VerdictState.ACTIVE, IS_GONE, {}),
        (VerdictState.MOVED, QUIET, {}),
        (VerdictState.ACTIVE, QUIET, {"verdict_changes": {"enabled": False}}),
    ],
)
def test_no_change_and_what_is_told_otherwise_raise_nothing(
    before: VerdictState, verdict: Verdict, settings: dict[str, Any]
) -> None:
    assert (
        only_one(watcher(**settings), "verdict_changes", VerdictFound(before=before, verdict=verdict, at=NOON)) is None
    )


def unavailable(occasion: Gone | Returned, **fields: Any) -> Alert | None:
    return only_one(watcher(repository_unavailable=fields), "repository_unavailable", occasion)


def test_a_repository_that_is_gone_is_critical_and_says_since_when_and_why() -> None:
    alert = unavailable(Gone(gone_since=NOON, reason="The host\nsays 404.", failures=3))

    assert alert
    assert (alert.level, alert.metric, alert.value) == (AlertLevel.CRITICAL, AlertMetric.CHECKS_FAILED, 3)
    assert alert.threshold == limits.GONE_CONFIRMED_AFTER
    assert alert.message == (
        "The repository has not been there since 2026-03-04 12:00 UTC. The host says 404. "
        "What is known of it stays; it is checked ever more rarely."
    )


def test_a_repository_that_is_back_is_mild_news() -> None:
    alert = unavailable(Returned(gone_since=NOON))

    assert alert
    assert (alert.level, alert.metric) == (AlertLevel.MILD, AlertMetric.CHECKS_ANSWERED)
    assert (alert.value, alert.threshold) == (1, 1)
    assert alert.message == "The repository, gone since 2026-03-04 12:00 UTC, is back."


def test_each_absence_is_told_of_once_and_its_end_once() -> None:
    gone, still_gone = (unavailable(Gone(gone_since=NOON, reason="", failures=count)) for count in (2, 3))
    gone_again = unavailable(Gone(gone_since=NOON + DAY, reason="", failures=2))
    back, back_again = unavailable(Returned(gone_since=NOON)), unavailable(Returned(gone_since=NOON + DAY))

    assert gone
    assert still_gone
    assert gone.id == still_gone.id
    assert len({alert.id for alert in (gone, gone_again, back, back_again) if alert}) == 4


def test_a_reason_is_told_up_to_300_characters() -> None:
    alert = unavailable(Gone(gone_since=NOON, reason="x" * 1000, failures=2))
    failed = finished("failed", reason="x" * 1000)
    why = replace(QUIET, reasons=(Reason(ReasonCode.NO_COMMIT_BY_PEOPLE, "x" * 1000),))
    changed = only_one(watcher(), "verdict_changes", VerdictFound(before=VerdictState.ACTIVE, verdict=why, at=NOON))

    for each in (alert, failed, changed):
        assert each
        (told,) = re.findall("x+…?", each.message)
        assert len(told) == 300


def test_who_does_not_want_to_know_is_told_nothing() -> None:
    assert unavailable(Gone(gone_since=NOON, reason="", failures=2), enabled=False) is None
    assert unavailable(Returned(gone_since=NOON), enabled=False) is None


OLD, NEW = Repository("https://github.com", "old", "name"), Repository("https://github.com", "new", "name")


def renamed(before: Repository = OLD, after: Repository = NEW, previous: datetime | None = None) -> Alert | None:
    occasion = Renamed(before=before, after=after, previous=previous)
    return only_one(watcher(), "repository_renamed", occasion)


def test_a_new_name_is_mild_news_and_says_both() -> None:
    alert = renamed()

    assert alert
    assert (alert.level, alert.metric, alert.value, alert.threshold) == (AlertLevel.MILD, "names_changed", 1, 1)
    assert alert.message == (
        "The repository https://github.com/old/name is called https://github.com/new/name now. It is watched under its "
        "new name; whoever adds it by the old one joins the same entry."
    )


def test_each_renaming_is_told_of_once_also_of_one_to_the_same_name_again() -> None:
    alerts = [renamed(), renamed(before=NEW, after=OLD), renamed(previous=NOON), renamed(previous=NOON + DAY)]
    again = renamed()

    assert len({alert.id for alert in alerts if alert}) == 4
    assert again == alerts[0]


def test_a_webhook_that_is_called_no_more_is_critical_and_says_which_and_why() -> None:
    def switched_off(at: datetime, reason: str = "it answered\n410") -> Alert | None:
        occasion = WebhookGone(host="hooks.example.org", reason=reason, at=at)
        return only_one(watcher(), "webhook_switched_off", occasion)

    alert, again, later = switched_off(NOON), switched_off(NOON), switched_off(NOON + DAY)
    long = switched_off(NOON, "x" * 1000)

    assert alert
    assert again
    assert later
    assert long
    assert (alert.level, alert.metric) == (AlertLevel.CRITICAL, "webhooks_switched_off")
    assert (alert.value, alert.threshold) == (1, 1)
    assert alert.message == (
        "Your webhook at hooks.example.org is called no more: it answered 410. "
        "No alert of this repository reaches it until you set an address again."
    )
    assert alert.id == again.id != later.id
    assert len(long.message) == len(alert.message) - len("it answered 410") + 200
