import dataclasses
from pathlib import Path

import pytest

from infra.application import application
from infra.environments import DEV, PROD, CustomDomain, JwtIssuer, Network
from tests.infra.templates import Template

EVERYTHING = dataclasses.replace(
    PROD,
    name="everything",
    jwt=JwtIssuer(
        issuer="https://login.example.com",
        audience=("watchlist",),
        page_client_id="page",
        page_origins=("https://auth.example.com",),
    ),
    cors_origins=("https://watchlist.example.com",),
    domain=CustomDomain(
        name="api.example.com", certificate_arn="arn:aws:acm:eu-west-1:111111111111:certificate/0000-1111"
    ),
    network=Network.PRIVATE,
    reserves_concurrency=False,
    commits_interval_hours=6,
    health_interval_hours=48,
    alarm_email="operator@example.com",
)
"""Production with every choice made otherwise than by default."""


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    """Synthesise once for all tests: an environment as it is, and one with every choice made otherwise.

    Synthesising raises on any finding of cdk-nag.
    """
    directory = tmp_path_factory.mktemp("cdk")
    package = directory / "package"
    package.mkdir()
    (package / "handler.py").write_text("")
    out = directory / "cdk.out"
    environments = (DEV, EVERYTHING)
    application(environments, lambda _: package, outdir=out).synth()
    return {
        environment.name: Template(environment, _template_below(out / f"assembly-{environment.name}"))
        for environment in environments
    }


@pytest.fixture(scope="session")
def dev(templates: dict[str, Template]) -> Template:
    return templates["dev"]


@pytest.fixture(scope="session")
def everything(templates: dict[str, Template]) -> Template:
    return templates["everything"]


def _template_below(directory: Path) -> Path:
    (path,) = directory.glob("*.template.json")
    return path
