"""One key of the customer's own for all that is stored: tables, logs, queues, topics and the secret."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.environments import Environment
from infra.stack.removal import removal_policy

_ID = "CustomerKey"
_SERVICES = ("dynamodb", "sqs", "sns", "secretsmanager")
"""Services that use the key in the name of whoever may use what it encrypts."""

_PUBLISHERS = ("cloudwatch.amazonaws.com", "budgets.amazonaws.com")
"""Services that publish to an encrypted topic in their own name."""

_USE = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]


def customer_key(scope: Construct, environment: Environment) -> kms.IKey | None:
    """Return the key of the scope's stack, created at the first call; None where AWS's own keys are used."""
    if not environment.customer_key:
        return None
    stack = Stack.of(scope)
    existing = stack.node.try_find_child(_ID)
    return existing if isinstance(existing, kms.Key) else _create(stack, environment)


def _create(stack: Stack, environment: Environment) -> kms.Key:
    key = kms.Key(
        stack,
        _ID,
        description=f"{environment.service}: all that is stored",
        enable_key_rotation=True,
        removal_policy=removal_policy(environment),
    )
    # As the policies of AWS's own keys have it: who may read the table may have the table decrypted, by DynamoDB only.
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="ThroughServices",
            principals=[iam.AnyPrincipal()],
            actions=[*_USE, "kms:CreateGrant"],
            resources=["*"],
            conditions={
                "StringEquals": {
                    "kms:CallerAccount": stack.account,
                    "kms:ViaService": [f"{service}.{stack.region}.{stack.url_suffix}" for service in _SERVICES],
                }
            },
        )
    )
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="Logs",
            principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
            actions=_USE,
            resources=["*"],
            conditions={
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": stack.format_arn(
                        service="logs",
                        resource="log-group",
                        resource_name="*",
                        arn_format=ArnFormat.COLON_RESOURCE_NAME,
                    )
                }
            },
        )
    )
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="Alarms",
            principals=[iam.ServicePrincipal(service) for service in _PUBLISHERS],
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            resources=["*"],
            conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
        )
    )
    return key
