"""The secrets that hold the tokens for hosts of repositories. Their values are put in by hand after the deployment."""

from collections.abc import Mapping

from aws_cdk import SecretValue
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.environments import Environment
from infra.stack.acknowledgments import acknowledge
from infra.stack.customer_key import customer_key
from infra.stack.removal import removal_policy


class HostTokens(Construct):
    """One secret, created without a token: the service then works without one.

    CloudFormation writes a value only when it changes here, so a deployment leaves the real tokens alone.
    """

    def __init__(  # noqa: PLR0913 - all by name
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        of: str,
        variable: str,
        field: str | None,
    ) -> None:
        """Create it.

        Args:
            scope: as in every construct.
            construct_id: as in every construct.
            environment: whose secret it is.
            of: whose tokens, for people.
            variable: in which the task has it; functions have its name in the variable with `_SECRET` behind.
            field: of the JSON object that the secret is, where not the whole of it is meant.
        """
        super().__init__(scope, construct_id)
        self._variable = variable
        self._field = field
        self.secret = secretsmanager.Secret(
            self,
            "Secret",
            description=f"Token for {of}, read by the worker's execution role and by the scheduler",
            secret_object_value=None if field is None else {field: SecretValue.unsafe_plain_text("")},
            secret_string_value=SecretValue.unsafe_plain_text("{}") if field is None else None,
            encryption_key=customer_key(self, environment),
            removal_policy=removal_policy(environment),
        )
        acknowledge(
            self.secret,
            "SMG4",
            f"{of} issues the token and has no API to issue another; docs/deploy.md says how to replace it",
        )

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variable that names the secret."""
        return {f"{self._variable}_SECRET": self.secret.secret_arn}

    @property
    def injected(self) -> Mapping[str, ecs.Secret]:
        """The environment variable that has its value when a task starts."""
        return {self._variable: ecs.Secret.from_secrets_manager(self.secret, self._field)}

    def let_read(self, role: iam.Role) -> None:
        """Let `role` read the secret."""
        role.add_to_policy(
            iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[self.secret.secret_arn])
        )


def host_tokens(scope: Construct, environment: Environment) -> tuple[HostTokens, ...]:
    """Create the secret for GitHub and, where the environment has hosts of its own, the one for these."""
    github = HostTokens(
        scope, "GitHubToken", environment=environment, of="GitHub", variable="GITHUB_TOKEN", field="token"
    )
    if not environment.git_hosts:
        return (github,)
    own = HostTokens(scope, "GitTokens", environment=environment, of="own hosts", variable="GIT_TOKENS", field=None)
    return (github, own)
