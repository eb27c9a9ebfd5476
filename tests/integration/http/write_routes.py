"""Writes docs/routes.md anew: pytest only runs it where it is named, as `make routes` does."""

from tests.integration.aws import Aws
from tests.integration.http import route_costs
from tests.integration.http.client import Client
from tests.integration.http.route_costs import LARGEST, ORDINARY, PAGE
from tests.integration.jobs.harness import clean


def test_the_page_is_written(client: Client, aws: Aws) -> None:
    ordinary = route_costs.measure(client, ORDINARY)
    clean(aws.environment, aws.variables)
    PAGE.write_text(route_costs.page(ordinary, route_costs.measure(client, LARGEST)), encoding="utf-8")
