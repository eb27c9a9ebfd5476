"""A gate's findings as JUnit XML, SARIF and Markdown, for the programs that show them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from watchlist_cli.gate import Finding, passes
from watchlist_cli.text import as_markdown, one_line

_RULES = {
    "verdict": "The repository has a verdict that the policy denies",
    "score": "The repository's Scorecard score is too low",
    "quiet": "Nobody has worked on the repository for too long",
    "alerts": "The repository has open alerts",
    "unknown": "Not enough is known of the repository",
}


def junit(rows: Sequence[Mapping[str, Any]], findings: Sequence[Finding]) -> str:
    """Return a JUnit report: one test case a repository; what is waived or a warning is skipped."""
    suite = Element("testsuite", name="watchlist gate", tests=str(len(rows)))
    failed = skipped = 0
    for row in rows:
        case = SubElement(suite, "testcase", classname="watchlist", name=one_line(row["name"]))
        of_row = [finding for finding in findings if finding.row is row]
        failures = [finding for finding in of_row if finding.fails and finding.waiver is None]
        if failures:
            failed += 1
            SubElement(case, "failure", message=one_line("; ".join(finding.message for finding in failures)))
        elif of_row:
            skipped += 1
            SubElement(case, "skipped", message=one_line("; ".join(map(_excused, of_row))))
    suite.attrib |= {"failures": str(failed), "skipped": str(skipped), "errors": "0"}
    indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suite, encoding="unicode") + "\n"


def sarif(findings: Sequence[Finding], artifact: str) -> str:
    """Return a SARIF 2.1.0 log.

    Args:
        findings: what does not pass.
        artifact: the file, relative to the repository's root, at which they are shown.
    """
    log = {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "watchlist",
                        "rules": [{"id": code, "shortDescription": {"text": text}} for code, text in _RULES.items()],
                    }
                },
                "results": [_result(finding, artifact) for finding in findings],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def markdown(rows: Sequence[Mapping[str, Any]], findings: Sequence[Finding]) -> str:
    """Return a summary for a job's page: what does not pass, in a table."""
    lines = [f"## Watchlist gate: {'passed' if passes(findings) else 'failed'}", "", summary(rows, findings), ""]
    if findings:
        lines += ["| | repository | why |", "|---|---|---|"]
    for finding in findings:
        mark = "waived" if finding.waiver else "fails" if finding.fails else "warning"
        lines.append(f"| {mark} | {as_markdown(finding.row['name'])} | {as_markdown(_why(finding))} |")
    return "\n".join(lines) + "\n"


def summary(rows: Sequence[Mapping[str, Any]], findings: Sequence[Finding]) -> str:
    """Return in a sentence how many pass, and how many of them only because of what is not known."""
    counted = [finding for finding in findings if finding.waiver is None]
    repositories = {row["watchlist_id"] for row in rows}
    failing = repositories & {finding.row["watchlist_id"] for finding in counted if finding.fails}
    doubtful = repositories & {finding.row["watchlist_id"] for finding in counted} - failing
    warned = f", {len(doubtful)} of them with warnings" if doubtful else ""
    return f"{len(rows) - len(failing)} of {len(rows)} repositories pass{warned}."


def _why(finding: Finding) -> str:
    return finding.message if finding.waiver is None else _excused(finding)


def _result(finding: Finding, artifact: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "level": "error" if finding.fails else "warning",
        "message": {"text": f"{finding.row['name']}: {finding.message}"},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": artifact}, "region": {"startLine": 1}}},
        ],
        "partialFingerprints": {"repositoryRule/v1": f"{finding.row['repository_url']}#{finding.code}"},
    }
    if finding.waiver is not None:
        result["suppressions"] = [{"kind": "external", "justification": _excused(finding)}]
    return result


def _excused(finding: Finding) -> str:
    if finding.waiver is None:
        return f"warning: {finding.message}"
    return f"{finding.message}; allowed until {finding.waiver.until}: {finding.waiver.reason}"
