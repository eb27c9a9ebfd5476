"""How far an entry is, in a few words."""

import pytest
from watchlist_cli.commands.adding import progress_text

QUEUED = {"status": "processing", "last_error": None, "progress": {"stage": "queued", "done": 0, "total": None}}


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (QUEUED | {"standing": "in_line"}, "queued: others are first, or all tasks are taken"),
        (QUEUED | {"standing": "queued"}, "queued"),
        (QUEUED, "queued"),
        (QUEUED | {"progress": {"stage": "cloning", "done": 3, "total": 9}, "standing": "running"}, "cloning 3 / 9"),
        (QUEUED | {"status": "ready", "standing": "in_line"}, "ready"),
    ],
)
def test_a_job_that_waits_says_what_for(status: dict[str, object], text: str) -> None:
    assert progress_text(status) == text
