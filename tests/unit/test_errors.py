import re
from pathlib import Path

import pytest

from watchlist.errors import ErrorCode, JobError, meaning_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "errors.md"
ROW = re.compile(r"\| `(?P<code>\w+)` \| (?P<tried_again>yes|no) \| (?P<advice>.+) \|")


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_says_whether_it_is_tried_again_and_what_to_do(code: ErrorCode) -> None:
    meaning = meaning_of(code)

    assert meaning.advice.endswith(".")
    assert JobError(code, "Because.").retryable is meaning.retryable


def test_the_document_for_users_lists_every_code_with_its_advice() -> None:
    rows = [ROW.fullmatch(line) for line in DOCUMENT.read_text(encoding="utf-8").splitlines()]

    listed = {row["code"]: (row["tried_again"] == "yes", row["advice"]) for row in rows if row}

    assert listed == {str(code): (meaning_of(code).retryable, meaning_of(code).advice) for code in ErrorCode}


def test_an_error_shows_its_code_and_message() -> None:
    assert str(JobError(ErrorCode.HOST_ERROR, "Broken.")) == "host_error: Broken."
