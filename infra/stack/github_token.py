"""The secret that holds the token for GitHub's API. Its value is put in by hand after the first deployment."""

from collections.abc import Mapping

from aws_cdk import SecretValue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.environments import Environment
from infra.stack.acknowledgments import acknowledge
from infra.stack.customer_key import customer_key
from infra.stack.removal import removal_policy

TOKEN_FIELD = "token"  # noqa: S105 - the name of a field, not a token
"""The secret is a JSON object with this field."""


class GitHubToken(Construct):
    """The secret, created with an empty token: the service then works without one.

    CloudFormation writes a value only when it changes here, so a deployment leaves the real token alone.
    """

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id)
        self.secret = secretsmanager.Secret(
            self,
            "Secret",
            description="Token for GitHub, read by the worker's execution role and by the scheduler",
            secret_object_value={TOKEN_FIELD: SecretValue.unsafe_plain_text("")},
            encryption_key=customer_key(self, environment),
            removal_policy=removal_policy(environment),
        )
        acknowledge(
            self.secret,
            "SMG4",
            "GitHub issues the token and has no API to issue another; docs/deploy.md says how to replace it",
        )

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variable that names the secret."""
        return {"GITHUB_TOKEN_SECRET": self.secret.secret_arn}

    def let_read(self, role: iam.Role) -> None:
        """Let `role` read the token."""
        role.add_to_policy(
            iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[self.secret.secret_arn])
        )
