"""POST /activity/user-watchlist-added: put a repository on a user's watchlist."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import BaseModel, ConfigDict, Field, field_validator

from functions import documented, http_api, startup
from functions.parameters import UserName
from functions.problems import ProblemCode
from functions.representations import AddAnswer
from watchlist import clock, entries, function_specs, limits, routes
from watchlist.alert_settings import AlertSettings
from watchlist.repository_url import Repository, parse_repository_url
from watchlist.settings import AddSettings
from watchlist.states import EntryStatus

settings, logger = startup.start(AddSettings, function_specs.ADD_REPOSITORY.name)
queue = startup.job_queue(settings)
router = http_api.router()

_MESSAGES = {
    EntryStatus.PROCESSING: "Repository added to watchlist. Background processing will begin shortly.",
    EntryStatus.READY: "Repository added to watchlist. It has been analysed already.",
    EntryStatus.FAILED: "Repository added to watchlist. Its processing has failed; it can be retried.",
}
_UNDER_WAY = "Repository added to watchlist. Background processing is under way."


class AddRequest(BaseModel):
    """A repository for a user's watchlist."""

    model_config = ConfigDict(extra="forbid")

    repo_url: Annotated[
        str,
        Field(
            strict=True,
            max_length=limits.REPOSITORY_URL_CHARACTERS,
            description="`https://<host>/<owner>/<name>` of a public repository on a supported host.",
            examples=["https://github.com/pallets/flask"],
        ),
    ]
    added_by: Annotated[UserName, Field(description="Who adds it.", examples=["ada@example.org"])]
    alerts: Annotated[AlertSettings, Field(default_factory=AlertSettings, description="Which alerts to raise.")]
    notes: Annotated[
        str | None, Field(strict=True, max_length=limits.NOTES_CHARACTERS, description="Why it is watched.")
    ] = None

    @field_validator("repo_url")
    @classmethod
    def _is_watchable(cls, value: str) -> str:
        parse_repository_url(value, settings.allowed_origins)
        return value

    @field_validator("added_by", "notes")
    @classmethod
    def _is_storable(cls, value: str | None) -> str | None:
        if value is not None and any(0xD800 <= ord(character) <= 0xDFFF for character in value):  # noqa: PLR2004
            raise ValueError("has characters that are no Unicode text")
        return value

    @property
    def repository(self) -> Repository:
        """The repository that `repo_url` names."""
        return parse_repository_url(self.repo_url, settings.allowed_origins)

    def to_watch(self) -> entries.Watch:
        """Return what the user wishes."""
        alerts = self.alerts.model_dump(mode="json", exclude_unset=True)
        return entries.Watch(self.repository, self.added_by, alerts, self.notes)


@router.post(
    http_api.rule(routes.ADD),
    summary="Add a repository to a user's watchlist",
    operation_id="addRepository",
    tags=["watchlist"],
    responses=documented.responses(
        {
            202: {"description": "Added (or joined); it is processed in the background."},
            200: {"description": "Joined; the repository has been analysed already, or has failed."},
        },
        ProblemCode.MALFORMED_JSON,
        ProblemCode.INVALID_FIELDS,
        ProblemCode.UNSUPPORTED_MEDIA_TYPE,
        ProblemCode.ALREADY_WATCHING,
    ),
)
def add_repository(request: Annotated[AddRequest, Body()]) -> Response[AddAnswer]:
    """Answer at once with the entry's id; poll its status from then on."""
    added = entries.add(request.to_watch(), queue, http_api.correlation_id(logger), clock.now())
    entry = added.entry
    logger.info("repository added", watchlist_id=entry.watchlist_id, is_new=added.is_new, job_id=entry.job_id)
    processing = entry.entry_status is EntryStatus.PROCESSING
    message = _UNDER_WAY if processing and not added.is_new else _MESSAGES[entry.entry_status]
    return Response(
        HTTPStatus.ACCEPTED if processing else HTTPStatus.OK,
        "application/json",
        AddAnswer(message=message, watchlist_id=entry.watchlist_id, status=entry.entry_status),
        headers={"Location": routes.STATUS.path.replace("{watchlist_id}", entry.watchlist_id)},
    )


handler = http_api.handler(logger, router)
