from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from watchlist import limits
from watchlist.jobs.host_back_off import BackOff

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def pauses(count: int, asked: timedelta | None = None) -> list[timedelta]:
    state, found = None, []
    for _ in range(count):
        state = BackOff.after(state, asked, NOW, lambda: 0.0)
        found.append(state.until - NOW)
    return found


def test_each_further_pause_is_twice_as_long() -> None:
    first = limits.HOST_BACK_OFF
    assert pauses(3) == [first, 2 * first, 4 * first]


def test_a_host_is_left_alone_as_long_as_it_asks() -> None:
    assert pauses(1, asked=timedelta(hours=20)) == [timedelta(hours=20)]
    assert pauses(1, asked=timedelta(seconds=10)) == [timedelta(seconds=10)]


def test_a_host_that_asks_again_and_again_is_left_alone_for_longer() -> None:
    assert pauses(3, asked=timedelta(seconds=10)) == [timedelta(seconds=seconds) for seconds in (10, 20, 40)]


@given(st.integers(1, 500), st.floats(0, 1))
def test_no_pause_is_longer_than_the_longest_and_its_jitter(times: int, random: float) -> None:
    state = BackOff.after(BackOff(times, NOW), None, NOW, lambda: random)
    assert state.until - NOW <= limits.HOST_BACK_OFF_MAX * 1.25


def test_a_pause_falls_again_as_it_rose() -> None:
    state: BackOff | None = BackOff(3, NOW)
    now, steps = NOW, []
    while state is not None:
        pause = limits.HOST_BACK_OFF * 2 ** (state.times - 1)
        assert state.eased(now + pause - timedelta(seconds=1)) == state, "it has not answered for long enough"
        now += pause
        state = state.eased(now)
        steps.append(state and state.times)

    assert steps == [2, 1, None]


@given(st.integers(1, 500))
def test_a_host_is_back_to_its_first_pause_after_a_while_whatever_it_was(times: int) -> None:
    now, state = NOW, BackOff(times, NOW)
    for _ in range(times):
        now += limits.HOST_BACK_OFF_MAX
        state = state.eased(now) or BackOff(1, now)
    assert state.times == 1
