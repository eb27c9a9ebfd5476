"""The action for GitHub's pipelines: its steps, run as the runner runs them."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_service import lifeline
from tests.e2e.conftest import Forge, RunningService

SECONDS = 240


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((lifeline.ROOT / "action.yml").read_text())
    return document


@pytest.fixture(scope="module")
def installed(action: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runner's temporary folder after the first step."""
    temporary = tmp_path_factory.mktemp("runner")
    done = step(action["runs"]["steps"][0], temporary, {}, temporary)
    assert (done.returncode, done.stderr) == (0, "")
    return temporary


def step(
    step: dict[str, Any], temporary: Path, inputs: dict[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub's documentation says of `shell: bash`: `bash --noprofile --norc -eo pipefail`."""
    given = {
        name: inputs[text.removeprefix("${{ inputs.").removesuffix(" }}")] for name, text in step.get("env", {}).items()
    }
    variables = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(temporary),
        "RUNNER_TEMP": str(temporary),
        "GITHUB_ACTION_PATH": str(lifeline.ROOT),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }
    script = folder / "step.sh"
    script.write_text(step["run"])
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=variables | given,
        timeout=SECONDS,
    )


def test_a_pipeline_fails_with_a_summary_where_a_repository_does_not_pass(
    action: dict[str, Any], installed: Path, service: RunningService, forge: Forge, tmp_path: Path
) -> None:
    watchlist_id = service.api.add(forge.make("in-a-pipeline", commits=1), "pipeline")
    service.wait_until_processed(watchlist_id)
    policy = tmp_path / "policy.toml"
    policy.write_text('min_score = 5\nunknown = "fail"\n')
    defaults = {name: str(value.get("default", "")) for name, value in action["inputs"].items()}
    inputs = defaults | {"url": service.url, "user": "pipeline", "policy": policy.name}

    failed = step(action["runs"]["steps"][1], installed, inputs, tmp_path)
    assert (failed.returncode, failed.stdout) == (1, "fails\tforge/in-a-pipeline\tit has no score\n")
    assert (tmp_path / "summary.md").read_text().startswith("## Watchlist gate: failed")

    passed = step(action["runs"]["steps"][1], installed, inputs | {"policy": ""}, tmp_path)
    assert (passed.returncode, passed.stderr) == (0, "1 of 1 repositories pass.\n")
