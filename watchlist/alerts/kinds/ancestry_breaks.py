"""The default branch's history was rewritten."""

from collections.abc import Collection, Iterable, Iterator

from watchlist.alerts.kind import AlertLevel, Finding, KindSettings
from watchlist.alerts.occasions import NewCommits
from watchlist.history.commits import Commit
from watchlist.text import one_line

_SHORT_SHA = 12


class AncestryBreaksSettings(KindSettings[NewCommits]):
    """The default branch's history was rewritten: its former head is no ancestor of the new one (a force push)."""

    OCCASION = NewCommits

    def findings(self, occasion: NewCommits) -> Iterator[Finding]:
        """Find that the former head is no ancestor of the new one; where that is not known, nothing."""
        before, head = occasion.previous_head, occasion.head
        if before is None or head is None or before == head or occasion.descends is not False:
            return
        yield Finding(
            subject=(before, head),
            level=AlertLevel.CRITICAL,
            metric="history_rewrites",
            value=1,
            threshold=1,
            commit_sha=head,
            message=f"The default branch was rewritten: its former head {one_line(before, _SHORT_SHA + 1)} is no "
            f"ancestor of {one_line(head, _SHORT_SHA + 1)}. Commits that others have built upon may be gone.",
        )


def descends_from(
    previous_head: str, head: str, *, new_commits: Iterable[Commit], stored_shas: Collection[str]
) -> bool | None:
    """Return whether `head` has `previous_head` among its ancestors or is it; None where the commits do not tell.

    `stored_shas` are commits that were reachable from `previous_head`, so none of them but itself has it as an
    ancestor and the search ends at them. It also ends at root commits. A path that leaves both collections tells
    nothing: history was cut there by the window or by the limit on commits.
    """
    parents = {commit.sha: commit.parents for commit in new_commits}
    pending, seen, complete = [head], {head}, True
    while pending:
        sha = pending.pop()
        if sha == previous_head:
            return True
        if sha in stored_shas:
            continue
        complete = complete and sha in parents
        further = [parent for parent in parents.get(sha, ()) if parent not in seen]
        seen.update(further)
        pending += further
    return False if complete else None
