"""Every route asks of AWS what docs/routes.md says (`make routes` writes it anew)."""

import pytest

from tests.integration.http import route_costs
from tests.integration.http.client import Client
from tests.integration.http.route_costs import LARGEST, ORDINARY, PAGE, Cost, Much
from watchlist.deployment import routes


def test_every_route_is_on_the_page_with_who_may_ask() -> None:
    every = [*(route.key for route in routes.ROUTES), *(route.key for route in routes.LIVE_ROUTES)]

    assert list(route_costs.stated(PAGE.read_text(encoding="utf-8"))) == every


@pytest.mark.parametrize(("much", "which"), [(ORDINARY, 0), (LARGEST, 1)], ids=["ordinary", "largest"])
def test_every_route_asks_of_aws_what_the_page_says(client: Client, much: Much, which: int) -> None:
    said = {key: costs[which] for key, costs in route_costs.stated(PAGE.read_text(encoding="utf-8")).items()}

    measured = route_costs.measure(client, much)

    assert {key: cost for key, cost in measured.items() if not agrees(cost, said[key])} == {}
    assert measured.keys() == said.keys()


def agrees(measured: Cost, said: Cost) -> bool:
    """Calls are what they are; units hang on the length of numbers and names, which differ between runs."""
    units = ((measured.read, said.read), (measured.written, said.written))
    return (measured.calls, measured.beside) == (said.calls, said.beside) and all(
        abs(now - then) <= max(1, then / 20) for now, then in units
    )
