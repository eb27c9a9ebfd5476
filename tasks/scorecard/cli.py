"""Running the Scorecard program: its own process group, a wall clock, next to no environment, a bounded report."""

import contextlib
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.child_process import ChildLimits, ChildProcess, ChildProcesses, FinishedChild
from tasks.network import DNS_PORT, HTTPS_PORT
from tasks.scratch import scratch_directory
from watchlist.health.report import UnusableReportError
from watchlist.text import shorten

LOCAL_CHECKS = (
    "Binary-Artifacts",
    "Dangerous-Workflow",
    "Dependency-Update-Tool",
    "Fuzzing",
    "License",
    "Packaging",
    "Pinned-Dependencies",
    "SAST",
    "Security-Policy",
    "Token-Permissions",
    "Vulnerabilities",
)
"""The checks that files alone decide; Fuzzing and Vulnerabilities look their answers up in the network, and
Pinned-Dependencies what it advises."""

FORGE_CHECKS = (
    *LOCAL_CHECKS,
    "Branch-Protection",
    "CII-Best-Practices",
    "Code-Review",
    "Maintained",
    "Signed-Releases",
)
"""All default checks but CI-Tests and Contributors, which cost an API call per merged change and per contributor."""

REPORT_BYTES = 8 * 1024 * 1024
"""Longest report that is read; those of large repositories have some hundred kilobytes."""

SLEEPING = re.compile(r"(?:Rate limit exceeded|Retry-After header set)\. Waiting")
"""What Scorecard says on stderr, whatever its verbosity, before it sleeps until GitHub's rate limit is reset: up to an
hour."""

POLL_SECONDS = 0.2

_FORMAT = ("--format=json", "--show-details", "--verbosity=warn")


@dataclass(frozen=True, slots=True)
class RunLimits:
    """What one run may use.

    Attributes:
        forge_seconds: wall clock of a run against the forge, which downloads the repository's archive.
        local_seconds: wall clock of a run on a checkout.
        memory: bytes that Go's garbage collector aims to stay under. An address-space limit would kill Go at start,
            which reserves far more than it uses.
        file_size: largest file it may write: the archive.
        ports: of TCP, those it may connect to: GitHub, OSV, OSS-Fuzz's list and the registries that it asks have HTTPS.
    """

    forge_seconds: float = 300
    local_seconds: float = 180
    memory: int = 768 * 1024 * 1024
    file_size: int = 2 * 1024 * 1024 * 1024
    ports: frozenset[int] = frozenset({HTTPS_PORT, DNS_PORT})


class ScorecardCli:
    """The program at `path` or on PATH; each run has a directory of its own under `scratch`, gone when the run ends."""

    def __init__(
        self,
        path: str,
        children: ChildProcesses,
        scratch: Path,
        limits: RunLimits = RunLimits(),
    ) -> None:
        # What it is started with has no PATH, so where it lies is found out here.
        self._path = shutil.which(path)
        self._children = children
        self._scratch = scratch
        self._limits = limits

    def check_forge(self, name: str, tokens: Sequence[str]) -> object:
        """Return the report on `github.com/OWNER/NAME`, as parsed JSON.

        Raises:
            UnusableReportError: there is no report; says why, without a token.
            JobCancelledError: the job was taken away.
        """
        arguments = [f"--repo={name}", f"--checks={','.join(FORGE_CHECKS)}"]
        return self._run(arguments, {"GITHUB_AUTH_TOKEN": ",".join(tokens)}, self._limits.forge_seconds)

    def check_tree(self, tree: Path) -> tuple[str, object]:
        """Return the name of the report on the checkout `tree` (absolute), and the report; errors as in `check_forge`.

        Scorecard gives even an empty directory a score (4.3) and reads what symbolic links point to, wherever that is:
        a tree without files or with links out of it is refused.
        """
        _refuse_unfit(tree)
        with _out_of_ignore_rules(tree) as seen:
            arguments = [f"--local={seen}", f"--checks={','.join(LOCAL_CHECKS)}"]
            return f"file://{seen}", self._run(arguments, {}, self._limits.local_seconds)

    def _run(self, arguments: Sequence[str], secrets: Mapping[str, str], seconds: float) -> object:
        if self._path is None:
            raise UnusableReportError("Scorecard is not installed")
        try:
            with scratch_directory(self._scratch) as home:
                output = home / "report.json"
                argv = [self._path, *arguments, *_FORMAT, f"--output={output}"]
                own = {"HOME": str(home), "TMPDIR": str(home), "GOMEMLIMIT": str(self._limits.memory)}
                finished, asleep = self._finish(argv, {**own, **secrets}, home, seconds)
                report = _read(output)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise UnusableReportError(f"Scorecard could not be started: {reason}") from None
        if report is None:
            raise UnusableReportError(explain(finished, asleep=asleep, seconds=seconds))
        return report

    def _finish(
        self, argv: Sequence[str], environment: Mapping[str, str], directory: Path, seconds: float
    ) -> tuple[FinishedChild, bool]:
        limits = ChildLimits(seconds=seconds, memory=None, file_size=self._limits.file_size, ports=self._limits.ports)
        with self._children.start(argv, environment=environment, directory=directory, limits=limits) as child:
            ended = threading.Event()
            watch = threading.Thread(target=_kill_when_asleep, args=(child, ended), daemon=True)
            watch.start()
            child.stdin.close()
            while child.stdout.read(64 * 1024):
                pass  # the report goes to the file; what else it prints must not fill the pipe
            exit_code = child.wait()
            ended.set()
            watch.join()
            finished = FinishedChild(exit_code, b"", child.stderr_text, child.timed_out)
        return finished, bool(SLEEPING.search(finished.stderr))


def explain(finished: FinishedChild, *, asleep: bool, seconds: float) -> str:
    """Say why a run left no report; the exit code helps only here."""
    if asleep:
        return "Scorecard ran into GitHub's rate limit and would have slept until its reset"
    if finished.timed_out:
        return f"Scorecard took longer than {seconds:g} s"
    if finished.exit_code in {-9, 137}:
        return "Scorecard was killed, most likely because it ran out of memory"
    lines = [line.strip() for line in finished.stderr.splitlines()]
    for beginning, meaning in (
        ("panic:", "Scorecard crashed"),
        ("fatal error:", "Scorecard crashed"),
        ("Skipping ", "Scorecard could not read the repository"),
        ("Error:", "Scorecard refused its arguments"),
    ):
        said = next((line for line in lines if line.startswith(beginning)), None)
        if said is not None:
            return shorten(f"{meaning}: {said.removeprefix(beginning).strip()}")
    return f"Scorecard left no report (exit code {finished.exit_code})"


def _kill_when_asleep(child: ChildProcess, ended: threading.Event) -> None:
    while not ended.wait(POLL_SECONDS):
        if SLEEPING.search(child.stderr_text):
            child.kill()
            return


def _read(output: Path) -> object:
    """Return the report, or None when there is none or only a part of one."""
    try:
        with output.open("rb") as file:
            data = file.read(REPORT_BYTES + 1)
        return json.loads(data) if len(data) <= REPORT_BYTES else None
    except (OSError, ValueError, RecursionError):
        return None


@contextlib.contextmanager
def _out_of_ignore_rules(tree: Path) -> Iterator[Path]:
    """Give a path of `tree` whose folders have no `.gitignore`.

    Scorecard's scanner for vulnerabilities obeys the rules of all folders above the checkout, whether or not it is a
    work tree of its own (osv-scalibr, `ParseParentGitignores`): below an ignored folder it would see no file, and
    nothing to complain of. So it comes by a link from the system's folder for temporary files.

    Raises:
        UnusableReportError: that folder is below such rules, too.
    """
    if not _is_below_rules(tree):
        yield tree
        return
    with tempfile.TemporaryDirectory(prefix="checkout-") as folder:
        seen = Path(folder).resolve() / "link" / tree.name
        if _is_below_rules(seen):
            raise UnusableReportError("the checkout lies in a folder whose ignore rules hide it from Scorecard")
        seen.parent.symlink_to(tree.parent)
        yield seen


def _is_below_rules(tree: Path) -> bool:
    return any((folder / ".gitignore").exists() for folder in tree.parents)


def _refuse_unfit(tree: Path) -> None:
    inside = str(tree.resolve()) + os.sep
    has_files = False
    for directory, directories, files in os.walk(tree):
        if ".git" in directories:
            directories.remove(".git")
        has_files = has_files or any(name != ".git" for name in files)
        for entry in (*directories, *files):
            path = Path(directory, entry)
            if path.is_symlink() and not f"{os.path.realpath(path)}{os.sep}".startswith(inside):
                raise UnusableReportError("the checkout has symbolic links that lead out of it")
    if not has_files:
        raise UnusableReportError("the checkout has no files")
