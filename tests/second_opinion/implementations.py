"""MiniStack's DynamoDB and ElasticMQ: programs that end with whoever started them."""

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
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
def ministack(log: Path) -> Iterator[str]:
    """Run MiniStack's DynamoDB, in memory and with tables for each account; yield its URL."""
    port = free_port()
    settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "SERVICES": "dynamodb,dynamodbstreams"}
    with _beside([str(LIBRARIES / "ministack" / "bin" / "python"), "-m", "ministack"], settings, log):
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
    java = ["java", "-XX:+UseSerialGC", "-Xmx512m", *properties, "-cp", f"{LIBRARIES / 'elasticmq'}/*"]
    with _beside([*java, "org.elasticmq.server.Main"], {}, log):
        yield _answering(port, log)


@contextlib.contextmanager
def _beside(program: list[str], settings: Mapping[str, str], log: Path) -> Iterator[None]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["sh", "-c", _BESIDE_STDIN, "program", *program],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**ours, **settings},
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
