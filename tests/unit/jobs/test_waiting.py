from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from watchlist.jobs.waiting import NO_LANE, Place, key_of, next_in_turn, somebody_waits

EARLY = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass
class ListedLine:
    places: list[Place] = field(default_factory=list)

    def first_after(self, key: str) -> Place | None:
        self.places.sort(key=lambda place: place.key)
        index = bisect_right([place.key for place in self.places], key)
        return self.places[index] if index < len(self.places) else None

    def join(self, user: str, name: str, minute: int) -> None:
        self.places.append(Place(name, key_of(user, EARLY + timedelta(minutes=minute))))

    def leave_in_turn(self) -> list[str]:
        served, order = NO_LANE, []
        while (place := next_in_turn(self, served)) is not None:
            served = place.lane
            order.append(place.watchlist_id)
            self.places.remove(place)
        return order


def test_of_one_user_the_job_that_was_queued_first_goes_first() -> None:
    line = ListedLine()
    for minute in (3, 1, 2):
        line.join("ada", f"a{minute}", minute)
    assert line.leave_in_turn() == ["a1", "a2", "a3"]


def test_users_take_turns_however_many_jobs_one_of_them_has() -> None:
    line = ListedLine()
    for minute in range(4):
        line.join("ada", f"a{minute}", minute)
    line.join("bob", "b", 10)
    line.join("cyd", "c", 11)
    assert line.leave_in_turn() == ["a0", "b", "c", "a1", "a2", "a3"]


def test_jobs_that_nobody_asked_for_go_oldest_first() -> None:
    line = ListedLine()
    for minute in (2, 0, 1):
        line.join(NO_LANE, f"r{minute}", minute)
    assert line.leave_in_turn() == ["r0", "r1", "r2"]


def test_a_lane_is_told_from_one_whose_name_begins_alike() -> None:
    line = ListedLine()
    line.join("ab", "ab", 0)
    line.join("a", "a-early", 1)
    line.join("a", "a-late", 2)
    assert line.leave_in_turn() == ["a-early", "ab", "a-late"]


def test_somebody_waits_until_the_last_one_is_called() -> None:
    line = ListedLine()
    assert not somebody_waits(line)
    line.join("ada", "a", 0)
    assert somebody_waits(line)


def test_moments_of_a_whole_second_stand_in_order_with_those_between() -> None:
    whole, between = EARLY, EARLY + timedelta(microseconds=1)
    assert key_of("ada", whole) < key_of("ada", between) < key_of("ada", EARLY + timedelta(seconds=1))
