"""The command `watchlist` as people and pipelines run it, against the service as a process."""

import csv
import io
import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local_service import lifeline
from tests.e2e.command_line import run
from tests.e2e.conftest import Forge, RunningService
from tests.waiting import SECONDS

Watchlist = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def environment(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("home")
    return {
        "HOME": str(home),
        "WATCHLIST_CONFIG": str(home / "config.toml"),
        "WATCHLIST_URL": service.url,
        "WATCHLIST_LIVE_URL": service.live_url,
    }


@pytest.fixture
def watchlist(environment: dict[str, str], request: pytest.FixtureRequest) -> Watchlist:
    """The command for a user of the test's own."""
    variables = environment | {"WATCHLIST_USER": request.node.name}
    return lambda *arguments: run(variables, *arguments)


def test_a_repository_is_added_followed_shown_and_let_go(watchlist: Watchlist, forge: Forge) -> None:
    url = forge.make("by-command", commits=3)

    added = watchlist("add", url, "--notes", "ours", "--wait", str(SECONDS))
    assert (added.returncode, added.stdout) == (0, f"{url}\tadded\t\n")
    assert added.stderr.endswith(": ready\n")
    assert watchlist("add", url).stdout == f"{url}\twatched already\t\n"

    (row,) = json.loads(watchlist("--json", "ls").stdout)
    assert (row["repository_url"], row["notes"], row["status"]) == (url, "ours", "ready")
    listed = watchlist("ls")
    assert listed.stdout.split("\t")[:2] == ["forge/by-command", row["verdict"]["state"]]
    for named in ("by-command", "forge/by-command", url, f"{url}.git", row["watchlist_id"], row["user_watchlist_id"]):
        shown = watchlist("show", named)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert row["verdict"]["reasons"][0]["message"] in shown.stdout
    assert watchlist("watch", "by-command").stdout == "ready\n"
    assert watchlist("label", "by-command", "web", "production", "-web").stdout == "forge/by-command: production\n"
    assert json.loads(watchlist("--json", "ls", "--label", "production").stdout)[0]["labels"] == ["production"]

    refused = watchlist("rm", "by-command")
    assert (refused.returncode, "say --yes" in refused.stderr) == (2, True)
    removed = watchlist("rm", "by-command", "--yes")
    assert (removed.returncode, removed.stdout) == (0, "forge/by-command: no longer watched\n")
    assert watchlist("--json", "ls").stdout == "[]\n"


def test_one_refused_address_does_not_hinder_the_others(watchlist: Watchlist, forge: Forge) -> None:
    url = forge.make("beside-a-refused-one", commits=1)
    added = watchlist("--json", "add", "https://example.org/a/b", url)
    results = json.loads(added.stdout)
    assert [(result["repo_url"], result["outcome"]) for result in results] == [
        ("https://example.org/a/b", "rejected"),
        (url, "accepted"),
    ]
    assert added.returncode == 2


def test_a_failed_repository_ends_the_wait_and_can_be_tried_again(watchlist: Watchlist, forge: Forge) -> None:
    added = watchlist("add", f"{forge.url}/forge/not-there", "--wait", str(SECONDS))
    assert added.returncode == 1
    assert "failed: repository_not_found" in added.stderr
    assert watchlist("gate").returncode == 0
    assert watchlist("gate", "--deny", "failing,gone,unknown").returncode == 1
    assert watchlist("retry", "--all-failed").stderr == "1 repositories are tried again.\n"
    assert watchlist("retry").returncode == 2


def test_a_pipeline_is_told_what_does_not_pass(watchlist: Watchlist, forge: Forge, tmp_path: Path) -> None:
    url = forge.make("gated", commits=2)
    watchlist("add", url, "--wait", str(SECONDS))
    policy = tmp_path / "policy.toml"
    policy.write_text('unknown = "fail"\nmin_score = 5\n')
    report = tmp_path / "report.xml"

    failed = watchlist("gate", "--policy", str(policy), "--junit", str(report))
    assert (failed.returncode, failed.stdout) == (1, "fails\tforge/gated\tit has no score\n")
    assert failed.stderr == "0 of 1 repositories pass.\n"
    assert 'failures="1"' in report.read_text()

    policy.write_text(
        policy.read_text() + '[[exceptions]]\nrepository = "forge/gated"\nreason = "new"\nuntil = 2999-12-31\n'
    )
    passed = watchlist("gate", "--policy", str(policy))
    assert (passed.returncode, passed.stdout) == (
        0,
        "waived\tforge/gated\tit has no score (new, until 2999-12-31)\n",
    )


def test_what_leads_to_no_repository_does_not_pass_silently(watchlist: Watchlist, tmp_path: Path) -> None:
    listed = tmp_path / "ours.txt"
    listed.write_text("pkg:pypi/nothing-of-this-name\n")

    warned = watchlist("gate", "--from", str(listed), "--deny", "gone")
    assert warned.returncode == 0
    assert "ours.txt\t1 of its packages lead to no repository: nothing-of-this-name" in warned.stdout
    failed = watchlist("gate", "--from", str(listed), "--unknown", "fail", "--junit", str(tmp_path / "report.xml"))
    assert (failed.returncode, "fails\tours.txt" in failed.stdout) == (1, True)
    assert 'name="ours.txt"' in (tmp_path / "report.xml").read_text()

    listed.write_text("pkg:golang/github.com/owner/not-watched@v1.0.0\n")
    missing = watchlist("gate", "--from", str(listed))
    assert (missing.returncode, "not watched yet" in missing.stderr) == (2, True)


def test_what_a_project_depends_on_is_shown_and_not_added_unasked(watchlist: Watchlist, tmp_path: Path) -> None:
    listed = tmp_path / "ours.txt"
    listed.write_text("pkg:golang/github.com/owner/name@v1.0.0\npkg:pypi/nothing-of-this-name\n")

    shown = watchlist("import", str(tmp_path / "ours.txt"), "--dry-run")
    assert shown.returncode == 0
    assert shown.stdout == "https://github.com/owner/name\tgithub.com/owner/name\tcertain\tmodule path\n"
    assert "pkg:pypi/nothing-of-this-name: nothing on this machine names its repository" in shown.stderr
    assert watchlist("--json", "ls").stdout == "[]\n"
    assert watchlist("import", str(listed)).returncode == 2
    assert watchlist("--json", "ls").stdout == "[]\n"

    damaged = tmp_path / "uv.lock"
    damaged.write_text("[[")
    assert "uv.lock" in watchlist("import", str(damaged), "--yes").stderr
    empty = tmp_path / "empty"
    empty.mkdir()
    assert watchlist("import", str(empty)).returncode == 2


def test_the_list_goes_into_a_table_and_a_report(watchlist: Watchlist, forge: Forge) -> None:
    url = forge.make("exported", commits=1)
    watchlist("add", url, "--notes", "=1+1", "--wait", str(SECONDS))

    (row,) = csv.DictReader(io.StringIO(watchlist("export").stdout))
    assert (row["repository_url"], row["notes"]) == (url, "'=1+1")
    assert json.loads(watchlist("export", "--format", "jsonl").stdout)["notes"] == "=1+1"
    assert watchlist("report").stdout.startswith("# Watchlist: ")
    assert "<h1>Watchlist: " in watchlist("report", "--format", "html").stdout
    assert watchlist("report", "--since", "ages").returncode == 2


def test_the_documented_examples_work_one_after_the_other(watchlist: Watchlist, forge: Forge) -> None:
    for name in ("flask", "click"):
        forge.make(name, commits=2)
    block = (lifeline.ROOT / "docs" / "cli.md").read_text().partition("## Examples")[2].partition("```sh\n")[2]
    lines = block.partition("```")[0].splitlines()
    assert len(lines) > 10
    for line in lines:
        here = line.replace("https://github.com/pallets", f"{forge.url}/forge").replace("pallets/", "forge/")
        command, *arguments = shlex.split(here)
        assert command == "watchlist"
        done = watchlist(*arguments)
        assert (done.returncode, "error" in done.stderr) == (0, False), (line, done.stderr)


def test_repositories_are_compared(watchlist: Watchlist, forge: Forge) -> None:
    urls = [forge.make(f"compared-{number}", commits=number + 2) for number in range(2)]
    added = watchlist("add", *urls, "--wait", str(SECONDS))
    assert added.returncode == 0, added.stderr

    lines = [line.split("\t") for line in watchlist("compare", "compared-0", urls[1]).stdout.splitlines()]
    table = {line[0]: line[1:] for line in lines}
    assert table["repository"] == ["forge/compared-0", "forge/compared-1"]
    assert table["commits in a year"] == ["2", "3"]
    items = json.loads(watchlist("--json", "compare", *urls).stdout)
    assert [item["commits_last_year"] for item in items] == [2, 3]
    alone = watchlist("compare", urls[0], "compared-0")
    assert (alone.returncode, "2 to 5 different" in alone.stderr) == (2, True)


def test_a_person_has_channels_by_rules_for_all_repositories(watchlist: Watchlist) -> None:
    assert "Nobody is told" in watchlist("notify").stderr
    added = watchlist(
        "notify", "add", "chat", "--webhook", "https://hooks.example.org/x", "--level", "critical", "--label", "web"
    )
    row = "chat\thttps://hooks.example.org/x\tstandard\tlevels=critical labels=web\tnew\t-\n"
    assert (added.returncode, added.stdout.startswith(f"{row}secret: whsec_")) == (0, True), added.stderr
    assert "shown this once" in added.stderr
    assert watchlist("notify", "add", "mail").stdout == "mail\te-mail\t-\tall\tnew\t-\n"
    assert watchlist("notify").stdout.splitlines()[0] == row.rstrip("\n")

    assert watchlist("notify", "off", "chat").stdout.split("\t")[4] == "off"
    off = watchlist("notify", "test", "chat")
    assert (off.returncode, off.stdout) == (2, "")
    assert watchlist("notify", "on", "chat").stdout.split("\t")[4] == "new"
    assert watchlist("notify", "test", "chat").returncode == 0
    assert watchlist("notify", "rm", "chat", "mail").stdout == "chat: removed\nmail: removed\n"
    assert json.loads(watchlist("--json", "notify").stdout) == []
    unknown = watchlist("notify", "rm", "chat")
    assert (unknown.returncode, "no channel is called 'chat'" in unknown.stderr) == (2, True)
    wrong = watchlist("notify", "add", "x", "--level", "loud")
    assert (wrong.returncode, "levels" in wrong.stderr) == (2, True)


def test_one_repository_is_told_of_otherwise_until_the_channels_do_again(watchlist: Watchlist, forge: Forge) -> None:
    watchlist("add", forge.make("told-of", commits=1))
    assert watchlist("notify", "repo", "told-of").stdout == "told of by\tthe channels\n"

    changed = watchlist("notify", "repo", "told-of", "--no-email", "--webhook", "https://hooks.example.org/x")
    assert changed.stdout.startswith(
        "told of by\tsettings of its own\ne-mail\tno\nwebhook\thttps://hooks.example.org/x\nformat\tstandard\n"
    )
    assert "secret: whsec_" in changed.stdout
    assert "secret" not in watchlist("notify", "repo", "told-of").stdout
    assert "webhook\t-\n" in watchlist("notify", "repo", "told-of", "--webhook", "none").stdout
    refused = watchlist("notify", "repo", "told-of", "--webhook", "ftp://hooks.example.org/x")
    assert (refused.returncode, "webhook_url" in refused.stderr) == (2, True)
    assert watchlist("notify", "repo", "told-of", "--email", "--by-channels").returncode == 2
    assert watchlist("notify", "repo", "told-of", "--by-channels").stdout == "told of by\tthe channels\n"


def test_operators_see_queues_and_jobs_and_send_dead_letters_back(watchlist: Watchlist) -> None:
    assert watchlist("ops", "redrive", "repository-setup").returncode == 2
    sent = watchlist("ops", "redrive", "repository-setup", "--yes")
    assert (sent.returncode, sent.stdout) == (0, "repository-setup: 0 dead letters are sent back\n")
    assert watchlist("ops", "redrive", "setup", "--yes").returncode == 2
    assert watchlist("ops", "queues").stdout.startswith("repository-setup\t")
    assert watchlist("ops", "jobs").returncode == 0


@pytest.mark.parametrize(
    ("changed", "arguments", "code", "reason"),
    [
        ({"WATCHLIST_URL": "http://127.0.0.1:9"}, ["ls"], 3, "127.0.0.1:9 does not answer"),
        ({"WATCHLIST_URL": "nonsense"}, ["ls"], 2, "the service's address must be like"),
        ({"WATCHLIST_PROFILE": "work"}, ["ls"], 2, "there is no profile 'work'"),
        ({}, ["show", "absent"], 2, "watches nothing called 'absent'"),
        ({}, ["alerts", "ack", "absent"], 2, "alert"),
        ({}, ["ls", "--verdict", "dead"], 2, "verdict"),
        ({}, ["frobnicate"], 2, "frobnicate"),
    ],
)
def test_what_goes_wrong_is_said_in_a_line_and_by_the_exit_code(
    environment: dict[str, str], changed: dict[str, str], arguments: list[str], code: int, reason: str
) -> None:
    ended = run(environment | {"WATCHLIST_USER": "nobody"} | changed, *arguments)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert reason in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.fixture(scope="module")
def listing(environment: dict[str, str], forge: Forge) -> str:
    """A line of the shell that lists a repository with commits."""
    variables = environment | {"WATCHLIST_USER": "listing"}
    run(variables, "add", forge.make("listed", commits=1), "--wait", str(SECONDS))
    words = variables | {"PYTHONPATH": str(lifeline.ROOT / "cli")}
    said = " ".join(f"{name}={shlex.quote(value)}" for name, value in words.items())
    return f"{said} {sys.executable} -m watchlist_cli ls"


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"], capture_output=True, text=True, check=False, timeout=SECONDS
    )


@pytest.mark.parametrize("to", [">&-", "| true", "| head -1 > /dev/null"])
def test_who_wants_no_more_results_is_no_failure(listing: str, to: str) -> None:
    ended = shell(f"{listing} {to}")
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a device that is always full")
def test_results_that_cannot_be_written_are_said_to_be_and_no_verdict_of_a_gate(listing: str) -> None:
    ended = shell(f"{listing} > /dev/full")
    assert (ended.returncode, ended.stderr) == (2, "error: the output: No space left on device\n")


def test_a_terminal_of_few_letters_gets_what_it_can_show_and_programs_get_everything(listing: str) -> None:
    few = f"PYTHONIOENCODING=ascii {listing}"
    assert "?" in shell(few).stdout
    assert json.loads(shell(f"{few} --json").stdout) == json.loads(shell(f"{listing} --json").stdout)
