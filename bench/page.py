"""The page's table of 1000 rows against a plain HTML table of the same rows: `make page-bench`, in Chromium.

Both are shown, sorted and scrolled in the same browser; what is compared is the processor's time of the main thread
(`TaskDuration` of the DevTools protocol, in thread ticks), so that neither what else the machine does nor the machine
itself counts. The API is answered from memory: no service runs.
"""

import base64
import gzip
import json
import random
import shutil
import statistics
from collections.abc import Callable
from typing import Any

from playwright.sync_api import CDPSession, Page, Route, sync_playwright

from functions.http.page import BUILT
from watchlist.health.verdict import VerdictState

ROWS = 1000
SORTS = 21
PAGE_ROWS = 100
ORIGIN = "http://127.0.0.1:1"
"""Nothing listens there; every request is answered here."""

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
_SETTINGS = {"live_url": None, "access": "open", "issuer": None, "client_id": None}
_PLAIN = """<!doctype html><meta charset=utf-8><title>plain</title><table><thead><tr>
<th><button>Repository</button></th><th>Verdict</th><th>Score</th><th>Weeks</th></tr></thead><tbody></tbody></table>
<script>
const body = document.querySelector("tbody");
let down = false;
body.append(...ROWS.map(row => {
  const line = document.createElement("tr");
  const verdict = row.verdict.state + ": " + row.verdict.reasons[0].message;
  for (const text of [row.name, verdict, row.score, row.weeks.join(" ")])
    line.insertCell().textContent = text;
  return line;
}));
document.querySelector("button").onclick = () => {
  down = !down;
  body.append(...[...body.rows].sort((one, other) =>
    (down ? -1 : 1) * (one.cells[0].textContent < other.cells[0].textContent ? -1 : 1)));
};
</script>"""


def rows() -> list[dict[str, Any]]:
    """Return the API's rows, the same each time."""
    chance = random.Random(1)  # noqa: S311 - the same rows each time, no secret
    return [
        {
            "user_watchlist_id": f"user_1_watchlist_{number}",
            "watchlist_id": f"watchlist_{number}",
            "repository_url": f"https://github.com/owner-{chance.randrange(10**6)}/name-{number}",
            "name": f"owner-{chance.randrange(10**6)}/name-{number}",
            "status": "ready",
            "stage": None,
            "verdict": {
                "state": chance.choice(list(VerdictState)),
                "reasons": [{"code": "recent_commits", "message": f"{number} commits by people in the last 13 weeks."}],
            },
            "score": chance.randrange(100) / 10,
            "score_change": None,
            "weeks": [chance.randrange(30) for _ in range(52)],
            "last_commit_by_person_at": "2026-01-31T12:00:00.000Z",
            "absence_factor": chance.randrange(1, 9),
            "open_alerts": {"critical": 0, "mild": chance.randrange(3)},
            "last_check": {"at": "2026-01-31T12:00:00.000Z", "outcome": "unchanged", "error": None},
            "added_at": "2026-01-01T00:00:00.000Z",
            "labels": [],
            "notes": None,
        }
        for number in range(ROWS)
    ]


def answer(route: Route) -> None:
    """Answer a request as the service would."""
    path, _, query = route.request.url.removeprefix(ORIGIN).partition("?")
    built = json.loads(BUILT.read_bytes())
    if path == "/plain":
        route.fulfill(content_type="text/html", body=_PLAIN.replace("ROWS", json.dumps(_ALL)))
    elif path == "/activity/watchlist":
        cursor = query.partition("cursor=")[2].partition("&")[0]
        start = int(cursor or 0)
        end = start + PAGE_ROWS
        route.fulfill(json={"items": _ALL[start:end], "next_cursor": str(end) if end < ROWS else None})
    elif path in built["assets"]:
        asset = built["assets"][path]
        route.fulfill(content_type=asset["type"], body=gzip.decompress(base64.b64decode(asset["gzip"])))
    else:
        settings = json.dumps(_SETTINGS).replace('"', "&quot;")
        route.fulfill(content_type="text/html", body=built["shell"].replace("{settings}", settings))


_ALL = rows()


_FRAME = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
_SHOWN = "([row, number]) => document.querySelectorAll(row).length === number"


def milliseconds(session: CDPSession, act: Callable[[], object]) -> float:
    """Return the processor's time that the main thread takes for an act and what it brings about."""

    def worked() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

    before = worked()
    act()
    return (worked() - before) * 1000


def measure(page: Page, path: str, row: str) -> dict[str, float]:
    """Show a table, sort it again and again, scroll it; return the milliseconds of each.

    What is asked of the page meanwhile costs next to nothing: to look for the button by its role in each turn would
    walk the whole table.
    """
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def show() -> None:
        page.goto(f"{ORIGIN}{path}")
        page.wait_for_function(_SHOWN, arg=[row, ROWS])
        page.evaluate(_FRAME)

    shown = milliseconds(session, show)
    button = page.get_by_role("button", name="Repository").element_handle()

    def sort() -> None:
        button.evaluate(f"button => {{ button.click(); return {_FRAME}; }}")

    def scroll() -> None:
        for part in range(1, 21):
            page.evaluate(f"scrollTo(0, document.documentElement.scrollHeight * {part / 20}); {_FRAME}")

    return {
        "show": shown,
        "sort (median)": statistics.median(milliseconds(session, sort) for _ in range(SORTS)),
        "scroll to the end": milliseconds(session, scroll),
    }


def main() -> None:
    """Print what each table costs, and how many times the plain one's that is."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
        context.add_init_script("try { localStorage.setItem('watchlist-user', 'ada') } catch {}")
        context.route("**/*", answer)
        plain = measure(context.new_page(), "/plain", "tbody tr")
        ours = measure(context.new_page(), "/", ".watchlist tbody tr")
        browser.close()
    print(f"{'main thread, ' + str(ROWS) + ' rows':<28}{'plain':>10}{'page':>10}{'ratio':>8}")
    for act, cost in plain.items():
        print(f"{act:<28}{cost:>7.0f} ms{ours[act]:>7.0f} ms{ours[act] / cost:>8.1f}")


if __name__ == "__main__":
    main()
