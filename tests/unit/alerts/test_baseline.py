import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.commit_factory import ADA, BOT, GRACE, NOON, a_commit
from watchlist.alerts.baseline import (
    MAXIMUM_CONTRIBUTORS,
    MAXIMUM_FILES,
    MINIMUM_COMMITS_FOR_HOURS,
    MINIMUM_CONTRIBUTOR_COMMITS,
    MINIMUM_REPOSITORY_COMMITS,
    Baseline,
    Spread,
    UsualHours,
    contributor_key,
    week_of,
)
from watchlist.history.commits import Commit, Signature
from watchlist.history.people import People

PEOPLE = People()
SIZES = st.lists(st.integers(min_value=0, max_value=10**6), min_size=20, max_size=60)


def spread_of(*sizes: int) -> Spread:
    spread = Spread.of(sizes, minimum=1)
    assert spread
    return spread


def baseline_of(commits: Iterable[Commit]) -> Baseline:
    return Baseline.of(commits, PEOPLE)


def key(author: Signature) -> str:
    return contributor_key(PEOPLE.of(author))


def test_the_centre_is_the_median_of_the_logarithms() -> None:
    assert spread_of(0, 6, 1000).centre == pytest.approx(math.log(7), abs=1e-4)
    assert spread_of(0, 6, 1000).usual_size == pytest.approx(6, abs=1e-3)


def test_the_deviation_is_the_scaled_median_absolute_deviation_where_that_is_greatest() -> None:
    # 1 + size is 2 to the power of 0, 2, 4, 6, 8: median 4, absolute deviations 4, 2, 0, 2, 4, their median 2.
    # The 84.13th percentile lies at 0.8413 * 4 = 3.3652, that is at 6 + 0.3652 * 2 = 6.7304: 2.7304 < 1.4826 * 2.
    assert spread_of(0, 3, 15, 63, 255).deviation == pytest.approx(1.4826 * 2 * math.log(2), abs=1e-4)


def test_the_deviation_reaches_to_the_84th_percentile_where_most_sizes_are_equal() -> None:
    # seven commits of one file, two of 15, one of 1023: the percentile lies at 0.8413 * 9 = 7.57 within the fifteens
    spread = spread_of(1, 1, 1, 1, 1, 1, 1, 15, 15, 1023)

    assert spread.centre == pytest.approx(math.log(2), abs=1e-4)
    assert spread.deviation == pytest.approx(math.log(16) - math.log(2), abs=1e-4)


def test_the_deviation_of_equal_sizes_is_one_doubling() -> None:
    assert spread_of(*[3] * 20).deviation == pytest.approx(math.log(2), abs=1e-4)
    assert spread_of(*[3] * 20).deviations(7) == pytest.approx(1, abs=1e-3)
    assert spread_of(*[3] * 20).size_at(2) == pytest.approx(15, abs=1e-2)


def test_too_small_a_sample_has_no_spread() -> None:
    assert Spread.of([1] * 9, minimum=10) is None
    assert Spread.of([1] * 10, minimum=10) is not None
    assert Spread.of([], minimum=0) is None
    assert Spread.of([1], minimum=1) is not None


@given(SIZES, st.integers(min_value=0, max_value=10**9), st.integers(min_value=0, max_value=10**9))
def test_a_greater_size_lies_no_fewer_deviations_above(sample: list[int], one: int, other: int) -> None:
    spread = spread_of(*sample)

    assert spread.deviations(min(one, other)) <= spread.deviations(max(one, other))


@given(SIZES, st.integers(min_value=0, max_value=10**9))
def test_the_size_at_its_deviations_is_the_size(sample: list[int], size: int) -> None:
    spread = spread_of(*sample)

    assert spread.size_at(spread.deviations(size)) == pytest.approx(size, rel=1e-6, abs=1e-6)


@given(SIZES, st.integers(min_value=10**13), st.integers(min_value=10**13))
def test_how_great_one_outlier_is_does_not_matter(sample: list[int], one: int, other: int) -> None:
    assert spread_of(*sample, one) == spread_of(*sample, other)


@given(SIZES, st.integers(min_value=0))
def test_however_great_one_outlier_is_a_sixth_of_the_sample_at_most_lies_above_one_deviation(
    sample: list[int], outlier: int
) -> None:
    spread = spread_of(*sample, outlier)

    assert sum(spread.deviations(size) > 1 + 1e-3 for size in sample) <= len(sample) / 6 + 1


def test_one_outlier_neither_hides_the_next_one_nor_makes_the_usual_unusual() -> None:
    # 50 sizes at the quantiles of a log-normal distribution around 20 lines
    quantiles = NormalDist(mu=3, sigma=1).quantiles(51)
    sample = [round(math.exp(logarithm)) for logarithm in quantiles]
    limit, limit_with_outlier = spread_of(*sample).size_at(3.5), spread_of(*sample, 5_000_000).size_at(3.5)

    assert 400 < limit < 1000
    assert limit <= limit_with_outlier < 1.3 * limit


@given(st.lists(st.integers(), max_size=60))
def test_any_integers_have_a_finite_spread_or_none(sizes: list[int]) -> None:
    spread = Spread.of([*sizes, 10**400, -(10**400)], minimum=1)

    assert spread
    assert math.isfinite(spread.deviations(10**400))
    assert math.isfinite(spread.size_at(1e300))


def test_usual_hours_are_the_shortest_stretch_with_nine_tenths_and_an_hour_on_each_side() -> None:
    # 18 of 20 between 9 and 11, the others at 3 and 20
    hours = UsualHours.of([9] * 6 + [10] * 6 + [11] * 6 + [3, 20])

    assert hours == UsualHours(start=8, length=5)
    assert str(hours) == "08:00-13:00 UTC"
    assert [hour for hour in range(24) if hours.hold(hour)] == [8, 9, 10, 11, 12]


def test_usual_hours_go_on_over_midnight() -> None:
    hours = UsualHours.of([23] * 10 + [0] * 10)

    assert hours == UsualHours(start=22, length=4)
    assert [hour for hour in range(24) if hours.hold(hour)] == [0, 1, 22, 23]


def test_who_commits_around_the_clock_or_too_rarely_has_no_usual_hours() -> None:
    assert UsualHours.of(list(range(24)) * 5) is None
    assert UsualHours.of([9] * (MINIMUM_COMMITS_FOR_HOURS - 1)) is None
    assert UsualHours.of([9] * MINIMUM_COMMITS_FOR_HOURS) is not None


def test_usual_hours_are_at_most_20() -> None:
    # nine tenths of 20 hours are 18, and one more on each side
    assert UsualHours.of(list(range(20)) * 5) == UsualHours(start=23, length=20)
    assert UsualHours.of(list(range(21)) * 5) is None


@given(st.lists(st.integers(min_value=0, max_value=23), min_size=20, max_size=80), st.integers(0, 23))
def test_usual_hours_hold_nine_tenths_and_turn_with_the_clock(hours: list[int], shift: int) -> None:
    usual = UsualHours.of(hours)
    turned = UsualHours.of([(hour + shift) % 24 for hour in hours])

    assert (usual is None) == (turned is None)
    if usual and turned:
        assert sum(usual.hold(hour) for hour in hours) >= 0.9 * len(hours)
        assert usual.length == turned.length


def test_weeks_are_iso_weeks() -> None:
    assert week_of(datetime(2027, 1, 3, 23, 59, tzinfo=UTC)) == "2026-W53"
    assert week_of(datetime(2027, 1, 4, tzinfo=UTC)) == "2027-W01"
    assert week_of(datetime.min.replace(tzinfo=UTC)) == "0001-W01"


def test_samples_below_the_minimum_leave_the_baseline_without_spreads() -> None:
    few = baseline_of([a_commit() for _ in range(MINIMUM_CONTRIBUTOR_COMMITS - 1)])
    some = baseline_of([a_commit() for _ in range(MINIMUM_CONTRIBUTOR_COMMITS)])
    enough = baseline_of([a_commit() for _ in range(MINIMUM_REPOSITORY_COMMITS)])

    assert (few.lines, few.files, few.contributors) == (None, None, {})
    assert few.contributor(PEOPLE.of(ADA)) is None
    ada = some.contributor(PEOPLE.of(ADA))
    assert ada
    assert ada.lines
    assert ada.files
    assert ada.hours is None
    assert some.lines is None
    assert enough.lines
    assert enough.files


def test_an_empty_history_has_a_baseline_that_knows_nothing() -> None:
    assert baseline_of([]) == Baseline(lines=None, files=None, contributors={}, file_changes={}, average_file_changes=1)


def test_programs_count_for_themselves_only() -> None:
    people = [a_commit(lines=10) for _ in range(40)]
    programs = [a_commit(lines=5000, files=["lock"], author=BOT) for _ in range(60)]

    baseline = baseline_of(people + programs)

    assert (baseline.lines, baseline.files) == (baseline_of(people).lines, baseline_of(people).files)
    assert baseline.file_changes == baseline_of(people).file_changes
    bot = baseline.contributor(PEOPLE.of(BOT))
    assert bot
    assert bot.lines
    assert bot.lines.usual_size == pytest.approx(5000, rel=1e-3)
    assert bot.hours is None


def test_merges_and_commits_of_unknown_size_count_for_the_hours_only() -> None:
    measured = [a_commit(lines=10) for _ in range(12)]
    others = [a_commit(files=(), parents=("a", "b")) for _ in range(40)] + [a_commit(files=None) for _ in range(40)]

    ada = baseline_of(measured + others).contributor(PEOPLE.of(ADA))
    measured_only = baseline_of(measured).contributor(PEOPLE.of(ADA))

    assert ada
    assert measured_only
    assert (ada.lines, ada.files) == (measured_only.lines, measured_only.files)
    assert ada.hours == UsualHours(start=11, length=3)


def test_a_file_is_as_usual_as_its_mean_over_the_weeks_in_which_it_changed() -> None:
    # hot: 4 times in one week, 2 times in another; three other files once; the last week is not over
    weeks = [NOON] * 4 + [NOON + timedelta(weeks=5)] * 2 + [NOON + timedelta(weeks=6)] * 50
    baseline = baseline_of(
        [a_commit(files=["hot"], at=at) for at in weeks] + [a_commit(files=[path]) for path in ("a", "b", "c")]
    )

    assert baseline.usual_file_changes("hot") == 3
    assert len(baseline.file_changes) == 1
    assert baseline.average_file_changes == (3 + 1 + 1 + 1) / 4
    assert baseline.usual_file_changes("a") == baseline.usual_file_changes("never seen") == 1.5


def test_a_mean_is_kept_with_six_digits() -> None:
    weeks = [NOON, NOON, NOON + timedelta(weeks=1), NOON + timedelta(weeks=2)]
    later = a_commit(at=NOON + timedelta(weeks=3))
    baseline = baseline_of([*(a_commit(files=["warm"], at=at) for at in weeks), later])

    assert baseline.usual_file_changes("warm") == 1.333333
    assert list(baseline.file_changes.values()) == [1.333333]


def test_of_more_files_than_are_kept_those_that_change_most_are() -> None:
    crowd = [f"file {number}" for number in range(MAXIMUM_FILES + 50)]
    twice = [a_commit(files=crowd) for _ in range(2)]
    hot = [a_commit(files=[f"hot {number}"]) for number in range(20) for _ in range(3)]
    later = a_commit(at=NOON + timedelta(weeks=1))
    baseline = baseline_of([*twice, *hot, later])

    assert len(baseline.file_changes) == MAXIMUM_FILES
    assert sorted(baseline.file_changes.values()) == [2] * (MAXIMUM_FILES - 20) + [3] * 20
    assert baseline_of([*hot, *twice, later]).file_changes == baseline.file_changes
    backwards = [a_commit(files=crowd[::-1]) for _ in range(2)]
    assert baseline_of([*backwards, *hot, later]).file_changes == baseline.file_changes


def test_the_order_of_the_commits_does_not_matter() -> None:
    commits = [
        a_commit(lines=number, files=number % 5 + 1, author=GRACE if number % 3 else ADA, at=NOON + timedelta(number))
        for number in range(80)
    ]

    assert baseline_of(commits) == baseline_of(reversed(commits))


def test_the_greatest_baseline_is_small_and_survives_its_json() -> None:
    commits = []
    for person in range(MAXIMUM_CONTRIBUTORS + 50):
        author = Signature("ü" * 500, f"{person}@{'x' * 500}.example.org", NOON)
        for number in range(MINIMUM_COMMITS_FOR_HOURS + (person < 10)):
            paths = [f"{'é' * 200}/{file % 700}" for file in range(person * 10, person * 10 + 30)]
            at = NOON + timedelta(weeks=number // 3)
            commits.append(a_commit(lines=number**3, files=paths, author=author, at=at))

    baseline = baseline_of(commits)
    stored = baseline.model_dump_json()

    assert len(baseline.contributors) == MAXIMUM_CONTRIBUTORS
    assert len(baseline.file_changes) == MAXIMUM_FILES
    assert all(key(commit.author) in baseline.contributors for commit in commits[:210])
    assert len(stored) < 64 * 1024
    assert Baseline.model_validate_json(stored) == baseline
    assert json.loads(stored)


def test_a_baseline_tells_neither_names_nor_addresses_nor_paths() -> None:
    stored = baseline_of([a_commit(files=["secret-plan.txt"]) for _ in range(40)] * 2).model_dump_json()

    assert not any(text in stored for text in ("secret", "Ada", "ada", "example"))
