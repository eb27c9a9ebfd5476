"""`import`: watch what a project depends on. Nothing is added before it is shown."""

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from watchlist_cli.commands import adding
from watchlist_cli.dependencies.dependency import Dependency, UnreadableFileError
from watchlist_cli.dependencies.files import found_below, read
from watchlist_cli.errors import CommandError, ExitCode
from watchlist_cli.output import Cell, Form, Printer
from watchlist_cli.resolving import rules
from watchlist_cli.resolving.evidence import Confidence, Found, NotFound
from watchlist_cli.resolving.installed import Installed
from watchlist_cli.resolving.resolver import NOTHING_HERE, Online, Source, resolve, resolve_online
from watchlist_cli.session import Session

_PACKAGES_SHOWN = 4
_NOT_FOUND_SHOWN = 20
"""On a terminal, where a thousand lines would hide what was found."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do.

    Attributes:
        repositories: by canonical address, the findings that lead there.
        not_found: packages whose repository is not known.
    """

    repositories: dict[str, list[Found]]
    not_found: list[NotFound]


def plan_for(paths: Sequence[Path], online: Online | None = None) -> Plan:
    """Read the files (or the files below folders) and find the repositories of what they name.

    What nothing on this machine resolves is asked of the service, where one is given.

    Raises:
        CommandError: a file cannot be read, or nothing below a folder is understood.
    """
    files = [file for path in paths for file in _files(path)]
    try:
        dependencies = _once(dependency for file in files for dependency in read(file))
    except UnreadableFileError as error:
        raise CommandError(str(error)) from error
    installed = Installed(dict.fromkeys(file.parent for file in files))
    sources: list[Source] = [rules.evidence_for, installed.evidence_for]
    results = resolve(dependencies, sources)
    if online is not None:
        results = resolve_online(results, online)
    repositories: defaultdict[str, list[Found]] = defaultdict(list)
    for result in results:
        if isinstance(result, Found):
            repositories[result.url].append(result)
    return Plan(_without_spellings(repositories), [result for result in results if isinstance(result, NotFound)])


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = list(found_below(path))
    if not files:
        raise CommandError(f"{path}: no lock file, manifest or bill of materials lies below it")
    return files


def _once(dependencies: Iterable[Dependency]) -> list[Dependency]:
    """Name each package and version once, however many files have it."""
    return list(
        {(dependency.purl, dependency.stated, dependency.links): dependency for dependency in dependencies}.values()
    )


def _without_spellings(repositories: dict[str, list[Found]]) -> dict[str, list[Found]]:
    """Two spellings that differ in case are one repository to the hosts; the first one stands for both."""
    chosen: dict[str, str] = {}
    merged: dict[str, list[Found]] = {}
    for url, found in sorted(repositories.items()):
        merged.setdefault(chosen.setdefault(url.lower(), url), []).extend(found)
    return merged


def run(
    session: Session,
    plan: Plan,
    *,
    labels: Sequence[str],
    dry_run: bool,
    yes: bool,
) -> ExitCode:
    """Show the plan and carry it out when the person agrees.

    Args:
        session: of this run.
        plan: what was found.
        labels: of all that is added.
        dry_run: whether to stop after showing.
        yes: whether the person has agreed already.
    """
    if session.printer.form is Form.JSON:
        session.printer.objects(_as_json(plan))
    else:
        _show(session.printer, plan)
    if dry_run or not plan.repositories:
        return ExitCode.GOOD
    if not yes:
        session.agree(f"Watch these {len(plan.repositories)} repositories?")
    return adding.add(_beside_the_plan(session), list(plan.repositories), labels=labels)


def _beside_the_plan(session: Session) -> Session:
    """The plan was the result; where that is JSON, what adding says is not mixed into it."""
    return replace(session, printer=Printer(Form.QUIET)) if session.printer.form is Form.JSON else session


def _show(printer: Printer, plan: Plan) -> None:
    rows = [
        (Cell(url), Cell(_packages(found)), Cell(best.evidence.confidence.name.lower()), Cell(best.evidence.source))
        for url, found in plan.repositories.items()
        for best in [max(found, key=lambda each: each.evidence.confidence)]
    ]
    printer.table(("repository", "packages", "confidence", "evidence"), rows)
    if plan.not_found:
        printer.note(f"{len(plan.not_found)} packages could not be resolved:")
        shown = plan.not_found[:_NOT_FOUND_SHOWN] if sys.stderr.isatty() else plan.not_found
        for missing in shown:
            printer.note(f"  {missing.dependency.purl.to_string()}: {missing.reason}")
        if len(shown) < len(plan.not_found):
            printer.note(f"  and {len(plan.not_found) - len(shown)} more; --json lists all, and a file does (2> FILE)")
        if any(missing.reason == NOTHING_HERE for missing in plan.not_found):
            printer.note("More is found where the project's packages are installed, or with --online.")


def _packages(found: Sequence[Found]) -> str:
    names = list(dict.fromkeys(_name(each.dependency) for each in found))
    more = len(names) - _PACKAGES_SHOWN
    return ", ".join(names[:_PACKAGES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _name(dependency: Dependency) -> str:
    purl = dependency.purl
    return "/".join(part for part in (purl.namespace, purl.name) if part)


def _as_json(plan: Plan) -> dict[str, object]:
    return {
        "repositories": [
            {"repo_url": url, "packages": [_finding(each) for each in found]}
            for url, found in plan.repositories.items()
        ],
        "not_found": [
            {"package": each.dependency.purl.to_string(), "file": str(each.dependency.file), "reason": each.reason}
            for each in plan.not_found
        ],
    }


def _finding(found: Found) -> dict[str, object]:
    return {
        "package": found.dependency.purl.to_string(),
        "file": str(found.dependency.file),
        "evidence": found.evidence.source,
        "address": found.evidence.address,
        "confidence": Confidence(found.evidence.confidence).name.lower(),
    }
