import json
import re
from pathlib import Path

from watchlist import limits
from watchlist.notifications.digest_message import DigestMessage, ToldAlert

DOCUMENT = (Path(__file__).parents[3] / "docs" / "notifications.md").read_text()


def test_the_document_shows_a_digest_as_it_is_sent() -> None:
    example = re.search(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)

    assert example is not None
    shown = json.loads(example[1])
    DigestMessage.model_validate(shown)
    assert shown.keys() == DigestMessage.model_fields.keys()
    assert shown["alerts"][0].keys() == ToldAlert.model_fields.keys()


def test_the_document_gives_the_limits_that_hold() -> None:
    assert f"newest {limits.DIGEST_ALERTS} alerts" in DOCUMENT
    assert f"within {limits.WEBHOOK_TIMEOUT.seconds} seconds" in DOCUMENT
    assert f"after {limits.WEBHOOK_RETRY_BASE.seconds} seconds" in DOCUMENT
    assert limits.WEBHOOK_ATTEMPTS == 8
    assert "eight tries in all" in DOCUMENT
