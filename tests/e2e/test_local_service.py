"""The whole way of a repository through the service, over HTTP."""

import base64
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from local_service import lifeline
from local_service.commands.api_client import ProblemError
from local_service.git.addresses import Addresses
from tests import waiting
from tests.e2e.conftest import ADDRESS, Forge, RunningService, Serve, read_welcome
from tests.waiting import SECONDS
from watchlist.errors import ErrorCode


def run(variables: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local_service", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=lifeline.ROOT,
        env=variables,
        timeout=SECONDS,
    )


def test_a_repository_becomes_ready_with_its_commits_and_health(service: RunningService, forge: Forge) -> None:
    watchlist_id = service.api.add(forge.make("thirty", commits=30), "ada@example.org")

    status = service.wait_until_processed(watchlist_id)

    assert (status["status"], status["last_error"], status["attempt"]) == ("ready", None, 1)
    assert status["commits"] == 30
    assert status["package"]["default_branch"] == "main"
    assert status["progress"]["stage"] == "done"
    assert [entry["added_by"] for entry in status["user_watchlists"]] == ["ada@example.org"]
    commits = service.api.commits(watchlist_id)
    assert [commit["subject"] for commit in commits] == [f"Commit {number}" for number in reversed(range(30))]
    assert {(commit["files_changed"], commit["lines_added"], commit["lines_deleted"]) for commit in commits} == {
        (1, 1, 0)
    }
    assert commits[0]["parents"] == [commits[1]["sha"]]
    health = service.api.health(watchlist_id)
    assert health["scorecard"]["score"] is None
    assert health["scorecard"]["reason"]
    assert health["history_metrics"]["commits"] == 30
    assert list(service.clones.iterdir()) == []


def test_pages_of_commits_follow_each_other_without_gap(service: RunningService, forge: Forge) -> None:
    watchlist_id = service.api.add(forge.make("paged", commits=25), "ada@example.org")
    service.wait_until_processed(watchlist_id)

    subjects: list[str] = []
    fields = {"limit": "5"}
    while True:
        url = f"{service.url}/activity/watchlist/{watchlist_id}/commits"
        page = urllib3.request("GET", url, fields=fields).json()
        subjects += [commit["subject"] for commit in page["items"]]
        if page["next_cursor"] is None:
            break
        fields["cursor"] = page["next_cursor"]

    assert subjects == [f"Commit {number}" for number in reversed(range(25))]


def test_an_empty_repository_becomes_ready_without_commits(service: RunningService, forge: Forge) -> None:
    watchlist_id = service.api.add(forge.make("empty", commits=0), "ada@example.org")

    status = service.wait_until_processed(watchlist_id)

    assert (status["status"], status["commits"]) == ("ready", 0)
    assert service.api.commits(watchlist_id) == []


def test_a_repository_that_does_not_exist_fails_at_once_and_bothers_no_operator(
    service: RunningService, forge: Forge
) -> None:
    watchlist_id = service.api.add(f"{forge.url}/forge/missing", "ada@example.org")

    status = service.wait_until_processed(watchlist_id)

    assert (status["status"], status["attempt"]) == ("failed", 1)
    assert status["last_error"]["code"] == ErrorCode.REPOSITORY_NOT_FOUND
    queues = urllib3.request("GET", f"{service.url}/activity/queues").json()["queues"]
    assert [queue["dead_letters"] for queue in queues] == [0, 0, 0]


def test_users_who_add_one_repository_at_the_same_instant_share_one_entry(
    service: RunningService, forge: Forge
) -> None:
    url = forge.make("shared", commits=1)
    users = [f"user-{number}@example.org" for number in range(8)]
    at_once = threading.Barrier(len(users))

    def add(user: str) -> str:
        at_once.wait()
        return service.api.add(url, user)

    with ThreadPoolExecutor(len(users)) as pool:
        ids = set(pool.map(add, users))

    (watchlist_id,) = ids
    status = service.wait_until_processed(watchlist_id)
    assert (status["watchers"], status["attempt"]) == (len(users), 1)


def test_the_same_user_is_refused_a_second_time(service: RunningService, forge: Forge) -> None:
    url = forge.make("twice", commits=1)
    service.api.add(url, "ada@example.org")

    with pytest.raises(ProblemError) as refused:
        service.api.add(url, "ada@example.org")

    assert refused.value.status == 409


def test_an_unknown_entry_is_not_found(service: RunningService) -> None:
    with pytest.raises(ProblemError) as refused:
        service.api.status("watchlist_nobody_nothing_1")

    assert refused.value.status == 404


def test_a_repository_on_another_host_is_refused_by_the_field_s_name(service: RunningService) -> None:
    with pytest.raises(ProblemError, match="repo_url") as refused:
        service.api.add("https://example.org/a/b", "ada@example.org")

    assert refused.value.status == 422


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_larger_than_api_gateway_takes_is_refused(service: RunningService, *, chunked: bool) -> None:
    body = b"x" * (10 * 1024 * 1024 + 1)
    response = urllib3.request(
        "POST",
        f"{service.url}/activity/user-watchlist-added",
        body=io.BytesIO(body) if chunked else body,
        headers={"content-type": "application/json"},
        retries=False,
    )

    assert response.status == 413


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("more", [{}, {"WATCHLIST_TOKEN": "a-token-for-the-test"}], ids=["open", "with a token"])
def test_the_printed_commands_work_as_printed(serve: Serve, more: Mapping[str, str]) -> None:
    environment = {**os.environ, **more}
    with serve(**more) as service:
        add, look = (line.strip() for line in service.welcome.splitlines() if line.strip().startswith("curl"))

        added = subprocess.run(["sh", "-c", add], check=True, capture_output=True, text=True, env=environment).stdout
        looked = subprocess.run(["sh", "-c", look], check=True, capture_output=True, text=True, env=environment).stdout

    assert '"status":"processing"' in added.replace(" ", "")
    assert '"watchlist_id"' in looked


def test_run_prints_the_result_of_a_local_repository(variables: Mapping[str, str], forge: Forge) -> None:
    forge.make("for-run", commits=3)

    finished = run(variables, "run", str(forge.path("for-run")))

    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.startswith("Scorecard is not installed")
    for expected in ("/local/for-run", "ready (attempt 1 of 3)", "3 of the last year", "no score:", "Ada Lovelace"):
        assert expected in finished.stdout


def test_an_aws_profile_or_a_proxy_of_the_caller_does_not_matter(variables: Mapping[str, str], forge: Forge) -> None:
    forge.make("for-run-elsewhere", commits=1)
    elsewhere = {
        "AWS_PROFILE": "missing",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }

    finished = run({**variables, **elsewhere}, "run", str(forge.path("for-run-elsewhere")))

    assert finished.returncode == 0, finished.stderr


def test_run_says_why_a_repository_failed(variables: Mapping[str, str], forge: Forge) -> None:
    finished = run(variables, "run", f"{forge.url}/forge/none")

    assert finished.returncode == 1
    assert f"({ErrorCode.REPOSITORY_NOT_FOUND})" in finished.stdout


def test_run_takes_owner_and_name_for_an_address_where_there_is_no_such_folder(
    variables: Mapping[str, str], forge: Forge
) -> None:
    forge.make("spelled", commits=1)

    finished = run(variables, "run", "forge/spelled")

    assert finished.returncode == 0, finished.stderr
    assert f"There is no folder forge/spelled: it is taken for {forge.url}/forge/spelled" in finished.stdout


@pytest.mark.parametrize(
    ("repository", "reason"),
    [
        ("absent", "there is no such folder, and the repository's address"),
        ("./build/absent", "there is no such folder, and the repository's address"),
        ("watchlist", "watchlist is no git repository"),
        ("https://user:secret@github.com/a/b", "must not contain a user name or password"),
        ("git@github.com:a/b.git", "is not on a supported host"),
    ],
)
def test_run_refuses_what_is_no_repository_in_one_line(
    variables: Mapping[str, str], repository: str, reason: str
) -> None:
    finished = run(variables, "run", repository)

    assert finished.returncode == 1
    assert reason in finished.stderr
    assert finished.stderr.count("\n") == 1


def test_a_malformed_setting_ends_the_start_with_its_name(variables: Mapping[str, str], tmp_path: Path) -> None:
    finished = run({"WATCHLIST_DATA": str(tmp_path), **variables, "LEASE_SECONDS": "soon"}, "serve", "--port", "0")

    assert finished.returncode == 1
    assert "LEASE_SECONDS" in finished.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--host", "192.0.2.1"), "set --token"),
        (("--token", "short"), "fewer than 16 characters"),
        (("--port", "65536"), "'65536' is no port"),
        (("--data", "/dev/null"), "the data folder /dev/null cannot be used"),
        (("--log", "/nonexistent/\N{SNOWMAN}/log"), "Permission denied" if os.getuid() else ""),
    ],
)
def test_serve_refuses_in_one_line_what_cannot_work(
    variables: Mapping[str, str], tmp_path: Path, arguments: tuple[str, str], reason: str
) -> None:
    if not reason:
        pytest.skip("root may write everywhere")

    finished = run({"WATCHLIST_DATA": str(tmp_path), **variables}, "serve", "--port", "0", *arguments)

    assert finished.returncode != 0
    assert reason in finished.stderr.splitlines()[-1]
    assert "Traceback" not in finished.stderr


def test_serve_names_the_folder_that_clones_cannot_be_made_in(variables: Mapping[str, str], tmp_path: Path) -> None:
    finished = run({"WATCHLIST_DATA": str(tmp_path), **variables, "GIT_CLONE_DIR": "/dev/null/clones"}, "serve")

    assert finished.stderr == (
        "error: repositories cannot be cloned into /dev/null/clones (GIT_CLONE_DIR): Not a directory\n"
    )


def test_a_data_folder_in_one_s_home_is_there_whoever_reads_the_variable(
    variables: Mapping[str, str], tmp_path: Path
) -> None:
    home = {"HOME": str(tmp_path), "WATCHLIST_DATA": "~/data"}

    finished = run({**variables, **home}, "backup", str(tmp_path / "copy"))

    assert f"{tmp_path}/data" in finished.stderr


def test_the_api_does_not_take_the_port_that_addresses_of_repositories_have(
    variables: Mapping[str, str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    Addresses(port=port).write(tmp_path)

    finished = run({"WATCHLIST_DATA": str(tmp_path), **variables}, "serve", "--port", str(port))

    assert finished.stderr == (
        f"error: cannot listen on port {port}: repositories in the watchlist have it in their addresses; "
        "choose another for the API\n"
    )


def test_live_status_leaves_the_port_to_the_repositories_whose_addresses_have_it(
    serve: Serve, forge: Forge, tmp_path: Path
) -> None:
    forge.make("kept-at-its-port", commits=1)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    Addresses(port=port).write(tmp_path)

    with serve(forge.path("kept-at-its-port"), port=port - 1, WATCHLIST_DATA=str(tmp_path)) as service:
        assert f"http://127.0.0.1:{port}/local/kept-at-its-port" in service.welcome
        assert f":{port}" not in service.live_url


def test_without_git_it_says_so(variables: Mapping[str, str], tmp_path: Path) -> None:
    finished = run({**variables, "PATH": str(tmp_path)}, "run")

    assert finished.stderr == "error: git is not installed, or not on the PATH\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no disk that is always full")
def test_a_log_that_cannot_be_written_is_said_once_and_hinders_nothing(
    variables: Mapping[str, str], tmp_path: Path
) -> None:
    environment = {"WATCHLIST_DATA": str(tmp_path / "data"), **variables}
    arguments = [sys.executable, "-m", "local_service", "serve", "--port", "0", "--log", "/dev/full"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        arguments, stdout=pipe, stderr=pipe, text=True, cwd=lifeline.ROOT, env=environment
    ) as process:
        try:
            url = ADDRESS.search(read_welcome(process))
            assert url is not None
            answers = [urllib3.request("GET", f"{url[0]}/activity/queues").status for _ in range(2)]
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=SECONDS)
        finally:
            process.kill()

    assert answers == [200, 200]
    assert (errors, process.returncode) == ("The log cannot be written: No space left on device\n", 0)


@pytest.mark.parametrize("after", [0, 0.3, 1, 2])
def test_an_interrupt_is_silent_and_complete_at_any_moment(
    variables: Mapping[str, str], tmp_path: Path, after: float
) -> None:
    environment = {"WATCHLIST_DATA": str(tmp_path / "data"), **variables}
    arguments = [sys.executable, "-m", "local_service", "serve", "--port", "0", "--log", str(tmp_path / "log")]
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, stdout=pipe, stderr=pipe, cwd=lifeline.ROOT, env=environment) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(after)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=SECONDS)

    assert (errors, process.returncode) == (b"", 0)


@pytest.mark.parametrize(("command", "exit_code"), [("serve", 0), ("run", 128 + signal.SIGINT)])
def test_an_interrupt_while_the_program_is_imported_is_silent(
    variables: Mapping[str, str], tmp_path: Path, command: str, exit_code: int
) -> None:
    (tmp_path / "rich.py").write_text("print('imported', flush=True)\nimport time\ntime.sleep(60)")
    environment = {**variables, "PYTHONPATH": str(tmp_path)}
    arguments = [sys.executable, "-m", "local_service", command]
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, stdout=pipe, stderr=pipe, cwd=lifeline.ROOT, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"imported\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=SECONDS) == (b"", b"")

    assert process.returncode == exit_code


def test_what_was_added_is_there_after_the_service_was_killed(serve: Serve, forge: Forge, tmp_path: Path) -> None:
    repository = forge.path("kept-across-a-kill")
    forge.make("kept-across-a-kill", commits=3)
    with serve(repository, WATCHLIST_DATA=str(tmp_path)) as service:
        url = next(line.strip() for line in service.welcome.splitlines() if line.endswith("/kept-across-a-kill"))
        watchlist_id = service.api.add(url, "ada@example.org")
        service.process.kill()
        service.process.wait(SECONDS)

    with serve(repository, WATCHLIST_DATA=str(tmp_path)) as again:
        assert url in again.welcome
        status = again.wait_until_processed(watchlist_id)
        assert (status["status"], status["commits"]) == ("ready", 3)


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
def test_a_job_that_was_killed_with_the_service_goes_on_at_once(serve: Serve, forge: Forge, tmp_path: Path) -> None:
    url = forge.make("killed-at-work", commits=3)
    with serve(WATCHLIST_DATA=str(tmp_path)) as service:
        watchlist_id = service.api.add(url, "ada@example.org")
        waiting.until(
            "a task",
            lambda: [command_of(pid) for pid in descendants_of(service.process.pid)],
            lambda commands: any("tasks.job" in command for command in commands),
        )
        service.process.kill()
        service.process.wait(SECONDS)

    with serve(WATCHLIST_DATA=str(tmp_path)) as again:  # a lease would last for longer than the test waits
        assert again.wait_until_processed(watchlist_id)["status"] == "ready"


def test_pages_of_other_sites_may_not_call(service: RunningService) -> None:
    for headers in ({"Origin": "https://attacker.example"}, {"Host": "attacker.example"}):
        assert urllib3.request("GET", f"{service.url}/openapi.json", headers=headers).status == 403


def test_with_a_token_callers_show_it(serve: Serve) -> None:
    with serve(WATCHLIST_TOKEN="a-token-for-the-test") as service:
        url = f"{service.url}/activity/queues"
        refused = urllib3.request("GET", url)
        bearer = urllib3.request("GET", url, headers={"Authorization": "Bearer a-token-for-the-test"})

    assert (refused.status, refused.headers["WWW-Authenticate"].split()[0]) == (401, "Basic")
    assert bearer.status == 200


def test_with_a_token_the_page_has_its_live_channel(serve: Serve) -> None:
    with serve(WATCHLIST_TOKEN="a-token-for-the-test") as service:
        shown = "Basic " + base64.b64encode(b"anybody:a-token-for-the-test").decode()
        page = urllib3.request("GET", f"{service.url}/activity/queues", headers={"Authorization": shown})
        cookie = page.headers["Set-Cookie"].partition(";")[0]
        address = f"{service.url.replace('http', 'ws')}/live?user=ada%40example.org"

        with connect(
            address, proxy=None, additional_headers={"Cookie": cookie}, origin=Origin(service.url)
        ) as connection:
            first = json.loads(connection.recv(SECONDS))
        refused = []
        for headers, origin in (({}, service.url), ({"Cookie": cookie}, "https://attacker.example")):
            with pytest.raises(InvalidStatus) as caught:
                connect(address, proxy=None, additional_headers=headers, origin=Origin(origin))
            refused.append(caught.value.response.status_code)

    assert first["type"] == "connected"
    assert refused == [401, 401]


def test_the_page_s_live_channel_is_refused_to_other_sites(service: RunningService) -> None:
    address = f"{service.url.replace('http', 'ws')}/live?user=ada%40example.org"

    with connect(address, proxy=None, origin=Origin(service.url)) as connection:
        assert json.loads(connection.recv(SECONDS))["type"] == "connected"
    with pytest.raises(InvalidStatus) as caught:
        connect(address, proxy=None, origin=Origin("https://attacker.example"))

    assert caught.value.response.status_code == 403


def test_a_taken_port_is_said_in_one_line(variables: Mapping[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        finished = run({"WATCHLIST_DATA": str(tmp_path), **variables}, "serve", "--port", str(port))

    assert finished.returncode == 1
    assert finished.stderr == f"error: cannot listen on port {port}: Address already in use\n"


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_process_outlives_the_service_however_it_ends(
    serve: Serve, forge: Forge, tmp_path: Path, number: signal.Signals
) -> None:
    url = forge.make(f"ended-by-{number}", commits=3)
    with serve(TMPDIR=str(tmp_path)) as service:
        service.api.add(url, "ada@example.org")
        descendants = descendants_of(service.process.pid)
        assert len(descendants) >= 2  # the embedded AWS and the functions
        service.process.send_signal(number)
        exit_code = service.process.wait(SECONDS)

        assert exit_code == (-signal.SIGKILL if number == signal.SIGKILL else 0)
        waiting.until(
            "all processes have ended", lambda: {pid for pid in descendants if is_alive(pid)}, lambda left: not left
        )
    assert number == signal.SIGKILL or not list(tmp_path.iterdir())


def descendants_of(pid: int) -> set[int]:
    children = {
        int(child) for thread in Path(f"/proc/{pid}/task").glob("*/children") for child in thread.read_text().split()
    }
    return children.union(*(descendants_of(child) for child in children))


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return ""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIG_DFL)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
