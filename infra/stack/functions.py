"""A Lambda function as its specification describes it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.environments import Environment
from infra.packaging.target import PYTHON_VERSION
from infra.stack.acknowledgments import acknowledge
from infra.stack.durations import cdk_duration
from infra.stack.log_groups import log_group
from infra.stack.process_environment import environment_of
from watchlist.deployment.function_spec import FunctionSpec

PackageOf = Callable[[FunctionSpec], Path]
"""Returns the zip file of a function's package."""


class Function(Construct):
    """One function with a role and a log group of its own."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        spec: FunctionSpec,
        environment: Environment,
        package: Path,
        values: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        self.spec = spec
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log = log_group(self, "Log", environment)
        log.grant_write(self.role)
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"{environment.service}: {spec.name}",
            runtime=lambda_.Runtime(f"python{PYTHON_VERSION}", lambda_.RuntimeFamily.PYTHON),
            architecture=lambda_.Architecture.ARM_64,
            handler=spec.handler,
            code=lambda_.Code.from_asset(str(package)),
            timeout=cdk_duration(spec.timeout),
            memory_size=spec.memory,
            reserved_concurrent_executions=spec.concurrency if environment.reserves_concurrency else None,
            environment=environment_of(spec.settings, values),
            role=self.role,
            log_group=log,
            tracing=lambda_.Tracing.ACTIVE if environment.insight.traces else lambda_.Tracing.DISABLED,
        )
        acknowledge(
            self.function,
            "L1",
            "packages carry bytecode, which only the same Python writes; docs/decisions has why it is 3.13",
        )
        acknowledge(
            self.role,
            "IAM5[Resource::*]",
            "PutTraceSegments and PutTelemetryRecords of X-Ray, and a stream consumer's ListStreams, know no resource",
        )
