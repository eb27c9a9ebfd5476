"""What becomes of what holds data when its stack goes."""

from aws_cdk import RemovalPolicy

from infra.environments import Environment


def removal_policy(environment: Environment) -> RemovalPolicy:
    """Return what becomes of data: it stays, but not what a first deployment that failed has just created."""
    return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if environment.keeps_data else RemovalPolicy.DESTROY
