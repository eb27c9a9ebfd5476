"""Every way in which Scorecard is known to end, replayed by an executable that stands in for it."""

import contextlib
import json
import multiprocessing
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from tasks.child_process import ChildProcesses
from tasks.scorecard.cli import RunLimits, ScorecardCli
from tasks.scratch import sweep_scratch
from tests.scorecard_reports import FakeScorecard, report
from watchlist.clock import now
from watchlist.errors import JobCancelledError
from watchlist.health.report import UnusableReportError, read_report
from watchlist.health.scorecard import ScorecardResult, ScorecardSource

NAME = "github.com/acme/rocket"
TOKEN = "ghp_tokenThatNobodyMaySee"
COMPLETE = "leave(json.dumps(report))"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "README").write_text("hello")
    return tmp_path / "tree"


class Runner:
    def __init__(self, directory: Path, scratch: Path) -> None:
        self.children = ChildProcesses()
        self.limits = RunLimits(forge_seconds=60, local_seconds=60)
        self._directory = directory
        self._scratch = scratch
        self.fake: FakeScorecard | None = None

    def cli(self, body: str, document: object = None) -> ScorecardCli:
        self.fake = FakeScorecard(self._directory, body, document)
        return ScorecardCli(str(self.fake.path), self.children, self._scratch, self.limits)

    def check(self, body: str, document: object = None) -> ScorecardResult:
        answer = self.cli(body, document).check_forge(NAME, [TOKEN])
        return read_report(answer, name=NAME, source=ScorecardSource.FORGE, head="a" * 40, obtained_at=now())

    @property
    def calls(self) -> list[dict[str, Any]]:
        assert self.fake is not None
        return self.fake.calls


@pytest.fixture
def runner(tmp_path: Path, scratch: Path) -> Runner:
    return Runner(tmp_path / "bin", scratch)


def test_a_complete_report_is_a_result(runner: Runner) -> None:
    assert runner.check(COMPLETE, report()).score == 5.0


def test_some_checks_failed_and_exit_code_1_is_a_result(runner: Runner) -> None:
    scores = {check["name"]: check["score"] for check in report()["checks"]} | {"Fuzzing": -1, "SAST": -1}
    said = "print('Error: one or more checks failed during execution', file=sys.stderr)"
    assert runner.check(f"{COMPLETE}; {said}; sys.exit(1)", report(scores=scores)).checks_conclusive == 14


def test_empty_output_and_exit_code_0_is_an_unreachable_repository(runner: Runner) -> None:
    said = "Skipping github.com/acme/rocket: run: repo unreachable: GET https://api.github.com/repos/acme/rocket: 404"
    with pytest.raises(UnusableReportError, match=r"could not read the repository: github\.com/acme"):
        runner.check(f"leave(''); print({said!r}, file=sys.stderr)")


def test_no_output_at_all_and_exit_code_0_is_no_result(runner: Runner) -> None:
    with pytest.raises(UnusableReportError, match=r"left no report \(exit code 0\)"):
        runner.check("pass")


def test_an_empty_repository_is_no_result(runner: Runner) -> None:
    with pytest.raises(UnusableReportError, match="empty"):
        runner.check(COMPLETE, report(score=-1.0, checks=None))


def test_bad_flags_are_no_result(runner: Runner) -> None:
    said = "Error: unknown flag: --bogus\nUsage:\n  scorecard ..."
    with pytest.raises(UnusableReportError, match="refused its arguments: unknown flag: --bogus"):
        runner.check(f"print({said!r}, file=sys.stderr); sys.exit(1)")


@pytest.mark.parametrize(
    "announcement",
    [
        "Rate limit exceeded. Waiting 59m21.6s to retry...",
        "Retry-After header set. Waiting 1m0s to retry...",
    ],
)
def test_a_run_that_announces_to_sleep_is_killed_at_once(runner: Runner, announcement: str) -> None:
    runner.limits = RunLimits(forge_seconds=100_000)
    with pytest.raises(UnusableReportError, match="rate limit"):
        runner.check(f"print({announcement!r}, file=sys.stderr, flush=True); time.sleep(100_000)")


def test_a_run_that_sleeps_silently_is_killed_by_the_wall_clock(runner: Runner) -> None:
    runner.limits = RunLimits(forge_seconds=0.5)
    with pytest.raises(UnusableReportError, match=r"took longer than 0\.5 s"):
        runner.check("time.sleep(100_000)")


def test_a_complete_report_counts_although_the_run_never_ends(runner: Runner) -> None:
    asleep = (
        "print('Rate limit exceeded. Waiting 1h0m0s to retry...', file=sys.stderr, flush=True); time.sleep(100_000)"
    )
    assert runner.check(f"{COMPLETE}; {asleep}", report()).score == 5.0


def test_a_panic_is_no_result(runner: Runner) -> None:
    said = "panic: runtime error: index out of range [3] with length 3\n\ngoroutine 1 [running]:\n"
    with pytest.raises(UnusableReportError, match="crashed: runtime error: index out of range"):
        runner.check(f"leave(''); print({said!r}, file=sys.stderr); sys.exit(2)")


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), signal.SIGKILL)", "sys.exit(137)"])
def test_a_killed_run_is_no_result(runner: Runner, end: str) -> None:
    with pytest.raises(UnusableReportError, match="was killed"):
        runner.check(f"leave(json.dumps(report)[:500]); {end}", report())


def test_a_renamed_repository_is_no_result(runner: Runner) -> None:
    with pytest.raises(UnusableReportError, match="another repository"):
        runner.check(COMPLETE, report("github.com/acme/starship"))


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "\x00\xff", "null"])
def test_a_report_that_is_no_json_is_no_result(runner: Runner, text: str) -> None:
    with pytest.raises(UnusableReportError):
        runner.check(f"leave({text!r})")


def test_a_report_beyond_the_limit_is_not_read(runner: Runner) -> None:
    with pytest.raises(UnusableReportError, match="left no report"):
        runner.check("leave(json.dumps(report) + ' ' * 9_000_000)", report())


def test_a_program_is_found_on_path(runner: Runner, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner.cli(COMPLETE, report())
    assert runner.fake is not None
    monkeypatch.setenv("PATH", str(runner.fake.path.parent), prepend=os.pathsep)
    cli = ScorecardCli(runner.fake.path.name, runner.children, scratch)
    assert cli.check_forge(NAME, [TOKEN])


def test_a_missing_program_is_no_result(scratch: Path, tmp_path: Path) -> None:
    cli = ScorecardCli(str(tmp_path / "absent"), ChildProcesses(), scratch)
    with pytest.raises(UnusableReportError, match="Scorecard is not installed"):
        cli.check_forge(NAME, [TOKEN])


def test_a_scratch_directory_that_cannot_be_made_is_no_result(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cli = ScorecardCli("/bin/sh", ChildProcesses(), tmp_path / "file" / "scratch")
    with pytest.raises(UnusableReportError, match="could not be started: Not a directory"):
        cli.check_forge(NAME, [TOKEN])


def test_much_on_stdout_and_stderr_does_not_stall_the_run(runner: Runner) -> None:
    noise = "print('x' * 1_000_000); print('x' * 1_000_000, file=sys.stderr)"
    assert runner.check(f"{noise}; {COMPLETE}", report()).score == 5.0


def test_only_scorecard_sees_the_token_and_only_in_its_environment(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret of the container")
    runner.check(COMPLETE, report())
    (call,) = runner.calls
    environment = call["environment"]
    assert environment["GITHUB_AUTH_TOKEN"] == TOKEN
    # the interpreter of the stand-in adds LC_CTYPE
    assert environment.keys() - {"LC_CTYPE"} == {"HOME", "TMPDIR", "GOMEMLIMIT", "GITHUB_AUTH_TOKEN"}
    assert not any(TOKEN in argument for argument in call["argv"])


def test_several_tokens_are_passed_on(runner: Runner) -> None:
    runner.cli(COMPLETE, report()).check_forge(NAME, ["one", "two"])
    assert runner.calls[0]["environment"]["GITHUB_AUTH_TOKEN"] == "one,two"


def test_a_run_on_a_checkout_sees_no_token(runner: Runner, tree: Path) -> None:
    runner.cli(COMPLETE, report("file://tree")).check_tree(tree)
    (call,) = runner.calls
    assert "GITHUB_AUTH_TOKEN" not in call["environment"]
    assert f"--local={tree}" in call["argv"]


@pytest.mark.parametrize("body", [COMPLETE, "leave('')", "sys.exit(2)"])
def test_nothing_is_left_in_the_scratch_directory(runner: Runner, scratch: Path, body: str) -> None:
    litter = "open(os.path.join(os.environ['TMPDIR'], 'archive.tar.gz'), 'w').close()"
    with contextlib.suppress(UnusableReportError):
        runner.check(f"{litter}; {body}", report())
    assert list(scratch.iterdir()) == []


def test_what_a_killed_run_left_goes_with_the_next_sweep(runner: Runner, scratch: Path, tmp_path: Path) -> None:
    started = tmp_path / "started"
    os.mkfifo(started)
    cli = runner.cli(
        f"parent = os.getppid()\nopen({str(started)!r}, 'w').close()\nwhile os.getppid() == parent: time.sleep(0.05)"
    )
    run = multiprocessing.get_context("fork").Process(target=cli.check_forge, args=(NAME, [TOKEN]))
    run.start()
    started.open().close()
    os.kill(run.pid or 0, signal.SIGKILL)
    run.join()
    assert list(scratch.iterdir()) != []
    assert sweep_scratch(scratch) == []
    assert list(scratch.iterdir()) == []


def test_a_job_that_is_taken_away_ends_the_run_and_its_children(runner: Runner, tmp_path: Path) -> None:
    pid_file = tmp_path / "child.pid"
    os.mkfifo(pid_file)
    body = (
        "import subprocess; child = subprocess.Popen(['sleep', '100000'])\n"
        f"with open({str(pid_file)!r}, 'w') as file: file.write(str(child.pid))\n"
        "time.sleep(100_000)"
    )
    cli = runner.cli(body)
    outcome: list[BaseException] = []

    def run() -> None:
        try:
            cli.check_forge(NAME, [TOKEN])
        except (JobCancelledError, UnusableReportError) as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    child = int(pid_file.read_text())
    runner.children.kill_all()
    thread.join()
    assert isinstance(outcome[0], JobCancelledError)
    assert not _is_running(child)


def _is_running(pid: int) -> bool:
    """Say whether the process works; one that has ended and is not yet reaped does not."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        status = Path(f"/proc/{pid}/stat")
        if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
            return False
        threading.Event().wait(0.05)
    return True


def test_a_checkout_without_files_is_refused(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "tree" / ".git").mkdir(parents=True)
    (tmp_path / "tree" / ".git" / "HEAD").write_text("ref: refs/heads/main")
    with pytest.raises(UnusableReportError, match="no files"):
        runner.cli(COMPLETE, report()).check_tree(tmp_path / "tree")
    assert runner.calls == []


@pytest.mark.parametrize("target", ["/etc/passwd", "/proc/self/environ", "..", "../outside", "sub/../../outside"])
def test_a_checkout_with_links_out_of_it_is_refused(runner: Runner, tree: Path, target: str) -> None:
    (tree / "link").symlink_to(target)
    with pytest.raises(UnusableReportError, match="symbolic links"):
        runner.cli(COMPLETE, report()).check_tree(tree)
    assert runner.calls == []


@pytest.mark.parametrize("target", ["README", ".", "./"])
def test_a_checkout_with_links_within_it_is_fine(runner: Runner, tree: Path, target: str) -> None:
    (tree / "link").symlink_to(target)
    assert json.dumps(runner.cli(COMPLETE, report()).check_tree(tree))
