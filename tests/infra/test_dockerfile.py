"""tasks/Dockerfile agrees with the task definition and with what the job needs."""

import json
import re
from pathlib import Path

from infra.stack.worker_image import SCORECARD, SCRATCH, USER
from tests.infra.templates import Template
from watchlist.deployment.functions import TASK_MODULE

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "tasks" / "Dockerfile").read_text()


def instructions(name: str) -> list[str]:
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.partition(" ")[2].strip() for line in joined.splitlines() if line.startswith(f"{name} ")]


def test_the_user_is_a_number_and_the_task_definitions() -> None:
    assert instructions("USER") == [USER]


def test_scratch_is_a_volume_that_belongs_to_the_user() -> None:
    assert instructions("VOLUME") == [SCRATCH]
    uid, gid = USER.split(":")
    command = f"install --directory --owner={uid} --group={gid} --mode=0700 {SCRATCH}"
    assert command in instructions("RUN")
    assert DOCKERFILE.index(command) < DOCKERFILE.index("VOLUME")


def test_the_entry_point_is_the_job_without_a_shell() -> None:
    (entry_point,) = instructions("ENTRYPOINT")
    argv = json.loads(entry_point)
    assert argv[1:] == ["-m", TASK_MODULE]


def test_scorecard_is_where_the_task_looks_for_it(dev: Template) -> None:
    assert f"--from=scorecard /scorecard {SCORECARD}" in instructions("COPY")
    environment = {variable["Name"]: variable["Value"] for variable in dev.container()["Environment"]}
    assert environment["SCORECARD_PATH"] == SCORECARD


def test_scorecard_is_compiled_for_the_image_as_for_this_machine() -> None:
    (command,) = (line for line in instructions("RUN") if "go build" in line)
    makefile = (ROOT / "Makefile").read_text()
    for option in ("CGO_ENABLED=0", '-trimpath -ldflags="-s -w"'):
        assert option in command
        assert option in makefile


def test_base_images_are_pinned_by_digest() -> None:
    bases = dict(argument.split("=", 1) for argument in instructions("ARG"))
    stages = {stage.partition(" AS ")[2] for stage in instructions("FROM")}
    for image in (stage.partition(" ")[0] for stage in instructions("FROM")):
        base = bases.get(image.strip("${}"))
        assert image in stages if base is None else re.search(r"@sha256:[0-9a-f]{64}$", base)


def test_requirements_are_installed_by_their_hashes() -> None:
    (install,) = (command for command in instructions("RUN") if "pip install" in command)
    assert "--require-hashes" in install
    assert "--only-binary :all:" in install


def test_the_build_context_is_what_the_image_copies() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = [source for copy in instructions("COPY") if "--from" not in copy for source in copy.split()[:-1]]
    assert copied
    for source in copied:
        assert any(source == path or source.startswith(f"{path}/") for path in sent), source
