"""What the policies of a template allow an AWS service to do, with every denial applied.

IAM decides so (IAM user guide, "Policy evaluation logic"): what no statement allows is refused, and one matching `Deny`
outweighs every `Allow`. A resource of our own account may be used by a *role* of the account when the role's policy
says so, but by an AWS service itself only when the resource's policy does. A policy that is set replaces the default.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from tests.infra.templates import Template, as_list, target

ACCOUNT, REGION = "111111111111", "eu-west-1"

_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::StackName": "stack",
    "AWS::URLSuffix": "amazonaws.com",
}

_REF_IS_ARN = {"AWS::SNS::Topic", "AWS::SecretsManager::Secret", "AWS::ECS::TaskDefinition"}

_POLICIES = {
    "AWS::SNS::TopicPolicy": "Topics",
    "AWS::SQS::QueuePolicy": "Queues",
}
"""Resources that set the policy of others, with the property that names them."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What an AWS service asks for.

    Attributes:
        principal: the service, such as `cloudwatch.amazonaws.com`.
        resource: logical id of what it uses.
        suffix: what follows the resource's ARN, as in `log-group:NAME` + `:log-stream:…`.
        role: logical id of the role that it takes on for it; None if it comes as itself.
        context: condition keys besides `aws:SecureTransport`.
    """

    principal: str
    action: str
    resource: str
    suffix: str = ""
    role: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)


def is_allowed(template: Template, request: Request) -> bool:
    """Return whether `request` is allowed in `template`."""
    statements = list(_resource_policy(template, request.resource))
    if request.role is not None:
        if not _may_assume(template, request):
            return False
        statements += _identity_policy(template, request.role)
        # The role's session comes without what the service said of itself when it took the role on.
        request = replace(request, principal=arn_of(template, request.role), context={})
    effects = {statement["Effect"] for statement in statements if _matches(template, statement, request)}
    return effects == {"Allow"}


def arn_of(template: Template, logical_id: str) -> str:
    """Return the ARN that stands for a resource in these tests."""
    kind = template.resources[logical_id]["Type"]
    return f"arn:aws:{kind.split('::')[1].lower()}:{REGION}:{ACCOUNT}:{logical_id}"


def resolve(template: Template, value: Any) -> str:
    """Return what CloudFormation would make of a value of the template."""
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            if name in _PSEUDO:
                return _PSEUDO[name]
            return arn_of(template, name) if template.resources[name]["Type"] in _REF_IS_ARN else name
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            suffix = {"Arn": "", "StreamArn": "/stream"}.get(attribute, f"/{attribute}")
            if attribute == "Arn" and template.resources[name]["Type"] == "AWS::Logs::LogGroup":
                suffix = ":*"
            return arn_of(template, name) + suffix
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(resolve(template, part) for part in parts)
        case _:
            raise NotImplementedError(f"resolve {value}")


def _resource_policy(template: Template, logical_id: str) -> Iterator[Mapping[str, Any]]:
    for kind, named_in in _POLICIES.items():
        for policy in template.properties(kind).values():
            if logical_id in {target(reference) for reference in policy[named_in]}:
                yield from policy["PolicyDocument"]["Statement"]
    resource = template.resources[logical_id]
    yield from resource["Properties"].get("KeyPolicy", {}).get("Statement", [])
    for permission in template.properties("AWS::Lambda::Permission").values():
        if logical_id == target(permission["FunctionName"]):
            conditions: dict[str, Any] = {}
            if "SourceArn" in permission:
                conditions["ArnLike"] = {"aws:SourceArn": permission["SourceArn"]}
            if "SourceAccount" in permission:
                conditions["StringEquals"] = {"aws:SourceAccount": permission["SourceAccount"]}
            yield {
                "Effect": "Allow",
                "Principal": {"Service": permission["Principal"]},
                "Action": permission["Action"],
                "Resource": permission["FunctionName"],
                "Condition": conditions,
            }


def _identity_policy(template: Template, role: str) -> Iterator[Mapping[str, Any]]:
    inline = template.resources[role]["Properties"].get("Policies", [])
    documents = [statement for policy in inline for statement in policy["PolicyDocument"]["Statement"]]
    for statement in (*template.statements_of(role), *documents):
        yield {**statement, "Principal": {"AWS": {"Fn::GetAtt": [role, "Arn"]}}}


def _may_assume(template: Template, request: Request) -> bool:
    document = template.resources[str(request.role)]["Properties"]["AssumeRolePolicyDocument"]
    effects = {
        statement["Effect"]
        for statement in document["Statement"]
        if _principal_matches(template, statement["Principal"], request.principal)
        and "sts:AssumeRole" in as_list(statement["Action"])
        and _conditions_hold(template, statement.get("Condition", {}), request)
    }
    return effects == {"Allow"}


def _matches(template: Template, statement: Mapping[str, Any], request: Request) -> bool:
    arn = arn_of(template, request.resource) + request.suffix
    return (
        _principal_matches(template, statement["Principal"], request.principal)
        and any(fnmatchcase(request.action, pattern) for pattern in as_list(statement["Action"]))
        and any(_like(arn, resolve(template, pattern)) for pattern in as_list(statement["Resource"]))
        and _conditions_hold(template, statement.get("Condition", {}), request)
    )


def _principal_matches(template: Template, stated: Any, principal: str) -> bool:
    if stated == "*":
        return True
    for kind, values in stated.items():
        for value in as_list(values):
            name = resolve(template, value)
            if name == "*" and kind == "AWS":
                return True
            if name == principal:
                return True
    return False


def _conditions_hold(template: Template, conditions: Mapping[str, Mapping[str, Any]], request: Request) -> bool:
    context = {"aws:SecureTransport": "true", **request.context}
    return all(
        _holds(operator, [resolve(template, value) for value in as_list(values)], context.get(key))
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _holds(operator: str, allowed: list[str], actual: str | None) -> bool:
    if actual is None:
        return False  # a key that the request does not have matches nothing but Null and ...IfExists
    match operator:
        case "Bool" | "StringEquals":
            return actual in allowed
        case "ArnLike" | "ArnEquals" | "StringLike":
            return any(_like(actual, pattern) for pattern in allowed)
        case _:
            raise NotImplementedError(f"condition {operator}")


def _like(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]"))
