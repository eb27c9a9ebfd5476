from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.alerts.evaluating import raised, watcher
from tests.unit.commit_factory import ADA, BOT, GRACE, NOON, a_commit
from watchlist.alerts.alert import Alert, Watcher
from watchlist.alerts.baseline import Baseline
from watchlist.alerts.kind import AlertLevel
from watchlist.alerts.kinds.files_changed import MINIMUM_FILES
from watchlist.alerts.kinds.lines_added_deleted import MINIMUM_LINES
from watchlist.alerts.occasions import NewCommits
from watchlist.alerts.settings import AlertKind, AlertMetric, ThresholdKind
from watchlist.history.commits import Commit, FileChange, Signature
from watchlist.history.people import People

ANYBODY = Signature("Somebody New", "new@example.org", NOON)
LINES = ("lines_added_deleted",)
FILES = ("files_changed",)
CHURN = ("high_churn",)
HOURS = ("unusual_author_activity",)

PEOPLE = People()

# Each of 40 commits changes 100 lines in one file: the deviation is one doubling of 1 + size. 3.5 of them above 100
# lines are 101 * 2 ** 3.5 - 1 = 1141.7 lines, 4.5 of them above one file are 2 * 2 ** 4.5 - 1 = 44.3 files.
USUAL = [a_commit(lines=100, at=NOON - timedelta(weeks=number + 1)) for number in range(40)]


def baseline_of(commits: Sequence[Commit]) -> Baseline:
    return Baseline.of(commits, PEOPLE)


BASELINE = baseline_of(USUAL)


def only(kinds: Sequence[str], **fields: Any) -> Watcher:
    """Return a watcher of `kinds` alone, with `fields` set in each."""
    settings = {kind.value: fields if kind in kinds else {"enabled": False} for kind in AlertKind}
    return watcher(**settings)


def alerts_of(watching: Watcher, *commits: Commit, baseline: Baseline = BASELINE, **known: Any) -> list[Alert]:
    return raised(watching, NewCommits(baseline=baseline, new=commits, people=PEOPLE, **known))


def the_alert(watching: Watcher, *commits: Commit, baseline: Baseline = BASELINE, **known: Any) -> Alert:
    (alert,) = alerts_of(watching, *commits, baseline=baseline, **known)
    return alert


def test_a_commit_whose_files_could_not_be_counted_is_told_by_the_lines_that_it_has_at_least() -> None:
    alert = the_alert(only(LINES), replace(a_commit(), files=None, least_lines=60_000))
    assert alert.message.startswith("At least 60,000 lines added and deleted by")


def test_usual_commits_raise_nothing() -> None:
    assert alerts_of(watcher(), *USUAL) == []


@pytest.mark.parametrize(("lines", "level"), [(1141, None), (1142, "mild"), (3842, "mild"), (3843, "critical")])
def test_lines_alert_from_the_limit_of_the_author_on(lines: int, level: str | None) -> None:
    # 5.25 deviations, one and a half times 3.5, are 101 * 2 ** 5.25 - 1 = 3842.6 lines
    commit = a_commit(lines=lines)
    alerts = alerts_of(only(LINES, repository_variance=None), commit)

    assert [alert.level for alert in alerts] == ([level] if level else [])
    for alert in alerts:
        assert alert.kind is AlertKind.LINES_ADDED_DELETED
        assert alert.metric is AlertMetric.LINES_CHANGED
        assert (alert.value, alert.threshold) == (lines, 1142)
        assert alert.threshold_kind is ThresholdKind.CONTRIBUTOR_VARIANCE
        assert alert.commit_sha == commit.sha


@pytest.mark.parametrize(("files", "level"), [(44, None), (45, "mild"), (214, "mild"), (215, "critical")])
def test_files_alert_from_the_limit_of_the_repository_on(files: int, level: str | None) -> None:
    # 6.75 deviations, one and a half times 4.5, are 2 * 2 ** 6.75 - 1 = 214.3 files
    alerts = alerts_of(only(FILES, hardcoded_threshold=None), a_commit(files=files, author=ANYBODY))

    assert [(alert.level, alert.threshold_kind, alert.threshold) for alert in alerts] == (
        [(level, ThresholdKind.REPOSITORY_VARIANCE, 45)] if level else []
    )


@pytest.mark.parametrize(("lines", "level"), [(9_999, None), (10_000, "mild"), (19_999, "mild"), (20_000, "critical")])
def test_lines_alert_from_the_fixed_limit_on_whatever_is_usual(lines: int, level: str | None) -> None:
    nothing_known = baseline_of([])
    alerts = alerts_of(only(LINES), a_commit(lines=lines), baseline=nothing_known)

    assert [(alert.level, alert.threshold_kind, alert.threshold) for alert in alerts] == (
        [(level, ThresholdKind.HARDCODED_THRESHOLD, 10_000)] if level else []
    )


def test_added_and_deleted_lines_of_all_files_count() -> None:
    files = (FileChange("a", 500, 100), FileChange("b", 0, 541), FileChange("image", None, None))
    commit = Commit("f" * 40, ("0" * 40,), ADA, ADA, "", "", signed=False, files=files)
    one_more = Commit("e" * 40, ("0" * 40,), ADA, ADA, "", "", signed=False, files=(*files, FileChange("c", 1, 0)))

    assert alerts_of(only(LINES), commit) == []
    assert the_alert(only(LINES), one_more).value == 1142
    assert the_alert(only(LINES), one_more).message.startswith("501 lines added and 641 deleted by Ada Lovelace")


def test_a_small_commit_hides_no_large_one_after_it() -> None:
    large = a_commit(lines=50_000, at=NOON + timedelta(hours=1))

    assert the_alert(only(LINES), a_commit(), large).commit_sha == large.sha


def test_a_fixed_limit_is_named_as_one() -> None:
    fixed = only(LINES, contributor_variance=None, repository_variance=None, hardcoded_threshold=10)

    assert the_alert(fixed, a_commit(lines=10)).message == (
        "10 lines added and 0 deleted by Ada Lovelace in one commit: 10 or more raise this alert, a fixed limit."
    )


def test_a_commit_that_reaches_several_thresholds_raises_one_alert_by_the_most_severe() -> None:
    # Ada's own limit (4.5 deviations) is just reached; the fixed one is reached twice
    alert = the_alert(only(FILES, hardcoded_threshold=22), a_commit(files=45))

    assert (alert.level, alert.threshold_kind) == (AlertLevel.CRITICAL, ThresholdKind.HARDCODED_THRESHOLD)


def test_of_equally_severe_thresholds_the_author_s_own_comes_first_then_the_repository_s() -> None:
    files = 45
    own = the_alert(only(FILES, hardcoded_threshold=files), a_commit(files=files))
    everybody = the_alert(only(FILES, hardcoded_threshold=files), a_commit(files=files, author=ANYBODY))

    assert own.threshold_kind is ThresholdKind.CONTRIBUTOR_VARIANCE
    assert everybody.threshold_kind is ThresholdKind.REPOSITORY_VARIANCE


@pytest.mark.parametrize("kind", [*LINES, *FILES])
def test_every_threshold_can_be_switched_off(kind: str) -> None:
    nothing = only((kind,), contributor_variance=None, repository_variance=None, hardcoded_threshold=None)

    assert alerts_of(nothing, a_commit(lines=10**6, files=10**4)) == []


def test_a_kind_that_is_disabled_raises_nothing() -> None:
    week = [a_commit(lines=10**6, files=300, at=NOON + timedelta(hours=11)) for _ in range(50)]

    assert {alert.kind for alert in alerts_of(watcher(), *week)} == {*LINES, *FILES, *CHURN, *HOURS}
    for kind in AlertKind:
        assert kind not in {alert.kind for alert in alerts_of(watcher(**{kind: {"enabled": False}}), *week)}


def test_small_commits_are_not_unusual_however_small_the_usual_ones_are() -> None:
    tiny = baseline_of([a_commit(lines=1) for _ in range(40)])
    sensitive = watcher(
        lines_added_deleted={"contributor_variance": 1, "repository_variance": 1},
        files_changed={"contributor_variance": 1, "repository_variance": 1},
        high_churn={"enabled": False},
    )

    below = a_commit(lines=MINIMUM_LINES - 1, files=MINIMUM_FILES - 1)
    at = a_commit(lines=MINIMUM_LINES, files=MINIMUM_FILES)

    assert alerts_of(sensitive, below, baseline=tiny) == []
    assert [alert.threshold for alert in alerts_of(sensitive, at, baseline=tiny)] == [MINIMUM_LINES, MINIMUM_FILES]


def test_a_fixed_limit_holds_for_small_commits_too() -> None:
    assert the_alert(only(LINES, hardcoded_threshold=5), a_commit(lines=5)).value == 5


def test_merges_and_commits_of_unknown_size_raise_no_alert_by_size_or_churn() -> None:
    merge = [a_commit(lines=10**6, files=1000, parents=("a", "b")) for _ in range(50)]
    unknown = [a_commit(files=None) for _ in range(50)]

    assert alerts_of(only(LINES + FILES + CHURN), *merge, *unknown) == []


def test_a_program_is_measured_against_itself_only() -> None:
    programs = [a_commit(lines=4000, files=["lock"], author=BOT) for _ in range(20)]
    baseline = baseline_of(USUAL + programs)
    usual_for_it = a_commit(lines=4000, author=BOT)

    assert alerts_of(only(LINES), usual_for_it, baseline=baseline) == []
    assert alerts_of(only(LINES), usual_for_it, baseline=BASELINE) == []
    assert the_alert(only(LINES), a_commit(lines=60_000, author=BOT), baseline=baseline).threshold_kind is (
        ThresholdKind.HARDCODED_THRESHOLD
    )
    # 4001 * 2 ** 3.5 - 1 = 45265.8
    unlimited = only(LINES, hardcoded_threshold=None)
    assert the_alert(unlimited, a_commit(lines=60_000, author=BOT), baseline=baseline).threshold == 45_266


def test_one_outlier_in_the_baseline_neither_mutes_nor_fires() -> None:
    with_outlier = baseline_of([*USUAL, a_commit(lines=5_000_000, files=20_000)])

    assert alerts_of(only(LINES + FILES), *USUAL, baseline=with_outlier) == []
    assert len(alerts_of(only(LINES + FILES), a_commit(lines=1142, files=45), baseline=with_outlier)) == 2


def test_churn_alerts_from_the_multiple_of_the_file_s_usual_changes_on() -> None:
    # 5 times 3 changes in a week with changes; the other file of each commit keeps the average low
    hot = [a_commit(files=["hot", f"other-{number}"], at=NOON - timedelta(weeks=4)) for number in range(3)]
    baseline = baseline_of([*hot, a_commit(at=NOON - timedelta(weeks=1))])
    week = [a_commit(files=["hot"], at=NOON + timedelta(minutes=number)) for number in range(15)]

    assert alerts_of(only(CHURN), *week[:14], baseline=baseline) == []
    alert = the_alert(only(CHURN), *week, baseline=baseline)
    assert (alert.value, alert.threshold, alert.threshold_kind) == (15, 15, ThresholdKind.MULTIPLIER)
    assert alert.level is AlertLevel.MILD
    assert alert.metric is AlertMetric.FILE_CHANGES_PER_WEEK
    assert alert.commit_sha == week[-1].sha
    assert "hot" in alert.message
    assert "2026-W10" in alert.message


def test_churn_is_critical_from_twice_the_limit_on() -> None:
    week = [a_commit(files=["new"]) for _ in range(16)]

    assert the_alert(only(CHURN), *week[:15]).level is AlertLevel.MILD
    assert the_alert(only(CHURN), *week).level is AlertLevel.CRITICAL


def test_a_new_file_counts_as_the_average_file_and_needs_the_minimum() -> None:
    week = [a_commit(files=["new"]) for _ in range(8)]

    assert alerts_of(only(CHURN, multiplier=1), *week[:7]) == []
    assert the_alert(only(CHURN, multiplier=1), *week).threshold == 8


def test_a_file_whose_name_cannot_be_shown_is_told_of_without_one() -> None:
    alert = the_alert(only(CHURN, hardcoded_threshold=1, multiplier=None), a_commit(files=["\n"]))

    assert alert.message.startswith("A file without a name ")


def test_churn_alerts_from_the_fixed_limit_on() -> None:
    week = [a_commit(files=["new"]) for _ in range(6)]
    watching = only(CHURN, multiplier=None, hardcoded_threshold=3)

    assert alerts_of(watching, *week[:2]) == []
    alert = the_alert(watching, *week[:3])
    assert (alert.threshold_kind, alert.level) == (ThresholdKind.HARDCODED_THRESHOLD, AlertLevel.MILD)
    assert the_alert(watching, *week[:5]).level is AlertLevel.MILD
    assert the_alert(watching, *week).level is AlertLevel.CRITICAL


def test_churn_counts_stored_commits_of_the_week_but_raises_only_for_new_ones() -> None:
    stored = [a_commit(files=["new"]) for _ in range(7)]
    last_week = [a_commit(files=["new"], at=NOON - timedelta(weeks=1)) for _ in range(7)]
    last = a_commit(files=["new"])

    assert alerts_of(only(CHURN), last, recent=stored[:6] + last_week) == []
    assert the_alert(only(CHURN), last, recent=stored + last_week).commit_sha == last.sha
    assert alerts_of(only(CHURN), a_commit(files=["another"]), recent=[*stored, last]) == []


def test_a_commit_too_large_to_be_counted_alerts_by_what_it_changed_at_least() -> None:
    huge = replace(a_commit(files=None), least_files=51_002)
    alert = the_alert(only(FILES), huge)

    assert (alert.value, alert.level) == (51_002, AlertLevel.CRITICAL)
    assert alert.message.startswith("At least 51,002 files changed by Ada Lovelace in one commit")
    assert not alerts_of(only(FILES), replace(huge, least_files=1), a_commit(files=None))


def test_a_merge_alerts_by_what_is_in_none_of_its_parents() -> None:
    brought_in = tuple(FileChange(f"f{number}", added=60, deleted=10) for number in range(300))
    merge = replace(a_commit(lines=0, files=(), parents=("a", "b")), brought_in=brought_in)
    files, lines = the_alert(only(FILES), merge), the_alert(only(LINES), merge)

    assert (files.value, lines.value) == (300, 21_000)
    assert files.message.startswith(
        "At least 300 files changed by Ada Lovelace in one merge, beyond what its parents hold: "
    )
    assert lines.message.startswith("At least 18,000 lines added and 3,000 deleted by Ada Lovelace in one merge, ")
    assert alerts_of(only(LINES + FILES), replace(merge, brought_in=brought_in[:1])) == []


def test_a_commit_that_is_both_stored_and_new_counts_once() -> None:
    week = [a_commit(files=["new"]) for _ in range(8)]

    assert the_alert(only(CHURN), *week, *week, recent=week).value == 8


def test_programs_do_not_churn() -> None:
    assert alerts_of(only(CHURN), *[a_commit(files=["lock"], author=BOT) for _ in range(50)]) == []


def test_an_alert_for_a_file_comes_once_a_week() -> None:
    first = [a_commit(files=["new"]) for _ in range(8)]
    more = [a_commit(files=["new"], at=NOON + timedelta(days=1)) for _ in range(8)]
    next_week = [a_commit(files=["new"], at=NOON + timedelta(weeks=1)) for _ in range(8)]

    once = the_alert(only(CHURN), *first)
    again = the_alert(only(CHURN), *more, recent=first)

    assert once.id == again.id
    assert the_alert(only(CHURN), *next_week).id != once.id


def at_hours(*hours: int, author: Signature = ADA) -> list[Commit]:
    return [a_commit(author=author, at=NOON.replace(hour=hour)) for hour in hours]


def test_hours_alert_when_the_share_of_the_week_outside_the_usual_ones_is_reached() -> None:
    # all of the baseline at noon: usual are 11:00 to 14:00
    alert = the_alert(only(HOURS), *at_hours(1, 2, 3, 11, 12, 13))

    assert alerts_of(only(HOURS), *at_hours(1, 2, 3, 11, 12, 13, 13)) == []
    assert (alert.value, alert.threshold) == (50, 50)
    assert alert.threshold_kind is ThresholdKind.PERCENTAGE_OUTSIDE_RANGE
    assert alert.level is AlertLevel.MILD
    assert "3 of 6 commits by Ada Lovelace" in alert.message
    assert "11:00-14:00 UTC" in alert.message


def test_hours_need_three_commits_outside_and_an_author_whose_hours_are_known() -> None:
    assert alerts_of(only(HOURS), *at_hours(1, 2)) == []
    assert len(alerts_of(only(HOURS), *at_hours(1, 2, 3))) == 1
    assert alerts_of(only(HOURS), *at_hours(1, 2, 3, author=ANYBODY)) == []


def test_hours_of_one_author_are_judged_whatever_others_did() -> None:
    """The keys of authors are sorted: `aa` comes before Ada, whose hours are known."""
    unknown = Signature("A", "aa@example.org", NOON)
    usual = [a_commit(author=unknown, at=NOON - timedelta(weeks=number + 1)) for number in range(40)]

    beside_unknown = alerts_of(only(HOURS), *at_hours(1, 2, 3, author=unknown), *at_hours(1, 2, 3))
    beside_usual = alerts_of(
        only(HOURS),
        *at_hours(12, author=unknown),
        *at_hours(1, 2, 3),
        baseline=baseline_of([*USUAL, *usual]),
    )

    for alerts in (beside_unknown, beside_usual):
        (alert,) = alerts
        assert "by Ada Lovelace" in alert.message


def test_an_alert_of_hours_names_the_newest_commit_outside_and_the_name_it_has() -> None:
    renamed = Signature("Countess", ADA.email, NOON)
    week = [*at_hours(1, 2), *at_hours(3, author=renamed), *at_hours(12)]
    alert = the_alert(only(HOURS, percentage_outside_range=1), *week)

    assert alert.commit_sha == week[2].sha
    assert "by Countess" in alert.message


def test_a_share_of_hours_is_told_with_one_digit() -> None:
    alert = the_alert(only(HOURS), *at_hours(1, 2, 3, 4, 11, 12))

    assert alert.value == 66.7


def test_an_hour_off_as_by_daylight_saving_time_is_usual() -> None:
    assert alerts_of(only(HOURS), *at_hours(11, 11, 11, 13, 13, 13)) == []


def test_hours_are_those_of_writing_and_the_week_is_that_of_committing() -> None:
    night = Signature(ADA.name, ADA.email, NOON.replace(hour=2) - timedelta(weeks=3))
    picked = [
        Commit(f"{number:040x}", (), night, Signature("G", "g@example.org", NOON), "", "", signed=False)
        for number in range(3)
    ]

    assert "in week 2026-W10" in the_alert(only(HOURS), *picked).message


def test_hours_alert_once_for_an_author_and_week() -> None:
    first = at_hours(1, 2, 3)

    assert the_alert(only(HOURS), *first).id == the_alert(only(HOURS), *at_hours(4, 5, 6), recent=first).id
    assert alerts_of(only(HOURS), *at_hours(12), recent=first) == []


def test_each_watcher_has_alerts_of_their_own() -> None:
    commit = a_commit(lines=50_000)
    (one,) = alerts_of(Watcher("one", only(LINES).settings), commit)
    (other,) = alerts_of(Watcher("other", only(LINES).settings), commit)

    assert one.id != other.id


def test_every_alert_has_a_sentence_and_survives_its_json() -> None:
    week = [a_commit(lines=10**6, files=300, at=NOON.replace(hour=2)) for _ in range(10)]
    alerts = alerts_of(watcher(), *week)

    assert {alert.kind for alert in alerts} == {*LINES, *FILES, *CHURN, *HOURS}
    for alert in alerts:
        assert Alert.model_validate_json(alert.model_dump_json()) == alert
        assert alert.message.endswith(".")
        assert alert.message.isprintable()


def test_the_sentence_tells_the_counts_the_author_and_what_is_usual() -> None:
    assert the_alert(only(LINES), a_commit(lines=1500)).message == (
        "1,500 lines added and 0 deleted by Ada Lovelace in one commit: 1,142 or more raise this alert, this author's "
        "usual commit has 100."
    )


ANY_TIME = st.datetimes(timezones=st.just(UTC))
ANY_SIGNATURE = st.builds(Signature, name=st.text(), email=st.text(), time=ANY_TIME) | st.sampled_from(
    [ADA, GRACE, BOT]
)
ANY_COUNT = st.none() | st.integers(min_value=0, max_value=10**12) | st.just(10**400)
ANY_FILES = st.none() | st.lists(
    st.builds(FileChange, path=st.text(max_size=10), added=ANY_COUNT, deleted=ANY_COUNT), max_size=40
).map(tuple)
ANY_COMMIT = st.builds(
    Commit,
    sha=st.integers(min_value=0, max_value=2**160 - 1).map("{:040x}".format),
    parents=st.lists(st.text("0123456789abcdef", min_size=40, max_size=40), max_size=3).map(tuple),
    author=ANY_SIGNATURE,
    committer=ANY_SIGNATURE,
    subject=st.text(),
    message=st.text(),
    signed=st.booleans(),
    files=ANY_FILES,
)
SENSITIVE = watcher(
    lines_added_deleted={"contributor_variance": 1, "repository_variance": 1, "hardcoded_threshold": 1},
    files_changed={"contributor_variance": 1, "repository_variance": 1, "hardcoded_threshold": 1},
    high_churn={"multiplier": 1, "hardcoded_threshold": 1},
    unusual_author_activity={"percentage_outside_range": 1},
)


@given(st.lists(ANY_COMMIT, max_size=12), st.lists(ANY_COMMIT, max_size=6))
def test_hostile_commits_raise_alerts_or_none_but_no_error(past: list[Commit], new: list[Commit]) -> None:
    baseline = Baseline.model_validate_json(baseline_of(past * 40).model_dump_json())

    alerts = alerts_of(SENSITIVE, *new, baseline=baseline, recent=past)

    assert len({alert.id for alert in alerts}) == len(alerts)
    for alert in alerts:
        assert alert.value >= alert.threshold
        assert alert.message.isprintable()
        assert len(alert.message) < 400
        assert alert.commit_sha in {commit.sha for commit in new}


@given(st.lists(ANY_COMMIT, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_same_commits_raise_the_same_alerts_in_any_order_and_as_often_as_they_come(
    new: list[Commit], order: Any
) -> None:
    unique = list({commit.sha: commit for commit in new}.values())
    shuffled = [*unique, *unique]
    order.shuffle(shuffled)

    assert alerts_of(SENSITIVE, *unique) == alerts_of(SENSITIVE, *shuffled)


@given(
    st.integers(min_value=0, max_value=10**6),
    st.integers(min_value=0, max_value=10**6),
    st.lists(st.integers(min_value=1, max_value=10**4), min_size=30, max_size=50),
    st.sampled_from([ADA, ANYBODY, BOT]),
)
def test_a_greater_commit_raises_no_lesser_alert(one: int, other: int, past: list[int], author: Signature) -> None:
    baseline = baseline_of([a_commit(lines=lines, author=ADA) for lines in past])
    severity = {None: 0, AlertLevel.MILD: 1, AlertLevel.CRITICAL: 2}
    lesser, greater = (
        next(
            (alert.level for alert in alerts_of(only(LINES), a_commit(lines=lines, author=author), baseline=baseline)),
            None,
        )
        for lines in sorted((one, other))
    )

    assert severity[lesser] <= severity[greater]


@given(st.floats(min_value=1, max_value=20), st.integers(min_value=0, max_value=10**5))
def test_a_higher_threshold_raises_no_more_alerts(variance: float, lines: int) -> None:
    commit = a_commit(lines=lines)
    lenient = only(LINES, contributor_variance=variance, repository_variance=None, hardcoded_threshold=None)
    strict = only(LINES, contributor_variance=1, repository_variance=None, hardcoded_threshold=None)

    assert len(alerts_of(lenient, commit)) <= len(alerts_of(strict, commit))


def test_what_a_week_adds_up_to_does_not_depend_on_how_often_it_was_looked_at() -> None:
    week = [a_commit(files=["new"], at=NOON + timedelta(hours=number)) for number in range(12)]

    at_once = the_alert(only(CHURN), *week)
    one_by_one = [
        alert.id
        for position, commit in enumerate(week)
        for alert in alerts_of(only(CHURN), commit, recent=week[:position])
    ]

    assert set(one_by_one) == {at_once.id}


def test_the_week_ends_on_sunday_at_midnight_utc() -> None:
    monday = datetime(2026, 3, 9, tzinfo=UTC)
    commits = [a_commit(files=["new"], at=monday + timedelta(seconds=seconds)) for seconds in range(-7, 7)]

    assert alerts_of(only(CHURN), *commits) == []
