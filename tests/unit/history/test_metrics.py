import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchlist.history import metrics as history_metrics
from watchlist.history.commits import Commit, FileChange, Signature
from watchlist.history.last_commits import NAME_BYTES
from watchlist.history.metrics import (
    MAX_BOTS,
    MAX_CONTRIBUTORS,
    MAX_FILES,
    PATH_BYTES,
    RECENT_WEEKS,
    WEEKS,
    HistoryMetrics,
    absence_factor,
)
from watchlist.history.people import People

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""A Tuesday."""


def commit(  # noqa: PLR0913 - each test names what matters to it
    days: float = 1,
    author: str = "Ann",
    email: str | None = None,
    *,
    files: tuple[FileChange, ...] | None = (),
    merge: bool = False,
    signed: bool = False,
    authored: datetime | None = None,
) -> Commit:
    """Return a commit made `days` ago."""
    at = NOW - timedelta(days=days)
    address = f"{author.lower()}@example.org" if email is None else email
    return Commit(
        sha="0" * 40,
        parents=("1" * 40, "2" * 40) if merge else ("1" * 40,),
        author=Signature(author, address, authored or at),
        committer=Signature("GitHub", "noreply@github.com", at),
        subject="s",
        message="s",
        signed=signed,
        files=files,
    )


def change(path: str, added: int | None, deleted: int | None) -> FileChange:
    return FileChange(path, added, deleted)


def measure(
    commits: Sequence[Commit], *, mailmap: bytes = b"", covered_since: datetime | None = None
) -> HistoryMetrics:
    people = People((commit.author for commit in commits), mailmap)
    return history_metrics.measure(commits, people, now=NOW, covered_since=covered_since)


def test_a_year_without_commits_has_no_shares_and_no_activity() -> None:
    metrics = measure([])
    assert (metrics.commits, metrics.commits_total, metrics.contributors_total) == (0, 0, 0)
    assert metrics.contributor_absence_factor is None
    assert metrics.top_contributor_share is None
    assert metrics.lines_added is None
    assert metrics.top_files is None
    assert metrics.days_since_last_commit is None
    assert metrics.signed_share is None
    assert metrics.activity.value == 0


def test_commits_are_counted_in_weeks_that_end_now() -> None:
    week = measure([commit(0), commit(6.99), commit(7), commit(363.9), commit(364)]).commits_per_week
    assert len(week) == WEEKS
    assert (week[-1], week[-2], week[0], sum(week)) == (2, 1, 1, 4)


def test_commits_of_bots_are_counted_in_weeks_of_their_own() -> None:
    metrics = measure([commit(1), commit(1, "x-bot"), commit(8, "x-bot", merge=True), commit(364, "x-bot")])
    assert len(metrics.bot_commits_per_week) == WEEKS
    assert metrics.bot_commits_per_week[-2:] == (1, 1)
    assert sum(metrics.bot_commits_per_week) == metrics.bot_commits == 2


def test_a_commit_from_the_future_makes_no_dead_repository_alive() -> None:
    before, wrong, after = (commit(days, authored=NOW - timedelta(days=days)) for days in (308, -4000, 302))
    line = [replace(before, sha="a"), replace(wrong, sha="b", parents=("a",)), replace(after, sha="c", parents=("b",))]
    metrics = measure(line)
    assert (metrics.future_dated, metrics.commits) == (1, 3)
    assert metrics.commits_per_week[-1] == 0
    assert metrics.days_since_last_commit == 302
    assert (metrics.contributors_active, metrics.contributors_new, metrics.activity.recency) == (0, 0, 0)


def test_merges_and_bots_are_counted_apart() -> None:
    commits = [commit(), commit(merge=True), commit(author="dependabot[bot]"), commit(author="x-bot", merge=True)]
    metrics = measure(commits)
    assert (metrics.commits_total, metrics.commits, metrics.merges, metrics.bot_commits) == (4, 1, 1, 2)
    assert [(bot.name, bot.commits) for bot in metrics.bots] == [("dependabot[bot]", 1), ("x-bot", 1)]
    assert [who.name for who in metrics.top_contributors] == ["Ann"]


def test_the_absence_factor_of_the_example_of_chaoss_is_2() -> None:
    # https://chaoss.community/kb/metric-contributor-absence-factor/
    assert absence_factor([1000, 202, 90, 33, 332, 343, 42, 433]) == 2


@pytest.mark.parametrize(
    ("contributions", "factor"), [([], None), ([1], 1), ([5, 5], 1), ([4, 3, 3], 2), ([1] * 10, 5), ([1] * 11, 6)]
)
def test_the_absence_factor_is_the_fewest_people_who_made_half(contributions: list[int], factor: int | None) -> None:
    assert absence_factor(contributions) == factor


def test_contributors_are_active_new_or_inactive() -> None:
    recent, before = RECENT_WEEKS * 7 - 1, RECENT_WEEKS * 7
    commits = [
        commit(recent, "New"),
        commit(1, "Old Hand"),
        commit(before, "Old Hand"),
        commit(before, "Gone"),
        commit(365, "Before The Window"),
    ]
    metrics = measure(commits)
    assert metrics.contributors_total == 3
    assert metrics.contributors_active == 2
    assert metrics.contributors_new == 1
    assert metrics.contributors_inactive == 1


def test_new_and_inactive_are_unknown_when_the_commits_do_not_reach_back() -> None:
    commits = [commit(days) for days in range(90)]
    assert measure(commits).contributors_new == 1
    truncated = measure(commits, covered_since=NOW - timedelta(days=89))
    assert (truncated.contributors_new, truncated.contributors_inactive) == (None, None)
    assert truncated.covered_weeks == 12


def test_one_email_is_one_person_whatever_the_name_and_case() -> None:
    commits = [commit(2, "ann", "A@example.org"), commit(1, "Ann Example", "a@example.org")]
    (person,) = measure(commits).top_contributors
    assert (person.name, person.commits) == ("Ann Example", 2)
    assert (person.first_commit_at, person.last_commit_at) == (NOW - timedelta(days=2), NOW - timedelta(days=1))


def test_without_email_the_name_is_the_person() -> None:
    assert measure([commit(1, "Ann", ""), commit(1, "Bob", "")]).contributors_total == 2


def test_the_mailmap_is_honoured() -> None:
    commits = [commit(1, "ann", "ann@home"), commit(1, "Ann", "ann@work"), commit(1, "Bob", "bob@work")]
    metrics = measure(commits, mailmap=b"Ann Example <ann@work> <ANN@home>\nAnn Example <ann@work>\n")
    assert [(who.name, who.commits) for who in metrics.top_contributors] == [("Ann Example", 2), ("Bob", 1)]
    assert metrics.top_contributor_share == 0.6667


def test_a_bot_can_be_named_in_the_mailmap() -> None:
    metrics = measure([commit(1, "Builder", "b@ci")], mailmap=b"Builder[bot] <b@ci>")
    assert (metrics.commits, metrics.bot_commits) == (0, 1)


def test_lines_are_summed_over_contributions_whose_files_are_known() -> None:
    commits = [
        commit(files=(change("a", 3, 1), change("logo.png", None, None))),
        commit(files=(change("a", 1, 1), change("b", 0, 9))),
        commit(files=None),
        commit(author="renovate", files=(change("lock", 1000, 1000),)),
    ]
    metrics = measure(commits)
    assert (metrics.lines_added, metrics.lines_deleted, metrics.commits_with_lines) == (4, 11, 2)
    assert metrics.top_files is not None
    assert [(file.path, file.commits, file.lines_added, file.lines_deleted) for file in metrics.top_files] == [
        ("b", 1, 0, 9),
        ("a", 2, 4, 2),
        ("logo.png", 1, 0, 0),
    ]


def test_while_no_files_are_known_lines_are_unknown_and_not_zero() -> None:
    metrics = measure([commit(files=None)])
    assert (metrics.lines_added, metrics.lines_deleted, metrics.top_files) == (None, None, None)


def test_weekday_and_hour_are_of_the_author_in_utc() -> None:
    monday = datetime.fromisoformat("2026-11-23T01:30:00+02:00")  # Sunday 23:30 UTC
    grid = measure([commit(authored=monday)]).commits_by_weekday_and_hour
    assert grid[6][23] == 1
    assert [len(row) for row in grid] == [24] * 7
    assert sum(map(sum, grid)) == 1


def test_days_since_the_last_commit_include_merges_but_not_bots() -> None:
    commits = [commit(9), commit(3.5, merge=True), commit(1, "renovate[bot]")]
    assert measure(commits).days_since_last_commit == 3


def test_the_last_commit_may_lie_before_the_window() -> None:
    metrics = measure([commit(800)])
    assert (metrics.days_since_last_commit, metrics.commits_total) == (800, 0)


def test_signed_share_is_of_all_commits() -> None:
    commits = [commit(signed=True), commit(), commit(merge=True, signed=True), commit(author="renovate")]
    assert measure(commits).signed_share == 0.5


def test_a_busy_repository_has_all_points() -> None:
    commits = [commit(n * 0.35, f"Person {n % 9}") for n in range(1040)]  # 20 per week, all year
    activity = measure(commits).activity
    assert activity.model_dump() == {"value": 100, "recency": 30, "frequency": 30, "regularity": 20, "people": 20}


def test_the_activity_score_is_the_sum_of_its_parts_by_the_formula() -> None:
    commits = [commit(days) for days in (50, 57, 64, 71, 100)]
    activity = measure(commits).activity
    assert activity.recency == 23  # 30 x (180 - 50) / 173 = 22.5
    assert activity.frequency == 3  # 30 x log2(1 + 4/13) / log2(21) = 2.6
    assert activity.regularity == 2  # 20 x 5 / 52 = 1.9
    assert activity.people == 6  # 20 x log2(2) / log2(9) = 6.3
    assert activity.value == 34


@pytest.mark.parametrize(("people", "points"), [(1, 6), (2, 10), (7, 19), (8, 20), (50, 20)])
def test_points_for_people_grow_with_the_logarithm_up_to_8(people: int, points: int) -> None:
    assert measure([commit(1, f"Person {n}") for n in range(people)]).activity.people == points


@pytest.mark.parametrize(("days", "points"), [(0, 30), (7, 30), (8, 30), (93, 15), (180, 0), (400, 0)])
def test_recency_falls_linearly_from_a_week_to_180_days(days: int, points: int) -> None:
    assert measure([commit(days)]).activity.recency == points


WEEK = timedelta(weeks=1)


def test_the_window_begins_a_year_ago_to_the_moment() -> None:
    assert measure([commit(WEEKS * 7)]).commits == 0
    assert measure([commit(WEEKS * 7 - 0.001)]).commits == 1


def test_a_commit_of_this_moment_is_none_of_the_future() -> None:
    assert measure([commit(0)]).future_dated == 0
    assert measure([commit(-0.001)]).future_dated == 1


def test_a_week_that_is_covered_in_part_is_not_counted_as_covered() -> None:
    assert measure([], covered_since=NOW - WEEK / 2).covered_weeks == 0
    assert measure([], covered_since=NOW - WEEK).covered_weeks == 1


def test_new_and_inactive_are_known_from_a_week_before_the_recent_ones_on() -> None:
    weeks_until_unknown = measure([commit()], covered_since=NOW - RECENT_WEEKS * WEEK)
    known = measure([commit()], covered_since=NOW - (RECENT_WEEKS + 1) * WEEK)

    assert (weeks_until_unknown.contributors_new, weeks_until_unknown.contributors_inactive) == (None, None)
    assert (known.contributors_new, known.contributors_inactive) == (1, 0)


def test_what_few_weeks_cover_is_judged_by_these_weeks_alone() -> None:
    for covered in (WEEK / 2, WEEK):
        activity = measure([commit(0.1) for _ in range(20)], covered_since=NOW - covered).activity
        assert (activity.frequency, activity.regularity) == (30, 20)


def test_who_made_how_much_of_it() -> None:
    metrics = measure([commit(), commit(), commit(), commit(author="Grace")])

    assert metrics.contributor_absence_factor == 1
    assert metrics.top_contributor_share == 0.75


def test_the_last_commits_of_people_and_of_programs_are_told_apart() -> None:
    of_both = measure([commit(3), commit(5), commit(2, "renovate"), commit(4, "renovate")])
    of_people = measure([commit(3)])

    assert of_both.last_commit_by_person_at == NOW - timedelta(days=3)
    assert of_both.last_commit_by_bot_at == NOW - timedelta(days=2)
    assert of_people.last_commit_by_bot_at is None


def test_a_commit_without_lines_adds_none() -> None:
    without = (change("a", 0, 0),)
    metrics = measure([commit(files=without), commit(files=(change("b", 2, 3),))])

    assert (metrics.lines_added, metrics.lines_deleted, metrics.commits_with_lines) == (2, 3, 2)


def test_shares_have_four_digits() -> None:
    metrics = measure([commit(signed=True), commit(author="Grace"), commit(author="Grace")])

    assert (metrics.signed_share, metrics.top_contributor_share) == (0.3333, 0.6667)


def test_programs_are_listed_by_commits_then_by_name() -> None:
    names = ["dependabot", "renovate", "bors", "renovate"]

    assert [bot.name for bot in measure([commit(author=name) for name in names]).bots] == [
        "renovate",
        "bors",
        "dependabot",
    ]


def test_files_are_listed_by_lines_then_by_commits_then_by_path() -> None:
    commits = [
        commit(files=(change("few", 1, 1), change("many", 50, 50), change("b", 5, 5), change("a", 5, 5))),
        commit(files=(change("often", 5, 0),)),
        commit(files=(change("often", 0, 5),)),
    ]

    assert [each.path for each in measure(commits).top_files or ()] == ["many", "often", "a", "b", "few"]


def test_long_names_and_paths_are_cut() -> None:
    long = "ä" * 1000
    metrics = measure([commit(author=long, files=(change(long, 1, 1),)), commit(author=f"{long}[bot]")])
    (contributor,), (bot,), (file,) = metrics.top_contributors, metrics.bots, metrics.top_files or ()

    assert len(contributor.name.encode()) in {NAME_BYTES - 1, NAME_BYTES}
    assert len(bot.name.encode()) in {NAME_BYTES - 1, NAME_BYTES}
    assert len(file.path.encode()) in {PATH_BYTES - 1, PATH_BYTES}


def test_the_hour_is_that_of_utc_wherever_it_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        hours = measure([commit(authored=datetime(2026, 11, 23, 5, 30, tzinfo=UTC))]).commits_by_weekday_and_hour
    time.tzset()

    assert hours[0][5] == 1


_times = st.datetimes(timezones=st.just(UTC)) | st.timedeltas(timedelta(days=-10), timedelta(days=400)).map(
    lambda age: NOW - age
)
_signatures = st.builds(Signature, st.text(max_size=8), st.text(max_size=8), _times)
_counts = st.none() | st.integers(min_value=0, max_value=10**6)
_commits = st.builds(
    Commit,
    sha=st.just("0" * 40),
    parents=st.lists(st.just("1" * 40), max_size=3).map(tuple),
    author=_signatures,
    committer=_signatures,
    subject=st.just(""),
    message=st.just(""),
    signed=st.booleans(),
    files=st.none() | st.lists(st.builds(FileChange, st.text(max_size=5), _counts, _counts), max_size=4).map(tuple),
)


@given(st.lists(_commits, max_size=30), st.binary(max_size=60), st.none() | _times)
def test_any_history_has_consistent_metrics(
    commits: list[Commit], mailmap: bytes, covered_since: datetime | None
) -> None:
    metrics = measure(commits, mailmap=mailmap, covered_since=covered_since)
    assert (metrics.complete, 0 <= metrics.covered_weeks <= WEEKS) == (covered_since is None, True)
    assert metrics.commits + metrics.merges + metrics.bot_commits == metrics.commits_total <= len(commits)
    assert sum(metrics.commits_per_week) == metrics.commits == sum(map(sum, metrics.commits_by_weekday_and_hour))
    assert metrics.contributors_active <= metrics.contributors_total <= metrics.commits
    if metrics.contributors_inactive is not None:
        assert metrics.contributors_active + metrics.contributors_inactive == metrics.contributors_total
    if metrics.contributor_absence_factor is not None:
        assert 1 <= metrics.contributor_absence_factor <= metrics.contributors_total
    assert 0 <= metrics.activity.value <= 100
    assert HistoryMetrics.model_validate_json(metrics.model_dump_json()) == metrics


@given(st.randoms(use_true_random=False))
def test_the_order_of_commits_does_not_matter(random: object) -> None:
    commits = [commit(n * 1.7, f"P{n % 5}", files=(change(f"f{n % 3}", n, 1),)) for n in range(40)]
    shuffled = list(commits)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis' Random
    assert measure(shuffled) == measure(commits)


def test_the_result_is_bounded_whatever_the_history() -> None:
    commits = [
        commit(n / 3, f"{'Ä' * 500}{n}", files=tuple(change(f"{n}/{'ß' * 4000}", 1, 1) for _ in range(2)))
        for n in range(1000)
    ] + [commit(n, f"{n}{'b' * 500}-bot") for n in range(100)]
    metrics = measure(commits)
    assert (len(metrics.top_contributors), len(metrics.bots)) == (MAX_CONTRIBUTORS, MAX_BOTS)
    assert metrics.top_files is not None
    assert len(metrics.top_files) == MAX_FILES
    assert len(metrics.model_dump_json().encode()) < 32_000


def test_somebody_is_called_by_the_last_name_that_can_be_read() -> None:
    names = ("Jos\u00e9", "Jos\ufffd", "")
    commits = [
        replace(each, author=Signature(name, "jose@example.org", each.author.time))
        for each, name in zip([commit(days=3), commit(days=2), commit(days=1)], names, strict=True)
    ]
    (contributor,) = measure(commits).top_contributors
    assert (contributor.name, contributor.commits) == ("Jos\u00e9", 3)
