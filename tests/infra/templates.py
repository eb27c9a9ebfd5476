"""Synthesised templates as tests ask about them."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from infra.environments import Environment
from watchlist.deployment.functions import FUNCTIONS

Resource = dict[str, Any]


@dataclass(frozen=True)
class Template:
    """One environment's CloudFormation template."""

    environment: Environment
    path: Path

    @cached_property
    def resources(self) -> dict[str, Resource]:
        """All resources by logical id."""
        document: dict[str, dict[str, Resource]] = json.loads(self.path.read_text())
        return document["Resources"]

    def of_type(self, kind: str) -> dict[str, Resource]:
        """Return the resources of a CloudFormation type by logical id."""
        return {name: resource for name, resource in self.resources.items() if resource["Type"] == kind}

    def properties(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of the resources of a type by logical id."""
        return {name: resource["Properties"] for name, resource in self.of_type(kind).items()}

    def the(self, kind: str) -> dict[str, Any]:
        """Return the properties of the only resource of a type."""
        (properties,) = self.properties(kind).values()
        return properties

    def functions(self) -> dict[str, dict[str, Any]]:
        """Return the properties of each Lambda function by the function's name."""
        found = self.properties("AWS::Lambda::Function")
        return {function_name(properties): properties for properties in found.values()}

    def of_api(self, kind: str, protocol: str) -> list[dict[str, Any]]:
        """Return the properties of routes, stages or integrations of the API of that protocol (HTTP, WEBSOCKET)."""
        apis = self.properties("AWS::ApiGatewayV2::Api")
        found = self.properties(f"AWS::ApiGatewayV2::{kind}").values()
        return [each for each in found if apis[str(target(each["ApiId"]))]["ProtocolType"] == protocol]

    def http_api(self) -> dict[str, Any]:
        """Return the properties of the HTTP API."""
        apis = self.properties("AWS::ApiGatewayV2::Api").values()
        (api,) = (api for api in apis if api["ProtocolType"] == "HTTP")
        return api

    def container(self) -> dict[str, Any]:
        """Return the task's container."""
        (container,) = self.the("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
        assert isinstance(container, dict)
        return container

    def statements_of(self, role: str) -> list[dict[str, Any]]:
        """Return the policy statements of the role with that logical id."""
        policies = self.properties("AWS::IAM::Policy").values()
        return [
            statement
            for policy in policies
            if role in {target(reference) for reference in policy["Roles"]}
            for statement in policy["PolicyDocument"]["Statement"]
        ]


def function_name(properties: Resource) -> str:
    """Return the name of the function that a Lambda function's properties describe."""
    return next(spec.name for spec in FUNCTIONS if spec.handler == properties["Handler"])


def target(reference: Any) -> str | None:
    """Return the logical id that a Ref or GetAtt points to, or None."""
    match reference:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
            return name
        case _:
            return None


def as_list(value: Any) -> list[Any]:
    """Return what a template writes as one value or as a list, as a list."""
    return value if isinstance(value, list) else [value]
