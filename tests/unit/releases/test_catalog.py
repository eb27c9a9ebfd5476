from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.commit_factory import ADA
from watchlist import limits
from watchlist.git.tag import Tag
from watchlist.history.commits import Commit
from watchlist.releases.catalog import Catalog
from watchlist.releases.comparing import compare
from watchlist.releases.distance import Distance, distance

NOW = datetime(2026, 1, 31, tzinfo=UTC)
DAY = timedelta(days=1)


def tagged(*names: str, **places: str) -> list[Tag]:
    """Return tags of their own commits, or of those that are named."""
    return [Tag(name, name, name) for name in names] + [Tag(name, place, place) for name, place in places.items()]


def dated(**days_ago: float) -> dict[str, datetime]:
    return {name.replace("_", "."): NOW - DAY * days for name, days in days_ago.items()}


def catalog(tags: list[Tag], dates: Mapping[str, datetime] | None = None) -> Catalog:
    return Catalog.of(tags, dates or {}, "repository")


def latest(tags: list[Tag], dates: Mapping[str, datetime] | None = None) -> str | None:
    found = catalog(tags, dates).latest
    return found.name if found else None


def test_the_latest_release_is_the_highest_version_whenever_others_were_made() -> None:
    dates = dated(v2_0=50, v1_9=1)
    assert latest(tagged("v1.9", "v2.0", "v2.1-rc.1"), dates) == "v2.0"
    assert [tag.name for tag in catalog(tagged("v2.0", "v1.9"), dates).tags] == ["v1.9", "v2.0"]


def test_without_releases_there_is_no_latest_one() -> None:
    assert latest(tagged("nightly", "v1.0-rc.1")) is None
    prerelease = catalog(tagged("nightly", "v1.0-rc.1")).latest_prerelease
    assert prerelease
    assert prerelease.name == "v1.0-rc.1"


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ({"v5.0": 100, "plugin@9.0": 1}, "v5.0"),
        ({"v5.0": 800, "plugin@9.0": 1}, "plugin@9.0"),
        ({"v5.0": 800, "plugin@9.0": 500}, "v5.0"),
        ({}, "v5.0"),
        ({"plugin@9.0": 1}, "plugin@9.0"),
    ],
    ids=["its own is recent", "its own rests", "both rest", "no dates", "only the package's is known"],
)
def test_of_several_packages_the_repository_s_own_release_counts_unless_it_rests(
    dates: dict[str, int], expected: str
) -> None:
    known = {name: NOW - DAY * days for name, days in dates.items()}
    assert latest(tagged("v5.0", "plugin@9.0", "plugin@8.0"), known) == expected


def test_numbers_that_took_the_place_of_dates_are_not_below_them() -> None:
    assert latest(tagged("v2015.01", "v1.2"), dated(v2015_01=4000, v1_2=3)) == "v1.2"


def test_revisions_count_only_where_there_is_nothing_else() -> None:
    assert latest(tagged("r1234", "v1.2"), dated(r1234=1, v1_2=30)) == "v1.2"
    assert latest(tagged("r159", "r160"), dated(r159=30, r160=1)) == "r160"


def test_the_rhythm_is_the_median_of_the_last_ten_gaps() -> None:
    tags = tagged(*(f"v1.{number}" for number in range(15)))
    dates = {f"v1.{number}": NOW - DAY * (3 * (14 - number)) for number in range(4, 15)}
    dates |= {f"v1.{number}": NOW - DAY * 1000 for number in range(4)}
    assert catalog(tags, dates).usual_days == 3
    assert catalog(tagged("v1.0", "v1.1"), dates).usual_days is None


def test_a_tag_that_stands_where_a_more_special_one_does_is_no_release() -> None:
    found = catalog(tagged(v4="c", v4_1="c"))
    assert [tag.name for tag in found.releases] == ["v4_1"]
    assert [tag.name for tag in catalog(tagged("v4", "v4.1")).releases] == ["v4.1", "v4"]


def test_a_release_that_stands_where_its_pre_release_does_is_a_release() -> None:
    tags = [Tag("v1.79.0", "c", "c"), Tag("v1.79.0.beta1", "c", "c")]
    assert latest(tags) == "v1.79.0"


def test_the_highest_of_every_line_are_dated_first() -> None:
    own = [f"v1.{number}" for number in range(200)]
    others = [f"p{package}@1.{number}" for package in range(60) for number in range(3)]
    asked = [tag.name for tag in catalog(tagged(*own, *others)).to_be_dated]
    assert len(asked) == len(set(asked)) == limits.RELEASES_DATED
    assert asked[0] == "v1.199"
    assert sum(name.startswith("p") for name in asked) == limits.RELEASES_DATED // 2


def test_what_is_beyond_those_that_were_kept_is_new_only_if_it_is_the_newest() -> None:
    before = catalog(tagged("v3.0", "v2.0")).tags
    now = tagged("v1.0", "v2.0", "v3.0", "v4.0")

    whole = compare(before, now, catalog(now), whole=True)
    part = compare(before, now, catalog(now), whole=False)

    assert {each.tag.name for each in whole.released} == {"v1.0", "v4.0"}
    assert {each.tag.name for each in part.released} == {"v4.0"}


def commits(**parents: str) -> list[Commit]:
    return [
        Commit(sha, tuple(names.split()), ADA, ADA, subject="", message="", signed=False)
        for sha, names in parents.items()
    ]


HISTORY = {"e": "d c", "d": "b", "c": "a", "b": "a", "a": "z"}


@pytest.mark.parametrize(
    ("release", "found"),
    [
        ("e", Distance(0)),
        ("d", Distance(2)),
        ("b", Distance(3)),
        ("a", Distance(4)),
        ("c", Distance(3)),
        ("other", None),
    ],
)
def test_the_distance_is_what_head_reaches_and_the_release_does_not(release: str, found: Distance | None) -> None:
    assert distance(release, None, "e", commits(**HISTORY)) == found


def test_a_release_older_than_all_that_is_stored_is_further_away_than_that() -> None:
    assert distance("old", ADA.time - DAY, "e", commits(**HISTORY)) == Distance(5, is_least=True)
    assert distance("old", ADA.time + DAY, "e", commits(**HISTORY)) is None
    assert distance("old", ADA.time, "e", []) is None


def test_a_release_on_another_branch_is_as_far_as_where_the_branch_began() -> None:
    beside = {"fix": ("prepare",), "prepare": ("b",)}
    assert distance("fix", None, "e", commits(**HISTORY), lambda: beside) == Distance(3)
    assert distance("fix", None, "e", commits(**HISTORY), lambda: {"fix": ("y",)}) == Distance(5, is_least=True)
    assert distance("fix", None, "e", [], lambda: beside) is None


def test_what_lies_beyond_the_stored_commits_may_be_more() -> None:
    assert distance("b", None, "e", commits(**(HISTORY | {"c": "y"}))) == Distance(3, is_least=True)


def test_parents_that_go_in_a_circle_end() -> None:
    assert distance("b", None, "e", commits(e="b", b="a", a="b")) == Distance(1)
