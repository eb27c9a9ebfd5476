"""`gate`: for pipelines. Prints what does not pass and why, the worst first."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from watchlist_cli import gate
from watchlist_cli.commands.importing import Plan, plan_for
from watchlist_cli.errors import CommandError, ExitCode
from watchlist_cli.gate import Finding, Policy, evaluate, passes, today
from watchlist_cli.gate_reports import junit, markdown, sarif, summary
from watchlist_cli.output import Cell, Form
from watchlist_cli.session import Session

_SHOWN = 5
"""Of repositories that are not watched."""


def policy_of(path: Path | None, options: Mapping[str, object]) -> Policy:
    """Return the policy: options go before the file, the file before what holds by default.

    Raises:
        CommandError: one of them says what means nothing.
    """
    document = {} if path is None else gate.read_policy(path)
    return gate.policy_of({**document, **options}, "gate" if path is None else str(path))


def plan_of(files: Sequence[Path] | None) -> Plan | None:
    """Return what the files depend on; None if no file is named."""
    return plan_for(files) if files else None


def run(session: Session, policy: Policy, plan: Plan | None, reports: Mapping[str, Path]) -> ExitCode:
    """Judge the user's watchlist, or the part of it that a project depends on.

    Args:
        session: of this run.
        policy: what must be so.
        plan: what is judged; None for all that is watched.
        reports: files to write, by `junit`, `markdown` and `sarif`.
    """
    rows = list(session.client.watched())
    judged = rows
    if plan is not None:
        rows = _those_of(rows, list(plan.repositories))
        judged = [*rows, *_unresolved(plan)]
    findings = evaluate(judged, policy, today())
    texts = {
        "junit": lambda: junit(judged, findings),
        "markdown": lambda: markdown(rows, findings),
        "sarif": lambda: sarif(findings, "README.md"),
    }
    for kind, path in reports.items():
        _write(path, texts[kind]())
    if session.printer.form is Form.JSON:
        session.printer.objects([_as_json(finding) for finding in findings])
    else:
        session.printer.table(("", "repository", "why"), [_row(finding) for finding in findings])
        session.printer.note(summary(rows, findings))
    return ExitCode.GOOD if passes(findings) else ExitCode.GATE_FAILED


def _those_of(rows: Sequence[dict[str, Any]], addresses: Sequence[str]) -> list[dict[str, Any]]:
    wanted = {address.lower() for address in addresses}
    known = {row["repository_url"].lower() for row in rows}
    missing = [address for address in addresses if address.lower() not in known]
    if missing:
        more = len(missing) - _SHOWN
        named = ", ".join(missing[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
        raise CommandError(f"not watched yet, so nothing is known: {named}; `watchlist import` adds them")
    return [row for row in rows if row["repository_url"].lower() in wanted]


def _unresolved(plan: Plan) -> list[dict[str, Any]]:
    packages: dict[str, list[str]] = {}
    for missing in plan.not_found:
        packages.setdefault(missing.dependency.file.name, []).append(missing.dependency.purl.name)
    return [gate.unresolved(file, sorted(names)) for file, names in packages.items()]


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error


def _row(finding: Finding) -> tuple[Cell, Cell, Cell]:
    if finding.waiver is not None:
        mark, message = (
            Cell("waived", "blue"),
            f"{finding.message} ({finding.waiver.reason}, until {finding.waiver.until})",
        )
    else:
        mark, message = (Cell("fails", "red") if finding.fails else Cell("warning", "yellow")), finding.message
    return mark, Cell(finding.row["name"]), Cell(message)


def _as_json(finding: Finding) -> dict[str, Any]:
    waiver = finding.waiver
    return {
        "repository_url": finding.row["repository_url"],
        "code": finding.code,
        "message": finding.message,
        "fails": finding.fails and waiver is None,
        "waived": None if waiver is None else {"reason": waiver.reason, "until": waiver.until.isoformat()},
    }
