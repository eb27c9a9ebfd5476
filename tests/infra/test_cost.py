import ast
import dataclasses
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.environments import DEV, ENVIRONMENTS, Insight
from infra.operations import assumptions, cost, estimates
from infra.stack.schedules import SCHEDULED
from tests.infra.templates import Template
from watchlist import limits
from watchlist.history import segments
from watchlist.history.commits import Commit, FileChange, Signature
from watchlist.history.segments import KeptCommit
from watchlist.releases.kept import KeptTag, Release
from watchlist.storage import batches
from watchlist.storage.records import HealthRecord, TagsRecord

TESTS = Path(__file__).parents[1]

UNITS = {
    *("_HOURS", "DAYS", "_HOUR", "_MINUTE", "_MINUTES", "_MILLION", "_CPU_UNITS", "_MIB"),
    *("_KILOBYTES_OF_READ", "_KILOBYTES_OF_LAX_READ", "_SHOWN"),
}


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
    assert sum(timedelta(hours=hours) / scheduled.interval for scheduled in SCHEDULED) == hours * 60 + 2 * hours * 12


def test_what_a_run_by_the_clock_takes_is_known_of_each() -> None:
    names = {scheduled.function.name for scheduled in SCHEDULED}
    assert names == assumptions.READS_OF_IDLE_RUN.keys() == assumptions.WRITES_OF_IDLE_RUN.keys()
    assert names == assumptions.LOG_KILOBYTES_OF_IDLE_RUN.keys()


def test_each_assumption_about_the_code_is_compared_with_it_by_a_test() -> None:
    assumed = {name for name in vars(assumptions) if name.isupper()}
    compared = {name for path in TESTS.rglob("test_*.py") for name in _asserted(ast.parse(path.read_text()))}
    assert compared == assumed


def test_the_bills_have_no_figures_of_their_own() -> None:
    """Units apart, each number is an assumption, an estimate, a price or a constant of the code."""
    numbers = {
        (name, node.value)
        for statement in _tree_of_the_bills().body
        for name in [ast.unparse(statement.targets[0]) if isinstance(statement, ast.Assign) else ""]
        for node in ast.walk(statement)
        if isinstance(node, ast.Constant) and type(node.value) in {int, float} and name not in UNITS
    }
    assert {value for _, value in numbers} <= {0, 1, 2}


def test_each_estimate_and_price_is_used_and_shown() -> None:
    document = cost.DOCUMENT.read_text()
    for function, known in (("_estimated", estimates.ESTIMATES), ("_price", estimates.PRICES)):
        used = {
            ast.literal_eval(node.args[0])
            for node in ast.walk(_tree_of_the_bills())
            if isinstance(node, ast.Call) and ast.unparse(node.func) == function
        }
        assert used == known.keys()
    for name, estimate in estimates.ESTIMATES.items():
        assert f"| {name} | {estimate.value:g} | {estimate.reason} |" in document


def _asserted(tree: ast.Module) -> Iterator[str]:
    """Yield the assumptions that a module's tests compare with something."""
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == assumptions.__name__
        for alias in node.names
    }
    compared = [node for node in ast.walk(tree) if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare)]
    for node in (inner for each in compared for inner in ast.walk(each)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "assumptions":
            yield node.attr
        elif isinstance(node, ast.Name) and node.id in imported:
            yield node.id


def _tree_of_the_bills() -> ast.Module:
    return ast.parse(Path(cost.__file__).read_text())


def test_a_schedule_that_cannot_be_counted_is_an_error() -> None:
    template = {
        "Resources": {"S": {"Type": "AWS::Scheduler::Schedule", "Properties": {"ScheduleExpression": "cron(0 1 * *)"}}}
    }
    with pytest.raises(ValueError, match="cron"):
        cost.at_rest(template)


def test_the_document_names_each_price_with_its_source() -> None:
    document = cost.DOCUMENT.read_text()
    for name, price in estimates.PRICES.items():
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
    amounts = {item.name.split("`")[1]: item.amount for item in cost.choices()}
    assert amounts.keys() == {field.name for field in dataclasses.fields(Insight)}

    def count(template: Template, kind: str) -> int:
        return sum(resource["Type"] == kind for resource in template.resources.values())

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
    assert kilobytes <= assumptions.UNITS_PER_COMMIT * limits.SEGMENT_COMMITS
    assert (len(one.listed) + len(one.changes)) / 1024 <= assumptions.UNITS_PER_REFRESHED_HISTORY


def test_a_tag_takes_no_more_write_units_than_assumed() -> None:
    """Tags like those of most: annotated, with a date, each a version."""
    number = int(estimates.ESTIMATES["tags of a repository"].value)
    tags = [
        KeptTag(
            f"v{minor // 10}.{minor % 10}.0",
            hashlib.sha1(b"%d" % minor, usedforsecurity=False).hexdigest(),
            hashlib.sha1(b"of %d" % minor, usedforsecurity=False).hexdigest(),
            datetime(2026, 1, 31, tzinfo=UTC),
            Release(f"{minor // 10}.{minor % 10}.0"),
        )
        for minor in range(number)
    ]
    record = TagsRecord("watchlist_a_b_1", "TAGS#1", tags=[tag.to_row() for tag in tags])
    assert batches.units(record.serialize()) <= assumptions.UNITS_PER_TAG * number


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
    assert batches.units(analysis.serialize()) <= assumptions.HEALTH_UNITS
