import dataclasses
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local_service import lifeline
from local_service.functions.host import Context
from local_service.functions.processes import (
    HOST,
    RESPONSE_BYTES,
    FunctionError,
    FunctionProcesses,
    FunctionTimeoutError,
    LocalFunction,
)
from tests import waiting

HANDLER = "tests.integration.local_service.stand_in_functions.handler"
LONG = timedelta(seconds=60)


def stand_in(*, timeout: timedelta = LONG, concurrency: int = 1, handler: str = HANDLER) -> LocalFunction:
    return LocalFunction("stand_in", handler, timeout, {"WATCHLIST_TABLE": "watchlist"}, concurrency)


@pytest.fixture
def functions(log: int) -> Iterator[FunctionProcesses]:
    with FunctionProcesses([stand_in()], log) as processes:
        yield processes


def describe(functions: FunctionProcesses) -> dict[str, Any]:
    described: dict[str, Any] = functions.invoke("stand_in", {"do": "describe"})
    return described


def test_a_process_is_kept_for_the_next_invocation(functions: FunctionProcesses) -> None:
    first, second = describe(functions), describe(functions)

    assert (first["pid"], second["calls"]) == (second["pid"], 2)
    assert first["pid"] != os.getpid()


def test_a_function_sees_its_own_variables_and_lambda_s_but_not_the_caller_s(
    log: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_CALLER", "x")
    with FunctionProcesses([stand_in()], log) as functions:
        described = describe(functions)

    assert described["environment"]["WATCHLIST_TABLE"] == "watchlist"
    assert described["environment"]["AWS_LAMBDA_FUNCTION_NAME"] == described["name"] == "stand_in"
    assert "SECRET_OF_THE_CALLER" not in described["environment"]
    assert "HOME" not in described["environment"]


def test_the_context_knows_the_time_that_is_left(functions: FunctionProcesses) -> None:
    assert 0 < describe(functions)["remaining"] <= LONG.total_seconds() * 1000


def test_what_a_function_prints_goes_to_the_log_and_not_into_its_answer(
    functions: FunctionProcesses, tmp_path: Path
) -> None:
    assert functions.invoke("stand_in", {"do": "print"}) == ""

    logged = (tmp_path / "log").read_text()
    assert "not the answer" in logged
    assert "to the log" in logged


def test_an_exception_is_a_function_error_and_the_process_stays(functions: FunctionProcesses) -> None:
    before = describe(functions)["pid"]

    with pytest.raises(FunctionError, match="ValueError: boom"):
        functions.invoke("stand_in", {"do": "raise"})

    assert describe(functions)["pid"] == before


def test_an_answer_that_is_no_json_is_a_function_error(functions: FunctionProcesses) -> None:
    with pytest.raises(FunctionError, match="not JSON serializable"):
        functions.invoke("stand_in", {"do": "answer no JSON"})


def test_an_answer_larger_than_lambda_lets_through_is_a_function_error(functions: FunctionProcesses) -> None:
    with pytest.raises(FunctionError, match="answered more than"):
        functions.invoke("stand_in", {"do": "answer much", "bytes": RESPONSE_BYTES})


def test_a_process_that_dies_is_a_function_error_and_the_next_invocation_has_a_new_one(
    functions: FunctionProcesses,
) -> None:
    before = describe(functions)["pid"]

    with pytest.raises(FunctionError, match="its process ended with exit code -9"):
        functions.invoke("stand_in", {"do": "die"})

    after = describe(functions)
    assert after["pid"] != before
    assert after["calls"] == 1


def test_a_process_that_died_between_invocations_is_replaced(functions: FunctionProcesses) -> None:
    before = describe(functions)["pid"]
    os.kill(before, signal.SIGKILL)
    while functions.process_ids("stand_in"):
        threading.Event().wait(0.01)

    assert describe(functions)["pid"] != before


def test_a_function_that_takes_too_long_is_killed(log: int) -> None:
    with FunctionProcesses([stand_in(timeout=timedelta(seconds=0.3))], log) as functions:
        functions.warm_up(["stand_in"])
        (before,) = functions.process_ids("stand_in")

        with pytest.raises(FunctionTimeoutError, match=r"timed out after 0\.3 seconds"):
            functions.invoke("stand_in", {"do": "sleep", "seconds": 600})

        assert before not in functions.process_ids("stand_in")


def test_no_more_processes_run_than_may_at_once(log: int) -> None:
    with FunctionProcesses([stand_in(concurrency=2)], log) as functions, ThreadPoolExecutor(6) as pool:
        pids = set(pool.map(lambda _number: describe(functions)["pid"], range(12)))

        assert len(pids) <= 2
        assert pids >= set(functions.process_ids("stand_in"))


def test_a_function_that_cannot_be_imported_says_why(log: int) -> None:
    broken = stand_in(handler="tests.integration.local_service.broken_function.handler")
    with FunctionProcesses([broken], log) as functions, pytest.raises(FunctionError, match="WATCHLIST_TABLE: missing"):
        functions.invoke("stand_in", {})


def test_no_process_is_left_at_the_end(log: int) -> None:
    with FunctionProcesses([stand_in()], log) as functions:
        pid = describe(functions)["pid"]

    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)


def test_a_process_whose_service_was_killed_ends_within_an_invocation(log: int) -> None:
    context = {field.name: "" for field in dataclasses.fields(Context)} | {"deadline": time.time() + 60}
    asked = [{"do": "describe"}, {"do": "sleep", "seconds": 60}]
    with subprocess.Popen(HOST, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=lifeline.ROOT) as host:
        assert host.stdin is not None
        host.stdin.writelines(
            json.dumps({"handler": HANDLER, "event": event, "context": context}).encode() + b"\n" for event in asked
        )
        host.stdin.flush()
        assert lifeline.first_line(host)

        host.stdin.close()

        assert host.wait(30) == 0


def test_what_waits_for_its_turn_when_the_service_stops_starts_no_process(log: int) -> None:
    with ThreadPoolExecutor(3) as pool:
        with FunctionProcesses([stand_in()], log) as functions:
            sleeping = [pool.submit(functions.invoke, "stand_in", {"do": "sleep", "seconds": 60}) for _ in range(3)]
            waiting.until("a process", lambda: functions.process_ids("stand_in"))
        errors = [str(call.exception(timeout=10)) for call in sleeping]

    assert sorted(error.partition(":")[0] for error in errors) == ["stand_in", "the service stops", "the service stops"]
    with pytest.raises(FunctionError, match="the service stops"):
        functions.invoke("stand_in", {"do": "describe"})
