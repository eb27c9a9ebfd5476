"""Live status: a WebSocket API, authorised as the HTTP API is: by IAM, or by tokens where there is an issuer.

API Gateway's JWT authorizer serves HTTP APIs only; a Lambda authorizer checks the tokens of a WebSocket.
"""

from collections.abc import Mapping

from aws_cdk import Duration, Stack
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.environments import Environment
from infra.stack.acknowledgments import acknowledge
from infra.stack.functions import Function
from infra.stack.monitoring import AlarmTitle, Monitoring
from watchlist.deployment import functions as function_specs
from watchlist.deployment.routes import LIVE_CONNECT, LIVE_ROUTES

_STAGE = "live"

_TOLERATED_ERRORS = 2
"""Failed checks of tokens in five minutes, after which clients try again."""


class LiveStatus(Construct):
    """The WebSocket API. Its functions need its address, so they come later, by `route`."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id)
        self._api = apigatewayv2.WebSocketApi(self, "Api", api_name=f"{environment.service}-live")
        stage = apigatewayv2.WebSocketStage(
            self,
            "Stage",
            web_socket_api=self._api,
            stage_name=_STAGE,
            auto_deploy=True,
            throttle=apigatewayv2.ThrottleSettings(
                rate_limit=environment.requests_per_second, burst_limit=environment.request_burst
            ),
        )
        acknowledge(
            stage,
            "APIG1",
            "access logs of a WebSocket need a role for the whole account, which is no single environment's to set; "
            "the functions log each connection",
        )

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables that say where connections are managed, and where browsers open them."""
        stack = Stack.of(self)
        host = f"{self._api.api_id}.execute-api.{stack.region}.{stack.url_suffix}"
        return {"LIVE_ENDPOINT_URL": f"https://{host}/{_STAGE}", "LIVE_URL": f"wss://{host}/{_STAGE}"}

    def route(self, functions: Mapping[str, Function], monitoring: Monitoring) -> None:
        """Connect the live routes with their functions, `$connect` behind its authorizer."""
        authorizer = self._authorizer(functions.get(function_specs.LIVE_AUTHORIZER.name), monitoring)
        for live_route in LIVE_ROUTES:
            function = functions[live_route.function.name]
            integration = integrations.WebSocketLambdaIntegration(
                f"{live_route.function.name}Integration", function.function
            )
            opens = live_route == LIVE_CONNECT
            route = self._api.add_route(
                live_route.key,
                integration=integration,
                authorizer=authorizer if opens else None,
            )
            if not opens:
                acknowledge(route, "APIG4", "only $connect can be authorised; the others are on a connection that was")

    def _authorizer(self, function: Function | None, monitoring: Monitoring) -> apigatewayv2.IWebSocketRouteAuthorizer:
        if function is None:
            return authorizers.WebSocketIamAuthorizer()
        monitoring.alarm(
            AlarmTitle.TOKENS_UNCHECKED,
            happened="Tokens of people who want to watch live could not be checked, as a rule for want of the issuer.",
            console=f"lambda/home?region={monitoring.region}#/functions/{function.function.function_name}?tab=monitoring",
            metric=function.function.metric_errors(period=Duration.minutes(5), statistic=cloudwatch.Stats.SUM),
            threshold=_TOLERATED_ERRORS + 1,
            missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        # No identity source: a token is in one of two headers, and API Gateway would want all that are named.
        return authorizers.WebSocketLambdaAuthorizer("Authorizer", function.function, identity_source=[])

    def allow_posting(self, role: iam.Role) -> None:
        """Let `role` post to connections and close them."""
        for method in ("POST", "DELETE"):
            connections = f"{self._api.api_id}/{_STAGE}/{method}/@connections/*"
            role.add_to_policy(
                iam.PolicyStatement(
                    actions=["execute-api:ManageConnections"],
                    resources=[Stack.of(self).format_arn(service="execute-api", resource=connections)],
                )
            )
            api = Stack.of(self).get_logical_id(_cfn(self._api))
            acknowledge(
                role,
                "IAM5[Resource::arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:"
                f"<{api}>/{_STAGE}/{method}/@connections/*]",
                "connections come and go; it is every connection of this API",
            )


def _cfn(api: apigatewayv2.WebSocketApi) -> apigatewayv2.CfnApi:
    resource = api.node.default_child
    if not isinstance(resource, apigatewayv2.CfnApi):
        raise TypeError("the API has no CloudFormation resource")
    return resource
