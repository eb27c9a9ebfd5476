"""Nobody may do more than they need."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.templates import Template, as_list, target
from watchlist.deployment.function_spec import FunctionSpec
from watchlist.deployment.functions import FUNCTIONS, SCHEDULER, TOKEN_FUNCTIONS
from watchlist.deployment.permissions import OF_TASK, Permissions
from watchlist.job_kinds import JobKind
from watchlist.storage import tables

LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
TRACES = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}

ANY_RESOURCE = TRACES | {"dynamodb:ListStreams", "ecr:GetAuthorizationToken"}
"""Actions for which AWS knows no resource (service authorization reference)."""


def statements(template: Template) -> Iterator[dict[str, Any]]:
    for policy in template.properties("AWS::IAM::Policy").values():
        yield from policy["PolicyDocument"]["Statement"]
    for role in template.properties("AWS::IAM::Role").values():
        for policy in role.get("Policies", []):
            yield from policy["PolicyDocument"]["Statement"]


def test_no_statement_allows_a_wildcard_action(templates: dict[str, Template]) -> None:
    actions = [a for template in templates.values() for s in statements(template) for a in as_list(s["Action"])]
    assert actions
    assert not [action for action in actions if "*" in action]


def test_only_actions_without_resources_are_allowed_on_any_resource(templates: dict[str, Template]) -> None:
    found = [s for template in templates.values() for s in statements(template) if "*" in as_list(s["Resource"])]
    assert found
    for statement in found:
        assert set(as_list(statement["Action"])) <= ANY_RESOURCE


def test_no_role_has_a_managed_policy(templates: dict[str, Template]) -> None:
    for template in templates.values():
        for role in template.properties("AWS::IAM::Role").values():
            assert "ManagedPolicyArns" not in role


def role_of(template: Template, function: str) -> str:
    role = target(template.functions()[function]["Role"])
    assert role is not None
    return role


def granted(template: Template, role: str) -> set[tuple[str, str]]:
    """Return each allowed action with the name of what it is allowed on."""
    return {
        (action, resource_name(template, resource))
        for statement in template.statements_of(role)
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def resource_name(template: Template, resource: Any) -> str:
    match resource:
        case "*":
            return "*"
        case {"Fn::Join": ["", [reference, str(suffix)]]}:
            return resource_name(template, reference) + suffix
        case {"Fn::Join": ["", [*_, str(suffix)]]}:
            return suffix
    logical_id = target(resource)
    assert logical_id is not None, resource
    found = template.resources[logical_id]
    match found["Type"]:
        case "AWS::SQS::Queue":
            return str(found["Properties"]["QueueName"])
        case "AWS::DynamoDB::GlobalTable":
            return "watchlist" if "StorageWatchlist" in logical_id else "activity"
    return str(found["Type"])


POSTS = {
    ("execute-api:ManageConnections", "/live/POST/@connections/*"),
    ("execute-api:ManageConnections", "/live/DELETE/@connections/*"),
}
READS_STREAM = {
    ("dynamodb:DescribeStream", "watchlist"),
    ("dynamodb:GetRecords", "watchlist"),
    ("dynamodb:GetShardIterator", "watchlist"),
    ("dynamodb:ListStreams", "*"),
}
READS_OTHER_STREAM = {(action, "activity") for action, table in READS_STREAM if table == "watchlist"}
TELLS_OF_FAILURES = {("sqs:SendMessage", "repository-watchlist-dev-stream-failures")}
HANDS_ON = {("sns:Publish", "AWS::SNS::Topic"), ("sqs:SendMessage", "repository-watchlist-dev-webhook-delivery")}

BESIDES_THE_TABLE = {
    "dispatcher": {
        ("ecs:RunTask", ":task-definition/repository-watchlist-dev:*"),
        ("ecs:TagResource", "/*"),
        ("iam:PassRole", "AWS::IAM::Role"),
    },
    "alert_collector": {*READS_OTHER_STREAM, ("dynamodb:ListStreams", "*")} | TELLS_OF_FAILURES | POSTS,
    "digest": HANDS_ON,
    "channels": HANDS_ON,
    "notifications": {("sqs:SendMessage", "repository-watchlist-dev-webhook-delivery")},
    "scheduler": {("secretsmanager:GetSecretValue", "AWS::SecretsManager::Secret")},
    "webhook_sender": HANDS_ON
    | {
        ("sqs:ChangeMessageVisibility", "repository-watchlist-dev-webhook-delivery"),
        ("sqs:DeleteMessage", "repository-watchlist-dev-webhook-delivery"),
        ("sqs:GetQueueAttributes", "repository-watchlist-dev-webhook-delivery"),
        ("sqs:ReceiveMessage", "repository-watchlist-dev-webhook-delivery"),
    },
    "event_publisher": READS_STREAM
    | READS_OTHER_STREAM
    | TELLS_OF_FAILURES
    | {("events:PutEvents", "AWS::Events::EventBus")},
    "live_request": POSTS,
    "live_publisher": POSTS | READS_STREAM | TELLS_OF_FAILURES,
}


def expected(permitted: Permissions, service: str) -> set[tuple[str, str]]:
    pairs = {(f"dynamodb:{action}", "watchlist") for action in permitted.watchlist}
    pairs |= {(f"dynamodb:{action}", "activity") for action in permitted.activity}
    for index in permitted.indexes:
        table = "activity" if index in tables.ACTIVITY.indexes else "watchlist"
        pairs.add(("dynamodb:Query", f"{table}/index/{index.name}"))
    for kind, actions in permitted.queues.items():
        pairs |= {(f"sqs:{action}", f"{service}-{kind}") for action in actions}
    for action in permitted.dead_letter_queues:
        pairs |= {(f"sqs:{action}", f"{service}-{kind}-dead-letters") for kind in JobKind}
    return pairs


@pytest.mark.parametrize("spec", FUNCTIONS, ids=lambda spec: spec.name)
def test_a_function_may_do_what_the_table_of_permissions_says_and_no_more(
    dev: Template, everything: Template, spec: FunctionSpec
) -> None:
    template = everything if spec in TOKEN_FUNCTIONS else dev
    actual = granted(template, role_of(template, spec.name))
    own = {(action, "AWS::Logs::LogGroup") for action in LOGS}
    own |= {(action, "*") for action in TRACES if template.environment.insight.traces}
    assert actual == own | BESIDES_THE_TABLE.get(spec.name, set()) | expected(
        spec.permissions, "repository-watchlist-dev"
    )


def test_the_task_may_do_what_the_table_of_permissions_says_and_no_more(dev: Template) -> None:
    role = target(dev.the("AWS::ECS::TaskDefinition")["TaskRoleArn"])
    assert role is not None
    assert granted(dev, role) == expected(OF_TASK, "repository-watchlist-dev")


def dispatcher_statement(template: Template, action: str) -> dict[str, Any]:
    found = template.statements_of(role_of(template, "dispatcher"))
    (statement,) = (statement for statement in found if action in as_list(statement["Action"]))
    return statement


def test_the_dispatcher_starts_tasks_in_its_own_cluster_only(dev: Template) -> None:
    condition = dispatcher_statement(dev, "ecs:RunTask")["Condition"]
    assert condition.keys() == {"ArnEquals"}
    assert target(condition["ArnEquals"]["ecs:cluster"]) in dev.of_type("AWS::ECS::Cluster")


def test_the_dispatcher_hands_the_tasks_roles_to_ecs_only(dev: Template) -> None:
    statement = dispatcher_statement(dev, "iam:PassRole")
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    definition = dev.the("AWS::ECS::TaskDefinition")
    roles = {target(definition["TaskRoleArn"]), target(definition["ExecutionRoleArn"])}
    assert {target(resource) for resource in as_list(statement["Resource"])} == roles


def test_only_the_execution_role_and_the_scheduler_read_the_secret(templates: dict[str, Template]) -> None:
    for template in templates.values():
        execution_role = target(template.the("AWS::ECS::TaskDefinition")["ExecutionRoleArn"])
        readers = {
            target(role)
            for policy in template.properties("AWS::IAM::Policy").values()
            for statement in policy["PolicyDocument"]["Statement"]
            if any(action.startswith("secretsmanager:") for action in as_list(statement["Action"]))
            for role in policy["Roles"]
        }
        assert readers == {execution_role, target(template.functions()[SCHEDULER.name]["Role"])}


def test_only_the_service_itself_assumes_a_role(templates: dict[str, Template]) -> None:
    for template in templates.values():
        for role in template.properties("AWS::IAM::Role").values():
            for statement in role["AssumeRolePolicyDocument"]["Statement"]:
                assert statement["Principal"].keys() == {"Service"}


def test_queues_and_the_alarm_topic_refuse_what_is_not_encrypted_on_the_way(dev: Template) -> None:
    for kind, resource in (("AWS::SQS::QueuePolicy", "Queues"), ("AWS::SNS::TopicPolicy", "Topics")):
        protected = {target(r) for p in dev.properties(kind).values() for r in p[resource] if _denies_plain(p)}
        assert protected == set(dev.of_type(kind.removesuffix("Policy")))


def _denies_plain(policy: dict[str, Any]) -> bool:
    return any(
        statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in policy["PolicyDocument"]["Statement"]
    )
