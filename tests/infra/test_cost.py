import dataclasses
import hashlib
import json
import re
from datetime import UTC, datetime

import pytest

from infra.environments import DEV, ENVIRONMENTS, Insight
from infra.operations import cost
from tests.infra.templates import Template
from watchlist import limits
from watchlist.history import segments
from watchlist.history.commits import Commit, FileChange, Signature
from watchlist.history.segments import KeptCommit
from watchlist.storage import batches
from watchlist.storage.records import HealthRecord


def test_the_document_shows_what_the_templates_cost(dev: Template) -> None:
    document = cost.DOCUMENT.read_text()
    for item in cost.at_rest(json.loads(dev.path.read_text())):
        assert f"| {item.name} | {item.amount} | {item.dollars:.2f} |" in document


def test_a_nat_gateway_is_the_largest_item_of_a_private_network(dev: Template, everything: Template) -> None:
    by_name = {item.name: item.dollars for item in cost.at_rest(json.loads(everything.path.read_text()))}
    assert by_name["NAT gateway"] == max(by_name.values())
    public = {item.name: item.dollars for item in cost.at_rest(json.loads(dev.path.read_text()))}
    assert public["NAT gateway"] == 0


def test_an_alarm_over_an_expression_is_billed_by_its_metrics(dev: Template) -> None:
    alarms = dev.properties("AWS::CloudWatch::Alarm").values()
    (amount,) = (item.amount for item in cost.at_rest(json.loads(dev.path.read_text())) if item.name == "alarms")
    assert int(amount.split()[0]) > len(alarms)


def test_what_runs_by_the_clock_is_counted_in_the_template(dev: Template) -> None:
    (item,) = (item for item in cost.at_rest(json.loads(dev.path.read_text())) if item.name == "what runs by the clock")
    hours = 730
    assert item.amount == f"{hours * 60 + 2 * hours * 12} runs"  # each minute, and twice each five minutes


def test_a_schedule_that_cannot_be_counted_is_an_error() -> None:
    template = {
        "Resources": {"S": {"Type": "AWS::Scheduler::Schedule", "Properties": {"ScheduleExpression": "cron(0 1 * *)"}}}
    }
    with pytest.raises(ValueError, match="cron"):
        cost.at_rest(template)


def test_the_document_names_each_price_with_its_source() -> None:
    document = cost.DOCUMENT.read_text()
    for name, price in cost.PRICES.items():
        assert f"| {name} | " in document
        assert price.source in document


def test_twice_as_many_repositories_cost_twice_as_much() -> None:
    for bill in (cost.setup_of, cost.month_of):
        once = sum(item.dollars for item in bill(1000, DEV))
        assert sum(item.dollars for item in bill(2000, DEV)) == pytest.approx(2 * once)


@pytest.mark.parametrize(("use", "dollars"), [(cost.PER_REPOSITORY, 3.50), (cost.AT_REST, 0.60)])
def test_a_month_of_a_thousand_repositories_costs_what_was_aimed_at(use: cost.RepositoryUse, dollars: float) -> None:
    for environment in ENVIRONMENTS:
        assert sum(item.dollars for item in cost.month_of(1000, environment, use)) <= dollars


def test_an_environment_that_nobody_uses_costs_what_was_aimed_at(dev: Template) -> None:
    assert sum(item.dollars for item in cost.at_rest(json.loads(dev.path.read_text()))) < 8


def test_each_choice_of_insight_is_counted_as_the_templates_have_it(everything: Template) -> None:
    names = {re.match(r"`(\w+)`", item.name)[1] for item in cost.choices()}  # type: ignore[index] # each has one
    assert names == {field.name for field in dataclasses.fields(Insight)}

    def count(template: Template, kind: str) -> int:
        return sum(resource["Type"] == kind for resource in template.resources.values())

    amounts = {item.name.split("`")[1]: item.amount for item in cost.choices()}
    assert amounts["dashboard"] == str(count(everything, "AWS::CloudWatch::Dashboard"))
    throttles = [
        alarm for alarm in everything.properties("AWS::CloudWatch::Alarm").values() if "throttled" in alarm["AlarmName"]
    ]
    metrics = sum("MetricStat" in query for alarm in throttles for query in alarm["Metrics"])
    assert amounts["throttled_tables"] == f"{metrics} metrics in alarms"


def test_a_new_history_and_a_refresh_take_no_more_units_than_is_assumed() -> None:
    """Commits like those of curl: half a kilobyte of text that compresses to half, and three files each."""
    who = Signature("Ada Lovelace", "ada@example.org", datetime(2026, 1, 31, tzinfo=UTC))
    commits = [
        Commit(
            sha := hashlib.sha1(b"%d" % number, usedforsecurity=False).hexdigest(),
            (hashlib.sha1(b"%d" % (number + 1), usedforsecurity=False).hexdigest(),),
            who,
            who,
            f"{sha[:6]} change {sha[6:12]}",
            f"{sha[:6]} change {sha[6:12]}\n\nThe {sha[12:20]} was {sha[20:24]}.\n" + sha * 4,
            signed=False,
            files=tuple(FileChange(f"lib/{sha[at : at + 4]}.c", at, at) for at in (1, 2, 3)),
        )
        for number in range(limits.SEGMENT_COMMITS)
    ]
    (packed,) = segments.pack([KeptCommit.of(commit) for commit in commits])
    (one,) = segments.pack([KeptCommit.of(commits[0])])
    kilobytes = (len(packed.listed) + len(packed.changes)) / 1024
    assert kilobytes <= cost.UNITS_PER_COMMIT * limits.SEGMENT_COMMITS
    assert (len(one.listed) + len(one.changes)) / 1024 <= cost.UNITS_PER_REFRESHED_HISTORY


def test_a_task_of_a_refresh_is_billed_in_the_size_that_it_is_started_with(dev: Template) -> None:
    (dispatcher,) = (
        each["Environment"]["Variables"]
        for each in dev.properties("AWS::Lambda::Function").values()
        if "REFRESH_TASK_CPU" in each.get("Environment", {}).get("Variables", {})
    )
    assert dispatcher["REFRESH_TASK_CPU"] == str(DEV.refresh_task_cpu)
    assert dispatcher["REFRESH_TASK_MEMORY"] == str(DEV.refresh_task_memory)


def test_an_analysis_takes_no_more_units_than_is_assumed() -> None:
    now = datetime(2026, 1, 31, tzinfo=UTC)
    check = {
        "score": 5,
        "reason": "a sentence of the usual length about this check",
        "documentation_url": "https://x/y",
    }
    details = [
        f"Warn: {number}: dependency not pinned by hash: .github/workflows/ci.yml:{number}" for number in range(10)
    ]
    document = {
        "scorecard": {"checks": [{"name": f"Check-{number}", **check, "details": details} for number in range(18)]},
        "history_metrics": {f"metric_{number}": number / 7 for number in range(150)},
    }
    analysis = HealthRecord("watchlist_a_b_1", "HEALTH#1", analyzed_at=now, head_sha="1" * 40, document=document)
    assert batches.units(analysis.serialize()) <= cost.HEALTH_UNITS
