"""The real Scorecard on repositories whose findings are known. It asks only the files; the network may be missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tasks.child_process import ChildProcesses
from tasks.scorecard.cli import LOCAL_CHECKS, ScorecardCli
from tasks.scorecard.report import read_report
from watchlist.clock import now
from watchlist.health import CheckResult, ScorecardResult, ScorecardSource, aggregate

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


def check(cli: ScorecardCli, tree: Path) -> ScorecardResult:
    return read_report(
        cli.check_tree(tree),
        name=f"file://{tree}",
        source=ScorecardSource.LOCAL,
        head="a" * 40,
        obtained_at=now(),
        clean=lambda text: text.replace(f"{tree}/", ""),
    )


def found(result: ScorecardResult, name: str) -> CheckResult:
    return next(check for check in result.checks if check.name == name)


def test_the_version_is_the_pinned_one(program: str) -> None:
    said = subprocess.run([program, "version"], check=True, capture_output=True, text=True).stdout
    pinned = next(
        line.split()[-1]
        for line in Path("tools/scorecard/go.mod").read_text().splitlines()
        if "github.com/ossf/scorecard/v5 v" in line
    )
    assert f"GitVersion:    {pinned}" in said


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
    assert result.version == "v5.5.0"
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
