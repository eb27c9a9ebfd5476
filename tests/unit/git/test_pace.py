from concurrent.futures import ThreadPoolExecutor

from watchlist.git.pace import Pace


class Time:
    """A clock that sleeping moves on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_host_is_asked_no_faster_than_its_pace() -> None:
    time = Time()
    pace = Pace(20, time, time.sleep)

    for _ in range(100):
        pace.wait("https://github.com")

    assert 99 / 20 - 0.26 <= time.now - 100 <= 99 / 20


def test_hosts_do_not_wait_for_each_other() -> None:
    time = Time()
    pace = Pace(1, time, time.sleep)
    pace.wait("https://github.com")
    before = time.now

    pace.wait("https://gitlab.com")

    assert time.now == before


def test_a_host_that_stands_less_has_a_pace_of_its_own() -> None:
    time = Time()
    pace = Pace(20, time, time.sleep, of_origins={"https://git.example.org": 2})

    for _ in range(21):
        pace.wait("https://git.example.org")
    slowly = time.now - 100
    for _ in range(21):
        pace.wait("https://github.com")

    assert 10 - 0.26 <= slowly <= 10
    assert time.now - 100 - slowly <= 1


def test_a_host_that_was_left_in_peace_is_not_asked_for_all_that_at_once() -> None:
    time = Time()
    pace = Pace(20, time, time.sleep)
    pace.wait("https://github.com")
    time.now += 3600
    before = time.now

    for _ in range(20):
        pace.wait("https://github.com")

    assert time.now - before >= 0.5


def test_threads_share_the_pace() -> None:
    slept: list[float] = []
    pace = Pace(10, lambda: 100.0, slept.append)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: pace.wait("https://github.com"), range(30)))

    assert len({round(seconds, 3) for seconds in slept}) == len(slept) >= 27
