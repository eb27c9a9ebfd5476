"""Who runs: the product and what people use instead, each as a command line that writes its answer to a file.

An answer has one line for each commit, newest first: its id, then files, lines added and lines deleted.
"""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_LOG = "log --since-as-filter={since} --max-count={limit} --numstat --no-renames --format=%x01%H"
_COUNT = r"""
function tell() { if (sha) print sha, files + 0, added + 0, deleted + 0 }
/^\001/ { tell(); sha = substr($0, 2); files = added = deleted = 0; next }
NF >= 3 { files++; added += $1; deleted += $2 }
END { tell() }
"""


@dataclass(frozen=True, slots=True)
class Task:
    """One measurement: the repository's URL, the window, an empty folder to work in, and the answer's file."""

    url: str
    since: int
    limit: int
    folder: Path
    answer: Path


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to come to the answer.

    Attributes:
        name: as it is printed.
        module: the Python module that does it, for those that are no shell script.
        needs_peers: whether it runs in the peers' environment.
        script: the shell script that does it; braces hold a Task's fields, quoted.
    """

    name: str
    module: str | None = None
    needs_peers: bool = False
    script: str | None = None

    def command(self, task: Task, peers: Path | None) -> Sequence[str]:
        """Return what to run."""
        if self.script is not None:
            values = {"url": task.url, "folder": str(task.folder), "answer": str(task.answer), "count": _COUNT}
            quoted = {name: shlex.quote(value) for name, value in values.items()}
            return ["sh", "-euc", self.script.format(since=task.since, limit=task.limit, **quoted)]
        python = str(peers) if self.needs_peers else sys.executable
        arguments = [task.url, str(task.folder), str(task.answer), str(task.since), str(task.limit)]
        return [python, "-m", str(self.module), self.name, *arguments]


def _cloned(options: str) -> str:
    return (
        f"git clone --quiet --bare --single-branch {options} -- {{url}} {{folder}}/clone\n"
        f"git -C {{folder}}/clone {_LOG} | awk {{count}} > {{answer}}"
    )


PRODUCT = Contestant("product", module="bench.product")

CONTESTANTS = (
    PRODUCT,
    Contestant("full clone + log", script=_cloned("")),
    Contestant("--depth 1000 + log", script=_cloned("--depth={limit}")),
    Contestant("--shallow-since + log", script=_cloned("--shallow-since={since}")),
    Contestant(
        "git show per commit",
        script=(
            "git clone --quiet --bare --single-branch -- {url} {folder}/clone\n"
            "git -C {folder}/clone rev-list --since-as-filter={since} --max-count={limit} HEAD"
            " | while read -r sha; do\n"
            'git -C {folder}/clone show --numstat --no-renames --diff-merges=off --format=%x01%H "$sha"\n'
            "done | awk {count} > {answer}"
        ),
    ),
    Contestant("PyDriller", module="bench.peers", needs_peers=True),
    Contestant("Perceval", module="bench.peers", needs_peers=True),
    Contestant("GitPython", module="bench.peers", needs_peers=True),
)
