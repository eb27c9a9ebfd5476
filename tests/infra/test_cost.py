import json

import pytest

from infra.environments import DEV
from infra.operations import cost
from tests.infra.templates import Template


def test_the_document_shows_what_the_templates_cost(dev: Template) -> None:
    document = cost.DOCUMENT.read_text()
    for item in cost.at_rest(json.loads(dev.path.read_text())):
        assert f"| {item.name} | {item.amount} | {item.dollars:.2f} |" in document


def test_a_nat_gateway_is_the_largest_item_of_a_private_network(dev: Template, everything: Template) -> None:
    by_name = {item.name: item.dollars for item in cost.at_rest(json.loads(everything.path.read_text()))}
    assert by_name["NAT gateway"] == max(by_name.values())
    public = {item.name: item.dollars for item in cost.at_rest(json.loads(dev.path.read_text()))}
    assert public["NAT gateway"] == 0


def test_an_alarm_over_an_expression_is_billed_by_its_metrics(dev: Template) -> None:
    alarms = dev.properties("AWS::CloudWatch::Alarm").values()
    (amount,) = (item.amount for item in cost.at_rest(json.loads(dev.path.read_text())) if item.name == "alarms")
    assert int(amount.split()[0]) > len(alarms)


def test_what_runs_by_the_clock_is_counted_in_the_template(dev: Template) -> None:
    (item,) = (item for item in cost.at_rest(json.loads(dev.path.read_text())) if item.name == "what runs by the clock")
    hours = 730
    assert item.amount == f"{hours * 60 + 2 * hours * 12} runs"  # each minute, and twice each five minutes


def test_a_schedule_that_cannot_be_counted_is_an_error() -> None:
    template = {
        "Resources": {"S": {"Type": "AWS::Scheduler::Schedule", "Properties": {"ScheduleExpression": "cron(0 1 * *)"}}}
    }
    with pytest.raises(ValueError, match="cron"):
        cost.at_rest(template)


def test_the_document_names_each_price_with_its_source() -> None:
    document = cost.DOCUMENT.read_text()
    for name, price in cost.PRICES.items():
        assert f"| {name} | " in document
        assert price.source in document


def test_twice_as_many_repositories_cost_twice_as_much() -> None:
    for bill in (cost.setup_of, cost.month_of):
        once = sum(item.dollars for item in bill(1000, DEV))
        assert sum(item.dollars for item in bill(2000, DEV)) == pytest.approx(2 * once)
