"""Prints each function's package: its size, and how long it takes to import against a bare boto3 client.

    python -m infra.packaging.size

Sizes are those of the packages for Lambda. Imports are measured with packages for this machine, built from the same
requirements and sources, in a new process each, as CPU time, so that a busy machine matters little; the median counts.
The first process of each warms the file cache and is not counted. The bare client has boto3 as it is installed, but
compiled like the packages. Exits 1 if a function for which somebody waits is past a limit: size or import.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from rich.console import Console
from rich.table import Table

from infra.packaging.build import Packages, python_of_target
from infra.packaging.target import LAMBDA, THIS_MACHINE
from watchlist.deployment.function_spec import FunctionSpec
from watchlist.deployment.functions import FUNCTIONS, HTTP_FUNCTIONS, LIVE_FUNCTIONS
from watchlist.settings import Settings

LIMITED = (*HTTP_FUNCTIONS, *LIVE_FUNCTIONS)
"""Functions for which somebody waits. Not the tokens' authorizer: cryptography alone has 13 MB, and what it says of a
token is for a connection that stays."""

MAX_BYTES_BESIDES_BOTO3 = 15_000_000
"""Of the unpacked package of each of `LIMITED`."""

MAX_IMPORT_RATIO = 2.0
"""Import of each of `LIMITED`, in imports and makings of a bare boto3 client in the same run."""

_RUNS = 7

_WIDTH = 100

_START = "import {} as module; module.function.start()"

_BARE_CLIENT = "import boto3; boto3.client('dynamodb')"

_BOTO3 = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
"""boto3 and what it requires, as top-level names."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One function's package: bytes as they are unpacked and zipped, import in seconds of CPU."""

    spec: FunctionSpec
    unpacked: int
    besides_boto3: int
    zipped: int
    import_seconds: float

    def excesses(self, bare_seconds: float) -> list[str]:
        """Return what is past a limit, in words; nothing for a function that nobody waits for."""
        if self.spec not in LIMITED:
            return []
        found = []
        if self.besides_boto3 >= MAX_BYTES_BESIDES_BOTO3:
            found.append(f"{self.spec.name} has {self.besides_boto3 / 1e6:.1f} MB besides boto3")
        if self.import_seconds >= MAX_IMPORT_RATIO * bare_seconds:
            found.append(f"{self.spec.name} takes {self.import_seconds / bare_seconds:.2f} bare clients to import")
        return found


def main() -> int:
    """Measure, print, judge."""
    seconds, bare_seconds = _import_seconds(Packages(THIS_MACHINE))
    packages = Packages(LAMBDA)
    measurements = [measure(spec, packages.package_of(spec), seconds[spec.name]) for spec in FUNCTIONS]
    _print(measurements, bare_seconds)
    excesses = [excess for measurement in measurements for excess in measurement.excesses(bare_seconds)]
    sys.stderr.write("".join(f"past its limit: {excess}\n" for excess in excesses))
    return 1 if excesses else 0


def _import_seconds(packages: Packages) -> tuple[dict[str, float], float]:
    """Return the seconds that each function, by name, and a bare client take.

    All take turns, so that a machine that is busy for a while is busy for all.
    """
    python = python_of_target()
    bare: list[float] = []
    samples: dict[str, list[float]] = {spec.name: [] for spec in FUNCTIONS}
    with tempfile.TemporaryDirectory() as directory:
        folders = {spec: _unpack(packages.package_of(spec), Path(directory, spec.name)) for spec in FUNCTIONS}
        boto3 = _unpack(packages.boto3_as_it_is(), Path(directory, "boto3"))
        for _ in range(1 + _RUNS):
            for spec, folder in folders.items():
                samples[spec.name].append(_seconds(python, _START.format(spec.module), folder, spec.settings))
            bare.append(_seconds(python, _BARE_CLIENT, boto3, Settings))
    return {name: statistics.median(values[1:]) for name, values in samples.items()}, statistics.median(bare[1:])


def _unpack(package: Path, folder: Path) -> Path:
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
    return folder


def measure(spec: FunctionSpec, package: Path, import_seconds: float) -> Measurement:
    """Return the sizes of a function's package, with the seconds that its import takes."""
    with zipfile.ZipFile(package) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    boto3 = sum(size for name, size in sizes.items() if Path(name).parts[0].removesuffix(".pyc") in _BOTO3)
    unpacked = sum(sizes.values())
    return Measurement(spec, unpacked, unpacked - boto3, package.stat().st_size, import_seconds)


def _seconds(python: Path, statement: str, folder: Path, settings: type[Settings]) -> float:
    program = f"from time import process_time as now; start = now(); {statement}; print(now() - start)"
    finished = subprocess.run(  # noqa: S603 - the interpreter of the target with a program of ours
        [str(python), "-c", program],
        cwd=folder,
        env=example_environment(settings),
        capture_output=True,
        text=True,
        check=True,
    )
    return float(finished.stdout)


def example_environment(settings: type[Settings]) -> dict[str, str]:
    """Return variables that a function can start with; nothing is called with them."""
    required = {field.alias or name: field for name, field in settings.model_fields.items() if field.is_required()}
    values = {name: _example_of(field) for name, field in required.items()}
    return {"AWS_DEFAULT_REGION": "eu-central-1", "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **values}


def _example_of(field: FieldInfo) -> str:
    """Return the first of the values that a field can have, where they are listed, else one that it takes."""
    listed = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    return str(listed[0]) if listed else "5" if field.annotation is int else "https://example.com/5"


def _print(measurements: list[Measurement], bare_seconds: float) -> None:
    limits = f"less than {MAX_BYTES_BESIDES_BOTO3 / 1e6:.0f} MB besides boto3 and {MAX_IMPORT_RATIO:g} x bare client"
    table = Table(
        title=f"Lambda packages ({LAMBDA.platform})", caption=f"Limits of functions that somebody waits for *: {limits}"
    )
    table.add_column("function", no_wrap=True)
    for heading in ("unpacked MB", "besides boto3 MB", "zipped MB", "import ms", "x bare client"):
        table.add_column(heading, justify="right", no_wrap=True)
    for measurement in measurements:
        table.add_row(
            measurement.spec.name + (" *" if measurement.spec in LIMITED else ""),
            f"{measurement.unpacked / 1e6:.1f}",
            f"{measurement.besides_boto3 / 1e6:.1f}",
            f"{measurement.zipped / 1e6:.1f}",
            f"{measurement.import_seconds * 1e3:.0f}",
            f"{measurement.import_seconds / bare_seconds:.2f}",
        )
    table.add_row("bare boto3 client", "", "", "", f"{bare_seconds * 1e3:.0f}", "1.00")
    Console(width=_WIDTH).print(table)


if __name__ == "__main__":
    sys.exit(main())
