"""The CDK application: a stage for each environment, checked by cdk-nag's AwsSolutions rules."""

from collections.abc import Iterable
from pathlib import Path

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.environments import Environment
from infra.stack.functions import PackageOf
from infra.stack.service import EnvironmentStage


def application(environments: Iterable[Environment], package_of: PackageOf, outdir: Path) -> App:
    """Return the application, not yet synthesised. Synthesising it ends in an exception if a rule has a finding.

    Args:
        environments: what is deployed.
        package_of: finds the package of a function.
        outdir: where templates go.
    """
    app = App(outdir=str(outdir))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    for environment in environments:
        EnvironmentStage(app, environment=environment, package_of=package_of)
    return app
