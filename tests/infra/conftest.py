import dataclasses
import fcntl
from pathlib import Path

import pytest

from infra.application import application
from infra.environments import DEV, PROD, CustomDomain, Environment, Insight, JwtIssuer, Network
from tests.infra.templates import Template
from watchlist.own_hosts import OwnHost

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
    git_hosts=(
        OwnHost(origin="https://lab.example.com:8443", kind="gitlab"),
        OwnHost(origin="https://acme.ghe.com", kind="github", api="https://api.acme.ghe.com", checks_a_second=2),
    ),
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
    insight=Insight(dashboard=True, throttled_tables=True, by_route=True, containers=True, traces=True),
)
"""Production with every choice made otherwise than by default."""


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> dict[str, Template]:
    """Synthesise once for all tests: an environment as it is, and one with every choice made otherwise.

    The first process that needs them does it; others wait and read what it wrote.
    """
    base = tmp_path_factory.getbasetemp()
    directory = (base if worker_id == "master" else base.parent) / "cdk"
    directory.mkdir(exist_ok=True)
    environments, done = (DEV, EVERYTHING), directory / "done"
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            for environment in environments:
                synthesise(environment, directory)
            done.touch()
    return {environment.name: template_in(environment, directory) for environment in environments}


def synthesised(environment: Environment, directory: Path) -> Template:
    """Return the template of an environment. Synthesising raises on any finding of cdk-nag."""
    synthesise(environment, directory)
    return template_in(environment, directory)


def synthesise(environment: Environment, directory: Path) -> None:
    package = directory / "package"
    package.mkdir(exist_ok=True)
    (package / "handler.py").write_text("")
    application((environment,), lambda _: package, outdir=_out(environment, directory)).synth()


def template_in(environment: Environment, directory: Path) -> Template:
    return Template(environment, _template_below(_out(environment, directory) / f"assembly-{environment.name}"))


def _out(environment: Environment, directory: Path) -> Path:
    return directory / f"cdk.out.{environment.name}"


@pytest.fixture(scope="session")
def dev(templates: dict[str, Template]) -> Template:
    return templates["dev"]


@pytest.fixture(scope="session")
def everything(templates: dict[str, Template]) -> Template:
    return templates["everything"]


def _template_below(directory: Path) -> Path:
    (path,) = directory.glob("*.template.json")
    return path
