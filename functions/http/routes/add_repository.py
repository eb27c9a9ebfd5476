"""POST /activity/user-watchlist-added: put a repository on a user's watchlist."""

import contextlib
import copy
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Header
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyValidationError,
)
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from functions import startup
from functions.http import api as http_api
from functions.http import responses
from functions.http.callers import NotYoursError, acting_as, caller_of
from functions.http.faults import sentence, with_known_fields
from functions.http.parameters import Labels, Notes, UserName
from functions.http.problems import Problem, ProblemCode, describe, problem
from functions.http.refusals import fields_at_fault, problem_of
from functions.http.shapes.adding import AddAnswer, BatchAnswer, BatchItemAnswer, BatchOutcome
from watchlist import clock, limits
from watchlist.alerts.settings import AlertSettings
from watchlist.deployment import routes
from watchlist.errors import ServiceUnavailableError
from watchlist.git.requests import GitHosts, RemoteLimits
from watchlist.repository_spelling import read_repository
from watchlist.repository_url import Repository
from watchlist.states import EntryStatus
from watchlist.storage import tables
from watchlist.storage.records import Entry, GivenAnswer
from watchlist.watching.adding import Added, Adding, NotDoneError, Refusal, Watch
from watchlist.watching.allowances import Allowance, WatchlistFullError, give_back, hold, release, spend
from watchlist.watching.entries import AlreadyWatchingError, user_watchlist_id_of

function = startup.Function(routes.ADD.function)
logger = function.logger
queue = function.part(startup.job_queue)
router = http_api.router()
stored_answers = function.part(
    lambda settings: DynamoDBPersistenceLayer(
        table_name=settings.watchlist_table,
        key_attr=tables.HASH_KEY,
        sort_key_attr=tables.RANGE_KEY,
        expiry_attr=tables.TIME_TO_LIVE,
        boto_config=startup.CLIENT_CONFIG,
    )
)
idempotency = IdempotencyConfig(
    event_key_jmespath="key",
    payload_validation_jmespath="body",
    expires_after_seconds=int(limits.IDEMPOTENCY_RETENTION.total_seconds()),
    hash_function="sha256",
)

Request = TypeVar("Request", bound=BaseModel)
Answer = TypeVar("Answer", bound=BaseModel)

_KEY_PREFIXES: dict[type[BaseModel], str] = {AddAnswer: "add", BatchAnswer: "add-batch"}
"""What the keys of stored answers begin with: the same key may come with an add and with a batch."""

_MESSAGES = {
    EntryStatus.PROCESSING: "Repository added to watchlist. Background processing will begin shortly.",
    EntryStatus.READY: "Repository added to watchlist. It has been analysed already.",
    EntryStatus.FAILED: "Repository added to watchlist. Its processing has failed; it can be retried.",
}
_OUT_OF_TIME = "The time of the batch was up; nothing was done for this item."
_UNDER_WAY = "Repository added to watchlist. Background processing is under way."

_FAULTS_OF_ITEM = 3
"""Fields at fault that are named for each item of a batch: all answers fit into one item of the table."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=limits.IDEMPOTENCY_KEY_CHARACTERS,
        description="Any text of the caller's, as a UUID. The same request sent again with the same key within 24 "
        "hours gets the first answer again, unless that was an error.",
        examples=["6f1c2f9e-4a57-4d0e-9d0b-0c5d7a1e2b3c"],
    ),
]


class AddRequest(BaseModel):
    """A repository for a user's watchlist."""

    model_config = ConfigDict(extra="forbid")

    repo_url: Annotated[
        str,
        Field(
            strict=True,
            max_length=limits.REPOSITORY_SPELLING_CHARACTERS,
            description="The address of a public repository on a supported host, however it is spelled: `owner/name`, "
            "`https://<host>/<owner>/<name>`, as git takes it (`git@host:owner/name.git`), or a browser's address of "
            "one of its pages.",
            examples=["https://github.com/pallets/flask"],
            json_schema_extra={"format": "repository-url"},
        ),
    ]
    added_by: Annotated[UserName, Field(description="Who adds it.", examples=["ada@example.org"])]
    alerts: Annotated[AlertSettings, Field(default_factory=AlertSettings, description="Which alerts to raise.")]
    notes: Annotated[
        Notes | None,
        Field(description="Why it is watched.", examples=["We depend on it."]),
    ] = None
    labels: Annotated[Labels, Field(default_factory=list, description="The user's own.", examples=[["production"]])]

    @field_validator("repo_url")
    @classmethod
    def _is_watchable(cls, value: str) -> str:
        read_repository(value, function.settings.allowed_origins)
        return value

    @property
    def repository(self) -> Repository:
        """The repository that `repo_url` names."""
        return read_repository(self.repo_url, function.settings.allowed_origins)

    def to_watch(self) -> Watch:
        """Return what the user wishes."""
        alerts = self.alerts.model_dump(mode="json", exclude_unset=True)
        return Watch(self.repository, self.added_by, alerts, self.notes, tuple(self.labels))


class BatchRequest(BaseModel):
    """Repositories to add, each as the single add takes it."""

    model_config = ConfigDict(extra="forbid")

    items: Annotated[
        list[dict[str, Any]],
        Field(
            min_length=1,
            max_length=limits.BATCH_ADDS,
            description="Each an `AddRequest`; one that is wrong is rejected by itself.",
            examples=[
                [
                    {"repo_url": "https://github.com/pallets/flask", "added_by": "ada@example.org"},
                    {"repo_url": "https://github.com/pallets/click", "added_by": "ada@example.org"},
                ]
            ],
        ),
    ]


_PROBLEMS = (
    ProblemCode.MALFORMED_JSON,
    ProblemCode.INVALID_FIELDS,
    ProblemCode.UNSUPPORTED_MEDIA_TYPE,
    ProblemCode.BODY_TOO_LARGE,
    ProblemCode.NOT_YOURS,
    ProblemCode.LIMIT_REACHED,
    ProblemCode.WATCHLIST_FULL,
    ProblemCode.REQUEST_IN_PROGRESS,
    ProblemCode.IDEMPOTENCY_KEY_REUSED,
)


@router.post(
    http_api.rule(routes.ADD),
    summary="Add a repository to a user's watchlist",
    operation_id="addRepository",
    tags=["watchlist"],
    responses=responses.of(
        {
            202: {
                "description": "Added, or joined while it is being processed in the background.",
                "headers": {"Location": responses.LOCATION},
            },
            200: {
                "description": "Joined; the repository has been analysed already, or that has failed.",
                "headers": {"Location": responses.LOCATION},
            },
        },
        ProblemCode.ALREADY_WATCHING,
        *_PROBLEMS,
    ),
)
def add_repository(
    request: Annotated[AddRequest, Body()], idempotency_key: IdempotencyKey = None
) -> Response[AddAnswer]:
    """Answer at once with the entry's id; poll its status from then on."""
    acting_as(router, request.added_by)
    answer = _once(_add, request, AddAnswer, request.added_by, idempotency_key)
    return Response(
        HTTPStatus.ACCEPTED if answer.status is EntryStatus.PROCESSING else HTTPStatus.OK,
        "application/json",
        answer,
        headers={"Location": routes.STATUS.path.replace("{watchlist_id}", answer.watchlist_id)},
    )


@router.post(
    http_api.rule(routes.ADD_BATCH),
    summary=f"Add up to {limits.BATCH_ADDS} repositories",
    operation_id="addRepositories",
    tags=["watchlist"],
    responses=responses.of(
        {207: {"description": "One result per item, in order; each item stands for itself."}},
        ProblemCode.NOT_DONE,
        *_PROBLEMS,
    ),
)
def add_repositories(
    request: Annotated[BatchRequest, Body()], idempotency_key: IdempotencyKey = None
) -> Response[BatchAnswer]:
    """Add each item as the single add would; an item that is refused leaves the others alone."""
    answer = _once(_add_batch, request, BatchAnswer, caller_of(router) or "", idempotency_key)
    return Response(HTTPStatus.MULTI_STATUS, "application/json", answer)


def _names() -> GitHosts:
    """Return what asks hosts about former names, each add for so long at most."""
    seconds = limits.PRESENT_NAME_TIMEOUT.total_seconds()
    return GitHosts(function.settings.allowed_origins, RemoteLimits(seconds, connect_seconds=seconds, in_all=seconds))


def _adding(at: datetime, reader: GitHosts) -> Adding:
    return Adding(queue(), http_api.correlation_id(logger), at, reader)


def _add(request: AddRequest) -> AddAnswer:
    with _allowed([request.added_by]) as not_added:
        try:
            with _names() as reader:
                added = _adding(clock.now(), reader).add(request.to_watch())
        except (AlreadyWatchingError, ServiceUnavailableError):
            not_added.append(request.added_by)
            raise
    entry = added.entry
    logger.info("repository added", watchlist_id=entry.watchlist_id, is_new=added.is_new, job_id=entry.job_id)
    status = entry.entry_status
    message = _MESSAGES[status] if added.is_new or status is not EntryStatus.PROCESSING else _UNDER_WAY
    return AddAnswer.model_validate(
        {
            "message": message,
            "watchlist_id": entry.watchlist_id,
            "user_watchlist_id": user_watchlist_id_of(entry.watchlist_id, request.added_by),
            "status": status,
        }
    )


def _add_batch(request: BatchRequest) -> BatchAnswer:
    read = [_read_item(item) for item in request.items]
    watches = {index: each for index, each in enumerate(read) if isinstance(each, Watch)}
    results: dict[int, Added | Refusal | Problem]
    results = {index: each for index, each in enumerate(read) if isinstance(each, Problem)}
    now = clock.now()
    with _allowed([watch.user for watch in watches.values()]) as not_added, _names() as reader:
        added = _adding(now, reader).add_batch([*watches.values()], _ends(now))
        results |= zip(watches, added, strict=True)
        not_added += [watches[index].user for index in watches if not isinstance(results[index], Added)]
    give_back(caller_of(router), Allowance.ADDS, sum(isinstance(each, NotDoneError) for each in added), now)
    answers = [
        _item_answer(index, result, watches[index].user if index in watches else None)
        for index, result in sorted(results.items())
    ]
    logger.info("repositories added", items=len(answers), accepted=sum(item.problem is None for item in answers))
    return BatchAnswer(results=answers)


@contextlib.contextmanager
def _allowed(users: Sequence[str]) -> Iterator[list[str]]:
    """Count an add for each of these users, whose watchlists have room for it.

    Yields:
        An empty list, for the users for whom nothing was added in the end: their watchlists keep the room.

    Raises:
        LimitReachedError: the caller has asked for too much within the hour.
        WatchlistFullError: a user would watch too many repositories; nothing is counted.
    """
    caller, now, settings = caller_of(router), clock.now(), function.settings
    most = None if caller is None else settings.watched_by_a_user
    spend(caller, Allowance.ADDS, len(users), settings.adds_an_hour, now)
    held: dict[str, int] = {}
    try:
        for user, number in Counter(users).items():
            hold(user, number, most, now)
            held[user] = number
    except WatchlistFullError:
        give_back(caller, Allowance.ADDS, len(users), now)
        for user, number in held.items():
            release(user, number)
        raise
    not_added: list[str] = []
    try:
        yield not_added
    finally:
        for user, number in Counter(not_added).items():
            release(user, number)


def _ends(now: datetime) -> datetime:
    """Return when a batch begins no further items: in time for its answer."""
    left = timedelta(milliseconds=router.lambda_context.get_remaining_time_in_millis())
    return now + min(function.settings.batch_time, left - limits.BATCH_STOPS_BEFORE)


def _once(
    serve: Callable[[Request], Answer], request: Request, answer: type[Answer], user: str, key: str | None
) -> Answer:
    """Serve the request, or return what the same one was answered before; each user has their own keys."""
    if key is None:
        return serve(request)

    def serve_as_json(*, keyed: dict[str, Any]) -> dict[str, Any]:
        del keyed
        return serve(request).model_dump(mode="json")

    idempotency.register_lambda_context(router.lambda_context)
    served = idempotent_function(
        serve_as_json,
        data_keyword_argument="keyed",
        persistence_store=_answers_to(user),
        config=idempotency,
        key_prefix=_KEY_PREFIXES[answer],
    )
    keyed = {"key": [user, key], "body": request.model_dump(mode="json", exclude_unset=True)}
    return answer.model_validate(served(keyed=keyed))


def _answers_to(user: str) -> DynamoDBPersistenceLayer:
    """Return what keeps the answers in the user's own partition.

    A copy, since making one would add once more to what the client does at each call.
    """
    answers = copy.copy(stored_answers())
    answers.static_pk_value = GivenAnswer.pk_of(user)
    return answers


def _in_progress(_: IdempotencyAlreadyInProgressError) -> Response[str]:
    return problem(ProblemCode.REQUEST_IN_PROGRESS, "A request with this Idempotency-Key is being served.")


router.exception_handler(IdempotencyAlreadyInProgressError)(_in_progress)


def _key_reused(_: IdempotencyValidationError) -> Response[str]:
    return problem(ProblemCode.IDEMPOTENCY_KEY_REUSED, "The request that came first with this key was another one.")


router.exception_handler(IdempotencyValidationError)(_key_reused)


def _read_item(item: dict[str, Any]) -> Watch | Problem:
    try:
        request = AddRequest.model_validate(item)
        acting_as(router, request.added_by)
    except ValidationError as error:
        faults = (
            (fault["loc"], sentence(with_known_fields(dict(fault), AddRequest, fault["loc"])))
            for fault in error.errors(include_url=False, include_input=False)
        )
        return fields_at_fault(faults, most=_FAULTS_OF_ITEM)
    except NotYoursError as error:
        return problem_of(error)
    return request.to_watch()


def _item_answer(index: int, result: Added | Refusal | Problem, user: str | None) -> BatchItemAnswer:
    match result:
        case Added(entry, is_new):
            return _item(index, BatchOutcome.ACCEPTED if is_new else BatchOutcome.JOINED, entry, user, None)
        case AlreadyWatchingError(entry=entry):
            return _item(index, BatchOutcome.ALREADY_WATCHING, entry, user, problem_of(result))
        case ServiceUnavailableError():
            return _item(index, BatchOutcome.REJECTED, None, None, problem_of(result))
        case NotDoneError():
            return _item(index, BatchOutcome.NOT_DONE, None, None, describe(ProblemCode.NOT_DONE, _OUT_OF_TIME))
        case Problem():
            return _item(index, BatchOutcome.REJECTED, None, None, result)


def _item(
    index: int, outcome: BatchOutcome, entry: Entry | None, user: str | None, problem: Problem | None
) -> BatchItemAnswer:
    return BatchItemAnswer.model_validate(
        {
            "index": index,
            "outcome": outcome,
            "watchlist_id": entry.watchlist_id if entry else None,
            "user_watchlist_id": user_watchlist_id_of(entry.watchlist_id, user) if entry and user else None,
            "status": entry.entry_status if entry else None,
            "problem": problem,
        }
    )


handler = http_api.handler(function, router)
