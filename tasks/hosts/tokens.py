"""Tokens that are shown to hosts' APIs."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

from watchlist.json_client import Answer

_REFUSALS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
"""What a host answers to whoever has a token that it does not know, or that is used up."""


def first_taken(tokens: Sequence[str], ask: Callable[[str | None], Answer]) -> Answer:
    """Ask with each token in turn, then with none, since public repositories are described to anyone.

    Returns the first answer that does not refuse the asker, or the last one.

    Raises:
        NoAnswerError: as `ask` does.
    """
    for token in tokens:
        answer = ask(token)
        if answer.status not in _REFUSALS:
            return answer
    return ask(None)


def bearer(token: str | None) -> Mapping[str, str]:
    """Return the header that shows a token (RFC 6750); none without one."""
    return {} if token is None else {"Authorization": f"Bearer {token}"}
