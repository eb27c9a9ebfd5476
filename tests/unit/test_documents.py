"""What the documents refer to is there, and what README lists is all there is."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path for pattern in ("*.md", "docs/**/*.md", "page/*.md", "local_service/*.md") for path in ROOT.glob(pattern)
)
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
README = (ROOT / "README.md").read_text()
SERVED = {
    f"{method.upper()} {path}"
    for path, operations in json.loads((ROOT / "functions/http/openapi/openapi.json").read_text())["paths"].items()
    for method in operations
}

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def anchors(document: Path) -> set[str]:
    """Return the names that a host gives the headings: lower case, hyphens for spaces, no punctuation."""
    headings = _HEADING.findall(re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for link in _LINK.findall(_CODE.sub("", document.read_text())):
        target, _, anchor = link.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        path = document.parent / target if target else document
        assert path.exists(), link
        assert not anchor or anchor in anchors(path), link


def test_decisions_are_numbered_one_after_the_other() -> None:
    numbers = [int(decision.name[:4]) for decision in DECISIONS]

    assert numbers[0] == 1
    assert all(after == before + 1 for before, after in pairwise(numbers))


def test_decisions_that_are_named_exist() -> None:
    known = {decision.name[:4] for decision in DECISIONS}
    for document in DOCUMENTS:
        assert set(re.findall(r"docs/decisions/(\d{4})", document.read_text())) <= known


def test_the_readme_lists_every_route_once() -> None:
    listed = Counter(routes_of_the_readme())

    assert set(listed) == SERVED
    assert [route for route, times in listed.items() if times > 1] == []


def routes_of_the_readme() -> Iterator[str]:
    """Yield each method and path of the table; a path without a method has those of the path before it."""
    for row in re.findall(r"^\| (`(?:GET|POST|PUT|PATCH|DELETE)\b.*?) \|", README, re.MULTILINE):
        methods: list[str] = []
        path, is_complete = "", False
        for word in " ".join(re.findall(r"`([^`]+)`", row)).split():
            if word.isupper():
                methods = [word] if is_complete else [*methods, word]
                is_complete = False
            else:
                path, is_complete = _full(methods[0], word.partition("?")[0], path), True
                yield from (f"{method} {path}" for method in methods)


def _full(method: str, path: str, before: str) -> str:
    """Return a path of which `…` stands for the longest beginning of the path before it that makes it a route."""
    if not path.startswith("…"):
        return path
    parts = before.split("/")
    beginnings = ("/".join(parts[:length]) for length in range(len(parts), 0, -1))
    candidates = [path.replace("…", each) for each in beginnings]
    return next((each for each in candidates if f"{method} {each}" in SERVED), path)
