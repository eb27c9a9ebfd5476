"""The CDK application: a stage for each environment, checked by cdk-nag's AwsSolutions rules."""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.environments import Environment
from infra.functions import PackageOf
from infra.stack import EnvironmentStage


def application(
    environments: Iterable[Environment], package_of: PackageOf, context: Mapping[str, Any] | None = None
) -> App:
    """Return the application, not yet synthesised. Synthesising it ends in an exception if a rule has a finding."""
    app = App(context=context)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    for environment in environments:
        EnvironmentStage(app, environment=environment, package_of=package_of)
    return app
