"""A function's package has what the function needs, and the same bytes for the same inputs."""

import hashlib
import json
import os
import zipfile
from pathlib import Path

import pytest

from infra.packaging.build import REPOSITORY_ROOT, Packages, PackagingError, python_of_target
from infra.packaging.closure import Closure, closure_of
from infra.packaging.distributions import cut_endpoints
from infra.packaging.size import example_environment
from watchlist.function_specs import DISPATCHER, FUNCTIONS, FunctionSpec
from watchlist.settings import load


def project(root: Path, sources: dict[str, str]) -> Path:
    for name, text in {"functions/__init__.py": "", "watchlist/__init__.py": "", **sources}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def names(closure: Closure) -> set[str]:
    return {source.as_posix() for source in closure.sources} - {"functions/__init__.py", "watchlist/__init__.py"}


def test_a_closure_follows_imports_through_our_own_modules(tmp_path: Path) -> None:
    root = project(
        tmp_path,
        {
            "functions/hello.py": "from watchlist import names\n",
            "watchlist/names.py": "import watchlist.deep.letters\n",
            "watchlist/deep/__init__.py": "",
            "watchlist/deep/letters.py": "import json, yaml\n",
            "watchlist/unused.py": "import numpy\n",
        },
    )
    closure = closure_of(root, "functions.hello")
    assert names(closure) == {
        "functions/hello.py",
        "watchlist/names.py",
        "watchlist/deep/__init__.py",
        "watchlist/deep/letters.py",
    }
    assert closure.imports == {"yaml"}


def test_imports_for_type_checkers_only_are_not_followed(tmp_path: Path) -> None:
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import stubs\nelse:\n    import real\n"
    root = project(tmp_path, {"functions/hello.py": text})
    assert closure_of(root, "functions.hello").imports == {"real"}


def test_imports_inside_functions_are_followed(tmp_path: Path) -> None:
    root = project(tmp_path, {"functions/hello.py": "def handler():\n    import late\n"})
    assert closure_of(root, "functions.hello").imports == {"late"}


def test_modules_that_import_each_other_are_followed_once(tmp_path: Path) -> None:
    sources = {"functions/hello.py": "import watchlist.a\n", "watchlist/a.py": "import functions.hello\n"}
    assert names(closure_of(project(tmp_path, sources), "functions.hello")) == sources.keys()


def test_an_import_of_ours_without_a_source_is_an_error(tmp_path: Path) -> None:
    root = project(tmp_path, {"functions/hello.py": "import watchlist.gone\n"})
    with pytest.raises(ModuleNotFoundError, match=r"watchlist\.gone"):
        closure_of(root, "functions.hello")


def test_services_are_those_that_clients_are_made_for(tmp_path: Path) -> None:
    root = project(tmp_path, {"functions/hello.py": "import boto3, pynamodb\nsqs = boto3.client('sqs', config=None)\n"})
    assert closure_of(root, "functions.hello").aws_services == {"sqs", "dynamodb"}


def test_a_data_file_that_a_module_names_goes_with_it(tmp_path: Path) -> None:
    root = project(
        tmp_path,
        {
            "functions/hello.py": "NAME = 'page.html'\nOTHER = 'missing.json'\n",
            "functions/page.html": "",
            "functions/other.html": "",
        },
    )
    assert closure_of(root, "functions.hello").data == {Path("functions/page.html")}


def test_only_the_endpoints_of_the_services_used_are_kept() -> None:
    text = json.dumps({"version": 3, "partitions": [{"partition": "aws", "services": {"sqs": {"a": 1}, "s3": {}}}]})
    cut = json.loads(cut_endpoints(text.encode(), {"sqs", "ecs"}))
    assert cut == {"version": 3, "partitions": [{"partition": "aws", "services": {"sqs": {"a": 1}}}]}


@pytest.mark.parametrize("spec", FUNCTIONS, ids=lambda spec: spec.name)
def test_only_the_dispatcher_talks_to_ecs(spec: FunctionSpec) -> None:
    uses_ecs = "ecs" in closure_of(REPOSITORY_ROOT, spec.module).aws_services
    assert uses_ecs == (spec is DISPATCHER)


@pytest.mark.parametrize("spec", FUNCTIONS, ids=lambda spec: spec.name)
def test_a_function_can_start_where_its_import_is_measured(spec: FunctionSpec) -> None:
    load(spec.settings, example_environment(spec.settings))


def test_a_package_has_the_same_bytes_wherever_and_whenever_it_is_built(tmp_path: Path) -> None:
    try:
        python_of_target()
    except PackagingError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    digests = set()
    for name in ("here", "there"):
        package = Packages(build=tmp_path / name).package_of(DISPATCHER)
        digests.add(hashlib.sha256(package.read_bytes()).hexdigest())
    assert len(digests) == 1
    with zipfile.ZipFile(package) as archive:
        files = set(archive.namelist())
    assert {"functions/dispatcher.pyc", "functions/task_launcher.pyc", "watchlist/records.pyc"} <= files
    assert "functions/status.pyc" not in files
    assert any(name.startswith("pydantic_core/") and name.endswith("aarch64-linux-gnu.so") for name in files)
    assert {name.split("/")[2] for name in files if name.startswith("botocore/data/") and "/20" in name} == {
        "dynamodb",
        "ecs",
        "sqs",
    }
