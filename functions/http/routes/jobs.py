"""GET /activity/jobs, /activity/jobs/open and /activity/queues: what became of recent jobs, what waits and why."""

from datetime import datetime

import boto3

from functions import startup
from functions.http import api as http_api
from functions.http import responses
from functions.http.callers import require_operator
from functions.http.problems import ProblemCode
from functions.http.shapes.jobs import (
    JobAnswer,
    JobsAnswer,
    OpenJobAnswer,
    OpenJobsAnswer,
    QueueAnswer,
    QueueJobs,
    QueuesAnswer,
    TasksAnswer,
)
from watchlist import clock
from watchlist.deployment import routes
from watchlist.job_kinds import JobKind
from watchlist.jobs import ended as job_records
from watchlist.jobs import task_slots
from watchlist.jobs.open import open_jobs
from watchlist.states import Share

function = startup.Function(routes.JOBS.function)
sqs = function.part(lambda _: boto3.client("sqs", config=startup.CLIENT_CONFIG))
router = http_api.router()


@router.get(
    http_api.rule(routes.JOBS),
    summary="Show recent jobs",
    operation_id="listJobs",
    tags=["operations"],
    responses=responses.of(
        {200: {"description": "The recent jobs of each queue, newest first."}},
        ProblemCode.NOT_YOURS,
        ProblemCode.OPERATORS_ONLY,
    ),
)
def list_jobs() -> JobsAnswer:
    """Show the last completed and the last failed jobs of each queue with their durations and errors."""
    require_operator(router)
    return JobsAnswer(
        queues=[
            QueueJobs(
                queue=kind,
                completed=[JobAnswer.of(record) for record in job_records.completed(kind)],
                failed=[JobAnswer.of(record) for record in job_records.failed(kind)],
            )
            for kind in JobKind
        ]
    )


@router.get(
    http_api.rule(routes.OPEN_JOBS),
    summary="Show jobs that have not ended",
    operation_id="listOpenJobs",
    tags=["operations"],
    responses=responses.of(
        {200: {"description": "Open jobs, where each stands and why."}},
        ProblemCode.NOT_YOURS,
        ProblemCode.OPERATORS_ONLY,
    ),
)
def list_open_jobs() -> OpenJobsAnswer:
    """Show the jobs of each queue that are open longest, and why each is not further."""
    require_operator(router)
    now = clock.now()
    of_queues = [open_jobs(kind) for kind in JobKind]
    return OpenJobsAnswer(
        items=[OpenJobAnswer.of(entry, now) for each in of_queues for entry in each.longest],
        more=any(each.has_more for each in of_queues),
    )


@router.get(
    http_api.rule(routes.QUEUES),
    summary="Show the depth of the queues",
    operation_id="listQueues",
    tags=["operations"],
    responses=responses.of(
        {200: {"description": "Each queue with its dead-letter queue."}},
        ProblemCode.NOT_YOURS,
        ProblemCode.OPERATORS_ONLY,
    ),
)
def list_queues() -> QueuesAnswer:
    """Show what waits, is in flight or delayed in each queue, what needs an operator, and how many tasks run."""
    require_operator(router)
    now = clock.now()
    bounds = {Share.of(kind): function.settings.max_tasks(kind) for kind in JobKind}
    return QueuesAnswer(
        queues=[_queue(kind, now) for kind in JobKind],
        tasks=[
            TasksAnswer(share=share, taken=task_slots.taken(share, now), slots=slots) for share, slots in bounds.items()
        ],
    )


def _queue(kind: JobKind, now: datetime) -> QueueAnswer:
    depth = _depth(function.settings.queue_urls[kind])
    dead = _depth(function.settings.dead_letter_queue_urls[kind])
    oldest = job_records.oldest_open(kind)
    return QueueAnswer(
        queue=kind,
        waiting=depth["ApproximateNumberOfMessages"],
        in_flight=depth["ApproximateNumberOfMessagesNotVisible"],
        delayed=depth["ApproximateNumberOfMessagesDelayed"],
        dead_letters=dead["ApproximateNumberOfMessages"] + dead["ApproximateNumberOfMessagesNotVisible"],
        oldest_seconds=None if oldest is None else max(0.0, (now - oldest).total_seconds()),
    )


def _depth(queue_url: str) -> dict[str, int]:
    response = sqs().get_queue_attributes(
        QueueUrl=queue_url,
        AttributeNames=[
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ],
    )
    return {name: int(value) for name, value in response["Attributes"].items()}


handler = http_api.handler(function, router)
