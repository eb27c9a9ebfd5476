"""The results that the OpenSSF publishes: about a million repositories, scanned weekly.

Source: the API description at https://api.scorecard.dev/.
"""

from urllib.parse import quote

from tasks.json_client import JsonClient, NoAnswerError
from tasks.scorecard.report import UnusableReportError


def published_report(base_url: str, owner: str, name: str, client: JsonClient) -> object:
    """Return the published report on `github.com/OWNER/NAME`, as parsed JSON.

    Raises:
        UnusableReportError: none is published, or there was no answer.
    """
    url = f"{base_url.rstrip('/')}/projects/github.com/{quote(owner, safe='')}/{quote(name, safe='')}"
    try:
        answer = client.get(url)
    except NoAnswerError as error:
        raise UnusableReportError(f"the published results gave {error}") from None
    if answer.status == 404:  # noqa: PLR2004 - Not Found
        raise UnusableReportError("no result is published for the repository")
    if answer.status != 200:  # noqa: PLR2004 - OK
        raise UnusableReportError(f"the published results answered with status {answer.status}")
    return answer.body
