"""The history equals `git log --numstat` of a full clone, whatever the repository and whatever the server offers."""

import random
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from local_service.git.server import PARTIAL_CLONE, GitServer
from tasks.child_process import ChildProcesses
from tasks.history import FetchLimits, open_repository
from tests.integration.history.lesser_servers import without_objects_by_id, without_shallow
from tests.integration.history.log_of_git import as_lines, log_of_git
from tests.repositories import DAY, NOW, YEAR, PlannedCommit, PlannedFile, build_repository, git, straight_line

SINCE = NOW - YEAR
EVERYTHING = FetchLimits(older_commits=100_000)
"""Looks behind all commits older than the window, as git does."""

NAMES = st.sampled_from(
    [
        *[b"a", b"a/b", b"a/b/c", b"d/e", b"d/f.txt", "ümlaut".encode()],
        *[b"\xff\xfe", b"tab\there", b"new\nline", b'quo"te'],
        *[b":100644 100644 " + b"0" * 40, b"0" * 40 + b" " + b"1" * 40 + b"\nx"],
    ]
)
TEXTS = st.lists(st.sampled_from([b"one\n", b"two\n", b"three\r\n", b"\xff\n", b"no end"]), max_size=8).map(b"".join)
FILES = st.one_of(
    st.none(),
    st.builds(PlannedFile, TEXTS, st.sampled_from(["100644", "100755", "120000"])),
    st.builds(PlannedFile, st.just(b"binary\0") | st.binary(min_size=1, max_size=40)),
)
PEOPLE = st.sampled_from(
    [b"A <a@b>", b" <>", b"\xff\xfe <x>", "Zoë <z@e>".encode(), b"a\x01\x1fb <a\x01@b>", b"; rm -rf / <$(id)@b>"]
)
MESSAGES = st.sampled_from(
    [
        b"",
        b"\n\nlate subject\n",
        b"plain\n\nbody\n",
        b"\xe9\xff latin",
        b"commit 0000\n\0after nul",
        b"tree 1\nparent 2\n",
    ]
)
TIMES = st.one_of(
    st.integers(NOW - 2 * YEAR, NOW), st.integers(NOW - 3 * DAY, NOW), st.sampled_from([0, NOW + YEAR, 4_000_000_000])
)


@st.composite
def histories(draw: st.DrawFn) -> list[PlannedCommit]:
    """Draw a history: merges of any number of parents, several roots, dates in any order."""
    plan: list[PlannedCommit] = []
    for number in range(draw(st.integers(1, 14))):
        recent = st.integers(max(0, number - 5), number - 1) if number else st.nothing()
        parents = draw(st.lists(recent, unique=True, max_size=4)) if number else []
        plan.append(
            PlannedCommit(
                parents=tuple(parents),
                committed=draw(TIMES),
                authored=draw(st.integers(0, 2**33)),
                author=draw(PEOPLE),
                message=draw(MESSAGES),
                encoding=draw(st.sampled_from([None, None, b"ISO-8859-1", b"no-such-encoding"])),
                zone=draw(st.sampled_from([b"+0000", b"-0730", b"+9999", b"-0000"])),
                files=draw(st.dictionaries(NAMES, FILES, max_size=4)),
            )
        )
    loose = set(range(len(plan))) - {parent for commit in plan for parent in commit.parents}
    if len(loose) > 1:  # tie all ends together, so that HEAD reaches everything
        plan.append(PlannedCommit(parents=tuple(sorted(loose)), committed=draw(TIMES)))
    return plan


class Served:
    """A server and the folder it serves."""

    def __init__(self, root: Path, server: GitServer) -> None:
        self.root = root
        self.server = server

    def assert_same(
        self,
        plan: list[PlannedCommit],
        *,
        limit: int = 1000,
        object_format: str = "sha1",
        limits: FetchLimits = EVERYTHING,
    ) -> None:
        """Build the planned repository and compare what the history says of it with what git says."""
        name = f"{secrets.token_hex(8)}.git"
        expected = log_of_git(
            build_repository(self.root / name, plan, object_format=object_format), since=SINCE, limit=limit
        )
        with open_repository(
            self.server.url_of(name),
            scratch=self.root / "scratch",
            children=ChildProcesses(),
            limits=limits,
            allowed_schemes=("http",),
        ) as repository:
            window = repository.commits(since=datetime.fromtimestamp(SINCE, UTC), limit=limit)
            counted = {sha: as_lines(files) for sha, files in repository.line_counts(window)}
        assert window.shas == tuple(expected)
        assert tuple(commit.sha for commit in window.commits) == tuple(expected)
        assert counted == expected
        assert window.bad_commits == 0


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((PARTIAL_CLONE, True, None), id="partial-clone"),
        pytest.param((PARTIAL_CLONE, True, without_shallow), id="no-shallow"),
        pytest.param((PARTIAL_CLONE, True, without_objects_by_id), id="no-objects-by-id"),
        pytest.param(({"uploadpack.allowFilter": "false"}, True, None), id="no-filter"),
        pytest.param(({"uploadpack.allowFilter": "false"}, True, without_shallow), id="no-filter-no-shallow"),
        pytest.param(({}, False, None), id="oldest-protocol"),
    ],
)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a folder the ways that servers do."""
    configuration, version_2, change = request.param
    root = tmp_path_factory.mktemp("served")
    with (
        pytest.MonkeyPatch.context() as patch,
        GitServer(root, configuration=configuration, version_2=version_2) as server,
    ):
        if change is not None:
            change(patch)
        yield Served(root, server)


@settings(  # no shrinking: it would build thousands of repositories
    max_examples=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(plan=histories(), limit=st.sampled_from([1, 2, 3, 5, 1000]), object_format=st.sampled_from(["sha1", "sha256"]))
@example(plan=[PlannedCommit(committed=0)], limit=1000, object_format="sha1")
@example(plan=[PlannedCommit(committed=0)], limit=1000, object_format="sha256")
def test_every_history_is_told_as_git_tells_it(
    served: Served, plan: list[PlannedCommit], limit: int, object_format: str
) -> None:
    served.assert_same(plan, limit=limit, object_format=object_format)


def test_a_merge_with_one_parent_outside_the_window_hides_nothing(served: Served) -> None:
    old = PlannedCommit(committed=SINCE - 30 * DAY, files={b"old": PlannedFile(b"1\n")})
    inside = [
        PlannedCommit(parents=(0,), committed=SINCE + 10 * DAY, files={b"a": PlannedFile(b"1\n2\n")}),
        PlannedCommit(parents=(1,), committed=SINCE + 20 * DAY, files={b"a": PlannedFile(b"1\n2\n3\n")}),
    ]
    merge = PlannedCommit(parents=(2, 0), committed=SINCE + 30 * DAY)
    served.assert_same([old, *inside, merge])


def test_commits_behind_back_dated_ones_are_found_within_the_default_limits(served: Served) -> None:
    plan = straight_line(20)
    plan[15] = PlannedCommit(parents=(14,), committed=SINCE - 500 * DAY, files={b"b": PlannedFile(b"1\n")})
    plan[16] = PlannedCommit(parents=(15,), committed=SINCE - 400 * DAY, files={b"b": PlannedFile(b"2\n")})
    served.assert_same(plan, limits=FetchLimits())


def test_a_repository_idle_for_years_has_no_commits_in_the_window(served: Served) -> None:
    served.assert_same(straight_line(5, until=SINCE - YEAR))


def test_line_counts_at_the_boundary_are_against_the_true_parent(served: Served) -> None:
    plan = straight_line(40, step=20 * DAY)
    plan[0] = PlannedCommit(
        committed=plan[0].committed, files={b"big/%d" % n: PlannedFile(b"line\n" * n) for n in range(50)}
    )
    served.assert_same(plan)


def test_submodules_links_and_changes_of_kind_are_counted_as_git_does(served: Served) -> None:
    plan = [
        PlannedCommit(committed=NOW - 5, files={b"x": PlannedFile(b"1\n2\n"), b"s": PlannedFile(b"1" * 40, "160000")}),
        PlannedCommit((0,), committed=NOW - 4, files={b"x": PlannedFile(b"target", "120000")}),
        PlannedCommit((1,), committed=NOW - 3, files={b"x": None, b"x/y": PlannedFile(b"1\n2\n")}),
        PlannedCommit((2,), committed=NOW - 2, files={b"x/y": PlannedFile(b"1\n2\n", "100755")}),
        PlannedCommit((3,), committed=NOW - 1, files={b"s": PlannedFile(b"2" * 40, "160000"), b"x": None}),
        PlannedCommit((4,), committed=NOW, files={b"x": PlannedFile(b"2" * 40, "160000")}),
    ]
    served.assert_same(plan)


def test_a_change_of_nothing_but_the_mode_is_counted_as_git_does(served: Served) -> None:
    contents = {b"text": b"1\n2\n", b"binary": b"\0\1", b"empty": b""}
    old = {name: PlannedFile(content) for name, content in contents.items()}
    new = {name: PlannedFile(content, "100755") for name, content in contents.items()}
    plan = [PlannedCommit(committed=NOW - 2 * YEAR, files=old), PlannedCommit((0,), committed=NOW, files=new)]
    served.assert_same(plan)


def test_files_that_share_their_contents_with_files_of_other_names_are_counted_as_git_does(served: Served) -> None:
    texts = {b"%d" % n: PlannedFile(b"%d\n" % n * 20) for n in range(700)}
    copies = {b"copy-of-" + name: file for name, file in texts.items()}
    changed = {name: replace(file, content=file.content + b"and more\n") for name, file in copies.items()}
    plan = [
        PlannedCommit(committed=NOW - 3, files=texts),
        PlannedCommit((0,), committed=NOW - 2, files=copies),
        PlannedCommit((1,), committed=NOW - 1, files=changed),
    ]
    served.assert_same(plan)


def test_a_commit_that_needs_a_single_object_is_told_the_same(served: Served) -> None:
    """A refusal of the one object asked for must not be taken for the loss of that object."""
    old = PlannedCommit(committed=NOW - 2 * YEAR, files={b"a": PlannedFile(b"1\n")})
    served.assert_same([old, PlannedCommit((0,), committed=NOW)])


def test_a_limit_cuts_a_merge_heavy_history_where_git_cuts_it(served: Served) -> None:
    plan = [PlannedCommit(committed=NOW - 400, files={b"f": PlannedFile(b"0\n")})]
    for number in range(60):
        tip = len(plan) - 1
        plan.append(
            PlannedCommit(
                (max(0, tip - 7),), committed=NOW - 390 + 5 * number, files={b"d/%d" % number: PlannedFile(b"1\n")}
            )
        )
        plan.append(PlannedCommit((tip, tip + 1), committed=NOW - 388 + 5 * number))
    served.assert_same(plan, limit=37)


def test_a_long_history_whose_trees_come_whole_is_told_the_same(served: Served) -> None:
    plan = straight_line(140)
    plan[60] = replace(plan[60], files={b"large": PlannedFile(b"a line of a large file\n" * 15_000)})
    plan[80] = replace(plan[80], files={b"large": PlannedFile(b"a line of a large file\n" * 14_000)})
    served.assert_same(plan)


def test_a_huge_tree_that_few_commits_touch_is_told_the_same(served: Served) -> None:
    plan = straight_line(140)
    plan[0] = replace(plan[0], files={b"d%d/%d" % (n % 50, n): PlannedFile(b"%d\n" % n) for n in range(6000)})
    served.assert_same(plan)


def branched(seed: int, commits: int) -> list[PlannedCommit]:
    """Plan a history of many branches that live for long, one commit an hour."""
    chance = random.Random(seed)  # noqa: S311 - any history does
    plan: list[PlannedCommit] = [PlannedCommit(committed=NOW - commits * 3600)]
    ends = [0]
    for number in range(1, commits):
        branch = chance.randrange(len(ends))
        parents = [ends[branch]]
        if len(ends) > 1 and chance.random() < 0.1:
            parents.append(ends.pop((branch + 1) % len(ends)))
            branch = ends.index(parents[0])
        elif len(ends) < 8 and chance.random() < 0.3:
            ends.append(number)
            branch = len(ends) - 1
        ends[branch] = number
        plan.append(PlannedCommit(parents=tuple(parents), committed=NOW - (commits - number) * 3600))
    return [*plan, PlannedCommit(parents=tuple(ends), committed=NOW)]


@pytest.mark.parametrize("seed", range(2))
def test_the_commits_behind_a_window_are_the_next_ones_of_git_log(served: Served, seed: int) -> None:
    name = f"{secrets.token_hex(8)}.git"
    folder = build_repository(served.root / name, branched(seed, 4000))
    with open_repository(
        served.server.url_of(name),
        scratch=served.root / "scratch",
        children=ChildProcesses(),
        limits=FetchLimits(commits_behind=500),
        allowed_schemes=("http",),
    ) as repository:
        window = repository.commits(since=datetime.fromtimestamp(NOW - DAY, UTC), limit=10)
        behind = [commit.sha for commit in repository.commits_behind(window)]
    listed = git(folder, "rev-list", "-n", "510", "HEAD").decode().split()
    assert behind == listed[10:]
