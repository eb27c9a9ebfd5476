"""The real Scorecard: on files whose findings are known, and against a loopback GitHub that refuses.

Nothing is asserted that depends on the network, which may be missing.
"""

import os
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tasks.child_process import ChildProcesses
from tasks.scorecard.cli import LOCAL_CHECKS, RunLimits, ScorecardCli
from watchlist.clock import now
from watchlist.health.report import UnusableReportError, read_report
from watchlist.health.scorecard import CheckResult, ScorecardResult, ScorecardSource, aggregate

pytestmark = pytest.mark.scorecard

PINNED = "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8"

DANGEROUS_WORKFLOW = """
name: ci
on: pull_request_target
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          ref: ${{ github.event.pull_request.head.sha }}
      - run: pip install rocket
"""

CAREFUL_WORKFLOW = f"""
name: ci
on: push
permissions: read-all
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: {PINNED}
      - run: make
"""

ELF = b"\x7fELF\x02\x01\x01" + bytes(57)


@pytest.fixture(scope="session")
def program() -> str:
    """The pinned Scorecard: SCORECARD_PATH, or `scorecard` on PATH; CI must have it."""
    path = shutil.which(os.environ.get("SCORECARD_PATH") or "scorecard")
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI must install Scorecard and set SCORECARD_PATH")
        pytest.skip("Scorecard is not installed: set SCORECARD_PATH or have it on PATH")
    return path


@pytest.fixture
def cli(program: str, tmp_path: Path) -> ScorecardCli:
    (tmp_path / "scratch").mkdir()
    return ScorecardCli(program, ChildProcesses(), tmp_path / "scratch")


def checkout(directory: Path, files: dict[str, bytes]) -> Path:
    tree = directory / "tree"
    for name, content in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(content)
    return tree


def pinned_version() -> str:
    module = (Path(__file__).parents[3] / "tools" / "scorecard" / "go.mod").read_text()
    return next(line.split()[-1] for line in module.splitlines() if "github.com/ossf/scorecard/v5 v" in line)


def check(cli: ScorecardCli, tree: Path) -> ScorecardResult:
    name, report = cli.check_tree(tree)
    return read_report(
        report,
        name=name,
        source=ScorecardSource.LOCAL,
        head="a" * 40,
        obtained_at=now(),
        clean=lambda text: text.replace(f"{tree}/", ""),
    )


def found(result: ScorecardResult, name: str) -> CheckResult:
    return next(check for check in result.checks if check.name == name)


def test_the_version_is_the_pinned_one(program: str) -> None:
    said = subprocess.run([program, "version"], check=True, capture_output=True, text=True).stdout
    assert f"GitVersion:    {pinned_version()}" in said


def test_a_careless_repository_scores_for_its_findings(cli: ScorecardCli, tmp_path: Path) -> None:
    tree = checkout(tmp_path, {".github/workflows/ci.yml": DANGEROUS_WORKFLOW.encode(), "bin/tool.so": ELF})
    result = check(cli, tree)
    assert [check.name for check in result.checks] == sorted(LOCAL_CHECKS)
    binary = found(result, "Binary-Artifacts")
    assert (binary.score, binary.details) == (9, ("Warn: binary detected: bin/tool.so:1",))
    dangerous = found(result, "Dangerous-Workflow")
    assert dangerous.score == 0
    assert "untrusted code checkout" in dangerous.details[0]
    assert found(result, "License").score == 0
    assert found(result, "Security-Policy").score == 0
    assert found(result, "Token-Permissions").score == 0
    pinned = found(result, "Pinned-Dependencies")
    assert pinned.score == 0
    assert any("pipCommand not pinned" in detail for detail in pinned.details)
    assert found(result, "Packaging").score is None


def test_a_careful_repository_scores_better(cli: ScorecardCli, tmp_path: Path) -> None:
    files = {
        ".github/workflows/ci.yml": CAREFUL_WORKFLOW.encode(),
        ".github/dependabot.yml": b"version: 2\nupdates: []\n",
        "LICENSE": b"MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\n",
        "SECURITY.md": b"Report vulnerabilities to security@example.org or https://example.org/, within 90 days.\n",
    }
    result = check(cli, checkout(tmp_path, files))
    for name in ("Binary-Artifacts", "Dangerous-Workflow", "Dependency-Update-Tool", "Pinned-Dependencies"):
        assert found(result, name).score == 10, name
    assert (found(result, "License").score or 0) > 0
    assert (found(result, "Security-Policy").score or 0) > 0
    assert found(result, "Token-Permissions").score == 10


def test_the_aggregate_of_scorecard_is_ours(cli: ScorecardCli, tmp_path: Path) -> None:
    tree = checkout(tmp_path, {".github/workflows/ci.yml": DANGEROUS_WORKFLOW.encode(), "tool.so": ELF})
    result = check(cli, tree)
    assert aggregate({c.name: c.score for c in result.checks if c.score is not None}) == result.score


def test_a_local_result_says_what_it_is(cli: ScorecardCli, tmp_path: Path) -> None:
    result = check(cli, checkout(tmp_path, {"README": b"hello"}))
    assert result.source is ScorecardSource.LOCAL
    assert result.version == pinned_version()
    assert result.commit == "a" * 40
    assert result.checks_run == len(LOCAL_CHECKS)
    assert result.checks_conclusive < result.checks_run


def test_hostile_files_do_not_spoil_the_run(cli: ScorecardCli, tmp_path: Path) -> None:
    files = {
        ".github/workflows/a.yml": b"\xff\xfe\x00" * 100,
        ".github/workflows/b.yml": b"a: &a [*a, *a]\n" * 50,
        "Dockerfile": b"FROM \x00\n" * 50,
        "new\nline.so": ELF,
    }
    result = check(cli, checkout(tmp_path, files))
    assert found(result, "Binary-Artifacts").score == 9


@contextmanager
def refusing_github(directory: Path, status: int, headers: Mapping[str, str]) -> Iterator[str]:
    """Answer every request over TLS with `status` and `headers`; the value is `host:port`."""

    class Refusal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": "2", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusal)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(directory))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def certificate(directory: Path) -> Path:
    """Write a key and a certificate for 127.0.0.1 that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    today = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
    path = directory / "loopback.pem"
    path.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, no_password) + signed.public_bytes(pem))
    return path


def cli_asking(host: str, program: str, directory: Path) -> ScorecardCli:
    """Return the program as an executable that takes `host` for GitHub and trusts its certificate."""
    (directory / "scratch").mkdir(exist_ok=True)
    wrapper = directory / "scorecard"
    wrapper.write_text(
        f"#!/bin/sh\nexport GH_HOST={host} SSL_CERT_FILE='{directory}/loopback.pem'\nexec '{program}' \"$@\"\n"
    )
    wrapper.chmod(0o700)
    # More seconds than Scorecard needs to start, less than it would sleep.
    limits = RunLimits(forge_seconds=250, ports=frozenset({int(host.rpartition(":")[2])}))
    return ScorecardCli(str(wrapper), ChildProcesses(), directory / "scratch", limits)


only_where_go_reads_certificate_files = pytest.mark.skipif(
    sys.platform == "darwin", reason="Go on macOS trusts the keychain only, not SSL_CERT_FILE"
)


@only_where_go_reads_certificate_files
@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (403, {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4102444800"}),
        (403, {"Retry-After": "3600"}),
    ],
)
def test_it_is_killed_as_soon_as_it_begins_to_sleep(
    program: str, tmp_path: Path, status: int, headers: Mapping[str, str]
) -> None:
    with refusing_github(tmp_path, status, headers) as host:
        cli = cli_asking(host, program, tmp_path)
        with pytest.raises(UnusableReportError, match="would have slept"):
            cli.check_forge(f"{host}/acme/rocket", ["token"])


@only_where_go_reads_certificate_files
def test_a_repository_that_the_forge_does_not_know_has_no_report(program: str, tmp_path: Path) -> None:
    with refusing_github(tmp_path, 404, {}) as host:
        cli = cli_asking(host, program, tmp_path)
        with pytest.raises(UnusableReportError, match=r"could not read the repository: .* 404"):
            cli.check_forge(f"{host}/acme/rocket", ["token"])


def test_ignore_rules_above_the_checkout_hide_nothing(cli: ScorecardCli, tmp_path: Path) -> None:
    """Without a database of vulnerabilities at hand, a scanner that sees the packages cannot conclude; one that sees
    none concludes that there is nothing."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("/build/\n")
    (tmp_path / "build").mkdir()
    lock = b'{"name":"a","lockfileVersion":3,"packages":{"node_modules/lodash":{"version":"4.17.4"}}}'
    files = {"package-lock.json": lock, "README.md": b"# a"}
    outside = found(check(cli, checkout(tmp_path / "plain", files)), "Vulnerabilities")
    inside = found(check(cli, checkout(tmp_path / "build", files)), "Vulnerabilities")
    assert inside.score == outside.score != 10
