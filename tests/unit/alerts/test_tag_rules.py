"""What is told of tags, from what changed between two looks."""

from datetime import timedelta

import pytest

from tests.unit.alerts.evaluating import raised, watcher
from tests.unit.commit_factory import NOON
from watchlist.alerts.occasions import TagsChanged
from watchlist.git.tag import Tag
from watchlist.releases.kept import KeptTag, Release
from watchlist.releases.news import MovedTag, NewRelease, News


def kept(name: str, *, is_release: bool = True) -> KeptTag:
    return KeptTag(name, "a" * 40, "a" * 40, NOON - timedelta(days=1), Release(name) if is_release else None)


def moved(name: str, to: str = "b", *, is_release: bool = True) -> MovedTag:
    return MovedTag(kept(name, is_release=is_release), Tag(name, to * 40, to * 40))


def told(news: News) -> dict[str, str]:
    """Return the messages of the alerts by their ids: two of one id are one."""
    return {alert.id: alert.message for alert in raised(watcher(), TagsChanged(news=news, latest=None, now=NOON))}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            News(released=[NewRelease(kept("1.0"), is_newest=True), NewRelease(kept("2.0"), is_newest=True)]),
            News(released=[NewRelease(kept("2.0"), is_newest=True), NewRelease(kept("1.0"), is_newest=True)]),
        ),
        (News(moved=[moved("1.0"), moved("2.0")]), News(moved=[moved("2.0"), moved("1.0")])),
        (News(removed=[kept("1.0"), kept("2.0")]), News(removed=[kept("2.0"), kept("1.0")])),
    ],
    ids=["released", "moved", "removed"],
)
def test_a_job_that_is_tried_again_tells_the_same_in_whatever_order_its_host_lists_tags(
    first: News, second: News
) -> None:
    assert told(first).keys() == told(second).keys()
    assert len(told(first)) == 1


def test_a_tag_that_is_no_release_is_told_once_whatever_moves_with_it() -> None:
    alone = told(News(moved=[moved("nightly", is_release=False)]))
    together = told(News(moved=[moved("edge", "c", is_release=False), moved("nightly", "c", is_release=False)]))

    assert len(alone) == 1
    assert len(together) == 2
    assert alone.keys() < together.keys()


def test_of_many_tags_that_are_no_releases_three_are_named_and_the_others_counted_once() -> None:
    names = [f"build-{letter}" for letter in "abcdefg"]
    many = told(News(moved=[moved(name, is_release=False) for name in names]))
    fewer = told(News(moved=[moved(name, is_release=False) for name in names[:5]]))

    assert many.keys() == fewer.keys()
    assert len(many) == 4
    assert "4 more of the tags that are no releases were moved." in many.values()
