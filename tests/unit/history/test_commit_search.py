"""What is asked for behind a window, of a host that sends branches one after another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from tasks.history.commit_search import search_behind


@dataclass(frozen=True)
class Commit:
    parents: tuple[str, ...]
    committed: int


@dataclass
class OneBranchAtATime:
    """Sends the commits of a branch to its end, and no other's, and more than was asked for."""

    history: dict[str, Commit]
    known: dict[str, Commit]
    lost: set[str] = field(default_factory=set)

    def fetch_commits(
        self, wants: Sequence[str], *, since: int | None, depth: int | None, stop: Callable[[], bool]
    ) -> None:
        del since, stop
        sha: str | None = wants[0]
        for _ in range(2 * (depth or 1)):
            if sha is not None:
                self.known[sha] = self.history[sha]
                sha = next(iter(self.history[sha].parents), None)


def test_a_side_branch_is_asked_for_though_the_main_one_has_enough() -> None:
    main = {f"main-{number}": Commit((f"main-{number + 1}",), 90 - 2 * number) for number in range(9)}
    history = {
        "head": Commit(("main-0", "side"), 100),
        **main,
        "main-9": Commit((), 72),
        "side": Commit(("main-9",), 89),
    }
    source = OneBranchAtATime(history, {"head": history["head"]})

    behind = search_behind(cast("Any", source), "head", {"head"}, 3)

    assert behind == ("main-0", "side", "main-1")
