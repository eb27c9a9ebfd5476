"""Findings of cdk-nag that are accepted, each at its resource with a reason."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept one finding of cdk-nag's AwsSolutions rules, such as `SMG4` or `IAM5[Resource::*]`, at `construct`."""
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason))
