"""What the resources are like, where it matters."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.infra.conftest import synthesised
from tests.infra.policies import ACCOUNT, REGION, arn_of, resolve
from tests.infra.templates import Template, as_list, target
from watchlist.deployment import functions as function_specs
from watchlist.deployment.routes import LIVE_ROUTES, PAGE_ROUTES, ROUTES


def test_templates_pass_cfn_lint(templates: dict[str, Template]) -> None:
    paths = [str(template.path) for template in templates.values()]
    # W3005: CDK writes dependencies that a reference implies already. W3010: an environment may name its zones.
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    command = [str(cfn_lint), "--ignore-checks", "W3005,W3010", "--", *paths]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")


def routes_of(template: Template, *, is_public: bool) -> list[dict[str, Any]]:
    keys = {f"{route.method} {route.path}" for route in (*ROUTES, *PAGE_ROUTES) if route.is_public}
    return [route for route in template.of_api("Route", "HTTP") if (route["RouteKey"] in keys) == is_public]


def test_every_route_wants_a_signature_by_default(dev: Template) -> None:
    kinds = [route["AuthorizationType"] for route in routes_of(dev, is_public=False)]
    assert kinds == ["AWS_IAM"] * sum(not route.is_public for route in ROUTES)


def test_a_public_route_which_shows_nothing_of_anybody_wants_neither(templates: dict[str, Template]) -> None:
    for template in templates.values():
        kinds = [route["AuthorizationType"] for route in routes_of(template, is_public=True)]
        assert kinds == ["NONE"] * sum(route.is_public for route in (*ROUTES, *PAGE_ROUTES))


def test_every_route_wants_a_token_where_there_is_an_issuer(everything: Template) -> None:
    routes = routes_of(everything, is_public=False)
    assert len(routes) == sum(not route.is_public for route in ROUTES)
    (authorizer_id,) = {target(route["AuthorizerId"]) for route in routes}
    assert {route["AuthorizationType"] for route in routes} == {"JWT"}
    jwt = everything.properties("AWS::ApiGatewayV2::Authorizer")[str(authorizer_id)]["JwtConfiguration"]
    assert jwt == {"Audience": ["watchlist"], "Issuer": "https://login.example.com"}


def test_a_websocket_is_opened_with_a_signature_by_default(dev: Template) -> None:
    kinds = {route["RouteKey"]: route.get("AuthorizationType") for route in dev.of_api("Route", "WEBSOCKET")}
    assert kinds.pop("$connect") == "AWS_IAM"
    assert kinds.keys() == {route.key for route in LIVE_ROUTES} - {"$connect"}


def test_a_websocket_is_opened_with_a_token_where_there_is_an_issuer(everything: Template) -> None:
    (connect,) = (route for route in everything.of_api("Route", "WEBSOCKET") if route["RouteKey"] == "$connect")
    authorizer = everything.properties("AWS::ApiGatewayV2::Authorizer")[str(target(connect["AuthorizerId"]))]
    function_id = next(
        name
        for name, function in everything.properties("AWS::Lambda::Function").items()
        if function["Handler"] == function_specs.LIVE_AUTHORIZER.handler
    )
    variables = everything.functions()[function_specs.LIVE_AUTHORIZER.name]["Environment"]["Variables"]

    assert connect["AuthorizationType"] == "CUSTOM"
    assert (authorizer["AuthorizerType"], authorizer.get("IdentitySource", [])) == ("REQUEST", [])
    assert function_id in json.dumps(authorizer["AuthorizerUri"])
    assert (variables["JWT_ISSUER"], variables["JWT_AUDIENCE"]) == ("https://login.example.com", "watchlist")


def test_the_websocket_may_call_its_authorizer_and_nobody_else_may(everything: Template) -> None:
    (allowed,) = (
        permission
        for permission in everything.properties("AWS::Lambda::Permission").values()
        if "LiveAuthorizer" in str(target(permission["FunctionName"]))
    )
    source = json.dumps(allowed["SourceArn"])
    (api_id,) = {str(target(route["ApiId"])) for route in everything.of_api("Route", "WEBSOCKET")}
    assert allowed["Principal"] == "apigateway.amazonaws.com"
    assert api_id in source
    assert "/authorizers/" in source


def test_how_often_repositories_are_checked_is_the_environment_s_choice(dev: Template, everything: Template) -> None:
    for template, commits, health in ((dev, "24", "24"), (everything, "6", "48")):
        variables = template.functions()[function_specs.SCHEDULER.name]["Environment"]["Variables"]
        assert (variables["COMMITS_INTERVAL_HOURS"], variables["HEALTH_INTERVAL_HOURS"]) == (commits, health)


def test_the_websocket_is_throttled_too(dev: Template) -> None:
    (stage,) = dev.of_api("Stage", "WEBSOCKET")
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == dev.environment.requests_per_second


def test_what_only_helps_to_look_is_there_where_it_is_chosen(dev: Template, everything: Template) -> None:
    def insight(template: Template) -> tuple[bool, bool, str, set[str]]:
        (stage,) = template.of_api("Stage", "HTTP")
        (containers,) = template.the("AWS::ECS::Cluster")["ClusterSettings"]
        modes = {each.get("TracingConfig", {}).get("Mode", "none") for each in template.functions().values()}
        by_route = stage["DefaultRouteSettings"]["DetailedMetricsEnabled"]
        return bool(template.of_type("AWS::CloudWatch::Dashboard")), by_route, containers["Value"], modes

    assert insight(dev) == (False, False, "disabled", {"none"})
    assert insight(everything) == (True, True, "enabled", {"Active"})


def test_the_api_is_throttled_and_logged(dev: Template) -> None:
    (stage,) = dev.of_api("Stage", "HTTP")
    settings = stage["DefaultRouteSettings"]
    assert settings["ThrottlingRateLimit"] == dev.environment.requests_per_second
    assert settings["ThrottlingBurstLimit"] == dev.environment.request_burst
    assert target(stage["AccessLogSettings"]["DestinationArn"]) in dev.of_type("AWS::Logs::LogGroup")


def test_browsers_may_call_from_named_origins_only(dev: Template, everything: Template) -> None:
    assert "CorsConfiguration" not in dev.http_api()
    cors = everything.http_api()["CorsConfiguration"]
    assert cors["AllowOrigins"] == ["https://watchlist.example.com"]


def test_an_api_with_its_own_domain_answers_nowhere_else(everything: Template) -> None:
    assert everything.http_api()["DisableExecuteApiEndpoint"] is True
    assert everything.the("AWS::ApiGatewayV2::DomainName")["DomainName"] == "api.example.com"


def test_tables_can_be_restored_to_any_second(templates: dict[str, Template]) -> None:
    for template in templates.values():
        for table in template.properties("AWS::DynamoDB::GlobalTable").values():
            (replica,) = table["Replicas"]
            assert replica["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
            assert table["BillingMode"] == "PAY_PER_REQUEST"
            assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"


def test_data_stays_when_its_stack_goes_but_not_that_of_a_first_deployment_which_failed(everything: Template) -> None:
    for kind in ("AWS::DynamoDB::GlobalTable", "AWS::Logs::LogGroup", "AWS::SecretsManager::Secret"):
        for resource in everything.of_type(kind).values():
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
            assert resource["UpdateReplacePolicy"] == "Retain"


def test_data_goes_with_an_environment_that_does_not_keep_it(dev: Template) -> None:
    for table in dev.of_type("AWS::DynamoDB::GlobalTable").values():
        assert table["DeletionPolicy"] == "Delete"


def test_tables_refuse_deletion_where_the_environment_says_so(everything: Template, tmp_path: Path) -> None:
    assert not any(_refuses_deletion(everything))
    production = synthesised(dataclasses.replace(everything.environment, refuses_deletion=True), tmp_path)
    assert all(_refuses_deletion(production))


def _refuses_deletion(template: Template) -> list[bool]:
    tables = template.properties("AWS::DynamoDB::GlobalTable").values()
    return [replica["DeletionProtectionEnabled"] for table in tables for replica in table["Replicas"]]


def test_functions_run_on_arm_with_logs_of_their_own(dev: Template) -> None:
    groups = set()
    for function in dev.functions().values():
        assert function["Architectures"] == ["arm64"]
        groups.add(target(function["LoggingConfig"]["LogGroup"]))
    assert len(groups) == len(dev.functions())


def test_logs_are_kept_as_long_as_the_environment_says(templates: dict[str, Template]) -> None:
    for template in templates.values():
        days = {group["RetentionInDays"] for group in template.properties("AWS::Logs::LogGroup").values()}
        assert days == {template.environment.log_retention_days}


def test_the_task_is_nobody_and_writes_nowhere_but_to_scratch(dev: Template) -> None:
    container = dev.container()
    assert container["User"].split(":")[0].isdigit()
    assert container["User"].split(":")[0] != "0"
    assert container["ReadonlyRootFilesystem"] is True
    assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    assert "InitProcessEnabled" not in container["LinuxParameters"]
    (mount,) = container["MountPoints"]
    assert mount == {"ContainerPath": "/scratch", "ReadOnly": False, "SourceVolume": "scratch"}
    environment = {variable["Name"]: variable["Value"] for variable in container["Environment"]}
    assert environment["GIT_CLONE_DIR"].startswith("/scratch/")


def test_the_task_runs_on_arm_with_the_size_of_its_environment(dev: Template) -> None:
    definition = dev.the("AWS::ECS::TaskDefinition")
    assert definition["RuntimePlatform"]["CpuArchitecture"] == "ARM64"
    assert definition["Cpu"] == str(dev.environment.task_cpu)
    assert definition["Memory"] == str(dev.environment.task_memory)
    assert definition["EphemeralStorage"]["SizeInGiB"] == dev.environment.task_scratch_gib


def test_refreshes_run_on_spot(dev: Template) -> None:
    providers = dev.the("AWS::ECS::ClusterCapacityProviderAssociations")["CapacityProviders"]
    assert set(providers) == {"FARGATE", "FARGATE_SPOT"}
    variables = dev.functions()["dispatcher"]["Environment"]["Variables"]
    assert variables["REFRESH_CAPACITY_PROVIDER"] == "FARGATE_SPOT"
    assert (variables["REFRESH_TASK_CPU"], variables["REFRESH_TASK_MEMORY"]) == ("512", "1024")


def test_nobody_reaches_a_task_and_a_task_reaches_https_only(templates: dict[str, Template]) -> None:
    for template in templates.values():
        group = template.the("AWS::EC2::SecurityGroup")
        assert "SecurityGroupIngress" not in group
        assert not template.of_type("AWS::EC2::SecurityGroupIngress")
        (egress,) = group["SecurityGroupEgress"]
        assert (egress["IpProtocol"], egress["FromPort"], egress["ToPort"]) == ("tcp", 443, 443)


def test_tasks_have_public_addresses_and_no_nat_by_default(dev: Template) -> None:
    assert not dev.of_type("AWS::EC2::NatGateway")
    assert dev.functions()["dispatcher"]["Environment"]["Variables"]["ASSIGN_PUBLIC_IP"] == "ENABLED"
    assert len(_task_subnets(dev)) == 2


def test_tasks_are_private_behind_a_nat_gateway_where_the_environment_says_so(everything: Template) -> None:
    assert len(everything.of_type("AWS::EC2::NatGateway")) == 1
    assert everything.functions()["dispatcher"]["Environment"]["Variables"]["ASSIGN_PUBLIC_IP"] == "DISABLED"
    assert len(_task_subnets(everything)) == 2
    for subnet in _task_subnets(everything):
        assert "Private" in {tag["Value"] for tag in everything.resources[subnet]["Properties"]["Tags"]}


def test_database_and_image_layers_do_not_cross_the_nat_gateway(everything: Template) -> None:
    kinds = {endpoint["VpcEndpointType"] for endpoint in everything.properties("AWS::EC2::VPCEndpoint").values()}
    assert kinds == {"Gateway"}
    assert len(everything.of_type("AWS::EC2::VPCEndpoint")) == 2


def _task_subnets(template: Template) -> list[str]:
    joined = template.functions()["dispatcher"]["Environment"]["Variables"]["SUBNET_IDS"]
    subnets = [target(reference) for reference in joined["Fn::Join"][1]]
    return [subnet for subnet in subnets if subnet is not None]


def test_tasks_run_in_the_zones_that_the_environment_names(everything: Template) -> None:
    subnets = everything.properties("AWS::EC2::Subnet")
    zones = {subnets[subnet]["AvailabilityZone"] for subnet in _task_subnets(everything)}
    assert zones == set(everything.environment.zones)


def test_an_endpoint_leads_to_our_tables_and_the_images_layers_only(templates: dict[str, Template]) -> None:
    for template in templates.values():
        allowed = {
            resolve(template, resource)
            for endpoint in template.properties("AWS::EC2::VPCEndpoint").values()
            for statement in endpoint["PolicyDocument"]["Statement"]
            for resource in as_list(statement["Resource"])
        }
        tables = {arn_of(template, name) for name in template.of_type("AWS::DynamoDB::GlobalTable")}
        layers = f"arn:aws:s3:::prod-{REGION}-starport-layer-bucket/*"
        assert allowed == {layers, *tables, *(f"{table}/index/*" for table in tables)}


def test_an_endpoint_lets_this_account_use_tables_and_everybody_only_read_layers(
    templates: dict[str, Template],
) -> None:
    for template in templates.values():
        statements = [
            statement
            for endpoint in template.properties("AWS::EC2::VPCEndpoint").values()
            for statement in endpoint["PolicyDocument"]["Statement"]
        ]
        assert {tuple(as_list(each["Action"])) for each in statements} == {("dynamodb:*",), ("s3:GetObject",)}
        (tables,) = (each for each in statements if each["Action"] == "dynamodb:*")
        ours = tables["Condition"]["StringEquals"]["aws:PrincipalAccount"]
        assert resolve(template, ours) == ACCOUNT
