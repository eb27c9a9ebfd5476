from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchlist.history.commits import Commit, Signature
from watchlist.history.dates import as_made, made_at, reach_back_to
from watchlist.history.last_commits import LastCommits
from watchlist.history.people import People

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
IN_2038 = datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC)
MILLISECONDS = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BEFORE_GIT = datetime(1998, 5, 1, tzinfo=UTC)
IMPOSSIBLE = [IN_2038, MILLISECONDS, EPOCH, BEFORE_GIT, datetime.min.replace(tzinfo=UTC), NOW + timedelta(days=2)]


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def commit(
    sha: str, committed: datetime, *parents: str, authored: datetime | None = None, author: str = "Ann"
) -> Commit:
    email = f"{author.lower()}@example.org"
    return Commit(
        sha=sha,
        parents=parents,
        author=Signature(author, email, authored or committed),
        committer=Signature(author, email, committed),
        subject="",
        message="",
        signed=False,
    )


def days_ago(commits: list[Commit]) -> list[float | None]:
    return [None if time is None else (NOW - time) / timedelta(days=1) for time in made_at(commits, NOW)]


@pytest.mark.parametrize("impossible", IMPOSSIBLE)
def test_an_impossible_date_gives_way_to_the_greatest_of_the_author_parents_and_children(impossible: datetime) -> None:
    line = [commit("c", ago(302), "b"), commit("b", impossible, "a", authored=ago(310)), commit("a", ago(320))]
    assert days_ago(line) == [302, 302, 320]
    assert days_ago([commit("b", impossible, authored=ago(310)), commit("a", ago(320))]) == [310, 320]
    assert days_ago([commit("b", impossible, "a"), commit("a", ago(320))]) == [320, 320]


@pytest.mark.parametrize("impossible", IMPOSSIBLE)
def test_a_row_of_impossible_dates_is_dated_by_its_ends(impossible: datetime) -> None:
    row = [commit(str(n), impossible, str(n - 1)) for n in range(9, 0, -1)]
    assert days_ago([*row, commit("0", ago(400))]) == [400] * 10


@pytest.mark.parametrize(("alone", "told"), [(IN_2038, None), (MILLISECONDS, None), (EPOCH, None)])
def test_where_nothing_tells_a_commit_was_made_at_no_time(alone: datetime, told: None) -> None:
    assert made_at([commit("a", alone)], NOW) == [told]


def test_a_history_older_than_git_keeps_its_dates() -> None:
    assert made_at([commit("a", BEFORE_GIT)], NOW) == [BEFORE_GIT]


def test_a_clock_a_little_ahead_is_one_of_now() -> None:
    assert made_at([commit("a", ago(-0.2))], NOW) == [NOW]


def test_a_believable_date_is_kept_whatever_stands_around_it() -> None:
    assert days_ago([commit("b", ago(1), "a"), commit("a", ago(300), authored=ago(5))]) == [1, 300]


def test_one_back_dated_commit_does_not_make_a_cut_history_look_whole() -> None:
    commits = [commit(str(n), ago(n / 10)) for n in range(999)] + [commit("x", ago(300))]
    assert (NOW - reach_back_to(commits, NOW)).days == 98
    assert reach_back_to([], NOW) == NOW


_times = st.datetimes(timezones=st.just(UTC)) | st.sampled_from(IMPOSSIBLE)
_names = st.sampled_from("abcdef")


@given(st.lists(st.builds(lambda sha, at, parents: commit(sha, at, *parents), _names, _times, st.lists(_names))))
def test_no_history_is_dated_after_now(commits: list[Commit]) -> None:
    assert all(time is None or time <= NOW for time in made_at(commits, NOW))


def test_the_last_commits_are_told_for_people_and_for_programs() -> None:
    commits = [
        commit("d", IN_2038, "c", authored=ago(40)),
        commit("c", ago(1), "b", author="dependabot[bot]"),
        commit("b", ago(50), "a"),
    ]
    last = LastCommits.of(commits[1:], People(), NOW)
    assert last.by_person
    assert (last.by_person.sha, last.by_person.at, last.by_person.author) == ("b", ago(50), "Ann")
    assert last.by_bot
    assert last.by_bot.author == "dependabot[bot]"
    later = LastCommits.of([commit("e", ago(3))], People(), NOW)
    assert last.or_later(later) == later.or_later(last) == LastCommits(by_person=later.by_person, by_bot=last.by_bot)
    assert last.or_later(LastCommits()) == last


@pytest.mark.parametrize("impossible", IMPOSSIBLE)
def test_a_commit_as_it_was_made_has_no_impossible_date(impossible: datetime) -> None:
    line = [commit("c", impossible, "b"), commit("b", ago(310), "a", authored=impossible), commit("a", ago(320))]
    made = as_made(line, NOW)
    assert [each.committer.time for each in made] == [ago(310), ago(310), ago(320)]
    assert [each.author.time for each in made] == [ago(310), ago(310), ago(320)]
    assert made[2] is line[2]
