import json
from datetime import timedelta

import pytest

from local_service.aws.embedded import EmbeddedAws
from local_service.provisioning import Environment, provision
from tests.integration.local_service.conftest import client
from watchlist import limits, settings
from watchlist.deployment import functions as function_specs
from watchlist.deployment.function_spec import FunctionSpec
from watchlist.deployment.functions import FUNCTIONS
from watchlist.deployment.queue_specs import JOB_QUEUES, WEBHOOK_QUEUE
from watchlist.job_kinds import JobKind
from watchlist.settings import SettingsError

FROM_PLATFORM = {
    "POWERTOOLS_METRICS_DISABLED",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
}


@pytest.mark.usefixtures("environment")
def test_tables_have_their_keys_indexes_and_expiry(aws: EmbeddedAws) -> None:
    dynamodb = client(aws, "dynamodb")

    table = dynamodb.describe_table(TableName="watchlist")["Table"]
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    indexes = {index["IndexName"]: index for index in table["GlobalSecondaryIndexes"]}
    assert indexes["by-user"]["Projection"] == {"ProjectionType": "ALL"}
    assert indexes["by-due"]["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["type"]}
    assert [key["AttributeName"] for key in indexes["by-due"]["KeySchema"]] == ["due_kind", "due_at"]
    expiry = dynamodb.describe_time_to_live(TableName="activity")["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


@pytest.mark.parametrize("kind", JobKind)
def test_each_queue_hands_its_message_to_its_own_dead_letter_queue(
    aws: EmbeddedAws, environment: Environment, kind: JobKind
) -> None:
    sqs = client(aws, "sqs")

    attributes = sqs.get_queue_attributes(QueueUrl=environment.queues[kind].url, AttributeNames=["All"])["Attributes"]

    assert json.loads(attributes["RedrivePolicy"]) == {
        "deadLetterTargetArn": environment.dead_letter_queues[kind].arn,
        "maxReceiveCount": limits.MAX_RECEIVES,
    }
    assert attributes["VisibilityTimeout"] == "30"
    assert environment.queues[kind].name == kind


def test_queues_are_as_in_aws_but_for_the_lease_that_is_set_here(aws: EmbeddedAws, environment: Environment) -> None:
    sqs = client(aws, "sqs")
    pairs = {kind: (environment.queues[kind], environment.dead_letter_queues[kind]) for kind in JobKind}

    for spec, (queue, dead_letter_queue) in {
        **{JOB_QUEUES[kind]: pair for kind, pair in pairs.items()},
        WEBHOOK_QUEUE: (environment.webhook_queue, environment.webhook_dead_letter_queue),
    }.items():
        assert (queue.name, dead_letter_queue.name) == (spec.name, spec.dead_letter_name)
        assert queue.batch_size == spec.batch_size
        attributes = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["All"])["Attributes"]
        assert attributes["MessageRetentionPeriod"] == f"{spec.retention.total_seconds():.0f}"
        assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] == spec.max_receives


@pytest.mark.parametrize("spec", FUNCTIONS, ids=lambda spec: str(spec.name))
def test_a_function_gets_the_variables_of_its_settings_and_no_others(
    environment: Environment, spec: FunctionSpec
) -> None:
    variables = environment.of(spec)

    settings.load(spec.settings, variables)
    assert set(variables) - FROM_PLATFORM <= set(spec.settings.variables())
    assert set(variables) >= FROM_PLATFORM


def test_the_task_definition_has_the_variables_of_the_task(aws: EmbeddedAws, environment: Environment) -> None:
    definition = client(aws, "ecs").describe_task_definition(taskDefinition=environment.task_definition)
    container = definition["taskDefinition"]["containerDefinitions"][0]
    variables = {variable["name"]: variable["value"] for variable in container["environment"]}

    assert container["name"] == function_specs.TASK_CONTAINER
    assert settings.load(settings.TaskSettings, variables).lease == timedelta(seconds=30)
    assert "CLUSTER" not in variables


def test_a_malformed_setting_is_refused_by_its_name(aws: EmbeddedAws) -> None:
    with pytest.raises(SettingsError, match="LEASE_SECONDS"):
        provision(aws.url, {"LEASE_SECONDS": "long"})
