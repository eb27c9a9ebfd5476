"""Programs that tests start, without coverage."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def unmeasured() -> Iterator[None]:
    """Do not measure the coverage of the programs that are started meanwhile.

    The tracer makes all code several times as slow, libraries too. The embedded AWS is traced for nothing: it ends
    with its stdin, by `os._exit`, which saves no coverage.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield
