"""Whether the page can stay open: `python -m bench.page_heap [SECONDS]`, one hour unless told otherwise.

A service runs as a person runs it, and four pages are open in Chromium. Every few seconds a repository gets a commit,
which is found, analysed and told to the pages, and the person stops watching another one and adds it again. At
intervals garbage is collected and counted is what stays: the script's heap, the document's nodes, the listeners. None
may grow once a quarter of the time is over.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from playwright.sync_api import CDPSession, Page, sync_playwright

from bench.one_machine import ROOT, USER, Service, served_addresses, serving
from bench.page import ARGUMENTS
from bench.synthetic import add_commit, build_synthetic
from watchlist.watching.entries import user_watchlist_id_of

REPOSITORIES = 50
COMMITS = 60
PUSH_SECONDS = 10
_SAMPLES = 60
_HOUR = 3600
_READY_SECONDS = 300


class Kept(NamedTuple):
    """What a page keeps at one moment."""

    heap: float
    nodes: float
    listeners: float


_MAY_GROW = Kept(heap=200_000, nodes=200, listeners=50)
"""An hour, above a tenth of what is there: history that the page shows grows, too."""
_MAY_GROW_SHARE = 0.1


def watch_pages(folder: Path, seconds: float) -> list[str]:
    """Keep pages open for some seconds while repositories change; return what grew."""
    repositories = [folder / "repositories" / f"page-{number}" for number in range(REPOSITORIES)]
    build_synthetic(repositories[0], commits=COMMITS, newest=int(time.time()) - 3600)
    for path in repositories[1:]:
        shutil.copytree(repositories[0], path)
    with (
        serving(ROOT, folder, {"SCORECARD_PATH": "no-scorecard"}, repositories) as service,
        sync_playwright() as playwright,
    ):
        by_name = {url.rpartition("/")[2]: url for url in served_addresses(folder)}
        urls = {path: by_name[path.name] for path in repositories}
        watched = {service.add(url): (url, path) for path, url in urls.items()}
        _wait_until_ready(service, watched)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_init_script(f"localStorage.setItem('watchlist-user', {USER!r})")
        pages = {}
        for shown in ("/", f"/r/{quote(next(iter(watched)))}", "/alerts", "/ops"):
            pages[shown] = context.new_page()
            pages[shown].goto(service.url + shown)
        samples = _samples(service, watched, pages, seconds)
        browser.close()
    return [fault for path, kept in samples.items() for fault in _grown(path, kept, seconds)]


def _wait_until_ready(service: Service, watched: Mapping[str, tuple[str, Path]]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while any(service.status(each)["status"] != "ready" for each in watched):
        if time.monotonic() > deadline:
            sys.exit("The repositories were not ready in time.")
        time.sleep(1)


def _samples(
    service: Service, watched: Mapping[str, tuple[str, Path]], pages: Mapping[str, Page], seconds: float
) -> dict[str, list[Kept]]:
    """Push, and count what the pages keep, by their paths."""
    sessions = {path: page.context.new_cdp_session(page) for path, page in pages.items()}
    samples: dict[str, list[Kept]] = {path: [] for path in pages}
    half = len(watched) // 2
    changing, leaving = deque(list(watched.items())[:half]), deque(list(watched.items())[half:])
    begin = time.monotonic()
    updates = refused = 0
    for number in range(1, _SAMPLES + 1):
        while time.monotonic() < begin + number * seconds / _SAMPLES:
            changing.rotate(-1)
            watchlist_id, (_, repository) = changing[0]
            updates += 1
            add_commit(repository, f"Change {updates}")
            try:
                service.call("POST", f"/activity/watchlist/{quote(watchlist_id)}/check")
            except RuntimeError:  # it was looked at a moment ago
                refused += 1
            another, (url, path) = leaving.popleft()
            service.call("DELETE", f"/activity/user-watchlist/{quote(user_watchlist_id_of(another, USER))}")
            next(iter(pages.values())).wait_for_timeout(1000)
            leaving.append((service.add(url), (url, path)))
            next(iter(pages.values())).wait_for_timeout(PUSH_SECONDS * 1000)
        for shown, session in sessions.items():
            samples[shown].append(_kept(session))
    print(f"{updates} commits were pushed, {refused} of them not looked for; as many repositories left and came back")
    return samples


def _kept(session: CDPSession) -> Kept:
    session.send("HeapProfiler.collectGarbage")
    counted = session.send("Memory.getDOMCounters")
    return Kept(session.send("Runtime.getHeapUsage")["usedSize"], counted["nodes"], counted["jsEventListeners"])


def _grown(path: str, samples: Sequence[Kept], seconds: float) -> Iterator[str]:
    """Print how each number went on an hour; yield those that grew."""
    late = samples[len(samples) // 4 :]
    minutes = range(len(late))
    for name, may_grow, values in zip(Kept._fields, _MAY_GROW, zip(*late, strict=True), strict=True):
        per_hour = statistics.linear_regression(minutes, values).slope * _SAMPLES * _HOUR / seconds
        median = statistics.median(values)
        grows = f"{median:>12,.0f}  {per_hour:>+12,.0f} an hour  (most {max(values):,.0f})"
        print(f"{path[:12]:<13}{name:<10}{grows}")
        if per_hour > median * _MAY_GROW_SHARE + may_grow:
            yield f"{path}: {name} grows by {per_hour:,.0f} an hour"


def main() -> None:
    """Watch; exit with 1 if something grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", nargs="?", type=float, default=_HOUR, help="(default: %(default)s)")
    with tempfile.TemporaryDirectory(prefix="watchlist-page-") as folder:
        faults = watch_pages(Path(folder), parser.parse_args().seconds)
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
