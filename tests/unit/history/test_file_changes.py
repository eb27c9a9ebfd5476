import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from watchlist import limits
from watchlist.history import file_changes
from watchlist.history.commits import FileChange
from watchlist.history.file_changes import OTHER_FILES

COUNT = st.none() | st.integers(0, 10**9)
CHANGES = st.lists(st.builds(FileChange, st.text(min_size=1), COUNT, COUNT), max_size=50)


def lines(changes: tuple[FileChange, ...] | list[FileChange]) -> tuple[int, int]:
    return sum(change.added or 0 for change in changes), sum(change.deleted or 0 for change in changes)


@given(CHANGES)
def test_changes_come_back_as_they_were(changes: list[FileChange]) -> None:
    assert file_changes.from_rows(file_changes.to_rows(changes)) == tuple(changes)


def test_of_too_many_files_those_with_most_lines_stay_and_no_line_is_lost() -> None:
    changes = [FileChange(f"file-{number}", number, 1) for number in range(50_000)]

    kept = file_changes.from_rows(file_changes.to_rows(changes))

    assert len(kept) <= limits.CHANGED_FILES + 1
    assert kept[0].path == "file-49999"
    assert kept[-1].path == OTHER_FILES
    assert lines(kept) == lines(changes)


def test_long_paths_stay_within_the_bytes() -> None:
    changes = [
        FileChange("".join(hashlib.sha256(b"%d %d" % (number, part)).hexdigest() for part in range(60)), 1, 1)
        for number in range(2000)
    ]

    rows = file_changes.to_rows(changes)

    assert len(json.dumps(rows, separators=(",", ":"))) <= limits.CHANGED_FILES_BYTES
    assert len(rows) > 10
    assert lines(file_changes.from_rows(rows)) == (2000, 2000)
