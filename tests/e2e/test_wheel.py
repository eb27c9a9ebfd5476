"""The command as it is installed: a wheel, with what a client needs and nothing of the service."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from local_service import lifeline

SECONDS = 240
NOT_FOR_CLIENTS = {"aws-cdk-lib", "boto3", "botocore", "moto", "pynamodb"}


def project_name() -> str:
    name: str = tomllib.loads((lifeline.ROOT / "pyproject.toml").read_text())["project"]["name"]
    return name


def run(*command: str | Path) -> str:
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=True, timeout=SECONDS).stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment that `uv tool install` makes for the wheel, in the versions that are locked."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    (wheel,) = folder.glob("*.whl")
    constraints = lifeline.ROOT / "requirements" / "dev.txt"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "uv",
            "tool",
            "install",
            "--quiet",
            "--python",
            sys.executable,
            "--constraints",
            constraints,
            wheel,
        ],
        check=True,
        timeout=SECONDS,
        env={**os.environ, "UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")},
    )
    assert (folder / "bin" / "watchlist").exists()
    return folder / "tools" / project_name()


def test_the_command_says_its_version_and_every_command_helps(environment: Path) -> None:
    project = tomllib.loads((lifeline.ROOT / "pyproject.toml").read_text())["project"]
    command = environment / "bin" / "watchlist"
    assert run(command, "--version") == f"{project['version']}\n"
    commands = re.findall(r"^  ([a-z]+)  ", run(command, "--help"), re.MULTILINE)
    assert {"add", "import", "ls", "show", "gate"} <= {*commands}
    for name in commands:
        assert f"watchlist {name}" in run(command, name, "--help")


def test_bash_completes_commands_and_choices(environment: Path) -> None:
    script = """
        eval "$(watchlist --show-completion)"
        complete_line() {
            COMP_WORDS=("$@")
            COMP_CWORD=$(($# - 1))
            _watchlist_completion watchlist
            echo "${COMPREPLY[*]}"
        }
        complete_line watchlist noti
        complete_line watchlist ops re
        complete_line watchlist report --format ""
    """
    variables = {"PATH": f"{environment / 'bin'}:/usr/bin:/bin", "HOME": str(environment)}
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, check=True, timeout=SECONDS, env=variables
    )
    assert done.stdout.splitlines() == ["notify", "redrive", "markdown html"]


def test_every_module_finds_what_it_imports(environment: Path) -> None:
    program = (
        "import importlib, pkgutil, watchlist_cli;"
        "found = pkgutil.walk_packages(watchlist_cli.__path__, 'watchlist_cli.');"
        "[importlib.import_module(each.name) for each in found if not each.name.endswith('__main__')]"
    )
    assert run(environment / "bin" / "python", "-I", "-c", program) == ""


def test_it_brings_nothing_of_the_service(environment: Path) -> None:
    listed = run(sys.executable, "-m", "uv", "pip", "list", "--quiet", "--python", environment, "--format", "freeze")
    assert not NOT_FOR_CLIENTS & {line.partition("==")[0] for line in listed.splitlines()}


def test_the_service_itself_is_run_where_it_is_installed(environment: Path, tmp_path: Path) -> None:
    def serve(within: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(environment / "bin" / "watchlist"), "serve", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS, cwd=within)

    helped = serve(lifeline.ROOT, "--", "--help")
    assert (helped.returncode, "--port" in helped.stdout) == (0, True)
    refused = serve(lifeline.ROOT, "--host", "192.0.2.1")
    assert (refused.returncode, "set --token" in refused.stderr) == (1, True)
    elsewhere = serve(tmp_path)
    assert (elsewhere.returncode, "go to a checkout of it" in elsewhere.stderr) == (2, True)
    (tmp_path / "local_service").mkdir()
    (tmp_path / "local_service" / "__main__.py").touch()
    assert "not installed in this checkout yet" in serve(tmp_path).stderr


def test_a_user_who_is_a_number_only_and_has_no_home_is_told_what_is_missing(environment: Path, tmp_path: Path) -> None:
    """As in many containers. Python knows the user's name by variables and the system's list of users."""
    listed = tmp_path / "ours.txt"
    listed.write_text("pkg:golang/github.com/owner/name@v1.0.0\n")
    program = (
        "import os, pathlib, pwd, sys\n"
        "def nobody(*_): raise KeyError\n"
        "pwd.getpwuid = pwd.getpwnam = nobody\n"
        "from watchlist_cli.main import main\n"
        "sys.argv[0] = 'watchlist'\n"
        "main()\n"
    )

    def watchlist(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(environment / "bin" / "python"), "-I", "-c", program, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS, env={})

    nameless = watchlist("ls")
    assert (nameless.returncode, nameless.stdout) == (2, "")
    assert nameless.stderr == "error: say whose watchlist it is: --user, WATCHLIST_USER or a profile\n"
    shown = watchlist("--user", "ada", "import", str(listed), "--dry-run")
    assert (shown.returncode, shown.stderr) == (0, "")
