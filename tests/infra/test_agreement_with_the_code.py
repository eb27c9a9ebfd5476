"""The templates agree with what functions, tasks and records expect."""

import dataclasses
import json
from typing import Any

import pytest
from pynamodb.attributes import Attribute
from pynamodb.indexes import AllProjection, Index
from pynamodb.models import Model

from infra.stack.process_environment import MissingValueError, environment_of
from infra.stack.schedules import SCHEDULED, Scheduled
from local_service.service import LocalSettings
from tests.infra.templates import Template, function_name, target
from watchlist import limits
from watchlist.deployment import functions as function_specs
from watchlist.deployment.function_spec import FunctionSpec
from watchlist.deployment.functions import FUNCTIONS, SCHEDULER, TOKEN_FUNCTIONS
from watchlist.deployment.queue_specs import JOB_QUEUES, QUEUES, WEBHOOK_QUEUE, QueueSpec
from watchlist.deployment.routes import LIVE_ROUTES, PAGE_ROUTES, ROUTES
from watchlist.deployment.stream_consumers import (
    CONSUMERS,
    FAILURES,
    STARTING_POSITION,
    STREAM_VIEW_TYPE,
    StreamConsumer,
)
from watchlist.job_kinds import JobKind
from watchlist.settings import AddSettings, Settings, TaskSettings, load
from watchlist.storage import records, tables

MODELS: dict[str, type[Model]] = {"watchlist": records.WatchlistItem, "activity": records.ActivityItem}


def table(template: Template, name: str) -> dict[str, Any]:
    tables_ = template.properties("AWS::DynamoDB::GlobalTable")
    (found,) = (properties for logical_id, properties in tables_.items() if f"Storage{name.capitalize()}" in logical_id)
    return found


def key_schema(properties: dict[str, Any]) -> list[tuple[str, str]]:
    return [(key["AttributeName"], key["KeyType"]) for key in properties["KeySchema"]]


def all_models(base: type[Model]) -> list[type[Model]]:
    return [base, *(model for child in base.__subclasses__() for model in all_models(child))]


@pytest.mark.parametrize("name", MODELS)
def test_a_table_has_the_keys_of_its_records(dev: Template, name: str) -> None:
    attributes: list[Attribute[Any]] = list(MODELS[name].get_attributes().values())
    (hash_key,) = (attribute.attr_name for attribute in attributes if attribute.is_hash_key)
    (range_key,) = (attribute.attr_name for attribute in attributes if attribute.is_range_key)
    assert key_schema(table(dev, name)) == [(hash_key, "HASH"), (range_key, "RANGE")]


@pytest.mark.parametrize("name", MODELS)
def test_a_table_has_the_indexes_of_its_records(dev: Template, name: str) -> None:
    expected = {}
    for model in all_models(MODELS[name]):
        for index in (value for value in vars(model).values() if isinstance(value, Index)):
            attributes = [value for value in vars(type(index)).values() if isinstance(value, Attribute)]
            keys = [(attribute.attr_name, "HASH") for attribute in attributes if attribute.is_hash_key]
            keys += [(attribute.attr_name, "RANGE") for attribute in attributes if attribute.is_range_key]
            everything = isinstance(index.Meta.projection, AllProjection)
            included = None if everything else tuple(index.Meta.projection.non_key_attributes)
            expected[index.Meta.index_name] = (keys, included)
    actual = {
        index["IndexName"]: (
            key_schema(index),
            None if index["Projection"]["ProjectionType"] == "ALL" else tuple(index["Projection"]["NonKeyAttributes"]),
        )
        for index in table(dev, name).get("GlobalSecondaryIndexes", [])
    }
    assert actual == expected


@pytest.mark.parametrize("name", MODELS)
def test_a_table_expires_items_by_the_attribute_that_records_set(dev: Template, name: str) -> None:
    specification = table(dev, name)["TimeToLiveSpecification"]
    assert specification == {"AttributeName": tables.TIME_TO_LIVE, "Enabled": True}
    assert tables.TIME_TO_LIVE in MODELS[name].get_attributes()


@pytest.mark.parametrize("spec", FUNCTIONS, ids=lambda spec: spec.name)
def test_a_function_gets_the_variables_that_it_reads_and_no_others(
    templates: dict[str, Template], spec: FunctionSpec
) -> None:
    for template in templates.values():
        if spec in TOKEN_FUNCTIONS and template.environment.jwt is None:
            continue
        given = template.functions()[spec.name]["Environment"]["Variables"]
        required = {field.alias or name for name, field in spec.settings.model_fields.items() if field.is_required()}
        assert required <= given.keys() <= set(spec.settings.variables())


def test_the_task_gets_the_variables_that_it_reads_and_no_others(dev: Template) -> None:
    container = dev.container()
    plain = {variable["Name"] for variable in container["Environment"]}
    secret = {variable["Name"] for variable in container["Secrets"]}
    required = {field.alias or name for name, field in TaskSettings.model_fields.items() if field.is_required()}
    assert secret == {"GITHUB_TOKEN"}
    assert required <= plain
    assert plain | secret <= set(TaskSettings.variables())


def test_hosts_of_one_s_own_are_known_to_every_program_and_their_tokens_are_a_secret(
    dev: Template, templates: dict[str, Template]
) -> None:
    template = templates["everything"]
    container = template.container()
    secrets = {each["Name"]: target(each["ValueFrom"]) for each in container["Secrets"]}
    scheduler = template.functions()[SCHEDULER.name]["Environment"]["Variables"]
    variables = [{each["Name"]: each["Value"] for each in container["Environment"]}]
    variables += [function["Environment"]["Variables"] for function in template.functions().values()]

    assert {load(Settings, each).git_hosts for each in variables} == {
        tuple(host.host for host in template.environment.git_hosts)
    }
    assert target(scheduler["GIT_TOKENS_SECRET"]) == secrets["GIT_TOKENS"] != secrets["GITHUB_TOKEN"]
    assert template.resources[str(secrets["GIT_TOKENS"])]["Properties"]["SecretString"] == "{}"
    assert "GIT_HOSTS" not in dev.functions()[SCHEDULER.name]["Environment"]["Variables"]


def test_a_variable_without_a_value_is_named() -> None:
    with pytest.raises(MissingValueError, match="COMMIT_BACKFILL_QUEUE_URL"):
        environment_of(AddSettings, {"WATCHLIST_TABLE": "w", "ACTIVITY_TABLE": "a"})


@pytest.mark.parametrize("kind", JobKind)
def test_a_queue_url_points_to_the_queue_of_that_name(dev: Template, kind: JobKind) -> None:
    variables = dev.functions()["jobs"]["Environment"]["Variables"]
    for variable, suffix in ((kind.queue_url_variable, ""), (kind.dead_letter_queue_url_variable, "-dead-letters")):
        queue = target(variables[variable])
        assert queue is not None
        assert dev.resources[queue]["Properties"]["QueueName"] == f"repository-watchlist-dev-{kind}{suffix}"


def test_a_job_has_more_receives_than_attempts() -> None:
    assert limits.MAX_RECEIVES > limits.MAX_ATTEMPTS


def queue_named(template: Template, name: str) -> tuple[str, dict[str, Any]]:
    """Return the logical id and the properties of the queue of that name, without the environment's prefix."""
    full_name = f"{template.environment.service}-{name}"
    queues = template.properties("AWS::SQS::Queue")
    ((logical_id, properties),) = ((key, value) for key, value in queues.items() if value["QueueName"] == full_name)
    return logical_id, properties


def test_there_are_no_queues_but_those_that_are_described(dev: Template) -> None:
    names = {queue["QueueName"] for queue in dev.properties("AWS::SQS::Queue").values()}
    described = {name for spec in QUEUES for name in (spec.name, spec.dead_letter_name)} | {FAILURES}
    assert names == {f"{dev.environment.service}-{name}" for name in described}


@pytest.mark.parametrize("spec", QUEUES, ids=lambda spec: str(spec.name))
def test_a_queue_is_as_its_specification_says(dev: Template, spec: QueueSpec) -> None:
    _, queue = queue_named(dev, spec.name)
    dead_letter_id, dead_letter_queue = queue_named(dev, spec.dead_letter_name)
    assert queue["VisibilityTimeout"] == spec.visibility.total_seconds()
    assert queue["MessageRetentionPeriod"] == spec.retention.total_seconds()
    assert queue["RedrivePolicy"]["maxReceiveCount"] == spec.max_receives
    assert target(queue["RedrivePolicy"]["deadLetterTargetArn"]) == dead_letter_id
    assert dead_letter_queue["MessageRetentionPeriod"] == spec.dead_letter_retention.total_seconds()


@pytest.mark.parametrize("spec", QUEUES, ids=lambda spec: str(spec.name))
def test_a_dead_letter_queue_takes_messages_of_its_own_queue_only(dev: Template, spec: QueueSpec) -> None:
    _, dead_letter_queue = queue_named(dev, spec.dead_letter_name)
    allowed = dead_letter_queue["RedriveAllowPolicy"]
    assert allowed["redrivePermission"] == "byQueue"
    (source,) = allowed["sourceQueueArns"]
    assert source["Fn::Join"][1][-1].endswith(f":{dev.environment.service}-{spec.name}")


def test_no_queue_can_use_the_queue_of_stream_failures_for_its_dead_letters(dev: Template) -> None:
    assert queue_named(dev, FAILURES)[1]["RedriveAllowPolicy"] == {"redrivePermission": "denyAll"}


@pytest.mark.parametrize("spec", QUEUES, ids=lambda spec: str(spec.name))
def test_a_dead_letter_outlives_the_message_that_it_was(dev: Template, spec: QueueSpec) -> None:
    retention = queue_named(dev, spec.dead_letter_name)[1]["MessageRetentionPeriod"]
    assert retention > queue_named(dev, spec.name)[1]["MessageRetentionPeriod"]


@pytest.mark.parametrize("spec", QUEUES, ids=lambda spec: str(spec.name))
def test_a_message_stays_invisible_for_six_timeouts_of_its_function(dev: Template, spec: QueueSpec) -> None:
    timeout = dev.functions()[spec.consumer.name]["Timeout"]
    assert queue_named(dev, spec.name)[1]["VisibilityTimeout"] >= 6 * timeout


@pytest.mark.parametrize("kind", JobKind)
def test_the_message_of_a_job_stays_invisible_for_a_lease(kind: JobKind) -> None:
    assert JOB_QUEUES[kind].visibility == limits.LEASE > limits.HEARTBEAT


@pytest.mark.parametrize("spec", QUEUES, ids=lambda spec: str(spec.name))
def test_a_queue_is_mapped_to_its_consumer_which_reports_records_one_by_one(dev: Template, spec: QueueSpec) -> None:
    logical_id, _ = queue_named(dev, spec.name)
    mappings = dev.properties("AWS::Lambda::EventSourceMapping").values()
    (mapping,) = (mapping for mapping in mappings if target(mapping["EventSourceArn"]) == logical_id)
    assert function_of(dev, mapping["FunctionName"]) == spec.consumer.name
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BatchSize"] == spec.batch_size


def test_a_queue_whose_messages_reappear_too_early_is_refused() -> None:
    with pytest.raises(ValueError, match="visible again"):
        dataclasses.replace(WEBHOOK_QUEUE, visibility=5 * function_specs.WEBHOOK_SENDER.timeout)


def function_of(template: Template, reference: Any) -> str:
    return function_name(template.resources[str(target(reference))]["Properties"])


def test_each_stream_consumer_reads_its_table_as_it_says(dev: Template) -> None:
    every = dev.properties("AWS::Lambda::EventSourceMapping").values()
    mappings = {
        (function_of(dev, mapping["FunctionName"]), mapping["EventSourceArn"]["Fn::GetAtt"][0]): mapping
        for mapping in every
        if "StartingPosition" in mapping
    }
    assert len(mappings) == len(CONSUMERS)
    for consumer in CONSUMERS:
        (mapping,) = (
            mapping
            for (function, logical_id), mapping in mappings.items()
            if function == consumer.function.name and f"Storage{consumer.table.name.capitalize()}" in logical_id
        )
        assert mapping["EventSourceArn"]["Fn::GetAtt"][1] == "StreamArn"
        assert mapping["BatchSize"] == consumer.batch_size
        assert mapping["MaximumRetryAttempts"] == consumer.retries
        assert mapping["MaximumRecordAgeInSeconds"] == consumer.max_age.total_seconds()
        assert mapping["StartingPosition"] == STARTING_POSITION
        assert mapping["BisectBatchOnFunctionError"] is True
        destination = mapping["DestinationConfig"]["OnFailure"]["Destination"]
        assert target(destination) == queue_named(dev, FAILURES)[0]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        (pattern,) = mapping["FilterCriteria"]["Filters"]
        assert json.loads(pattern["Pattern"]) == consumer.filter_pattern
    for name in MODELS:
        assert table(dev, name)["StreamSpecification"]["StreamViewType"] == STREAM_VIEW_TYPE


@pytest.mark.parametrize("consumer", CONSUMERS, ids=lambda consumer: str(consumer.function.name))
def test_a_record_is_given_up_while_the_stream_still_has_it(consumer: StreamConsumer) -> None:
    assert consumer.max_age <= limits.STREAM_RETENTION / 2


def test_every_websocket_route_leads_to_its_function(dev: Template) -> None:
    integrations = dev.properties("AWS::ApiGatewayV2::Integration")
    actual = {}
    for route in dev.of_api("Route", "WEBSOCKET"):
        _, integration = route["Target"]["Fn::Join"][1]
        uri = integrations[str(target(integration))]["IntegrationUri"]["Fn::Join"][1]
        (function,) = (part for part in uri if target(part) in dev.of_type("AWS::Lambda::Function"))
        actual[route["RouteKey"]] = function_of(dev, function)
    assert actual == {route.key: route.function.name for route in LIVE_ROUTES}


def test_functions_post_to_connections_of_the_websockets_stage(dev: Template) -> None:
    (stage,) = dev.of_api("Stage", "WEBSOCKET")
    url = dev.functions()["live_publisher"]["Environment"]["Variables"]["LIVE_ENDPOINT_URL"]["Fn::Join"][1]
    assert url[0] == "https://"
    assert target(url[1]) == target(stage["ApiId"])
    assert url[-1] == f"/{stage['StageName']}"


def test_the_page_is_told_who_is_let_in_and_where_it_can_watch_live(dev: Template, everything: Template) -> None:
    of_dev, of_everything = (each.functions()["page"]["Environment"]["Variables"] for each in (dev, everything))
    (stage,) = dev.of_api("Stage", "WEBSOCKET")
    url = of_dev["LIVE_URL"]["Fn::Join"][1]
    assert (url[0], target(url[1]), url[-1]) == ("wss://", target(stage["ApiId"]), f"/{stage['StageName']}")
    assert of_dev["API_ACCESS"] == "signature"
    assert {name: of_everything[name] for name in ("API_ACCESS", "JWT_ISSUER", "PAGE_CLIENT_ID")} == {
        "API_ACCESS": "token",
        "JWT_ISSUER": "https://login.example.com",
        "PAGE_CLIENT_ID": "page",
    }
    assert of_everything["PAGE_SIGN_IN_ORIGINS"] == "https://auth.example.com"


def test_every_route_leads_to_its_function(dev: Template) -> None:
    integrations = dev.properties("AWS::ApiGatewayV2::Integration")
    functions = dev.properties("AWS::Lambda::Function")
    actual = {}
    for route in dev.of_api("Route", "HTTP"):
        _, integration = route["Target"]["Fn::Join"][1]
        function = target(integrations[str(target(integration))]["IntegrationUri"])
        actual[route["RouteKey"]] = functions[str(function)]["Handler"]
    assert actual == {f"{route.method} {route.path}": route.function.handler for route in (*ROUTES, *PAGE_ROUTES)}


def test_an_environment_has_its_functions_and_no_others(templates: dict[str, Template]) -> None:
    for template in templates.values():
        expected = function_specs.functions_of(accepts_tokens=template.environment.jwt is not None)
        assert template.functions().keys() == {spec.name for spec in expected}


@pytest.mark.parametrize("spec", FUNCTIONS, ids=lambda spec: spec.name)
def test_a_function_has_the_time_and_the_memory_of_its_specification(everything: Template, spec: FunctionSpec) -> None:
    function = everything.functions()[spec.name]
    assert (function["Timeout"], function["MemorySize"]) == (spec.timeout.total_seconds(), spec.memory)


def test_the_container_has_the_name_that_launches_override(dev: Template) -> None:
    assert dev.container()["Name"] == function_specs.TASK_CONTAINER


def test_the_local_service_runs_the_same_functions_by_the_clock_as_often() -> None:
    local = {timer.function: timer.interval for timer in LocalSettings().timers}
    assert local == {scheduled.function.name: scheduled.interval for scheduled in SCHEDULED}


@pytest.mark.parametrize("spec", FUNCTIONS, ids=lambda spec: spec.name)
def test_a_function_has_the_memory_and_the_bound_that_its_specification_says(
    dev: Template, everything: Template, spec: FunctionSpec
) -> None:
    function = (everything if spec in TOKEN_FUNCTIONS else dev).functions()[spec.name]
    assert function["MemorySize"] == spec.memory


@pytest.mark.parametrize("spec", FUNCTIONS, ids=lambda spec: spec.name)
def test_what_must_not_starve_has_its_share_of_the_accounts_concurrency(
    everything: Template, spec: FunctionSpec
) -> None:
    assert everything.functions()[spec.name].get("ReservedConcurrentExecutions") == spec.concurrency


def test_only_the_digest_needs_to_be_alone() -> None:
    shares = {spec.name: spec.concurrency for spec in FUNCTIONS if spec.concurrency is not None}
    assert shares == {"dispatcher": 15, "task_stopped": 5, "reconciler": 2, "digest": 1}


def test_the_dispatchers_of_all_queues_fit_into_their_share(everything: Template) -> None:
    mappings = everything.properties("AWS::Lambda::EventSourceMapping").values()
    at_once = [
        mapping["ScalingConfig"]["MaximumConcurrency"]
        for mapping in mappings
        if str(target(mapping["FunctionName"])).startswith("Dispatcher")
    ]
    assert len(at_once) == len(JobKind)
    assert sum(at_once) <= function_specs.DISPATCHERS


def test_an_account_without_concurrency_to_reserve_reserves_none(dev: Template) -> None:
    for function in dev.functions().values():
        assert "ReservedConcurrentExecutions" not in function


def async_invocations(template: Template) -> dict[str, dict[str, Any]]:
    configurations = template.properties("AWS::Lambda::EventInvokeConfig").values()
    return {function_of(template, each["FunctionName"]): each for each in configurations}


@pytest.mark.parametrize("scheduled", SCHEDULED, ids=lambda scheduled: scheduled.function.name)
def test_a_run_that_fails_or_finds_another_one_is_left_to_the_next(dev: Template, scheduled: Scheduled) -> None:
    configuration = async_invocations(dev)[scheduled.function.name]
    assert configuration["MaximumRetryAttempts"] == 0
    assert configuration["MaximumEventAgeInSeconds"] == scheduled.interval.total_seconds()


def test_an_event_of_a_stopped_task_that_fails_is_tried_again(dev: Template) -> None:
    configuration = async_invocations(dev)[function_specs.TASK_STOPPED.name]
    assert configuration["MaximumRetryAttempts"] == 2
    assert configuration["MaximumEventAgeInSeconds"] == 3600


@pytest.mark.parametrize("scheduled", SCHEDULED, ids=lambda scheduled: scheduled.function.name)
def test_a_scheduled_function_runs_at_its_interval(dev: Template, scheduled: Scheduled) -> None:
    schedules = {
        function_of(dev, schedule["Target"]["Arn"]): schedule["ScheduleExpression"]
        for schedule in dev.properties("AWS::Scheduler::Schedule").values()
    }
    assert schedules.keys() == {each.function.name for each in SCHEDULED}
    minutes = scheduled.interval.total_seconds() / 60
    unit = "minute" if minutes == 1 else "minutes"
    assert schedules[scheduled.function.name] == f"rate({minutes:.0f} {unit})"


def test_stopped_tasks_of_this_cluster_reach_the_task_stopped_function(dev: Template) -> None:
    (rule,) = dev.properties("AWS::Events::Rule").values()
    pattern = rule["EventPattern"]
    assert pattern["source"] == ["aws.ecs"]
    assert pattern["detail-type"] == ["ECS Task State Change"]
    assert pattern["detail"]["lastStatus"] == ["STOPPED"]
    (cluster,) = pattern["detail"]["clusterArn"]
    assert target(cluster) in dev.of_type("AWS::ECS::Cluster")
    (rule_target,) = rule["Targets"]
    function = dev.resources[str(target(rule_target["Arn"]))]
    assert function["Properties"]["Handler"] == function_specs.TASK_STOPPED.handler
