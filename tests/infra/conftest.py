import dataclasses
from pathlib import Path

import pytest

from infra.application import application
from infra.environments import DEV, PROD, CustomDomain, Environment, JwtIssuer, Network
from tests.infra.templates import Template

EVERYTHING = dataclasses.replace(
    PROD,
    name="everything",
    jwt=JwtIssuer(
        issuer="https://login.example.com",
        audience=("watchlist",),
        operator_claim="cognito:groups",
        page_client_id="page",
        page_origins=("https://auth.example.com",),
    ),
    cors_origins=("https://watchlist.example.com",),
    domain=CustomDomain(
        name="api.example.com", certificate_arn="arn:aws:acm:eu-west-1:111111111111:certificate/0000-1111"
    ),
    network=Network.PRIVATE,
    refuses_deletion=False,
    monthly_budget_dollars=None,
    zones=("eu-west-1b", "eu-west-1c"),
    commits_interval_hours=6,
    health_interval_hours=48,
    alarm_email="operator@example.com",
)
"""Production with every choice made otherwise than by default."""


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    """Synthesise once for all tests: an environment as it is, and one with every choice made otherwise."""
    directory = tmp_path_factory.mktemp("cdk")
    return {environment.name: synthesised(environment, directory) for environment in (DEV, EVERYTHING)}


def synthesised(environment: Environment, directory: Path) -> Template:
    """Return the template of an environment. Synthesising raises on any finding of cdk-nag."""
    package, out = directory / "package", directory / f"cdk.out.{environment.name}"
    package.mkdir(exist_ok=True)
    (package / "handler.py").write_text("")
    application((environment,), lambda _: package, outdir=out).synth()
    return Template(environment, _template_below(out / f"assembly-{environment.name}"))


@pytest.fixture(scope="session")
def dev(templates: dict[str, Template]) -> Template:
    return templates["dev"]


@pytest.fixture(scope="session")
def everything(templates: dict[str, Template]) -> Template:
    return templates["everything"]


def _template_below(directory: Path) -> Path:
    (path,) = directory.glob("*.template.json")
    return path
