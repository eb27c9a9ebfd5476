"""What AWS services hand to resources of ours: the edges of a template."""

from collections.abc import Iterator
from typing import Any

from tests.infra.policies import ACCOUNT, REGION, Request, arn_of, is_allowed, resolve
from tests.infra.templates import Template, target

ALARMS = "cloudwatch.amazonaws.com"


def alarm_actions(template: Template) -> Iterator[Request]:
    for alarm in template.properties("AWS::CloudWatch::Alarm").values():
        arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{alarm['AlarmName']}"
        for action in (*alarm["AlarmActions"], *alarm["OKActions"], *alarm.get("InsufficientDataActions", ())):
            yield Request(
                principal=ALARMS,
                action="sns:Publish",
                resource=str(target(action)),
                context={"aws:SourceArn": arn, "aws:SourceAccount": ACCOUNT},
            )


def budget_subscribers(template: Template) -> Iterator[Request]:
    for budget in template.properties("AWS::Budgets::Budget").values():
        for notification in budget["NotificationsWithSubscribers"]:
            for subscriber in notification["Subscribers"]:
                assert subscriber["SubscriptionType"] == "SNS"
                yield Request(
                    principal="budgets.amazonaws.com",
                    action="sns:Publish",
                    resource=str(target(subscriber["Address"])),
                    context={"aws:SourceArn": f"arn:aws:budgets::{ACCOUNT}:*", "aws:SourceAccount": ACCOUNT},
                )


def rule_targets(template: Template) -> Iterator[Request]:
    for name, rule in template.properties("AWS::Events::Rule").items():
        for each in rule["Targets"]:
            function = str(target(each["Arn"]))
            assert template.resources[function]["Type"] == "AWS::Lambda::Function"
            yield Request(
                principal="events.amazonaws.com",
                action="lambda:InvokeFunction",
                resource=function,
                context={"aws:SourceArn": arn_of(template, name), "aws:SourceAccount": ACCOUNT},
            )


def schedule_targets(template: Template) -> Iterator[Request]:
    for schedule in template.properties("AWS::Scheduler::Schedule").values():
        yield Request(
            principal="scheduler.amazonaws.com",
            action="lambda:InvokeFunction",
            resource=str(target(schedule["Target"]["Arn"])),
            role=str(target(schedule["Target"]["RoleArn"])),
            context={"aws:SourceAccount": ACCOUNT},
        )


def integrations(template: Template) -> Iterator[Request]:
    routes = template.properties("AWS::ApiGatewayV2::Route")
    found = template.properties("AWS::ApiGatewayV2::Integration")
    for route in routes.values():
        integration = found[resolve(template, route["Target"]).removeprefix("integrations/")]
        method, _, path = route["RouteKey"].rpartition(" ")
        stage = "$default" if method else "live"
        key = f"{method}{path}" if method else path
        yield from _invocations(template, integration["IntegrationUri"], f"{route['ApiId']['Ref']}/{stage}/{key}")


def authorizers(template: Template) -> Iterator[Request]:
    for name, authorizer in template.properties("AWS::ApiGatewayV2::Authorizer").items():
        if "AuthorizerUri" in authorizer:
            source = f"{authorizer['ApiId']['Ref']}/authorizers/{name}"
            yield from _invocations(template, authorizer["AuthorizerUri"], source)


def _invocations(template: Template, uri: Any, source: str) -> Iterator[Request]:
    (function,) = (
        name for name in template.of_type("AWS::Lambda::Function") if arn_of(template, name) in resolve(template, uri)
    )
    yield Request(
        principal="apigateway.amazonaws.com",
        action="lambda:InvokeFunction",
        resource=function,
        context={"aws:SourceArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{source}", "aws:SourceAccount": ACCOUNT},
    )


POLLED = {
    "AWS::SQS::Queue": ("", ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")),
    "AWS::DynamoDB::GlobalTable": (
        "/stream",
        ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
    ),
}
"""What Lambda needs to poll a source in the function's name (Lambda developer guide, event source mappings)."""


def event_sources(template: Template) -> Iterator[Request]:
    for mapping in template.properties("AWS::Lambda::EventSourceMapping").values():
        role = role_of(template, str(target(mapping["FunctionName"])))
        source = str(target(mapping["EventSourceArn"]))
        suffix, actions = POLLED[template.resources[source]["Type"]]
        for action in actions:
            yield Request(principal="lambda.amazonaws.com", action=action, resource=source, suffix=suffix, role=role)
        failures = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if failures is not None:
            yield Request(
                principal="lambda.amazonaws.com", action="sqs:SendMessage", resource=str(target(failures)), role=role
            )


def function_logs(template: Template) -> Iterator[Request]:
    for function in template.properties("AWS::Lambda::Function").values():
        group = str(target(function["LoggingConfig"]["LogGroup"]))
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            yield Request(
                principal="lambda.amazonaws.com",
                action=action,
                resource=group,
                suffix=":log-stream:s",
                role=str(target(function["Role"])),
            )


def flow_logs(template: Template) -> Iterator[Request]:
    for flow_log in template.properties("AWS::EC2::FlowLog").values():
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            yield Request(
                principal="vpc-flow-logs.amazonaws.com",
                action=action,
                resource=str(target(flow_log["LogGroupName"])),
                suffix=":log-stream:s",
                role=str(target(flow_log["DeliverLogsPermissionArn"])),
            )


def task_start(template: Template) -> Iterator[Request]:
    definition = template.the("AWS::ECS::TaskDefinition")
    container = template.container()
    role = str(target(definition["ExecutionRoleArn"]))
    group = str(target(container["LogConfiguration"]["Options"]["awslogs-group"]))
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        yield Request(
            principal="ecs-tasks.amazonaws.com", action=action, resource=group, suffix=":log-stream:s", role=role
        )
    for secret in template.of_type("AWS::SecretsManager::Secret"):
        yield Request(
            principal="ecs-tasks.amazonaws.com", action="secretsmanager:GetSecretValue", resource=secret, role=role
        )


def role_of(template: Template, function: str) -> str:
    return str(target(template.resources[function]["Properties"]["Role"]))


EDGES = (
    alarm_actions,
    budget_subscribers,
    rule_targets,
    schedule_targets,
    integrations,
    authorizers,
    event_sources,
    function_logs,
    flow_logs,
    task_start,
)

WITH_EDGES = {
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Integration",
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::Alarm",
    "AWS::EC2::FlowLog",
    "AWS::ECS::TaskDefinition",
    "AWS::Events::Rule",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Scheduler::Schedule",
}
"""Types from which a service goes to another resource of ours; `EDGES` walks them."""

WITHOUT_EDGES = {
    "AWS::Cognito::UserPool",
    "AWS::Cognito::UserPoolClient",
    "AWS::Cognito::UserPoolDomain",
    "AWS::Cognito::UserPoolGroup",
    "AWS::KMS::Key",  # tests/infra/test_customer_key.py
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::ApiGatewayV2::Route",
    # Whoever deploys lets API Gateway write its access log: CloudWatch Logs sets that policy itself ("vended logs").
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Dashboard",
    "AWS::DynamoDB::GlobalTable",
    "AWS::EC2::EIP",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::NatGateway",
    "AWS::EC2::Route",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCEndpoint",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::ECS::Cluster",
    "AWS::ECS::ClusterCapacityProviderAssociations",
    "AWS::Events::EventBus",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    # Asynchronous invocations have no destination here; Lambda's own retries need no permission.
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::SecretsManager::Secret",
}


def assert_all_edges_hold(template: Template) -> None:
    """Check the edges of one more template."""
    assert {resource["Type"] for resource in template.resources.values()} <= WITH_EDGES | WITHOUT_EDGES
    requests = [request for edges in EDGES for request in edges(template)]
    assert [request for request in requests if not is_allowed(template, request)] == []
