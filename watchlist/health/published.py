"""The results that the OpenSSF publishes: about a million repositories, scanned weekly.

Source: the API description at https://api.scorecard.dev/.
"""

from http import HTTPStatus
from urllib.parse import quote

from urllib3 import HTTPHeaderDict

from watchlist import clock
from watchlist.errors import ErrorCode, JobError
from watchlist.git.answers import HOST_TROUBLE, error_of_status
from watchlist.health.report import UnusableReportError
from watchlist.json_client import JsonClient, NoAnswerError

FORGE_HOST = "github.com"
"""The host whose repositories' results are published, and that Scorecard is run against."""


class NotAnsweredError(UnusableReportError):
    """The server is not there or in trouble: this says nothing of the repository.

    Attributes:
        trouble: what it is, as of a host that git asks.
    """

    def __init__(self, message: str, trouble: JobError) -> None:
        super().__init__(message)
        self.trouble = trouble


def published_report(base_url: str, owner: str, name: str, client: JsonClient) -> object:
    """Return the published report on `github.com/OWNER/NAME`, as parsed JSON.

    Raises:
        UnusableReportError: none is published.
        NotAnsweredError: nobody knows.
    """
    url = f"{base_url.rstrip('/')}/projects/{FORGE_HOST}/{quote(owner, safe='')}/{quote(name, safe='')}"
    try:
        answer = client.get(url)
    except NoAnswerError as error:
        message = f"the published results gave {error}"
        raise NotAnsweredError(message, JobError(ErrorCode.HOST_UNREACHABLE, message)) from None
    if answer.status == HTTPStatus.OK:
        return answer.body
    if answer.status == HTTPStatus.NOT_FOUND:
        raise UnusableReportError("no result is published for the repository")
    message = f"the published results answered with status {answer.status}"
    trouble = error_of_status(answer.status, HTTPHeaderDict(answer.headers), b"", clock.now())
    raise NotAnsweredError(message, trouble) if trouble.code in HOST_TROUBLE else UnusableReportError(message)
