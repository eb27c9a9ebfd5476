"""The `watchlist` command. Each command imports what it needs when it runs, so that help is there at once."""

import signal
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup

from watchlist_cli.choices import NOWHERE, ExportFormat, ReportFormat, WebhookForm
from watchlist_cli.errors import CommandError, ExitCode
from watchlist_cli.output import give_up, make_ready
from watchlist_cli.text import one_line

if TYPE_CHECKING:
    from watchlist_cli.session import Session

_AS_JSON = "--json"
_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
"""For commands whose arguments another program reads."""
_PASSED_ON_TO = {"serve", "run"}
_VERDICTS = "gone, failing, moved, archived, dormant, quiet, unknown, slowing, active"

_EPILOG = """\b
A repository is named by owner/name, its address or an id. Results are tables on
a terminal and lines with tabs elsewhere; all else goes to stderr.

\b
Examples:
  watchlist add pallets/flask --notes "our web framework" --wait 120
  watchlist import uv.lock package-lock.json --label web --dry-run
  watchlist ls --verdict dormant,archived,gone
  watchlist gate --from uv.lock --min-score 5 --max-quiet-days 365

\b
Exit codes:
  0  good
  1  the gate does not pass, or the processing that was waited for failed
  2  called wrongly, or what was named does not exist
  3  the service cannot be reached, or does not let this caller in
  4  still processing when the wait was over

\b
Environment (an option goes before it, it goes before a profile):
  WATCHLIST_URL           the service's address (http://127.0.0.1:3000)
  WATCHLIST_USER          whose watchlist (your user name here)
  WATCHLIST_TOKEN         a token, where the service wants one
  WATCHLIST_PROFILE       a service of the file of profiles (default)
  WATCHLIST_CONFIG        that file (config.toml in your folder for settings)
  WATCHLIST_SIGN_REGION   the region of AWS to sign requests for
  WATCHLIST_LIVE_URL      the WebSocket that `watch` follows; it polls without
  WATCHLIST_ISSUER        who signs people in, for `login`
  WATCHLIST_CLIENT_ID     this command's client there
  WATCHLIST_SIGN_INS      the file of sign-ins (in your folder for data)
  WATCHLIST_DEPS_DEV_URL  what `import --online` asks (https://api.deps.dev)
  NO_COLOR                no colours, whatever it is set to
"""


class _Commands(TyperGroup):
    """The command as a whole: `--json` may stand anywhere, and who reads the results may stop."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - click's own, wherever typer has it
        own = args[: args.index("--")] if "--" in args else args
        if _AS_JSON in own and not _PASSED_ON_TO.intersection(own):
            args = [_AS_JSON, *(arg for arg in own if arg != _AS_JSON), *args[len(own) :]]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as above
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except BrokenPipeError:
            give_up()  # whoever read has enough
            raise typer.Exit(ExitCode.GOOD) from None


def _examples(*lines: str) -> str:
    """Return what stands at the end of a command's help."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


app = typer.Typer(
    name="watchlist",
    cls=_Commands,
    help="Watches open-source repositories and tells whether they stay alive and healthy.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help comes in half the time
    epilog=_EPILOG,
)
alerts_app = typer.Typer(help="Alerts: what is open, and what is done about it.", invoke_without_command=True)
notify_app = typer.Typer(help="Where alerts are told.", invoke_without_command=True)
ops_app = typer.Typer(help="Queues and jobs, for operators.", no_args_is_help=True)
app.add_typer(
    alerts_app,
    name="alerts",
    epilog=_examples("watchlist alerts", "watchlist alerts --repo pallets/flask --all"),
)
app.add_typer(
    notify_app,
    name="notify",
    epilog=_examples("watchlist notify", 'watchlist notify off "team chat"', 'watchlist notify rm "team chat"'),
)
app.add_typer(ops_app, name="ops", epilog=_examples("watchlist ops queues", "watchlist ops jobs"))

Repository = Annotated[str, typer.Argument(metavar="REPO", help="owner/name, an address or an id")]
Repositories = Annotated[list[str], typer.Argument(metavar="REPO", help="owner/name, an address or an id")]
Labels = Annotated[
    list[str] | None, typer.Option("--label", metavar="LABEL", help="A label of yours; may be given more than once.")
]
Channel = Annotated[str, typer.Argument(metavar="NAME", help="of a channel, or its id")]
WebhookFormat = Annotated[
    WebhookForm | None, typer.Option("--format", help="Who reads it; found out by the address, unless said.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


class _Chosen(NamedTuple):
    """What stands before the command."""

    profile: str | None
    user: str | None
    as_json: bool


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer's callbacks take the value
    if wanted:
        try:
            typer.echo(version("repository-watchlist"))
        except PackageNotFoundError:
            typer.echo("not installed")
        raise typer.Exit


@app.callback()
def start(
    context: typer.Context,
    *,
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="A service of the file of profiles. [env: WATCHLIST_PROFILE]")
    ] = None,
    user: Annotated[str | None, typer.Option(metavar="USER", help="Whose watchlist. [env: WATCHLIST_USER]")] = None,
    as_json: Annotated[bool, typer.Option(_AS_JSON, help="Print the API's own objects; may stand anywhere.")] = False,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version, and stop.")
    ] = False,
) -> None:
    """Choose the service: WATCHLIST_URL, a profile, or the one that runs on this machine."""
    del show_version
    context.obj = _Chosen(profile, user, as_json)


@app.command(
    epilog=_examples(
        'watchlist add https://github.com/pallets/flask --notes "our web framework" --wait 120',
        "watchlist add pallets/click pallets/jinja --label web",
    )
)
def add(
    context: typer.Context,
    repositories: Annotated[
        list[str], typer.Argument(metavar="REPO", help="owner/name or an address, in any spelling")
    ],
    notes: Annotated[str | None, typer.Option(metavar="TEXT", help="Why you watch them.")] = None,
    labels: Labels = None,
    wait: Annotated[
        int | None,
        typer.Option(metavar="SECONDS", help="Wait so long at most until they are processed; no wait, unless said."),
    ] = None,
) -> None:
    """Watch repositories.

    With --wait the exit code is 1 where processing failed, and 4 where it is not over in time.
    """
    from watchlist_cli.commands import adding

    _end(adding.add(_session(context), repositories, notes=notes, labels=labels or (), wait_seconds=wait))


@app.command(
    "import",
    epilog=_examples(
        "watchlist import . --dry-run",
        "watchlist import uv.lock package-lock.json --label web --yes",
        "watchlist import go.mod --online",
    ),
)
def import_(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="FILE|FOLDER", help="lock files, manifests, SBOMs, lists")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be added, and stop.")] = False,
    online: Annotated[
        bool, typer.Option("--online", help="Ask deps.dev for packages that nothing here resolves.")
    ] = False,
    labels: Labels = None,
    yes: Yes = False,
) -> None:
    """Watch what a project depends on; it is shown first.

    Reads lock files, manifests, bills of materials and lists of package URLs or addresses. Nothing is asked on the
    network without --online.
    """
    from watchlist_cli.commands import importing
    from watchlist_cli.resolving import deps_dev

    plan = importing.plan_for(paths, deps_dev.from_environment() if online else None)
    _end(importing.run(_session(context), plan, labels=labels or (), dry_run=dry_run, yes=yes))


@app.command(
    "ls",
    epilog=_examples(
        "watchlist ls",
        "watchlist ls --verdict dormant,archived,gone --sort score",
        "watchlist ls --label production --json",
    ),
)
def list_(
    context: typer.Context,
    *,
    verdict: Annotated[
        str | None, typer.Option(metavar="VERDICTS", help=f"Only these, with commas between: {_VERDICTS}.")
    ] = None,
    status: Annotated[str | None, typer.Option(metavar="STATUS", help="Only processing, ready or failed.")] = None,
    label: Annotated[str | None, typer.Option(metavar="LABEL", help="Only with this label.")] = None,
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only with this text in address, notes or labels.")
    ] = None,
    sort: Annotated[
        str | None, typer.Option(metavar="ORDER", help="By worry (unless said), added, name, score or last_commit.")
    ] = None,
) -> None:
    """List what is watched, the most worrying first."""
    from watchlist_cli.commands import listing

    filters = {"verdict": verdict, "status": status, "label": label, "text": text, "sort": sort}
    _end(listing.show_list(_session(context), filters))


@app.command(epilog=_examples("watchlist show pallets/flask", "watchlist show pallets/flask --json"))
def show(context: typer.Context, repository: Repository) -> None:
    """Show one repository: verdict, figures, checks."""
    from watchlist_cli.commands import listing

    _end(listing.show_one(_session(context), repository))


@app.command(epilog=_examples("watchlist compare pallets/flask pallets/click"))
def compare(context: typer.Context, repositories: Repositories) -> None:
    """Show two to five repositories beside each other."""
    from watchlist_cli.commands import comparing

    _end(comparing.compare(_session(context), repositories))


@app.command(epilog=_examples("watchlist watch pallets/flask"))
def watch(context: typer.Context, repository: Repository) -> None:
    """Follow a repository live until it is processed.

    The exit code is 1 where that failed.
    """
    from watchlist_cli.commands import adding

    _end(adding.watch(_session(context), repository))


@app.command(epilog=_examples("watchlist retry pallets/flask", "watchlist retry --all-failed"))
def retry(
    context: typer.Context,
    *,
    repositories: Annotated[
        list[str] | None, typer.Argument(metavar="REPO", help="owner/name, an address or an id")
    ] = None,
    all_failed: Annotated[bool, typer.Option("--all-failed", help="All whose processing failed.")] = False,
) -> None:
    """Try failed repositories again."""
    from watchlist_cli.commands import adding

    _end(adding.retry(_session(context), repositories or [], all_failed=all_failed))


@app.command(epilog=_examples("watchlist check pallets/flask"))
def check(context: typer.Context, repositories: Repositories) -> None:
    """Look at repositories now instead of at their next turn."""
    from watchlist_cli.commands import adding

    _end(adding.check(_session(context), repositories))


@app.command(
    context_settings={"ignore_unknown_options": True},
    epilog=_examples("watchlist label pallets/flask production web -old"),
)
def label(
    context: typer.Context,
    repository: Repository,
    changes: Annotated[list[str], typer.Argument(metavar="LABEL", help="one to put on, or -LABEL to take off")],
) -> None:
    """Put labels on a repository, or take them off."""
    from watchlist_cli.commands import adding

    _end(adding.label(_session(context), repository, changes))


@notify_app.callback()
def notify(context: typer.Context) -> None:
    """Show the channels in which alerts of all repositories are told."""
    if context.invoked_subcommand is None:
        from watchlist_cli.commands import notifying

        _end(notifying.channels(_session(context)))


@notify_app.command(
    "add",
    epilog=_examples(
        "watchlist notify add mail",
        'watchlist notify add "team chat" --webhook https://hooks.example.com/watchlist --level critical --label web',
    ),
)
def add_channel(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="what you call it")],
    *,
    webhook: Annotated[str | None, typer.Option(metavar="URL", help="Where alerts are posted; e-mail without.")] = None,
    form: WebhookFormat = None,
    levels: Annotated[
        list[str] | None, typer.Option("--level", metavar="LEVEL", help="Only mild, or only critical alerts.")
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            help="Only this kind, inactivity, say; may be given again. A wrong one is answered with the list.",
        ),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="LABEL", help="Only of repositories with this label; may be given again."),
    ] = None,
    verdicts: Annotated[
        list[str] | None,
        typer.Option(
            "--verdict", metavar="VERDICT", help="Only of repositories with this verdict; may be given again."
        ),
    ] = None,
) -> None:
    """Tell of alerts in one more place; all that is named must hold."""
    from watchlist_cli.commands import notifying

    rule = {"levels": levels or (), "kinds": kinds or (), "labels": labels or (), "verdicts": verdicts or ()}
    _end(notifying.add(_session(context), name, webhook, form, rule))


@notify_app.command("rm", epilog=_examples('watchlist notify rm "team chat"'))
def remove_channels(
    context: typer.Context, names: Annotated[list[str], typer.Argument(metavar="NAME", help="of channels")]
) -> None:
    """Remove channels."""
    from watchlist_cli.commands import notifying

    _end(notifying.remove(_session(context), names))


@notify_app.command("test", epilog=_examples('watchlist notify test "team chat"'))
def test_channel(context: typer.Context, name: Channel) -> None:
    """Send a test to a channel; its last delivery says how that went."""
    from watchlist_cli.commands import notifying

    _end(notifying.test(_session(context), name))


@notify_app.command("off", epilog=_examples('watchlist notify off "team chat"'))
def switch_off(context: typer.Context, name: Channel) -> None:
    """Send nothing to a channel for now."""
    from watchlist_cli.commands import notifying

    _end(notifying.switch(_session(context), name, on=False))


@notify_app.command("on", epilog=_examples('watchlist notify on "team chat"'))
def switch_on(context: typer.Context, name: Channel) -> None:
    """Go on with a channel."""
    from watchlist_cli.commands import notifying

    _end(notifying.switch(_session(context), name, on=True))


@notify_app.command(
    "repo",
    epilog=_examples(
        "watchlist notify repo pallets/flask",
        "watchlist notify repo pallets/flask --no-email",
        "watchlist notify repo pallets/flask --by-channels",
    ),
)
def notify_of_repository(
    context: typer.Context,
    repository: Repository,
    *,
    email: Annotated[bool | None, typer.Option(help="Whether alerts are mailed.")] = None,
    webhook: Annotated[
        str | None, typer.Option(metavar="URL", help=f"Where alerts are posted; '{NOWHERE}' for nowhere.")
    ] = None,
    form: WebhookFormat = None,
    by_channels: Annotated[bool, typer.Option("--by-channels", help="Let the channels tell of it again.")] = False,
) -> None:
    """Tell of one repository otherwise than the channels do, or show how."""
    from watchlist_cli.commands import notifying

    given: dict[str, object] = {"email": email, "webhook_url": webhook, "webhook_format": form}
    changes = {name: value for name, value in given.items() if value is not None}
    if webhook == NOWHERE:
        changes["webhook_url"] = None
    _end(notifying.repository(_session(context), repository, changes, forget=by_channels))


@app.command("rm", epilog=_examples("watchlist rm pallets/flask pallets/click --yes"))
def remove(context: typer.Context, repositories: Repositories, *, yes: Yes = False) -> None:
    """Stop watching repositories."""
    from watchlist_cli.commands import adding

    _end(adding.remove(_session(context), repositories, yes=yes))


@alerts_app.callback()
def alerts(
    context: typer.Context,
    *,
    repository: Annotated[str | None, typer.Option("--repo", metavar="REPO", help="Only of this repository.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Resolved ones, too.")] = False,
) -> None:
    """List alerts, open ones first."""
    if context.invoked_subcommand is None:
        from watchlist_cli.commands import alerting

        _end(alerting.show(_session(context), repository, everything=everything))


@alerts_app.command("ack", epilog=_examples("watchlist alerts ack alert_02ebbe827f21f992f4616f51bf8e42da"))
def acknowledge(
    context: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="as `watchlist alerts` shows them")],
) -> None:
    """Say that alerts were seen."""
    from watchlist_cli.commands import alerting

    _end(alerting.settle(_session(context), ids, "acknowledge"))


@alerts_app.command("resolve", epilog=_examples("watchlist alerts resolve alert_02ebbe827f21f992f4616f51bf8e42da"))
def resolve(
    context: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="as `watchlist alerts` shows them")],
) -> None:
    """Say that alerts are dealt with."""
    from watchlist_cli.commands import alerting

    _end(alerting.settle(_session(context), ids, "resolve"))


@app.command(
    epilog=_examples(
        "watchlist gate --max-quiet-days 365 --deny archived,gone --no-open critical",
        "watchlist gate --from uv.lock --policy watchlist-policy.toml --junit gate.xml --sarif gate.sarif",
    )
)
def gate(
    context: typer.Context,
    *,
    sources: Annotated[
        list[Path] | None, typer.Option("--from", metavar="FILE", help="Judge only what this depends on.")
    ] = None,
    policy: Annotated[Path | None, typer.Option(metavar="FILE", help="A policy file; options go before it.")] = None,
    min_score: Annotated[
        float | None, typer.Option(metavar="SCORE", min=0, max=10, help="Lowest score, 0 to 10; any, unless said.")
    ] = None,
    max_quiet_days: Annotated[
        int | None,
        typer.Option(metavar="DAYS", min=0, help="Longest time without a commit by a person; any, unless said."),
    ] = None,
    no_open: Annotated[
        str | None,
        typer.Option(metavar="LEVEL", help="No open alert of this level or above: mild, critical; any, unless said."),
    ] = None,
    deny: Annotated[
        str | None,
        typer.Option(
            metavar="VERDICTS", help=f"Verdicts that do not pass, with commas: {_VERDICTS}; archived,gone, unless said."
        ),
    ] = None,
    unknown: Annotated[
        str | None, typer.Option(metavar="fail|warn", help="What becomes of what is not known; warn, unless said.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a JUnit report.")] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a summary in Markdown.")] = None,
    sarif: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a SARIF log.")] = None,
) -> None:
    """Fail where a repository is not healthy enough; for pipelines.

    One line for each reason, failures first; the exit code is 1 where anything fails.
    """
    from watchlist_cli.commands import gating

    given = {
        "min_score": min_score,
        "max_quiet_days": max_quiet_days,
        "no_open": no_open,
        "deny": None if deny is None else [verdict.strip() for verdict in deny.split(",") if verdict.strip()],
        "unknown": unknown,
    }
    options = {name: value for name, value in given.items() if value is not None}
    asked = {"junit": junit, "markdown": markdown, "sarif": sarif}
    reports = {name: path for name, path in asked.items() if path is not None}
    _end(gating.run(_session(context), gating.policy_of(policy, options), gating.plan_of(sources), reports))


@app.command(epilog=_examples("watchlist report --since 7d --format html"))
def report(
    context: typer.Context,
    since: Annotated[str, typer.Option(metavar="TIME", help="The time that it covers: 12h, 7d, 2w.")] = "7d",
    form: Annotated[ReportFormat, typer.Option("--format", help="How it is written.")] = ReportFormat.MARKDOWN,
) -> None:
    """Print what is in trouble and what changed, to be mailed."""
    from watchlist_cli.commands import reporting

    _end(reporting.report(_session(context), since, form))


@app.command(epilog=_examples("watchlist export --format csv > watchlist.csv"))
def export(
    context: typer.Context,
    form: Annotated[ExportFormat, typer.Option("--format", help="How it is written.")] = ExportFormat.CSV,
) -> None:
    """Print the watchlist as CSV or JSON Lines.

    Nothing in the CSV is a formula to a spreadsheet.
    """
    from watchlist_cli.commands import reporting

    _end(reporting.export(_session(context), form))


@ops_app.command(epilog=_examples("watchlist ops queues"))
def queues(context: typer.Context) -> None:
    """Show how much waits in each queue."""
    from watchlist_cli.commands import operating

    _end(operating.queues(_session(context)))


@ops_app.command(epilog=_examples("watchlist ops redrive repository-setup --yes"))
def redrive(
    context: typer.Context,
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="as `watchlist ops queues` names it")],
    *,
    yes: Yes = False,
) -> None:
    """Send a queue's dead letters back to it: their jobs are tried again."""
    from watchlist_cli.commands import operating

    _end(operating.redrive(_session(context), queue, yes=yes))


@ops_app.command(epilog=_examples("watchlist ops jobs"))
def jobs(context: typer.Context) -> None:
    """Show recent jobs."""
    from watchlist_cli.commands import operating

    _end(operating.jobs(_session(context)))


@app.command(
    epilog=_examples(
        "watchlist login --issuer https://login.example.com --client-id watchlist-command", "watchlist login --device"
    )
)
def login(
    context: typer.Context,
    *,
    issuer: Annotated[
        str | None, typer.Option(metavar="URL", help="Whose tokens the service trusts. [env: WATCHLIST_ISSUER]")
    ] = None,
    client_id: Annotated[
        str | None, typer.Option(metavar="ID", help="This command's client there. [env: WATCHLIST_CLIENT_ID]")
    ] = None,
    device: Annotated[bool, typer.Option("--device", help="Type a code on another device.")] = False,
    scope: Annotated[
        str, typer.Option(metavar="SCOPES", help="What is asked for, with spaces between.")
    ] = "openid offline_access",
) -> None:
    """Sign in, where the service wants tokens.

    By this machine's browser, or by a code that is typed on another device. The tokens are kept in the keyring where
    there is one, else in a file that only you can read, and renewed.
    """
    from watchlist_cli.commands import signing

    _end(signing.login(_session(context).at(issuer, client_id), by_device=device, scope=scope))


@app.command(epilog=_examples("watchlist logout"))
def logout(context: typer.Context) -> None:
    """Forget the sign-in."""
    from watchlist_cli.commands import signing

    _end(signing.logout(_session(context)))


@app.command(
    context_settings=_PASSED_ON,
    epilog=_examples("watchlist serve", "watchlist serve -- --port 3100 ~/code/one ~/code/two"),
)
def serve(context: typer.Context) -> None:
    """Run the service here until Ctrl-C, where installed.

    What follows is passed on to the service; `watchlist serve -- --help` has its options.
    """
    from watchlist_cli.commands import here

    here.become("serve", context.args)


@app.command(
    context_settings=_PASSED_ON,
    epilog=_examples("watchlist run https://github.com/pallets/flask", "watchlist run ~/code/one"),
)
def run(context: typer.Context) -> None:
    """Analyse one repository here, where installed.

    A path or an address may follow; the service is started for it, and stopped.
    """
    from watchlist_cli.commands import here

    here.become("run", context.args)


def _session(context: typer.Context) -> "Session":
    """Begin the session when a command needs it: help is there whatever the profiles say."""
    from watchlist_cli.output import Printer, form_for
    from watchlist_cli.profile import choose
    from watchlist_cli.session import Session

    chosen: _Chosen = context.obj
    return Session(choose(chosen.profile, chosen.user), Printer(form_for(as_json=chosen.as_json)))


def _end(code: ExitCode) -> None:
    raise typer.Exit(code)


def main() -> None:
    """Run the command; what a person can put right is said in one line."""
    make_ready()
    try:
        app()
    except CommandError as error:
        print(f"error: {one_line(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print("error:", one_line(f"{error.filename or 'the output'}: {error.strerror}"), file=sys.stderr)
        give_up()
        sys.exit(ExitCode.USAGE)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # who presses it twice sees no more than who presses it once
        sys.exit(130)


if __name__ == "__main__":
    main()
