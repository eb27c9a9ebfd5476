"""POST /activity/queues/{queue}/redrive: what lies in a queue's dead-letter queue is tried again."""

from http import HTTPStatus
from typing import Annotated

import boto3
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path
from botocore.exceptions import ClientError
from pydantic import BaseModel, Field

from functions import startup
from functions.http import api as http_api
from functions.http import responses
from functions.http.callers import require_operator
from functions.http.problems import ProblemCode
from functions.http.shapes.jobs import QueueName
from watchlist.deployment import routes
from watchlist.job_kinds import JobKind

function = startup.Function(routes.REDRIVE.function)
logger = function.logger
sqs = function.part(lambda _: boto3.client("sqs", config=startup.CLIENT_CONFIG))
router = http_api.router()

_UNDER_WAY = "AWS.SimpleQueueService.UnsupportedOperation"
"""What SQS answers while it moves the queue's messages already: one such task runs at a time for each queue."""


class RedriveAnswer(BaseModel):
    """What is sent back."""

    queue: QueueName
    dead_letters: Annotated[
        int,
        Field(description="About how many there were; jobs that have been overtaken since are dropped.", examples=[3]),
    ]


@router.post(
    http_api.rule(routes.REDRIVE),
    summary="Send dead letters back to their queue",
    operation_id="redrive",
    tags=["operations"],
    responses=responses.of(
        {202: {"description": "SQS moves them; GET /activity/queues shows how far it is."}},
        ProblemCode.INVALID_FIELDS,
        ProblemCode.NOT_YOURS,
        ProblemCode.OPERATORS_ONLY,
        ProblemCode.NOT_FOUND,
    ),
)
def redrive(
    queue: Annotated[JobKind, Path(description="The queue.", examples=[JobKind.REPOSITORY_SETUP])],
) -> Response[RedriveAnswer]:
    """Start the move, or leave it to one that is under way; a job that is still current begins anew."""
    require_operator(router)
    attributes = sqs().get_queue_attributes(
        QueueUrl=function.settings.dead_letter_queue_urls[queue],
        AttributeNames=["QueueArn", "ApproximateNumberOfMessages"],
    )["Attributes"]
    try:
        sqs().start_message_move_task(SourceArn=attributes["QueueArn"])
    except ClientError as error:
        if error.response["Error"]["Code"] != _UNDER_WAY:
            raise
    number = int(attributes["ApproximateNumberOfMessages"])
    logger.info("dead letters sent back", queue=queue, dead_letters=number)
    return Response(HTTPStatus.ACCEPTED, "application/json", RedriveAnswer(queue=queue, dead_letters=number))


handler = http_api.handler(function, router)
