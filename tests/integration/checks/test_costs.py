"""What runs by the clock reads, writes, logs and measures is what docs/cost.md assumes."""

import json
import time
from typing import Any

import pytest

from infra.operations import assumptions, cost
from infra.stack.schedules import SCHEDULED, Scheduled
from local_service.functions.host import Context
from local_service.provisioning import Environment
from tests.integration.aws import Aws
from tests.integration.checks.harness import Scheduler, Watchlist
from tests.integration.units import Units, counted, heard

CHECKS = 10


@pytest.mark.parametrize("scheduled", SCHEDULED, ids=lambda scheduled: scheduled.function.name)
def test_a_run_that_finds_nothing_to_do_takes_what_the_costs_assume(
    aws: Aws, environment: Environment, scheduled: Scheduled
) -> None:
    del environment  # empty
    name = scheduled.function.name

    def run() -> None:
        context: Any = Context(name, "$LATEST", "arn:x:x:x:x:x:x", "512", "request", "log", "stream", time.time() + 300)
        aws.functions[name].handler({}, context)

    run()  # the first one looks at what never changes
    with counted() as units, heard() as log:
        run()

    said = log.getvalue()
    (emitted,) = [json.loads(line) for line in said.splitlines() if '"_aws"' in line]
    (directive,) = emitted["_aws"]["CloudWatchMetrics"]
    assert [metric["Name"] for metric in directive["Metrics"]] == [scheduled.run]
    assert scheduled.run in cost.METRICS_AT_REST
    assert units["entry"] + units["others"] == assumptions.WRITES_OF_IDLE_RUN[name]
    assert (units["indexes"], units["queue"]) == (0, 0)
    assert units["reads"] == assumptions.READS_OF_IDLE_RUN[name]
    kilobytes = len(said) / 1024
    assert kilobytes <= assumptions.LOG_KILOBYTES_OF_IDLE_RUN[name] <= 2 * kilobytes


def test_a_check_reads_no_more_than_the_costs_assume(scheduler: Scheduler, watchlist: Watchlist) -> None:
    def run() -> Units:
        with counted() as units:
            scheduler.run()
        return units

    for number in range(CHECKS):
        watchlist.add_ready(f"still-{number}")
    checked, idle = run(), run()
    assert checked["entry"] >= CHECKS
    assert (checked["reads"] - idle["reads"]) / CHECKS <= assumptions.READS_OF_CHECK
