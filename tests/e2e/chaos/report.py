"""The run's table, and its last line."""

from rich.console import Console
from rich.table import Table

from tests.e2e.chaos.checks import Kind
from tests.e2e.chaos.run import Result

_FINDINGS_SHOWN = 40


def show(result: Result, console: Console) -> None:
    """Print what happened, what is wrong, and the last line."""
    console.print(_table(result))
    for finding in result.findings[:_FINDINGS_SHOWN]:
        console.print(f"{finding.kind}: {finding.text}", markup=False, highlight=False, soft_wrap=True)
    if len(result.findings) > _FINDINGS_SHOWN:
        console.print(f"... and {len(result.findings) - _FINDINGS_SHOWN} more")
    console.print(last_line(result), markup=False, highlight=False, soft_wrap=True)


def last_line(result: Result) -> str:
    """Return the outcome in numbers."""
    wrong = " ".join(f"{kind}={result.count(kind)}" for kind in (Kind.LOST, Kind.STUCK, Kind.DOUBLED))
    statuses = result.statuses
    return (
        f"adds={result.adds} faults={sum(result.faults.values())} "
        f"ready={statuses['ready']} failed={statuses['failed']} {wrong}"
    )


def _table(result: Result) -> Table:
    plan, seen = result.plan, result.observation
    table = Table(title=f"Chaos run, seed {plan.seed}", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("Repositories", str(plan.repositories))
    table.add_row("Users", str(plan.users))
    table.add_row("Minutes under harm", f"{plan.minutes:g}")
    table.add_section()
    table.add_row("Adds accepted", str(result.adds))
    table.add_row("Answers 5xx to adds", str(sum(len(outcome.refusals) for outcome in seen.outcomes)))
    table.add_row("Adds given up", str(sum(outcome.watchlist_id is None for outcome in seen.outcomes)))
    table.add_row("Failed entries retried", str(result.retries))
    table.add_section()
    for kind, number in sorted(result.faults.items()):
        table.add_row(f"Fault: {kind}", str(number))
    table.add_section()
    for status, number in sorted(result.statuses.items()):
        table.add_row(f"Entries {status}", str(number))
    table.add_row("Dead letters", str(len(seen.dead_letters)))
    times = [entry.time_in_processing for entry in seen.entries.values() if entry]
    longest = max((time.total_seconds() for time in times if time is not None), default=0.0)
    table.add_row("Longest time in processing", f"{longest:.1f} s")
    table.add_row("From the end of the harm to rest", f"{result.seconds_to_rest:.1f} s")
    return table
