"""Scorecard reports as Scorecard 5.5.0 writes them, and a stand-in for its program that leaves what a test wants."""

import json
import sys
from pathlib import Path
from typing import Any

from tasks.scorecard.cli import FORGE_CHECKS, LOCAL_CHECKS


def report(name: str = "github.com/acme/rocket", *, scores: dict[str, int] | None = None, **fields: Any) -> Any:
    """Return a report on `name`; each check has score 5 unless `scores` says otherwise."""
    names = LOCAL_CHECKS if name.startswith("file://") else FORGE_CHECKS
    chosen = dict.fromkeys(names, 5) if scores is None else scores
    return {
        "date": "2026-11-20T06:33:38Z",
        "repo": {"name": name, "commit": "c" * 40},
        "scorecard": {"version": "v5.5.0", "commit": "unknown"},
        "score": 5.0,
        "checks": [
            {
                "details": ["Info: fine: a.txt:1", "Warn: not fine: b.txt:2"],
                "score": score,
                "reason": f"reason of {check}",
                "name": check,
                "documentation": {"url": f"https://example.org/checks.md#{check.lower()}", "short": "what it is"},
            }
            for check, score in chosen.items()
        ],
        "metadata": None,
    } | fields


PROGRAM = """#!{python}
import json, os, signal, sys, time
here = os.path.dirname(os.path.abspath(__file__))
options = dict(argument.lstrip("-").partition("=")[::2] for argument in sys.argv[1:])
with open(os.path.join(here, "calls.jsonl"), "a") as calls:
    calls.write(json.dumps({{"argv": sys.argv, "environment": dict(os.environ)}}) + "\\n")

def leave(text):
    with open(options["output"], "w") as output:
        output.write(text)

report = json.loads({report!r})
if "local" in options and report is not None:
    report["repo"]["name"] = "file://" + options["local"]
{body}
"""


class FakeScorecard:
    """An executable in `directory` that runs `body`: Python with `leave(text)`, `report` and `options`."""

    def __init__(self, directory: Path, body: str, document: object = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / "scorecard"
        self.path.write_text(PROGRAM.format(python=sys.executable, body=body, report=json.dumps(document)))
        self.path.chmod(0o700)
        self._calls = directory / "calls.jsonl"

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The arguments and the environment of each run so far."""
        return [json.loads(line) for line in self._calls.read_text().splitlines()] if self._calls.exists() else []
