"""Requests signed for API Gateway by the caller's usual AWS credentials (Signature Version 4)."""

from watchlist_cli.errors import CommandError, UnavailableError


def signed_headers(
    method: str, url: str, headers: dict[str, str], content: bytes | None, region: str
) -> dict[str, str]:
    """Return the headers with a signature.

    Raises:
        CommandError: the extra `aws` is not installed.
        UnavailableError: no credentials are found.
    """
    try:
        from botocore.auth import SigV4Auth  # noqa: PLC0415 - an extra
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - an extra
        from botocore.session import Session  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise CommandError("signing needs botocore: install repository-watchlist[aws]") from error
    credentials = Session().get_credentials()
    if credentials is None:
        raise UnavailableError("no AWS credentials are found: set AWS_PROFILE, or log in")
    request = AWSRequest(method=method, url=url, data=content, headers=headers)
    SigV4Auth(credentials.get_frozen_credentials(), "execute-api", region).add_auth(request)
    return dict(request.headers.items())
