"""A function's package has what the function needs, and the same bytes for the same inputs."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from infra.packaging.build import REPOSITORY_ROOT, Packages, PackagingError, python_of_target
from infra.packaging.closure import FIRST_PARTY, Closure, closure_of
from infra.packaging.distributions import cut_endpoints
from infra.packaging.size import LIMITED, Measurement, example_environment, measure
from watchlist.deployment import routes
from watchlist.deployment.function_spec import FunctionSpec
from watchlist.deployment.functions import DISPATCHER, FUNCTIONS, LIVE_AUTHORIZER, PAGE, SCHEDULER
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


_IMPORT = """
import importlib, json, sys
importlib.import_module(sys.argv[1]).function.start()
print(json.dumps(sorted(sys.modules)))
"""

DOCUMENTATION, STATUS = routes.DOCS.function, routes.STATUS.function

NEEDED_BY_MOST = {
    *("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3"),
    *("pynamodb", "blinker"),
    *("aws_lambda_powertools", "typing_extensions"),
    *("pydantic", "pydantic_core", "annotated_types", "typing_inspection"),
}
"""What the functions import: boto3, PynamoDB, Powertools and Pydantic, each with what it requires."""

NEEDED = {
    **dict.fromkeys(FUNCTIONS, NEEDED_BY_MOST),
    PAGE: {
        *("botocore", "jmespath", "aws_lambda_powertools", "typing_extensions"),
        *("pydantic", "pydantic_core", "annotated_types", "typing_inspection"),
    },
    SCHEDULER: NEEDED_BY_MOST | {"dulwich"},
    LIVE_AUTHORIZER: {
        *("botocore", "jmespath", "urllib3", "aws_lambda_powertools", "typing_extensions"),
        *("pydantic", "pydantic_core", "annotated_types", "typing_inspection"),
        *("joserfc", "cryptography", "_cffi_backend"),
    },
}
"""The libraries of each function. Each costs a cold start, so that a new one is to be looked at."""


@pytest.fixture(scope="module")
def imported() -> dict[FunctionSpec, set[str]]:
    """The modules that each function imports when it starts, each in a process of its own."""

    def modules_of(spec: FunctionSpec) -> set[str]:
        finished = subprocess.run(
            [sys.executable, "-c", _IMPORT, spec.module],
            cwd=REPOSITORY_ROOT,
            env=example_environment(spec.settings),
            capture_output=True,
            text=True,
            check=True,
        )
        return set(json.loads(finished.stdout))

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(FUNCTIONS, pool.map(modules_of, FUNCTIONS), strict=True))


@pytest.mark.parametrize("spec", FUNCTIONS, ids=lambda spec: spec.name)
def test_a_package_has_just_those_modules_of_ours_that_the_function_imports(
    imported: dict[FunctionSpec, set[str]], spec: FunctionSpec
) -> None:
    packaged = {".".join(source.with_suffix("").parts) for source in closure_of(REPOSITORY_ROOT, spec.module).sources}
    ours = {name for name in imported[spec] if name.partition(".")[0] in FIRST_PARTY}
    assert {name.removesuffix(".__init__") for name in packaged} == ours


@pytest.mark.parametrize("spec", FUNCTIONS, ids=lambda spec: spec.name)
def test_a_function_imports_the_libraries_that_it_needs_and_no_others(
    imported: dict[FunctionSpec, set[str]], spec: FunctionSpec
) -> None:
    installed = set(packages_distributions())
    tops = {name.partition(".")[0] for name in imported[spec]}
    assert (tops & installed) - SEEN_WHERE_INSTALLED == NEEDED[spec]


SEEN_WHERE_INSTALLED = {"_distutils_hack", "certifi", "backports"}
"""Imported only where something else has installed them: by setuptools at its start, by botocore and urllib3 if they
are there (urllib3 looks for `backports.zstd`, and finds the folder of any other backport)."""


@pytest.mark.parametrize("spec", FUNCTIONS, ids=lambda spec: spec.name)
def test_only_the_documentation_has_files_of_documentation(spec: FunctionSpec) -> None:
    data = {path.name for path in closure_of(REPOSITORY_ROOT, spec.module).data}
    if spec is PAGE:
        data.discard("page.json")  # there once the page is built
    assert data == ({"openapi.json", "page.html"} if spec is DOCUMENTATION else set())


def test_what_makes_the_documentation_is_in_no_package() -> None:
    packaged = {source for spec in FUNCTIONS for source in closure_of(REPOSITORY_ROOT, spec.module).sources}
    folder = Path("functions", "http", "openapi")
    makers = {folder / f"{name}.py" for name in ("document", "examples", "page", "docstrings")}
    assert all((REPOSITORY_ROOT / maker).is_file() for maker in makers)
    assert not packaged & makers


@pytest.fixture(scope="module")
def packages() -> Packages:
    """The packages for Lambda; skipped where no Python of the target is."""
    require_python_of_target()
    return Packages()


def require_python_of_target() -> None:
    try:
        python_of_target()
    except PackagingError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.mark.parametrize("spec", LIMITED, ids=lambda spec: spec.name)
def test_a_function_that_somebody_waits_for_has_a_small_package(packages: Packages, spec: FunctionSpec) -> None:
    measured = measure(spec, packages.package_of(spec), import_seconds=0)
    assert measured.excesses(bare_seconds=1) == []
    assert measured.besides_boto3 > 5_000_000  # Pydantic's core alone: the sizes are those of files


def test_a_package_has_no_pages_of_libraries(packages: Packages) -> None:
    with zipfile.ZipFile(packages.package_of(DOCUMENTATION)) as archive:
        names = archive.namelist()
    assert [name for name in names if name.endswith((".js", ".css", ".md", ".pyi"))] == []
    assert "functions/http/openapi/page.html" in names


@pytest.mark.parametrize(
    ("size", "seconds", "excesses"),
    [
        (14_999_999, 1.99, []),
        (15_000_000, 1.0, ["status has 15.0 MB besides boto3"]),
        (1, 2.0, ["status takes 2.00 bare clients to import"]),
    ],
)
def test_what_is_past_a_limit_is_named(size: int, seconds: float, excesses: list[str]) -> None:
    assert Measurement(STATUS, size, size, 1, seconds).excesses(bare_seconds=1.0) == excesses


def test_a_function_that_nobody_waits_for_has_no_limit() -> None:
    assert Measurement(SCHEDULER, 10**9, 10**9, 1, 100.0).excesses(bare_seconds=1.0) == []


def test_a_package_has_the_same_bytes_wherever_and_whenever_it_is_built(tmp_path: Path) -> None:
    require_python_of_target()
    digests = set()
    for name in ("here", "there"):
        package = Packages(build=tmp_path / name).package_of(DISPATCHER)
        digests.add(hashlib.sha256(package.read_bytes()).hexdigest())
    assert len(digests) == 1
    with zipfile.ZipFile(package) as archive:
        files = set(archive.namelist())
    assert {
        "functions/jobs/dispatcher.pyc",
        "watchlist/jobs/task_launcher.pyc",
        "watchlist/storage/records.pyc",
    } <= files
    assert "functions/http/routes/status.pyc" not in files
    assert any(name.startswith("pydantic_core/") and name.endswith("aarch64-linux-gnu.so") for name in files)
    assert {name.split("/")[2] for name in files if name.startswith("botocore/data/") and "/20" in name} == {
        "dynamodb",
        "ecs",
        "sqs",
    }
