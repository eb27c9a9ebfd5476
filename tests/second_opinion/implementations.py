"""DynamoDB Local, which is Amazon's, and ElasticMQ: Java programs that end with whoever started them."""

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import urllib3

from local_service import lifeline
from local_service.aws.embedded import ACCOUNT, REGION
from tests import waiting

LIBRARIES = lifeline.ROOT / "build" / "second-opinion"
"""Where `make second-opinion` puts the libraries of both."""

_BESIDE_STDIN = 'trap "" INT; "$@" & program=$!; read -r _; kill -9 $program'
"""Runs a program that does not look at its stdin as long as stdin lasts."""


@contextlib.contextmanager
def dynamodb_local(log: Path) -> Iterator[str]:
    """Run DynamoDB Local, in memory and with tables for each access key; yield its URL."""
    libraries, port = LIBRARIES / "dynamodb-local", free_port()
    arguments = ["-inMemory", "-disableTelemetry", "-port", str(port)]
    main = "com.amazonaws.services.dynamodbv2.local.main.ServerRunner"
    with _java(libraries, [f"-Djava.library.path={libraries}"], [main, *arguments], log):
        yield _answering(port, log)


@contextlib.contextmanager
def elasticmq(log: Path) -> Iterator[str]:
    """Run ElasticMQ with SQS's own limits, in memory; yield its URL."""
    port = free_port()
    settings = {
        "aws.accountId": ACCOUNT,
        "aws.region": REGION,
        "node-address.host": "*",  # a queue's address begins as the caller's
        "rest-sqs.bind-hostname": "127.0.0.1",
        "rest-sqs.bind-port": str(port),
        "rest-sqs.sqs-limits": "strict",
    }
    properties = [f"-D{name}={value}" for name, value in settings.items()]
    with _java(LIBRARIES / "elasticmq", properties, ["org.elasticmq.server.Main"], log):
        yield _answering(port, log)


@contextlib.contextmanager
def _java(libraries: Path, properties: list[str], program: list[str], log: Path) -> Iterator[None]:
    argv = ["java", "-XX:+UseSerialGC", "-Xmx512m", *properties, "-cp", f"{libraries}/*", *program]
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["sh", "-c", _BESIDE_STDIN, "java", *argv],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        )
        try:
            yield
        finally:
            lifeline.end(process)


def _answering(port: int, log: Path) -> str:
    """Wait until something answers at the port, and return its URL."""
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            urllib3.request("GET", url, retries=False, timeout=1)
        except urllib3.exceptions.HTTPError:
            return False
        return True

    waiting.until(f"something answers at {url}", answers, said=log.read_text)
    return url


def free_port() -> int:
    """Return a port of the loopback that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
