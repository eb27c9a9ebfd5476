"""`ops`: queues, recent jobs and dead letters, for operators."""

from typing import Any

from watchlist_cli.errors import ExitCode
from watchlist_cli.output import Cell, Form, age
from watchlist_cli.session import Session

_QUEUE_COLUMNS = ("queue", "waiting", "in flight", "delayed", "dead letters", "oldest")
_JOB_COLUMNS = ("queue", "repository", "outcome", "attempts", "queued s", "run s", "ended", "error")


def queues(session: Session) -> ExitCode:
    """Print the depth of each queue."""
    found = session.client.get("/activity/queues")["queues"]
    if session.printer.form is Form.JSON:
        session.printer.objects(found)
    else:
        session.printer.table(_QUEUE_COLUMNS, [_queue(queue) for queue in found])
    return ExitCode.GOOD


def _queue(queue: dict[str, Any]) -> tuple[Cell, ...]:
    oldest = queue["oldest_seconds"]
    numbers = [str(queue[name]) for name in ("waiting", "in_flight", "delayed")]
    dead = Cell(str(queue["dead_letters"]), "red" if queue["dead_letters"] else "")
    return (Cell(queue["queue"]), *map(Cell, numbers), dead, Cell("-" if oldest is None else f"{oldest:.0f} s"))


def jobs(session: Session) -> ExitCode:
    """Print recent jobs of each queue, the newest first."""
    found = session.client.get("/activity/jobs")["queues"]
    if session.printer.form is Form.JSON:
        session.printer.objects(found)
    else:
        rows = [_job(each["queue"], job) for each in found for job in (*each["failed"], *each["completed"])]
        session.printer.table(_JOB_COLUMNS, rows)
    return ExitCode.GOOD


def _job(queue: str, job: dict[str, Any]) -> tuple[Cell, ...]:
    seconds = ["-" if job[name] is None else f"{job[name]:.1f}" for name in ("seconds_queued", "seconds_run")]
    error = job["error"]
    return (
        Cell(queue),
        Cell(job["repository_url"].partition("://")[2]),
        Cell(job["outcome"], "green" if job["outcome"] == "ready" else "red"),
        Cell(str(job["attempts"])),
        *map(Cell, seconds),
        Cell(age(job["ended_at"])),
        Cell("-" if error is None else f"{error['code']}: {error['message']}"),
    )


def redrive(session: Session, queue: str, *, yes: bool) -> ExitCode:
    """Send what lies in a queue's dead-letter queue back to it.

    Args:
        session: of this run.
        queue: its name, as `ops queues` shows it.
        yes: whether the person has agreed already.
    """
    if not yes:
        session.agree(f"Send all dead letters of {queue} back?")
    answer = session.client.send("POST", f"/activity/queues/{queue}/redrive")
    if session.printer.form is Form.JSON:
        session.printer.objects(answer)
    else:
        session.printer.line(f"{answer['queue']}: {answer['dead_letters']} dead letters are sent back")
    return ExitCode.GOOD
