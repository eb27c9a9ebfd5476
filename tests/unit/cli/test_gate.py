"""What passes the gate, what does not, and how it is told."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from watchlist_cli.commands import gating
from watchlist_cli.errors import CommandError
from watchlist_cli.gate import Finding, OnUnknown, Policy, Waiver, evaluate, passes
from watchlist_cli.gate_reports import junit, markdown, sarif

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def row(**changed: Any) -> dict[str, Any]:
    return {
        "watchlist_id": "watchlist_me_a_1",
        "name": "me/a",
        "repository_url": "https://github.com/me/a",
        "status": "ready",
        "verdict": {"state": "active", "reasons": [{"code": "x", "message": "It is."}]},
        "score": 7.0,
        "last_commit_by_person_at": (NOW - timedelta(days=10)).isoformat(),
        "open_alerts": {"critical": 0, "mild": 0},
        **changed,
    }


def verdict(state: str) -> dict[str, Any]:
    return {"state": state, "reasons": [{"code": "x", "message": "Because."}]}


EVERYTHING = Policy(min_score=5, max_quiet_days=365, no_open="critical", unknown=OnUnknown.FAIL)


def codes(policy: Policy, **changed: Any) -> list[str]:
    return [finding.code for finding in evaluate([row(**changed)], policy, NOW)]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"score": 5.0}, []),
        ({"score": 4.9}, ["score"]),
        ({"score": None}, ["unknown"]),
        ({"last_commit_by_person_at": (NOW - timedelta(days=365)).isoformat()}, []),
        ({"last_commit_by_person_at": (NOW - timedelta(days=366)).isoformat()}, ["quiet"]),
        ({"last_commit_by_person_at": None}, ["unknown"]),
        ({"open_alerts": {"critical": 0, "mild": 3}}, []),
        ({"open_alerts": {"critical": 1, "mild": 0}}, ["alerts"]),
        ({"verdict": verdict("gone")}, ["verdict"]),
        ({"verdict": verdict("archived")}, ["verdict"]),
        ({"verdict": verdict("dormant")}, []),
        ({"verdict": verdict("unknown")}, ["unknown"]),
        ({"verdict": verdict("failing")}, ["unknown"]),
        ({"status": "failed", "verdict": verdict("gone")}, ["verdict"]),
        (
            {
                "status": "failed",
                "verdict": verdict("failing"),
                "score": None,
                "last_commit_by_person_at": None,
                "open_alerts": {"critical": 1, "mild": 0},
            },
            ["unknown", "unknown", "unknown", "alerts"],
        ),
        ({"status": "processing", "score": None, "last_commit_by_person_at": None}, ["unknown"]),
        (
            {"score": 1.0, "verdict": verdict("gone"), "open_alerts": {"critical": 2, "mild": 0}},
            ["verdict", "score", "alerts"],
        ),
    ],
)
def test_each_rule_finds_what_it_is_for(changed: dict[str, Any], expected: list[str]) -> None:
    assert codes(EVERYTHING, **changed) == expected


def test_a_level_forbids_those_above_it_too() -> None:
    policy = Policy(no_open="mild")
    assert codes(policy, open_alerts={"critical": 1, "mild": 0}) == ["alerts"]
    assert codes(policy, open_alerts={"critical": 0, "mild": 1}) == ["alerts"]


def test_what_is_not_known_never_passes_silently() -> None:
    (finding,) = evaluate([row(verdict=verdict("unknown"))], Policy(), NOW)
    assert not finding.fails
    assert passes([finding])
    (finding,) = evaluate([row(verdict=verdict("unknown"))], Policy(unknown=OnUnknown.FAIL), NOW)
    assert finding.fails
    assert not passes([finding])


def test_an_exception_lets_one_repository_pass_until_its_end() -> None:
    gone = row(verdict=verdict("gone"))
    waiver = Waiver("me/a", "we fork it", NOW.date())
    assert passes(evaluate([gone], Policy(waivers=(waiver,)), NOW))
    assert not passes(evaluate([gone], Policy(waivers=(waiver,)), NOW + timedelta(days=1)))
    assert not passes(evaluate([gone | {"repository_url": "https://github.com/you/a"}], Policy(waivers=(waiver,)), NOW))
    by_address = Waiver("https://github.com/ME/a", "as above", NOW.date())
    assert passes(evaluate([gone], Policy(waivers=(by_address,)), NOW))


def test_failures_come_first() -> None:
    rows = [row(score=None), row(name="me/b", score=1.0)]
    findings = evaluate(rows, Policy(min_score=5), NOW)
    assert [(finding.row["name"], finding.fails) for finding in findings] == [("me/b", True), ("me/a", False)]


def test_a_policy_comes_from_a_file_and_options_go_before_it(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(
        'min_score = 5\nmax_quiet_days = 365\nno_open = "critical"\ndeny = ["gone"]\nunknown = "fail"\n'
        '[[exceptions]]\nrepository = "me/a"\nreason = "we fork it"\nuntil = 2026-12-31\n'
    )
    assert gating.policy_of(path, {"min_score": 7.5}) == Policy(
        min_score=7.5,
        max_quiet_days=365,
        no_open="critical",
        deny=("gone",),
        unknown=OnUnknown.FAIL,
        waivers=(Waiver("me/a", "we fork it", date(2026, 12, 31)),),
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[", "policy.toml"),
        ("minscore = 5", "'minscore' means nothing; known are min_score"),
        ("min_score = 11", "min_score: must be a number from 0 to 10"),
        ("min_score = true", "must be a number"),
        ('no_open = "severe"', "must be one of mild, critical"),
        ('deny = "gone"', "must be a list"),
        ('deny = ["dead"]', "must be one of gone"),
        ('unknown = "ignore"', "must be one of fail, warn"),
        ('[[exceptions]]\nrepository = "me/a"\nuntil = 2026-12-31', "names its repository and its reason"),
        ('[[exceptions]]\nrepository = "me/a"\nreason = "x"', "has an end, a date"),
        ('[[exceptions]]\nrepository = "me/a"\nreason = "x"\nuntil = "soon"', "has an end, a date"),
        ('[[exceptions]]\nrepository = "me/a"\nreason = "x"\nuntil = 2026-12-31\nfor = 1', "for means nothing"),
        ("exceptions = [1]", "an exception is a table"),
        ("exceptions = 1", "exceptions"),
    ],
)
def test_a_policy_that_means_nothing_is_refused_with_the_reason(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(content)
    with pytest.raises(CommandError, match=reason):
        gating.policy_of(path, {})


def findings() -> tuple[list[dict[str, Any]], list[Finding]]:
    rows = [
        row(name="me/good"),
        row(name="me/\x00bad & <x>", score=1.0),
        row(name="me/waived", repository_url="https://github.com/me/waived", verdict=verdict("gone")),
        row(name="me/unknown", score=None),
    ]
    policy = Policy(min_score=5, waivers=(Waiver("me/waived", "we fork it", NOW.date()),))
    return rows, evaluate(rows, policy, NOW)


def test_a_junit_report_has_a_case_for_each_repository() -> None:
    rows, found = findings()
    suite = ET.fromstring(junit(rows, found))  # noqa: S314 - what was just written
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "2")
    results = {case.get("name"): [(result.tag, result.get("message")) for result in case] for case in suite}
    assert results == {
        "me/good": [],
        "me/ bad & <x>": [("failure", "its score is 1, less than 5")],
        "me/waived": [("skipped", f"it is gone: Because.; allowed until {NOW.date()}: we fork it")],
        "me/unknown": [("skipped", "warning: it has no score")],
    }


def test_a_sarif_log_has_a_result_for_each_finding_and_its_rule() -> None:
    _, found = findings()
    (run,) = json.loads(sarif(found, "requirements.txt"))["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert [(result["ruleId"], result["level"], "suppressions" in result) for result in run["results"]] == [
        ("score", "error", False),
        ("verdict", "error", True),
        ("unknown", "warning", False),
    ]
    assert {result["ruleId"] for result in run["results"]} <= rules
    assert len({result["partialFingerprints"]["repositoryRule/v1"] for result in run["results"]}) == 3


def test_a_summary_in_markdown_shows_strangers_texts_as_text() -> None:
    rows, found = findings()
    text = markdown(rows, found)
    assert text.startswith("## Watchlist gate: failed\n\n")
    assert r"| fails | me/ bad & \<x\> | its score is 1, less than 5 |" in text
    assert "| waived | me/waived | it is gone: Because.; allowed until" in text
    assert markdown(rows[:1], []).splitlines()[0] == "## Watchlist gate: passed"
