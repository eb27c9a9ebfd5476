"""Every alarm can fire, says what to do, and reaches somebody."""

import re
from pathlib import Path
from typing import Any

import pytest

from infra.stack.monitoring import AlarmTitle
from infra.stack.schedules import SCHEDULED, Scheduled
from tests.infra.templates import Template, target
from watchlist import limits
from watchlist.deployment.queue_specs import JOB_QUEUES, WEBHOOK_QUEUE
from watchlist.deployment.stream_consumers import CONSUMERS, FAILURES, StreamConsumer
from watchlist.errors import ErrorCode
from watchlist.metrics import DIMENSION, NAMESPACE, Metric, attempt_failed_by
from watchlist.settings import JobSettings

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"

AWS_METRICS: dict[tuple[str, str], dict[tuple[str, ...], str]] = {
    ("AWS/ApiGateway", "5xx"): {("ApiId",): "AWS::ApiGatewayV2::Api"},
    ("AWS/ApiGateway", "Latency"): {("ApiId",): "AWS::ApiGatewayV2::Api"},
    ("AWS/DynamoDB", "ReadThrottleEvents"): {
        ("TableName",): "AWS::DynamoDB::GlobalTable",
        ("GlobalSecondaryIndexName", "TableName"): "AWS::DynamoDB::GlobalTable",
    },
    ("AWS/DynamoDB", "WriteThrottleEvents"): {
        ("TableName",): "AWS::DynamoDB::GlobalTable",
        ("GlobalSecondaryIndexName", "TableName"): "AWS::DynamoDB::GlobalTable",
    },
    ("AWS/Lambda", "Errors"): {("FunctionName",): "AWS::Lambda::Function"},
    ("AWS/Lambda", "IteratorAge"): {("FunctionName",): "AWS::Lambda::Function"},
    ("AWS/Lambda", "Throttles"): {("FunctionName",): "AWS::Lambda::Function"},
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): {("QueueName",): "AWS::SQS::Queue"},
    ("AWS/SQS", "ApproximateNumberOfMessagesNotVisible"): {("QueueName",): "AWS::SQS::Queue"},
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): {("QueueName",): "AWS::SQS::Queue"},
}
"""Metrics that AWS publishes, with the sets of dimensions that they have (each service's developer guide) and the
type of resource that the last of them names."""

OWN_METRICS = {*map(str, Metric), *(attempt_failed_by(code) for code in ErrorCode)}


def alarms(template: Template) -> dict[str, dict[str, Any]]:
    found = template.properties("AWS::CloudWatch::Alarm").values()
    return {alarm["AlarmName"].partition(": ")[2]: alarm for alarm in found}


def metrics_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    if "MetricName" in alarm:
        return [alarm]
    return [query["MetricStat"]["Metric"] for query in alarm["Metrics"] if "MetricStat" in query]


def dimensions_of(metric: dict[str, Any]) -> dict[str, Any]:
    return {dimension["Name"]: dimension["Value"] for dimension in metric["Dimensions"]}


def title_of(name: str) -> str:
    return name.partition(" (")[0]


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", RUNBOOK.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_title_has_an_alarm(dev: Template, everything: Template) -> None:
    assert {title_of(name) for name in alarms(everything)} == set(AlarmTitle)
    only_there = {AlarmTitle.TOKENS_UNCHECKED, AlarmTitle.DATABASE_THROTTLED}
    assert {title_of(name) for name in alarms(dev)} == set(AlarmTitle) - only_there


@pytest.mark.parametrize("title", AlarmTitle)
def test_the_runbook_describes_each_alarm(title: AlarmTitle) -> None:
    section = sections()[title]
    assert re.findall(r"^### (.+)$", section, flags=re.MULTILINE) == ["Description", "Investigation", "Resolution"]


def test_the_runbook_has_no_section_of_an_alarm_that_is_gone() -> None:
    alarm_sections = {title for title, section in sections().items() if "### Description" in section}
    assert alarm_sections == set(AlarmTitle)


def test_an_alarms_text_links_its_section_and_a_console_page(dev: Template) -> None:
    for name, alarm in alarms(dev).items():
        text = str(alarm["AlarmDescription"])
        assert f"docs/runbook.md#{title_of(name).lower().replace(' ', '-')}" in text
        assert ".console.aws.amazon.com/" in text
        assert len(text) < 1024


def test_an_alarm_tells_the_topic_when_it_starts_and_when_it_is_over(templates: dict[str, Template]) -> None:
    for template in templates.values():
        for alarm in alarms(template).values():
            for actions in (alarm["AlarmActions"], alarm["OKActions"]):
                assert [target(action) in template.of_type("AWS::SNS::Topic") for action in actions] == [True]


def test_the_operator_is_told_by_mail_where_one_is_named(dev: Template, everything: Template) -> None:
    assert not dev.of_type("AWS::SNS::Subscription")
    subscription = everything.the("AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "operator@example.com")


def test_every_alarm_says_what_silence_means(dev: Template) -> None:
    for name, alarm in alarms(dev).items():
        assert alarm["TreatMissingData"] in {"ignore", "missing", "notBreaching"}, name
        assert ("InsufficientDataActions" in alarm) is (alarm["TreatMissingData"] == "missing"), name


def test_a_new_stack_rings_for_nothing_that_has_not_happened(templates: dict[str, Template]) -> None:
    for template in templates.values():
        for name, alarm in alarms(template).items():
            assert alarm["TreatMissingData"] != "breaching", name


def _assert_silence_rings(template: Template, alarm: dict[str, Any]) -> None:
    """A new alarm has insufficient data, so that it rings when it goes back to having none."""
    assert alarm["TreatMissingData"] == "missing"
    (action,) = alarm["InsufficientDataActions"]
    assert target(action) in template.of_type("AWS::SNS::Topic")


@pytest.mark.parametrize("scheduled", SCHEDULED, ids=lambda scheduled: scheduled.function.name)
def test_a_scheduled_function_that_fails_from_the_first_run_on_rings(dev: Template, scheduled: Scheduled) -> None:
    alarm = alarms(dev)[f"{AlarmTitle.SCHEDULED_FAILING} ({scheduled.function.name})"]
    assert alarm["MetricName"] == "Errors"
    assert alarm["TreatMissingData"] == "notBreaching"


def test_the_budget_of_an_environment_tells_the_topic(dev: Template) -> None:
    budget = dev.the("AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": dev.environment.monthly_budget_dollars, "Unit": "USD"}
    assert budget["Budget"]["CostFilters"] == {"TagKeyValue": [f"user:service${dev.environment.service}"]}
    told = [each["Notification"] for each in budget["NotificationsWithSubscribers"]]
    assert {each["NotificationType"] for each in told} == {"ACTUAL", "FORECASTED"}
    assert {(each["ThresholdType"], each["Threshold"] <= 100) for each in told} == {("PERCENTAGE", True)}


@pytest.mark.parametrize("kind", ["AWS::DynamoDB::GlobalTable", "AWS::ECS::TaskDefinition", "AWS::Lambda::Function"])
def test_what_costs_most_has_the_tag_that_the_budget_counts_by(dev: Template, kind: str) -> None:
    for resource in dev.properties(kind).values():
        tags = resource["Replicas"][0]["Tags"] if kind == "AWS::DynamoDB::GlobalTable" else resource["Tags"]
        assert {"Key": "service", "Value": dev.environment.service} in tags


@pytest.mark.parametrize("scheduled", SCHEDULED, ids=lambda scheduled: scheduled.function.name)
def test_a_silent_scheduled_function_is_one_that_does_not_run(dev: Template, scheduled: Scheduled) -> None:
    alarm = alarms(dev)[scheduled.alarm]
    _assert_silence_rings(dev, alarm)
    assert alarm["MetricName"] == scheduled.run


def test_every_alarm_watches_a_metric_that_exists(templates: dict[str, Template]) -> None:
    for template in templates.values():
        for name, alarm in alarms(template).items():
            assert metrics_of(alarm), name
            for metric in metrics_of(alarm):
                _assert_exists(template, metric)


def _assert_exists(template: Template, metric: dict[str, Any]) -> None:
    dimensions = dimensions_of(metric)
    if metric["Namespace"] == NAMESPACE:
        assert metric["MetricName"] in OWN_METRICS
        assert dimensions == {DIMENSION: template.environment.service}
        return
    types = AWS_METRICS[metric["Namespace"], metric["MetricName"]]
    names = tuple(sorted(dimensions))
    assert names in types
    resource = template.resources[str(target(dimensions[names[-1]]))]
    assert resource["Type"] == types[names]
    if "GlobalSecondaryIndexName" in dimensions:
        indexes = {index["IndexName"] for index in resource["Properties"]["GlobalSecondaryIndexes"]}
        assert dimensions["GlobalSecondaryIndexName"] in indexes


def test_the_services_name_in_metrics_is_the_one_that_functions_and_the_task_emit_under(dev: Template) -> None:
    names = {function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] for function in dev.functions().values()}
    names |= {v["Value"] for v in dev.container()["Environment"] if v["Name"] == "POWERTOOLS_SERVICE_NAME"}
    assert names == {dev.environment.service}


def test_a_launch_replaces_no_variable_of_the_task_definition(dev: Template) -> None:
    job = JobSettings(JOB_MESSAGE="{}", MESSAGE_ID="1", RECEIPT_HANDLE="r", RECEIVE_COUNT=1, ATTEMPT=1, SLOT=0)
    defined = {variable["Name"] for variable in dev.container()["Environment"]}
    assert defined.isdisjoint(job.to_environment())


DEAD_LETTER_ALARMS = {
    **{spec.dead_letter_name: f"{AlarmTitle.DEAD_LETTERS} ({kind})" for kind, spec in JOB_QUEUES.items()},
    WEBHOOK_QUEUE.dead_letter_name: AlarmTitle.WEBHOOKS_UNDELIVERED,
    FAILURES: AlarmTitle.STREAM_RECORDS_GIVEN_UP,
}
"""The alarm of each queue that nobody consumes."""

AGE_ALARMS = {
    **{spec.name: f"{AlarmTitle.JOBS_WAITING} ({kind})" for kind, spec in JOB_QUEUES.items()},
    WEBHOOK_QUEUE.name: AlarmTitle.WEBHOOKS_WAITING,
}
"""The alarm of each queue that is consumed."""


def test_every_queue_has_its_alarm(dev: Template) -> None:
    names = {queue["QueueName"] for queue in dev.properties("AWS::SQS::Queue").values()}
    assert names == {f"repository-watchlist-dev-{name}" for name in DEAD_LETTER_ALARMS | AGE_ALARMS}


@pytest.mark.parametrize(("queue", "name"), AGE_ALARMS.items())
def test_a_message_that_waits_too_long_raises_the_alarm(dev: Template, queue: str, name: str) -> None:
    alarm = alarms(dev)[name]
    assert alarm["MetricName"] == "ApproximateAgeOfOldestMessage"
    assert alarm["Statistic"] == "Maximum"
    (dimension,) = dimensions_of(alarm).values()
    assert dev.resources[str(target(dimension))]["Properties"]["QueueName"] == f"repository-watchlist-dev-{queue}"


def test_a_delivery_waits_too_long_once_all_its_tries_are_over(dev: Template) -> None:
    tries = sum(30 * 2**number for number in range(8)) + 8 * 10
    assert alarms(dev)[AlarmTitle.WEBHOOKS_WAITING]["Threshold"] == tries


@pytest.mark.parametrize("consumer", CONSUMERS, ids=lambda consumer: f"{consumer.function.name}-{consumer.table.name}")
def test_a_stream_consumer_that_does_not_even_hear_the_heartbeat_is_one_that_does_not_run(
    dev: Template, consumer: StreamConsumer
) -> None:
    subject = f"{consumer.function.name} of {consumer.table.name}"
    alarm = alarms(dev)[f"{AlarmTitle.STREAM_CONSUMER_NOT_RUNNING} ({subject})"]
    assert alarm["MetricName"] == consumer.run
    _assert_silence_rings(dev, alarm)
    assert alarm["Period"] == limits.RECONCILE_INTERVAL.total_seconds()
    assert f"{consumer.table.name}-heartbeat" in consumer.item_types


@pytest.mark.parametrize(("queue", "name"), DEAD_LETTER_ALARMS.items())
def test_one_dead_letter_raises_the_alarm_even_while_somebody_holds_it(dev: Template, queue: str, name: str) -> None:
    alarm = alarms(dev)[name]
    assert alarm["Threshold"] == 1
    assert alarm["EvaluationPeriods"] == 1
    assert {metric["MetricName"] for metric in metrics_of(alarm)} == {
        "ApproximateNumberOfMessagesVisible",
        "ApproximateNumberOfMessagesNotVisible",
    }
    queues = {str(target(dimensions_of(metric)["QueueName"])) for metric in metrics_of(alarm)}
    names = {dev.resources[logical_id]["Properties"]["QueueName"] for logical_id in queues}
    assert names == {f"repository-watchlist-dev-{queue}"}
    (expression,) = (query["Expression"] for query in alarm["Metrics"] if "Expression" in query)
    assert re.fullmatch(r"visible_\w+ \+ held_\w+", expression)


def test_the_dashboard_shows_depth_and_age_of_every_queue(everything: Template) -> None:
    body = everything.the("AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Join"][1]
    shown = {target(part) for part in body}
    assert set(everything.of_type("AWS::SQS::Queue")) <= shown
    text = "".join(part for part in body if isinstance(part, str))
    assert text.count('"ApproximateAgeOfOldestMessage"') == len(AGE_ALARMS)


def test_the_dashboard_shows_every_metric_of_the_service(everything: Template) -> None:
    body = str(everything.the("AWS::CloudWatch::Dashboard")["DashboardBody"])
    missing = [
        name for name in OWN_METRICS - {Metric.ATTEMPT_FAILED, Metric.ATTEMPT_FAILED_BY_US} if f'"{name}"' not in body
    ]
    assert missing == []
