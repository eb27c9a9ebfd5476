"""What callers are told of repositories whose commits hold impossible dates, odd names, or nothing at all."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks.history import FetchLimits
from tests.integration.checks.harness import Watchlist
from tests.integration.checks.onboarding import Onboarded, onboarding
from tests.repositories import DAY, NOW, PlannedCommit, PlannedFile, build_repository, git, straight_line
from watchlist import limits
from watchlist.alerts.settings import AlertKind
from watchlist.history.outline import HistoryState
from watchlist.history.pseudonyms import address_of
from watchlist.job_kinds import JobKind
from watchlist.storage.records import HealthRecord
from watchlist.watching import entries, forgetting, user_entries

AT = datetime.fromtimestamp(NOW, UTC)
IN_2038 = 2**31 - 1

Onboard = Callable[[Sequence[PlannedCommit]], Onboarded]


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """Where the repository is that is served."""
    (tmp_path / "served" / "owner").mkdir(parents=True)
    return tmp_path / "served" / "owner" / "name"


@pytest.fixture
def onboard(watchlist: Watchlist, tmp_path: Path, served: Path) -> Iterator[Onboard]:
    """Return what builds a repository and analyses it at `AT`."""
    with ExitStack() as stack:

        def run(plan: Sequence[PlannedCommit]) -> Onboarded:
            build_repository(served, plan)
            onboarded = stack.enter_context(onboarding(watchlist, tmp_path))
            onboarded.run(AT)
            return onboarded

        yield run


def line(days_ago: Sequence[float], **odd: PlannedCommit) -> list[PlannedCommit]:
    """Plan commits in a row, so many days old, each adding a line to one file; `c3=...` replaces the fourth's dates."""
    plan = straight_line(len(days_ago))
    for number, days in enumerate(days_ago):
        at = int(NOW - days * DAY)
        plan[number] = replace(plan[number], committed=at, authored=at, message=b"c%d\n" % number)
        if (dated := odd.get(f"c{number}")) is not None:
            plan[number] = replace(plan[number], committed=dated.committed, authored=dated.authored)
    return plan


def test_a_commit_dated_in_the_future_makes_no_dead_repository_alive(onboard: Onboard) -> None:
    dead = onboard(line([317, 314, 311, 308, 305, 302], c2=PlannedCommit(committed=IN_2038, authored=IN_2038)))
    assert dead.history.last_commit
    assert dead.history.last_commit.at == AT - timedelta(days=302)
    assert (dead.metrics["days_since_last_commit"], dead.metrics["contributors_active"]) == (302, 0)
    assert dead.metrics["activity"]["recency"] == 0


def test_a_dormant_repository_tells_its_last_commit(onboard: Onboard) -> None:
    dormant = onboard(line([402, 401, 400]))
    assert dormant.history.state is HistoryState.DORMANT
    assert dormant.history.last_commit
    assert (dormant.history.last_commit.sha, dormant.history.last_commit.author) == (dormant.entry.head_sha, "A U Thor")
    assert dormant.metrics["days_since_last_commit"] == 400
    assert (dormant.history.complete, dormant.history.notes, dormant.commits()) == (True, [], [])


def served_anew(served: Path, plan: Sequence[PlannedCommit]) -> None:
    """Let the default branch be the plan's, by force if it must."""
    build_repository(served.with_name("anew"), plan)
    git(served, "fetch", "--quiet", "--force", "../anew", "main:main")


def test_what_wakes_a_dormant_repository_up_is_news(onboard: Onboard, served: Path) -> None:
    plan = line([402, 401, 400])
    woken = onboard(plan)
    huge = PlannedCommit((2,), NOW - DAY, NOW - DAY, files={b"huge": PlannedFile(b"line\n" * 20_000)})
    served_anew(served, [*plan, huge])
    woken.refresh(now=AT)
    assert len(woken.commits()) == 1
    assert AlertKind.LINES_ADDED_DELETED in {alert.kind for alert in woken.alerts}


def test_a_dormant_repository_that_is_replaced_by_another_is_rewritten(onboard: Onboard, served: Path) -> None:
    replaced = onboard(line([402, 401, 400]))
    served_anew(served, line([3, 2, 1]))
    replaced.refresh(now=AT)
    assert AlertKind.ANCESTRY_BREAKS in {alert.kind for alert in replaced.alerts}


def test_an_empty_repository_and_a_head_without_its_branch_are_told_apart(onboard: Onboard, served: Path) -> None:
    empty = onboard([])
    assert (empty.history.state, empty.history.notes) == (HistoryState.EMPTY, [])
    assert empty.entry.score_reason == "The repository is empty."
    build_repository(served.with_name("filled"), line([3]))
    git(served, "fetch", "--quiet", "../filled", "main:refs/heads/trunk")
    git(served, "symbolic-ref", "HEAD", "refs/heads/gone")
    empty.entry.update(actions=[type(empty.entry).head_sha.set("0" * 40)])  # as if there had been a commit
    empty.refresh(now=AT)
    assert (empty.history.state, empty.history.branches) == (HistoryState.HEAD_MISSING, ["trunk"])
    assert empty.history.notes == [
        "HEAD names the branch gone, which does not exist; there are: trunk. Nothing is known of its history."
    ]


def test_commits_behind_back_dated_ones_are_found(onboard: Onboard) -> None:
    replayed = onboard(line([*range(200, 150, -1), *[800] * 60, *range(10, 0, -1)]))
    assert len(replayed.commits()) == 60
    assert (replayed.history.complete, replayed.history.notes) == (True, [])


def test_where_not_all_is_looked_at_behind_back_dated_commits_that_is_told(
    onboard: Onboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.history.repository.FetchLimits", lambda: FetchLimits(older_commits_after_leap=30))
    hidden = onboard(line([*range(200, 150, -1), *[800] * 90, *range(10, 0, -1)]))
    assert len(hidden.commits()) == 10
    assert (hidden.history.complete, hidden.metrics["complete"], hidden.metrics["covered_weeks"]) == (False, False, 1)
    assert hidden.history.covered_since == AT - timedelta(days=10)
    assert hidden.history.notes[0].startswith(f"Commits of before {AT - timedelta(days=10):%Y-%m-%d} may be missing")


def test_exactly_as_many_commits_as_are_kept_are_not_more(onboard: Onboard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HISTORY_COMMITS", 20)
    all_kept = onboard(line([500, 400, *range(40, 20, -1)]))
    assert len(all_kept.commits()) == 20
    assert (all_kept.history.complete, all_kept.history.notes) == (True, [])
    assert all_kept.metrics["covered_weeks"] == 52


def test_what_is_cut_stays_told_after_a_refresh_and_a_new_health(
    onboard: Onboard, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HISTORY_COMMITS", 20)
    plan = line(range(40, 0, -1))
    cut = onboard(plan)
    assert cut.history.notes == ["The year has more commits; the newest 20 are kept."]
    assert cut.history.covered_since == AT - timedelta(days=20)
    assert cut.metrics["covered_weeks"] == 2
    monkeypatch.setattr(limits, "HISTORY_COMMITS", 30)
    cut.refresh(JobKind.HEALTH_ANALYSIS, now=AT)
    assert (cut.history.complete, cut.metrics["complete"], cut.metrics["covered_weeks"]) == (False, False, 2)
    build_repository(served.with_name("grown"), line([*range(40, 0, -1), 0.5]))
    git(served, "fetch", "--quiet", "../grown", "main:main")
    cut.refresh(now=AT)
    assert (cut.history.complete, cut.history.covered_since) == (False, AT - timedelta(days=20))
    assert len(cut.history.notes) == 1


def test_programs_do_not_hide_that_people_are_silent(onboard: Onboard, served: Path) -> None:
    people = line(range(130, 100, -1))
    watched = onboard(people)
    added = user_entries.find(entries.user_watchlist_id_of(watched.entry.watchlist_id, "ada"), None)
    added.update(actions=[type(added).added_at.set(AT - timedelta(days=50))])
    plan = [
        *people,
        PlannedCommit(
            parents=(len(people) - 1,), committed=NOW - DAY, author=b"renovate[bot] <r@example.org>", message=b"bump\n"
        ),
    ]
    build_repository(served.with_name("grown"), plan)
    git(served, "fetch", "--quiet", "../grown", "main:main")
    watched.refresh(now=AT)
    (alert,) = [alert for alert in watched.alerts if alert.kind is AlertKind.INACTIVITY]
    assert alert.value == 101
    assert "The last one by a program is of" in alert.message
    assert watched.history.last_commit_by_bot
    assert watched.history.last_commit_by_bot.author == "renovate[bot]"
    assert watched.metrics["days_since_last_commit"] == 101


@pytest.mark.parametrize("kept", [1000, 40], ids=["before the year", "beyond the limit"])
def test_the_last_commit_by_a_person_is_found_behind_many_by_programs(
    onboard: Onboard, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr(limits, "HISTORY_COMMITS", kept)
    plan = line([*range(900, 800, -1), *range(600, 400, -2), *range(60, 0, -1)])
    programs = [replace(commit, author=b"renovate[bot] <r@example.org>") for commit in plan[100:]]
    dormant = onboard([*plan[:100], *programs])
    assert dormant.history.last_commit
    assert dormant.history.last_commit.at == AT - timedelta(days=801)
    assert dormant.metrics["days_since_last_commit"] == 801
    assert len(dormant.commits()) == min(kept, 60)


def test_a_history_that_was_rewritten_to_one_by_programs_tells_the_last_person_of_the_new_one(
    onboard: Onboard, served: Path
) -> None:
    rewritten = onboard(line([3, 2, 1]))
    plan = line([*range(900, 800, -1), *range(600, 400, -2), *range(60, 0, -1)])
    served_anew(served, [*plan[:100], *(replace(each, author=b"renovate[bot] <r@example.org>") for each in plan[100:])])
    rewritten.refresh(now=AT)
    assert rewritten.history.last_commit
    assert rewritten.history.last_commit.at == AT - timedelta(days=801)


def test_who_was_erased_is_not_named_as_the_last_person_either(onboard: Onboard) -> None:
    forgetting.erase_author("author@example.com")
    plan = line([800, *range(600, 400, -2), *range(60, 0, -1)])
    erased = onboard([plan[0], *(replace(each, author=b"renovate[bot] <r@example.org>") for each in plan[1:])])
    assert erased.history.last_commit
    assert erased.history.last_commit.at == AT - timedelta(days=800)
    assert "A U Thor" not in repr(erased.entry.attribute_values)


def test_where_programs_made_all_commits_no_person_is_made_up(onboard: Onboard) -> None:
    plan = [replace(commit, author=b"renovate[bot] <r@example.org>") for commit in line(range(500, 0, -10))]
    assert onboard(plan).history.last_commit is None


def test_names_in_an_old_encoding_are_files_of_their_own(onboard: Onboard) -> None:
    names = [word.encode("cp1251") + b".txt" for word in ("файл", "тест", "слон", "коты")]
    plan = [
        PlannedCommit(
            parents=(number - 1,) if number else (),
            committed=NOW - DAY + number * 60,
            files={names[number % 4]: PlannedFile(b"%d\n" % number)},
        )
        for number in range(24)
    ]
    files = onboard(plan).metrics["top_files"]
    assert [file["commits"] for file in files] == [6] * 4
    assert r'"\364\340\351\353.txt"' in {file["path"] for file in files}


def test_an_author_who_was_erased_does_not_come_back_with_later_commits_nor_by_the_mailmap(
    onboard: Onboard, served: Path
) -> None:
    mailmap = PlannedFile(b"Real Name <author@example.com> <other@example.com>\n")
    watched = onboard([replace(each, files={**each.files, b".mailmap": mailmap}) for each in line([30, 20, 10])])

    forgetting.erase_author("author@example.com")
    later = [replace(each, files={**each.files, b".mailmap": mailmap}) for each in line([30, 20, 10, 1])]
    later[-1] = replace(later[-1], message=b"c3\n\nSigned-off-by: A U Thor <author@example.com>\n")
    build_repository(served.with_name("grown"), later)
    git(served, "fetch", "--quiet", "../grown", "main:main")
    watched.refresh(now=AT)

    commits = watched.commits()
    assert len(commits) == 4
    assert {commit.author.email for commit in commits} == {address_of("author@example.com")}
    kept = repr((commits, watched.entry.attribute_values, watched.metrics))
    assert all(name not in kept for name in ("A U Thor", "Real Name", "author@example.com"))
    assert watched.metrics["contributors_active"] == 1


def test_a_mailmap_gives_nobody_the_name_or_address_of_an_author_who_was_erased(onboard: Onboard) -> None:
    forgetting.erase_author("author@example.com")
    mailmap = PlannedFile(b"Real Name <author@example.com> <other@example.com>\n")
    commits = [replace(each, files={**each.files, b".mailmap": mailmap}) for each in line([30, 20, 10])]

    watched = onboard([*commits[:2], replace(commits[2], author=b"Other <other@example.com>")])

    analyses = [each.attribute_values for each in HealthRecord.query(watched.entry.watchlist_id)]
    kept = repr((watched.entry.attribute_values, analyses))
    assert address_of("author@example.com") in kept, "the mailmap was read"
    assert all(name not in kept for name in ("Real Name", "author@example.com"))
