import base64
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from infra.operations import smoke
from infra.operations.smoke import (
    BY_THE_CLOCK,
    CheckFailedError,
    Deployment,
    check_listener,
    judge_action,
    judge_job,
    judge_runs,
    subject_of,
    wait_for,
)
from infra.stack.schedules import SCHEDULED

SECOND_OPINION = (Path(__file__).parents[2] / "docs" / "second-opinion.md").read_text(encoding="utf-8")
READY = {"status": "ready", "attempt": 1}


def test_a_repository_that_became_ready_in_one_attempt_passes() -> None:
    judge_job(READY, seen_in_flight=True)


@pytest.mark.parametrize(
    ("entry", "seen_in_flight", "reason"),
    [
        ({"status": "failed", "last_error": {"code": "host_unreachable"}}, True, "host_unreachable"),
        (READY, False, "did Lambda delete it"),
        ({"status": "ready", "attempt": 2}, True, "hand the message back"),
    ],
)
def test_a_repository_that_did_not_is_told_with_the_reason(
    entry: dict[str, object], *, seen_in_flight: bool, reason: str
) -> None:
    with pytest.raises(CheckFailedError, match=reason):
        judge_job(entry, seen_in_flight=seen_in_flight)


def test_an_alarms_action_passes_once_it_was_executed_and_fails_when_it_may_not() -> None:
    assert judge_action([]) is None
    assert judge_action(["Successfully executed action arn:aws:sns:eu-west-1:111111111111:alarms"]) is True
    with pytest.raises(CheckFailedError, match="not authorized"):
        judge_action(["Failed to execute action arn:aws:sns:…: CloudWatch Alarms is not authorized to perform"])


def test_somebody_must_have_confirmed_that_they_hear_of_alarms() -> None:
    check_listener(["PendingConfirmation", "arn:aws:sns:eu-west-1:111111111111:alarms:1"])
    with pytest.raises(CheckFailedError, match="nobody hears"):
        check_listener(["PendingConfirmation"])


def test_everything_that_runs_by_the_clock_must_have_run() -> None:
    assert set(BY_THE_CLOCK) == {scheduled.run for scheduled in SCHEDULED}
    assert judge_runs({"SchedulerRun": 3.0, "DigestRun": 15.0}) is True
    assert judge_runs({"SchedulerRun": 0, "DigestRun": 15.0}) is None


def test_waiting_ends_with_what_was_found() -> None:
    answers: Iterator[str | None] = iter([None, None, "found"])
    assert wait_for("it", lambda: next(answers), 60, now=lambda: 0.0, sleep=lambda _: None) == "found"


def test_waiting_ends_when_the_time_is_up() -> None:
    clock = iter([0.0, 30.0, 61.0])
    with pytest.raises(CheckFailedError, match="waited 60 s for it"):
        wait_for("it", lambda: None, 60, now=lambda: next(clock), sleep=lambda _: None)


def test_a_resource_is_found_by_its_type_and_the_start_of_its_name() -> None:
    deployment = Deployment("s", {"ApiUrl1A": "https://api/"}, {("AWS::Lambda::Function", "DispatcherFunction1A"): "f"})
    assert deployment.physical_id("AWS::Lambda::Function", "Dispatcher") == "f"
    assert deployment.api_url == "https://api"
    with pytest.raises(CheckFailedError, match="0 resources"):
        deployment.physical_id("AWS::Lambda::Function", "Reconciler")


def test_whoever_has_a_token_adds_in_the_name_of_its_subject() -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"sub": "ada?>"}).encode()).decode().rstrip("=")
    assert subject_of(f"e30.{claims}.signature") == "ada?>"


@pytest.mark.parametrize("token", ["", "abc", "e30.e30.", "e30.!.", "e30.W10.", "e30.bm8.x"])
def test_what_names_nobody_is_refused(token: str) -> None:
    with pytest.raises(CheckFailedError, match="--token"):
        subject_of(token)


def test_it_says_first_what_it_costs_and_then_in_one_line_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["smoke", "dev"])
    for variable in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    assert smoke.main() == 1

    said = capsys.readouterr()
    assert "US cents" in said.out
    assert said.err == "failed: You must specify a region.\n"


def test_the_list_that_it_goes_through_is_the_documented_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["smoke", "dev"])
    monkeypatch.setattr(smoke, "boto3", MagicMock())
    monkeypatch.setattr(smoke, "Deployment", MagicMock())
    for check in (name for name in vars(smoke) if name.startswith("check_")):
        monkeypatch.setattr(smoke, check, MagicMock())

    assert smoke.main() == 0

    listed = SECOND_OPINION.partition("`scripts/smoke` goes through this list")[2]
    assert re.findall(r"^ok  (.+) \(", capsys.readouterr().out, re.MULTILINE) == re.findall(
        r"^\| ([^|]+) \|(?! what no emulator)", listed, re.MULTILINE
    )
