"""The HTTP API: the routes of `watchlist.deployment.routes`; nobody gets in without signature or token."""

import json
from collections.abc import Iterator, Mapping
from http import HTTPMethod
from pathlib import Path
from typing import Any

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_certificatemanager as certificatemanager
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.environments import CustomDomain, Environment, JwtIssuer
from infra.stack.acknowledgments import acknowledge
from infra.stack.functions import Function
from infra.stack.log_groups import log_group
from infra.stack.monitoring import AlarmTitle, Monitoring
from watchlist.deployment.routes import PAGE_ROUTES, ROUTES

_DOCUMENT = Path(__file__).parents[2] / "functions" / "http" / "openapi" / "openapi.json"

_SLOW = Duration.seconds(3)
"""p99 of an answer; a cold start takes about one second."""

_TOLERATED_ERRORS = 2
"""5xx answers in five minutes that callers retry."""

_LOGGED = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "responseLatency": "$context.responseLatency",
    "responseLength": "$context.responseLength",
    "sourceIp": "$context.identity.sourceIp",
    "caller": "$context.identity.caller",
    "subject": "$context.authorizer.claims.sub",
    "error": "$context.error.message",
    "integrationError": "$context.integrationErrorMessage",
}


class Api(Construct):
    """API Gateway in front of the functions that answer HTTP requests. They need its address: they come by `route`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        monitoring: Monitoring,
    ) -> None:
        super().__init__(scope, construct_id)
        self.http_api = apigatewayv2.HttpApi(
            self,
            "HttpApi",
            api_name=environment.service,
            cors_preflight=_cors(environment),
            create_default_stage=False,
            disable_execute_api_endpoint=environment.domain is not None,
        )
        self.stage = apigatewayv2.HttpStage(
            self,
            "Stage",
            http_api=self.http_api,
            stage_name="$default",
            auto_deploy=True,
            throttle=apigatewayv2.ThrottleSettings(
                rate_limit=environment.requests_per_second, burst_limit=environment.request_burst
            ),
            detailed_metrics_enabled=environment.insight.by_route,
            domain_mapping=_domain_mapping(self, environment.domain),
        )
        self._log_access(environment)
        self._watch(monitoring)
        self.url = self.stage.domain_url if environment.domain else self.http_api.api_endpoint
        CfnOutput(self, "Url", value=self.url)

    def route(self, functions: Mapping[str, Function], jwt: JwtIssuer | None) -> None:
        """Connect the routes with their functions; all but public ones want a token of that issuer, or a signature."""
        authorizer = _authorizer(jwt)
        routes = (*ROUTES, *PAGE_ROUTES)
        names = dict.fromkeys(route.function.name for route in routes)
        answering = {
            name: integrations.HttpLambdaIntegration(f"{name}Integration", functions[name].function) for name in names
        }
        for route in routes:
            added = self.http_api.add_routes(
                path=route.path,
                methods=[apigatewayv2.HttpMethod(route.method)],
                integration=answering[route.function.name],
                authorizer=apigatewayv2.HttpNoneAuthorizer() if route.is_public else authorizer,
            )
            for each in added if route.is_public else ():
                acknowledge(
                    each,
                    "APIG4",
                    "public routes show nothing of anybody, or what a token in the address was made to show",
                )

    def _log_access(self, environment: Environment) -> None:
        # The L2 wants an implemented interface here, which the Python binding cannot take as a plain value.
        stage = self.stage.node.default_child
        if not isinstance(stage, apigatewayv2.CfnStage):
            raise TypeError("the stage has no CloudFormation resource")
        stage.access_log_settings = apigatewayv2.CfnStage.AccessLogSettingsProperty(
            destination_arn=log_group(self, "AccessLog", environment).log_group_arn, format=json.dumps(_LOGGED)
        )

    def _watch(self, monitoring: Monitoring) -> None:
        console = f"apigateway/main/monitor/metrics?api={self.http_api.api_id}&region={monitoring.region}"
        monitoring.alarm(
            AlarmTitle.API_FAILING,
            happened="The API answered requests with 5xx.",
            console=console,
            metric=self.http_api.metric_server_error(period=Duration.minutes(5), statistic=cloudwatch.Stats.SUM),
            threshold=_TOLERATED_ERRORS + 1,
            missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        monitoring.alarm(
            AlarmTitle.API_SLOW,
            happened=f"One request in a hundred took longer than {_SLOW.to_seconds():.0f} seconds.",
            console=console,
            metric=self.http_api.metric_latency(period=Duration.minutes(5), statistic=cloudwatch.Stats.percentile(99)),
            threshold=_SLOW.to_milliseconds(),
            periods=3,
            missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )


def _authorizer(jwt: JwtIssuer | None) -> apigatewayv2.IHttpRouteAuthorizer:
    if jwt is None:
        return authorizers.HttpIamAuthorizer()
    return authorizers.HttpJwtAuthorizer("Jwt", jwt_issuer=jwt.issuer, jwt_audience=list(jwt.audience))


def _cors(environment: Environment) -> apigatewayv2.CorsPreflightOptions | None:
    if not environment.cors_origins:
        return None
    return apigatewayv2.CorsPreflightOptions(
        allow_origins=list(environment.cors_origins),
        allow_methods=[apigatewayv2.CorsHttpMethod(method) for method in sorted({route.method for route in ROUTES})],
        allow_headers=["authorization", "content-type", *_headers_of_requests()],
        expose_headers=_headers_of_answers(),
        max_age=Duration.hours(1),
    )


def _operations() -> Iterator[Mapping[str, Any]]:
    """Yield what the OpenAPI document says of each method of each path."""
    document = json.loads(_DOCUMENT.read_text(encoding="utf-8"))
    for path in document["paths"].values():
        yield from (operation for method, operation in path.items() if method.upper() in HTTPMethod.__members__)


def _headers_of_requests() -> list[str]:
    parameters = (parameter for operation in _operations() for parameter in operation.get("parameters", ()))
    return sorted({parameter["name"].lower() for parameter in parameters if parameter["in"] == "header"})


def _headers_of_answers() -> list[str]:
    answers = (answer for operation in _operations() for answer in operation["responses"].values())
    return sorted({name.lower() for answer in answers for name in answer.get("headers", ())})


def _domain_mapping(scope: Construct, domain: CustomDomain | None) -> apigatewayv2.DomainMappingOptions | None:
    if domain is None:
        return None
    certificate = certificatemanager.Certificate.from_certificate_arn(scope, "Certificate", domain.certificate_arn)
    domain_name = apigatewayv2.DomainName(scope, "Domain", domain_name=domain.name, certificate=certificate)
    # What the DNS record of the domain must point to (CNAME, or an alias record in Route 53).
    CfnOutput(scope, "DomainTarget", value=domain_name.regional_domain_name)
    return apigatewayv2.DomainMappingOptions(domain_name=domain_name)
