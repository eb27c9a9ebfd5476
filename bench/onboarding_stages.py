"""Where the time of an onboarding on one machine goes: `python -m bench.onboarding_stages FOLDER` of bare repositories.

`serve` is started as a person starts it; each repository is added alone, and its status is asked for until it is ready.
The time of a stage is that between the first look that shows it and the first that shows the next one. Beside it stands
what the embedded AWS takes for one item per commit, written twice in batches of 25 without a pause, as it was before
histories were segments: on the same machine, in the same minute, with the commits that were just onboarded.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from rich.console import Console
from rich.table import Table

from bench.one_machine import ROOT, Service, serving
from local_service.aws import embedded as embedded_aws
from local_service.aws.embedded import EmbeddedAws
from local_service.provisioning import provision
from watchlist.states import Stage
from watchlist.storage import tables

_POLL_SECONDS = 0.05
_BATCH = 25
_ITEM_BYTES = 1200
"""Of a commit with its files: `bench.storage_units` counts 1.2 write units for each, of both writes."""


@dataclass(frozen=True, slots=True)
class Onboarding:
    """One repository: how many commits it has, and the seconds of each stage."""

    commits: int
    seconds: Mapping[Stage, float]

    @property
    def all_seconds(self) -> float:
        """From the request to `ready`."""
        return sum(self.seconds.values())


def onboard(service: Service, url: str) -> Onboarding:
    """Add a repository and wait until it is ready.

    Raises:
        RuntimeError: it failed.
    """
    seconds = dict.fromkeys(Stage, 0.0)
    since = time.perf_counter()
    watchlist_id = service.add(url)
    while True:
        status = service.status(watchlist_id)
        now = time.perf_counter()
        seconds[Stage(status["progress"]["stage"])] += now - since
        since = now
        if status["status"] == "ready":
            return Onboarding(status["commits"], seconds)
        if status["status"] != "processing":
            raise RuntimeError(str(status["last_error"]))
        time.sleep(_POLL_SECONDS)


def seconds_of_single_items(commits: int) -> float:
    """Return how long the embedded AWS takes for one item per commit, written twice."""
    with Path(os.devnull).open("wb") as log, EmbeddedAws(log.fileno()) as aws:
        provision(aws.url, {"GIT_CLONE_DIR": "unused", "MAX_SETUP_TASKS": "1", "MAX_REFRESH_TASKS": "1"})
        arguments: Any = embedded_aws.client_arguments(aws.url)
        client = boto3.client("dynamodb", **arguments)
        began = time.perf_counter()
        for _ in range(2):
            for start in range(0, commits, _BATCH):
                some = range(start, min(start + _BATCH, commits))
                client.batch_write_item(RequestItems={tables.ACTIVITY.name: [_put(number) for number in some]})
        return time.perf_counter() - began


def _put(number: int) -> Any:  # noqa: ANN401 - boto3's requests are dictionaries of any kind
    item = {"pk": {"S": "watchlist_1"}, "sk": {"S": f"COMMIT#{number:06}"}, "changes": {"B": os.urandom(_ITEM_BYTES)}}
    return {"PutRequest": {"Item": item}}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    paths = sorted(path for path in parser.parse_args().folder.resolve().iterdir() if (path / "HEAD").exists())
    table = Table(title="Seconds of an onboarding on one machine")
    for name in ("repository", "commits", "all", *Stage, "storing, share", "one item per commit: storing", "share"):
        table.add_column(str(name), justify="left" if name == "repository" else "right")
    with tempfile.TemporaryDirectory(prefix="watchlist-bench-") as scratch:
        settings = {"SCORECARD_API_BASE_URL": "http://127.0.0.1:9"}
        with serving(ROOT, Path(scratch), settings, paths) as service:
            addresses = json.loads(Path(scratch, "data", "addresses.json").read_text())
            served = {Path(path).name: path for path in addresses["paths"].values()}
            for path in paths:
                url = f"http://127.0.0.1:{addresses['port']}{served[path.name]}"
                done = onboard(service, url)
                before, now = seconds_of_single_items(done.commits), done.seconds[Stage.STORING_COMMITS]
                table.add_row(
                    path.name,
                    str(done.commits),
                    f"{done.all_seconds:.1f}",
                    *(f"{done.seconds[stage]:.1f}" for stage in Stage),
                    f"{now / done.all_seconds:.1%}",
                    f"{before:.1f}",
                    f"{before / (done.all_seconds - now + before):.0%}",
                )
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
