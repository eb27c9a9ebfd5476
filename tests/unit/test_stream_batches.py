import pytest
from aws_lambda_powertools import Logger

from functions import stream_batches
from functions.stream_batches import Step

LOGGER = Logger(service="test")


def fail() -> None:
    raise RuntimeError("boom")


def test_nothing_is_reported_when_all_is_served() -> None:
    served: list[str] = []

    response = stream_batches.serve(
        [Step("9", lambda: served.append("a")), Step("10", lambda: served.append("b"))], LOGGER
    )

    assert (response, served) == ({"batchItemFailures": []}, ["a", "b"])


@pytest.mark.parametrize(("positions", "reported"), [(("9", "10", "11"), "10"), (("9", "11", "10"), "10")])
def test_the_earliest_record_that_is_left_is_reported_and_later_steps_wait(
    positions: tuple[str, str, str], reported: str
) -> None:
    served: list[str] = []
    first, second, third = positions

    response = stream_batches.serve(
        [Step(first, lambda: served.append("a")), Step(second, fail), Step(third, lambda: served.append("c"))], LOGGER
    )

    assert response == {"batchItemFailures": [{"itemIdentifier": reported}]}
    assert served == ["a"]
