"""A stack in LocalEmu: deployed by CloudFormation, and called.

    python -m tests.second_opinion.localemu.stack

synthesises it beforehand, with packages for this machine: that asks a registry, which tests may not.
"""

import contextlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from infra.application import application
from infra.environments import DEV
from infra.packaging.build import Packages
from infra.packaging.target import THIS_MACHINE
from local_service import lifeline
from local_service.functions.processes import FunctionError
from local_service.gateways.http import HttpRequest, event_of, find_route, response_of
from local_service.gateways.websocket import WebSocketGateway
from local_service.tasks.runner import TaskRunner
from tests import waiting
from tests.second_opinion.implementations import LIBRARIES, free_port
from watchlist.deployment.function_spec import FunctionSpec
from watchlist.deployment.functions import FUNCTIONS, TASK_CONTAINER, TASK_MODULE, TASK_STOPPED
from watchlist.deployment.routes import ROUTES
from watchlist.settings import TaskSettings

REGION = "eu-west-1"
ACCOUNT = "000000000000"
NAME = "dev"
DEPLOYER = "deployer"
SECONDS = 600
"""How long anything may take before a test gives up on it."""

_SYNTHESISED = LIBRARIES / "cdk.out"

_CLUSTER = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{NAME}"
_TASK_DEFINITION = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/repository-watchlist-{NAME}:1"

_CONTAINER = f"""
export AWS_ENDPOINT_URL=$1 AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION} NO_PROXY=*
export AWS_CONTAINER_CREDENTIALS_FULL_URI=$2/v2/credentials/${{HOME##*/}}
export GIT_CLONE_DIR=$HOME/clones SCORECARD_PATH=no-scorecard-here
shift 2
exec "$@"
"""
"""What ECS adds to a container's variables (ECS guide, "Amazon ECS environment variables"), where AWS is, and paths of
this machine in place of the image's. ECS gives a path on a host that only its tasks have; here the address is whole."""


_SPECS = {spec.name: spec for spec in FUNCTIONS}


@dataclass(frozen=True)
class Emulator:
    """LocalEmu while it runs.

    Attributes:
        url: the endpoint of its AWS.
        credentials_url: where tasks ask for those of their role.
        log: what it says.
    """

    url: str
    credentials_url: str
    log: Path

    def client(self, service: Any) -> Any:
        """Return a client for whoever deploys, whom no policy binds."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=DEPLOYER,
            aws_secret_access_key="local",
            config=Config(proxies={}, read_timeout=SECONDS, retries={"total_max_attempts": 1}),
        )


@dataclass
class Stack:
    """The deployed stack.

    Attributes:
        emulator: where it is deployed.
        template: as it was synthesised.
        resources: status, type and physical id of each resource by its logical id.
        tasks_log: that of all tasks.
        live_url: where clients open WebSockets.
    """

    emulator: Emulator
    template: Mapping[str, Any]
    resources: Mapping[str, Mapping[str, Any]]
    tasks_log: Path
    live_url: str

    def http(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Let the route's function answer, as API Gateway would; return status and document."""
        encoded = b"" if body is None else json.dumps(body).encode()
        plain, _, query = path.partition("?")
        request = HttpRequest(method, plain, query, {"content-type": "application/json"}, encoded)
        match = find_route(ROUTES, method, plain)
        assert match is not None, path
        event = event_of(request, match, datetime.now(UTC), str(uuid.uuid4()))
        response = response_of(self.invoke(match.route.function, event))
        return response.status, json.loads(response.body) if response.body else None

    def invoke(self, spec: FunctionSpec, event: Any) -> Any:
        """Call a function and return its answer.

        Raises:
            AssertionError: it failed.
        """
        answer = self.emulator.client("lambda").invoke(
            FunctionName=self.function(spec), Payload=json.dumps(event).encode()
        )
        payload = json.loads(answer["Payload"].read() or b"null")
        assert "FunctionError" not in answer, payload
        return payload

    def named(self, name: str, event: Any) -> Any:
        """Call a function by the name in its specification, for those who are to retry.

        Raises:
            FunctionError: it failed.
        """
        try:
            return self.invoke(_SPECS[name], event)
        except AssertionError as error:
            raise FunctionError(str(error)) from error

    @property
    def task_role(self) -> str:
        """The ARN of what tasks run as."""
        ecs = self.emulator.client("ecs")
        definition = ecs.describe_task_definition(taskDefinition=_TASK_DEFINITION)["taskDefinition"]
        return str(definition["taskRoleArn"])

    @contextlib.contextmanager
    def task_role_without(self, action: str) -> Iterator[None]:
        """Take a permission from the tasks' role for as long as the context lasts."""
        iam, role = self.emulator.client("iam"), self.task_role.rpartition("/")[2]
        documents = {
            name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
        }
        assert f'"{action}"' in json.dumps(documents), documents
        less = {name: _less(document, action) for name, document in documents.items()}
        try:
            for name, document in less.items():
                iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
            yield
        finally:
            for name, document in documents.items():
                iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))

    def function(self, spec: FunctionSpec) -> str:
        """Return the function's name in this stack."""
        (name,) = (
            self.resources[logical]["PhysicalResourceId"]
            for logical, resource in self.template["Resources"].items()
            if resource["Type"] == "AWS::Lambda::Function" and resource["Properties"]["Handler"] == spec.handler
        )
        return str(name)


@contextlib.contextmanager
def deployed(folder: Path, variables: Mapping[str, str]) -> Iterator[Stack]:
    """Start LocalEmu, deploy what was synthesised, run the tasks that ECS takes, and yield the stack.

    Args:
        folder: for logs, and the tasks' files.
        variables: settings of functions and tasks that differ from the environment's, by their variables' names.
    """

    def invoke(name: str, event: dict[str, Any]) -> Any:
        return stack.named(name, event)  # of the stack that is deployed when somebody asks

    gateway = WebSocketGateway(invoke, ("127.0.0.1", 0))
    variables = {**variables, "LIVE_ENDPOINT_URL": gateway.management_url}
    with _localemu(folder / "localemu.log") as emulator:
        template, location = _publish(emulator, _SYNTHESISED / f"assembly-{DEV.name}", variables)
        cloudformation = emulator.client("cloudformation")
        cloudformation.create_stack(StackName=NAME, TemplateURL=location, Capabilities=["CAPABILITY_NAMED_IAM"])
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=NAME, WaiterConfig={"Delay": 1, "MaxAttempts": SECONDS}
        )
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=NAME)
        resources = {each["LogicalResourceId"]: each for page in pages for each in page["StackResourceSummaries"]}
        _make_what_is_passed_over(emulator.client("ecs"), template, resources)
        stack = Stack(emulator, template, resources, folder / "tasks.log", gateway.url)
        with gateway, _fargate(stack, folder / "tasks"):
            yield stack


@contextlib.contextmanager
def _fargate(stack: Stack, scratch: Path) -> Iterator[None]:
    """Run the tasks that ECS takes, each as a process with the credentials of its role, and report their ends."""
    addresses = (stack.emulator.url, stack.emulator.credentials_url)
    with (
        stack.tasks_log.open("wb") as log,
        TaskRunner(
            stack.emulator.client("ecs"),
            NAME,
            lambda event: stack.named(TASK_STOPPED.name, event),
            scratch=scratch,
            log=log.fileno(),
            argv=(*("/bin/sh", "-c", _CONTAINER, "sh"), *addresses, *(sys.executable, "-m", TASK_MODULE)),
        ),
    ):
        yield


@contextlib.contextmanager
def _localemu(log: Path) -> Iterator[Emulator]:
    address, credentials = (f"127.0.0.1:{free_port()}" for _ in range(2))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(log.parent),
        "TMPDIR": str(log.parent),
        "GATEWAY_LISTEN": address,
        "LOCALEMU_HOST": address,
        "CREDENTIALS_LISTEN": credentials,
        "IAM_ENFORCEMENT": "1",
        "ROOT_ACCESS_KEYS": DEPLOYER,
        "DISABLE_EVENTS": "1",
        "ECS_DOCKER_BACKEND": "0",
        "OVERRIDE_IN_DOCKER": "0",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT": str(SECONDS),
        # Lambda asks queues and streams without a rest; LocalEmu rests up to ten seconds, and a minute after an error.
        "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.2",
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "1",
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_ERROR_SEC": "2",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [LIBRARIES / "localemu" / "bin" / "python", Path(__file__).with_name("server.py")],
            cwd=log.parent,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:

            def is_ready() -> bool:
                assert process.poll() is None, log.read_text()[-3000:]
                return b"\nReady." in log.read_bytes()

            waiting.until("LocalEmu is ready", is_ready, seconds=SECONDS)
            yield Emulator(f"http://{address}", f"http://{credentials}", log)
        finally:
            lifeline.end(process)


def _publish(emulator: Emulator, assembly: Path, variables: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """Upload what the template names, and it itself; return it with the address it is at."""
    (path,) = assembly.glob("*.template.json")
    template: dict[str, Any] = json.loads(path.read_text())
    _set(template, variables)
    (manifest,) = assembly.glob("*.assets.json")
    s3, buckets, location = emulator.client("s3"), set(), ""
    for file in json.loads(manifest.read_text())["files"].values():
        source = assembly / file["source"]["path"]
        (destination,) = file["destinations"].values()
        bucket = destination["bucketName"].replace("${AWS::AccountId}", ACCOUNT).replace("${AWS::Region}", REGION)
        if bucket not in buckets:
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
            buckets.add(bucket)
        body = source.read_bytes()
        if source == path:
            location = f"{emulator.url}/{bucket}/{destination['objectKey']}"
            body = json.dumps(_with_known_names(template)).encode()
        s3.put_object(Bucket=bucket, Key=destination["objectKey"], Body=body)
    emulator.client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
    return template, location


def _set(template: Mapping[str, Any], variables: Mapping[str, str]) -> None:
    """Give each function, and the task, those of the variables that its settings have."""
    settings = {spec.handler: spec.settings for spec in FUNCTIONS}
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::Lambda::Function" if properties["Handler"] in settings:
                of_function = settings[properties["Handler"]].variables()
                properties["Environment"]["Variables"].update(_among(of_function, variables))
            case "AWS::ECS::TaskDefinition":
                (container,) = properties["ContainerDefinitions"]
                chosen = _among(TaskSettings.variables(), variables)
                kept = [each for each in container["Environment"] if each["Name"] not in chosen]
                container["Environment"] = kept + [{"Name": name, "Value": chosen[name]} for name in chosen]


def _among(names: Iterable[str], variables: Mapping[str, str]) -> dict[str, str]:
    return {name: variables[name] for name in names if name in variables}


def _with_known_names(template: dict[str, Any]) -> Any:
    """Return the template with the ARNs of a cluster and a task definition in place of references to them."""
    names = {
        json.dumps(reference): arn
        for logical, resource in template["Resources"].items()
        for kind, reference, arn in (
            ("AWS::ECS::Cluster", {"Fn::GetAtt": [logical, "Arn"]}, _CLUSTER),
            ("AWS::ECS::Cluster", {"Ref": logical}, NAME),
            ("AWS::ECS::TaskDefinition", {"Ref": logical}, _TASK_DEFINITION),
        )
        if resource["Type"] == kind
    }
    return _replaced(template, names)


def _less(document: Mapping[str, Any], action: str) -> dict[str, Any]:
    """Return a role's policy without an action."""
    statements = [
        {**statement, "Action": kept}
        for statement in document["Statement"]
        if (kept := [each for each in _listed(statement["Action"]) if each != action])
    ]
    return {**document, "Statement": statements}


def _listed(actions: str | list[str]) -> list[str]:
    return [actions] if isinstance(actions, str) else actions


def _replaced(value: Any, values: Mapping[str, str]) -> Any:
    """Return the document with some of its values, written as JSON, replaced."""
    match value:
        case dict() if (replacement := values.get(json.dumps(value))) is not None:
            return replacement
        case dict():
            return {key: _replaced(each, values) for key, each in value.items()}
        case list():
            return [_replaced(each, values) for each in value]
        case _:
            return value


def _make_what_is_passed_over(
    ecs: Any, template: Mapping[str, Any], resources: Mapping[str, Mapping[str, Any]]
) -> None:
    """Make cluster and task definition from the template's own properties; LocalEmu says that it did, and has none."""
    references = {
        json.dumps({"Ref": logical}): str(resource["PhysicalResourceId"]) for logical, resource in resources.items()
    } | {
        json.dumps({"Fn::GetAtt": [logical, "Arn"]}): f"arn:aws:iam::{ACCOUNT}:role/{resource['PhysicalResourceId']}"
        for logical, resource in resources.items()
        if resource["ResourceType"] == "AWS::IAM::Role"
    }
    (definition,) = (
        _replaced(resource["Properties"], references)
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::ECS::TaskDefinition"
    )
    (container,) = definition["ContainerDefinitions"]
    ecs.create_cluster(clusterName=NAME)
    ecs.register_task_definition(
        family=definition["Family"],
        taskRoleArn=definition["TaskRoleArn"],
        executionRoleArn=definition["ExecutionRoleArn"],
        networkMode=definition["NetworkMode"],
        requiresCompatibilities=definition["RequiresCompatibilities"],
        cpu=definition["Cpu"],
        memory=definition["Memory"],
        containerDefinitions=[
            {
                "name": TASK_CONTAINER,
                "image": "worker",
                "memory": int(definition["Memory"]),
                "essential": True,
                "environment": [{"name": each["Name"], "value": each["Value"]} for each in container["Environment"]],
            }
        ],
    )


if __name__ == "__main__":
    application((DEV,), Packages(THIS_MACHINE).package_of, outdir=_SYNTHESISED).synth()
