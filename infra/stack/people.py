"""Who issues the tokens that are accepted: somebody who exists already, or a user pool of the environment's own."""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra.environments import Environment, JwtIssuer
from infra.stack.acknowledgments import acknowledge
from infra.stack.removal import removal_policy

OPERATORS = "operators"
"""The group whose members are operators."""

_GROUPS_CLAIM = "cognito:groups"


class UserPool(Construct):
    """People with passwords, a group of operators, and a client by which the page signs people in.

    Attributes:
        issuer: whose tokens are to be accepted.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, page_url: str, sign_up: bool
    ) -> None:
        super().__init__(scope, construct_id)
        pool = cognito.UserPool(
            self,
            "Pool",
            user_pool_name=environment.service,
            self_sign_up_enabled=sign_up,
            sign_in_aliases=cognito.SignInAliases(email=True),
            sign_in_case_sensitive=False,
            auto_verify=cognito.AutoVerifiedAttrs(email=True),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            password_policy=cognito.PasswordPolicy(
                min_length=12, require_digits=True, require_lowercase=True, require_uppercase=True, require_symbols=True
            ),
            mfa=cognito.Mfa.OPTIONAL,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            deletion_protection=environment.keeps_data and environment.refuses_deletion,
            removal_policy=removal_policy(environment),
        )
        acknowledge(pool, "COG2", "people choose whether they want a second factor: one is offered, by authenticator")
        acknowledge(pool, "COG3", "threat protection costs as much as the service for each user; tokens last an hour")
        acknowledge(pool, "COG8", "the plan with threat protection costs more than all else for few users")
        pool.add_group("Operators", group_name=OPERATORS, description="They see jobs and queues and act for all users.")
        domain = pool.add_domain(
            "Domain",
            cognito_domain=cognito.CognitoDomainOptions(
                domain_prefix=f"{environment.service}-{Stack.of(self).account}"
            ),
        )
        client = pool.add_client(
            "Page",
            generate_secret=False,
            prevent_user_existence_errors=True,
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID, cognito.OAuthScope.EMAIL, cognito.OAuthScope.PROFILE],
                callback_urls=[f"{page_url}/"],
                logout_urls=[f"{page_url}/"],
            ),
        )
        self.issuer = JwtIssuer(
            issuer=f"https://cognito-idp.{Stack.of(self).region}.{Stack.of(self).url_suffix}/{pool.user_pool_id}",
            audience=(client.user_pool_client_id,),
            page_client_id=client.user_pool_client_id,
            page_origins=(domain.base_url(),),
            operator_claim=_GROUPS_CLAIM,
            operator_value=OPERATORS,
        )
        CfnOutput(self, "Id", value=pool.user_pool_id)
        CfnOutput(self, "SignIn", value=domain.base_url())
