"""Who wrote a commit: which names and addresses are one person, and which are a program.

This is the one answer to both questions; metrics, alerts and searches ask it.

**One person.** `.mailmap` comes first. Then an address names its owner, whatever the name beside it, case and Unicode
form ignored. Hosts' noreply addresses name an account: both forms of them are one, and so are the
logins that one account number had. An address that names nobody (a placeholder, `root@localhost`, anything without a
public domain) is no reason to take two names for one person: there the name decides.

**A program** is told by its name or address: see `is_bot`. People called Bot, Abbot or Talbot are people.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from watchlist.git_hosts import kind_of_noreply
from watchlist.history.commits import Signature
from watchlist.history.mailmap import Mailmap

KNOWN_BOTS = frozenset(
    {
        "a. unique tensorflower",
        "actions-user",
        "all-contributors",
        "allcontributors",
        "anaconda bot",
        "ansibullbot",
        "apache arrow bot",
        "apache asfgit",
        "apmmachine",
        "appveyor",
        "asfgit",
        "aws sdk for java v2",
        "azure pipelines",
        "azure-sdk",
        "blurb it",
        "blurb-it",
        "bors",
        "bors-ng",
        "bors-servo",
        "buildbot",
        "buildkite-agent",
        "chromium wpt sync",
        "circleci",
        "cockroach-teamcity",
        "cocoapods bot",
        "codacy badger",
        "codacy-badger",
        "code climate",
        "codefactor-io",
        "coderabbitai",
        "compathelper julia",
        "conda-forge-admin",
        "conda-forge-linter",
        "continuous integration",
        "copilot",
        "copilot coding agent",
        "copilot-swe-agent",
        "copybara bot",
        "copybara-service",
        "coqbot",
        "crowdin",
        "cursor agent",
        "cursoragent",
        "debian janitor",
        "dependabot",
        "dependabot-preview",
        "depfu",
        "devin-ai-integration",
        "docker library bot",
        "dotnet bot",
        "dotnet-maestro",
        "dpebot",
        "drone ci",
        "elastic machine",
        "elasticmachine",
        "facebook-github-tools",
        "ffxbld",
        "flathubbot",
        "fluttergithubbot",
        "fluxcdbot",
        "fossabot",
        "gcc administrator",
        "gdb administrator",
        "gerrit code review",
        "ghost slimer",
        "github",
        "github action",
        "github actions",
        "github copilot",
        "github-actions",
        "github-merge-queue",
        "gitlab ci",
        "gitlab-ci",
        "google-labs-jules",
        "googleapis-publisher",
        "gopherbot",
        "greenkeeper",
        "home assistant bot",
        "homebrew releaser",
        "homu",
        "imgbot",
        "imgbotapp",
        "jenkins",
        "jenkins ci",
        "jetbrains bot",
        "jlbuild",
        "juliaregistrator",
        "kibanamachine",
        "l10n daemon script",
        "lerna release",
        "liquibot",
        "llvm gn syncbot",
        "mend renovate",
        "mergify",
        "modular-magician",
        "mozilla pontoon",
        "mozilla releng treescript",
        "netlify cms",
        "nextcloud-command",
        "openhands",
        "opentelemetry bot",
        "otelbot",
        "packit",
        "pontoon",
        "pootle daemon",
        "pre-commit ci",
        "pre-commit-ci",
        "pytorchbot",
        "pyup.io",
        "release please",
        "release-please",
        "renovate",
        "repository mirror & ci",
        "repository qa checks",
        "restyled.io",
        "rust bors",
        "rust-log-analyzer",
        "rust-timer",
        "scala steward",
        "scala-steward",
        "scripty",
        "scrutinizer auto-fixer",
        "semantic-release",
        "snyk",
        "sourcegraph bot",
        "spring operator",
        "spring-operator",
        "swift ci",
        "syzbot",
        "teamcity",
        "tensorflower gardener",
        "the codacy badger",
        "the gitter badger",
        "traefiker",
        "traefiker bot",
        "transifex",
        "translatewiki.net",
        "travis ci",
        "travis ci user",
        "travis-ci",
        "vim-patch",
        "vsts",
        "web-flow",
        "weblate",
        "whitesource-bolt",
        "zuul",
    }
)
"""Names, in lower case, of programs that commit and whose name alone does not say so; logins of their accounts too."""

_BOT_ADDRESSES = frozenset(
    {
        "action@github.com",
        "actions@github.com",
        "badges@fossa.io",
        "cockpituous@gmail.com",
        "codex@openai.com",
        "cursoragent@cursor.com",
        "gccadmin@gcc.gnu.org",
        "gdbadmin@sourceware.org",
        "hosted@weblate.org",
        "magic-modules@google.com",
        "msftgits@microsoft.com",
        "noreply@aider.chat",
        "noreply@anthropic.com",
        "noreply@gitlab.com",
        "noreply@google.com",
        "noreply@weblate.org",
        "openhands@all-hands.dev",
        "pontoon@mozilla.com",
        "releases@riot.im",
        "scripty@kde.org",
        "support@dependabot.com",
        "support@github.com",
        "translate@codeberg.org",
    }
)
_SERVICE_ACCOUNTS = ".gserviceaccount.com"
"""Where Google Cloud gives addresses to programs alone."""
_TASKS = (
    "action|actions|assistant|auto|autofix|automated|automatic|automation|backport|badge|benchmark|bors|build|"
    "builds|bump|bumper|changelog|check|cherry-?pick|ci|clean|cleanup|cli|code|codecov|commit|community|config|"
    "contributors|copy|coverage|cron|cronjob|crowdin|daily|data|delivery|dependabot|dependencies|dependency|"
    "deploy|deployer|deployment|deps|dev|devops|dist|doc|docker|docs|download|export|fix|format|formatter|"
    "generator|git|github|gitlab|greenkeeper|helm|homebrew|i18n|image|img|import|infra|infrastructure|"
    "integration|issue|jenkins|k8s|kernel|kubernetes|l10n|label|license|lint|linter|lock|maintenance|manifest|"
    "merge|mergify|metadata|mirror|nightly|nix|npm|ops|package|packages|packaging|pages|pin|pipeline|platform|"
    "plugin|policy|pr|project|proposal|prow|publish|publisher|pypi|python|queue|rebase|release|releaser|releng|"
    "renovate|repo|review|roll|roller|rust|schema|scripts?|sdk|security|semantic|semantic-release|service|site|"
    "snyk|stable|stale|stats?|studio|style|submodule|svc|sync|sync-?up|test|testing|tests|tool|toolchain|tools|"
    "translate|translation|translations|travis|triage|typo|update|updater|updates|upgrade|upstream|vendor|"
    "version|versions|web|website|weekly|wiki|workflow"
)
MAX_PEOPLE = 200
MAX_IDENTITIES = 20
"""Most people with several identities that are kept for searches, and most identities of each."""

Identities = list[tuple[str, str]]
"""Names and addresses of one person, as they stand together, folded."""

_MARKED = re.compile(r"[\[(]\s*(?:ro)?bot\s*[\])]")
"""As GitHub names apps, wherever it stands: `renovate[bot] (self-hosted)`, `Weblate (bot)`."""
_LOGIN = re.compile(r"(?:.*[-_.+])?(?:ro)?bot(?:-\d+)?|bot[-_].*", re.DOTALL)
"""One word whose part `bot` stands for itself: `k8s-ci-robot`, `x-bot`, `bot`."""
_GLUED = re.compile(rf"(?:.*[-_.])?(?:{_TASKS})(?:ro)?bot", re.DOTALL)
"""One word: what the thing does, and `bot`: `buildbot`, `nixpkgs-merge-bot`."""
_AT_WORK = re.compile(rf"(?:.*[\s_.-])?(?:{_TASKS})[\s_.-]+bot", re.DOTALL)
"""The same in several words: `Release Bot`, `Yoshi Automation Bot`."""
_CAMEL = re.compile(r"\w*[a-z0-9](?:B|Rob)ot")
"""`FooBot`, as no person's name is written."""
_AUTOMATION = re.compile(
    r"(?:.*[\s_.-])?(?:automations?|auto-?(?:roll|build)(?:er)?|builds|build-?master|build service)"
    r"(?:[\s_.-]+(?:account|user)|\s*\(.*\))?",
    re.DOTALL,
)
"""`aws-sdk-dotnet-automation`, `V8 Autoroller`, `Spring Builds`; Azure's `Project Collection Build Service (acme)`."""
_AUTOMATED = re.compile(rf"auto(?:mat(?:ed|ic))?[\s_-]+(?:{_TASKS})s?", re.DOTALL)
"""What is done, and that nobody does it: `Automatic Release`, `Auto Merge`."""
_AUTOMATION_LOGIN = re.compile(r"(?:.*[-_.+])?automation", re.DOTALL)
"""Likewise in an address, whatever the name: `aws-java-sdk-automation@`."""
_CALLED_CI = re.compile(r"(?:.*[\s_-])?CI|(?i:\S*[_-]ci)", re.DOTALL)
_CI_LOGIN = re.compile(r"(?:.*[_-])?ci", re.DOTALL)
"""`Puppet CI` and `swift-ci`, where name and address agree: Ci is a surname, before which people put a dot."""
_GENERATED = re.compile(r"generatedunixname\d+")
"""What Meta calls its programs."""
_PROJECT_TOKEN = re.compile(r"(?:project|group)_?\d+_bot.*")
"""What GitLab calls the user of an access token."""

_NOBODY = frozenset(
    {
        "anonymous",
        "devnull",
        "do-not-reply",
        "donotreply",
        "no-reply",
        "no_reply",
        "nobody",
        "none",
        "noone",
        "noreply",
        "null",
        "root",
        "unknown",
    }
)
"""Local parts that name nobody, at whatever domain."""
_PLACEHOLDERS = frozenset(
    {
        *("email", "name", "test", "user", "username", "you", "your"),
        *("you.name", "your-email", "your.email", "your.name", "your_email", "your_name", "youremail", "yourname"),
    }
)
"""Local parts that name nobody at a placeholder's domain: what tools and manuals tell people to replace."""
_PLACEHOLDER_DOMAINS = frozenset(
    {
        *("example.com", "example.net", "example.org"),
        *("domain.com", "domain.tld", "email.com", "mail.com", "none.com", "test.com", "yourdomain.com"),
    }
)
_NOT_PUBLIC = frozenset(
    {
        *("corp", "domain", "home", "internal", "intranet", "lan", "local", "localdomain", "private", "workgroup"),
        *("arpa", "invalid", "localhost", "none"),
    }
)
"""Last parts of host names that no public name ends in; RFC 6761 and RFC 6762 have the reserved ones."""
_TOP_LEVEL = re.compile(r"(?:[^\W\d_]{2,}|xn--[a-z0-9-]+)")


@dataclass(frozen=True, slots=True)
class Person:
    """Who wrote a commit, a person or a program.

    Attributes:
        key: equal for all identities of one person, and only for these.
        name: as in `.mailmap`.
        email: as in `.mailmap`.
        is_bot: whether it is a program.
    """

    key: str
    name: str
    email: str
    is_bot: bool


Rename = tuple[str, str, str, str]
"""Name and address of an author as committed, and the proper ones."""


class Names(Protocol):
    """Tells the proper names of authors, as `Mailmap` does."""

    def resolve(self, name: str, email: str) -> tuple[str, str]:
        """Return the proper name and address."""


@dataclass(frozen=True, slots=True)
class Renames:
    """What an earlier look at `.mailmap` has told of the authors of that time."""

    _proper: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, renames: Iterable[Sequence[str]]) -> "Renames":
        """Return what these `Rename`s say."""
        return cls({(name, email): (proper, address) for name, email, proper, address in renames})

    def resolve(self, name: str, email: str) -> tuple[str, str]:
        """Return the proper name and address; those of others are what they are."""
        return self._proper.get((name, email), (name, email))


class People:
    """The people of one repository."""

    def __init__(self, authors: Iterable[Signature] = (), mailmap: bytes | Names | None = b"") -> None:
        """Learn from the authors of all commits that are looked at which logins one account has had.

        Args:
            authors: of these commits; of others than these `of` tells who they are, too.
            mailmap: content of `.mailmap` at HEAD, where anything goes and only the readable lines count; or what it
                said before; None where it could not be read: then everybody is called as committed.
        """
        self._is_mailmap_known = mailmap is not None
        self._mailmap: Names = Mailmap(mailmap or b"") if isinstance(mailmap, bytes | None) else mailmap
        self._known: dict[tuple[str, str], Person] = {}
        self._numbers: defaultdict[str, set[str]] = defaultdict(set)
        self._logins: defaultdict[str, set[str]] = defaultdict(set)
        for name, email in {(author.name, author.email) for author in authors}:
            account = _account(folded(self._mailmap.resolve(name, email)[1]))
            if account and account.number:
                self._numbers[account.login].add(account.number)
                self._logins[account.number].add(account.login)

    def of(self, author: Signature) -> Person:
        """Return who the author is."""
        identity = (author.name, author.email)
        if identity not in self._known:
            name, email = self._mailmap.resolve(*identity)
            self._known[identity] = Person(self._key(name, email), name, email, is_bot(name, email))
        return self._known[identity]

    def identities(self, authors: Iterable[Signature]) -> list[Identities]:
        """Return the people of several identities among these authors, as `of` tells them, the proper one included.

        Bounded, those with most identities first: a search for others finds them by each identity alone.
        """
        of_person: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        for author in authors:
            person = self.of(author)
            of_person[person.key] |= {_identity(author.name, author.email), _identity(person.name, person.email)}
        several = [sorted(each) for each in of_person.values() if len(each) > 1]
        several.sort(key=lambda each: (-len(each), each))
        return [each[:MAX_IDENTITIES] for each in several[:MAX_PEOPLE]]

    def renames(self, authors: Iterable[Signature]) -> list[Rename] | None:
        """Return those of these authors whom `.mailmap` calls otherwise than committed; None where it is not known."""
        if not self._is_mailmap_known:
            return None
        known = {(author.name, author.email) for author in authors}
        return sorted((*each, *proper) for each in known if (proper := self._mailmap.resolve(*each)) != each)

    def _key(self, name: str, email: str) -> str:
        address = folded(email)
        account = _account(address)
        if account is not None:
            return f"account {self._one_login(account)}"
        if names_somebody(address):
            return f"address {address}"
        return f"name {folded(name) or address}"

    def _one_login(self, account: "_Account") -> str:
        """Return what stands for the account: its login, or the first of all that it has had."""
        numbers = self._numbers.get(account.login, set())
        if len(numbers) > 1:  # a login that was given up and taken by somebody else
            return account.number or account.login
        return min((login for number in numbers for login in self._logins[number]), default=account.login)


@dataclass(frozen=True, slots=True)
class _Account:
    """An account at a host; both carry the host's name, the number is empty where it is not told."""

    number: str
    login: str


class AuthorSearch:
    """Finds the commits of an author by any of the author's names or addresses; case and Unicode form are ignored."""

    def __init__(self, wanted: str, people: Iterable[Identities] = ()) -> None:
        """Search for that name or address.

        Args:
            wanted: the whole of it.
            people: those of the repository who have several.
        """
        self._wanted = folded(wanted)
        self._identities = frozenset(
            (name, email)
            for person in people
            if any(self._wanted in identity for identity in person)
            for name, email in person
        )

    def finds(self, author: Signature) -> bool:
        """Whether the author is the one that is searched for."""
        identity = _identity(author.name, author.email)
        return self._wanted in identity or identity in self._identities


def _identity(name: str, email: str) -> tuple[str, str]:
    return folded(name), folded(email)


def is_bot(name: str, email: str) -> bool:
    """Say whether an author is a program.

    Six things tell a program: a mark in the name or address (`[bot]`, `(bot)`); `bot` or `robot` as the last part of a
    login; the word `bot` after a word for what it does, or that word after `automated`; `automation`, `autoroll` or
    `builds` as the last part of a name or login; `ci` as the last part of both; a name, an address or a host of
    addresses that is known. Two things do not, since they may be a person's: a name of several words that ends in
    `Bot`, and a word that only ends so.
    """
    called, address = folded(name), folded(email)
    account = _account(address)
    local = address.rpartition("@")[0]
    login = account.login.rpartition("/")[2] if account else local.rpartition("+")[2]
    return (
        called.partition("+")[0] in KNOWN_BOTS
        or (account is not None and login in KNOWN_BOTS)
        or address in _BOT_ADDRESSES
        or _is_called_bot(name)
        or (_CALLED_CI.fullmatch(name.strip()) is not None and _CI_LOGIN.fullmatch(login) is not None)
        or address.endswith(_SERVICE_ACCOUNTS)
        or _MARKED.search(local) is not None
        or _PROJECT_TOKEN.fullmatch(local) is not None
        or (_AUTOMATION_LOGIN.fullmatch(login) is not None and (account is not None or not _repeats(login, called)))
        or (_LOGIN.fullmatch(login) is not None and (account is not None or not _repeats(login, called)))
    )


def _is_called_bot(name: str) -> bool:
    called = folded(name)
    words = called.split()
    if (
        any(form.fullmatch(called) for form in (_AUTOMATION, _AUTOMATED))
        or _MARKED.search(called)
        or "weblate" in words
    ):
        return True
    if len(words) > 1:
        # `pytest bot`, `Prow Robot` and `PyTorch MergeBot` are programs; `Jan Bot` and `Anne Smit-Bot` are people.
        last = name.rsplit(maxsplit=1)[-1]
        is_one_word = _CAMEL.fullmatch(last) or (last == words[-1] and _LOGIN.fullmatch(last))
        return bool(words[-1] == "robot" or _AT_WORK.fullmatch(called) or is_one_word)
    return (
        any(form.fullmatch(called) for form in (_LOGIN, _GLUED, _GENERATED))
        or _CAMEL.fullmatch(name.strip()) is not None
    )


def _repeats(login: str, called: str) -> bool:
    """Whether the address only repeats the name, as `j.bot@` or `anne.smit-bot@` do: then it says nothing more."""
    parts, words = re.split(r"[-_.]", login), re.split(r"[-_.\s]+", called)
    return len(parts) == len(words) > 1 and all(word.startswith(part) for word, part in zip(words, parts, strict=True))


def names_somebody(address: str) -> bool:
    """Say whether a folded address is one person's."""
    local, _, domain = address.rpartition("@")
    if not local or local in _NOBODY or (local in _PLACEHOLDERS and domain in _PLACEHOLDER_DOMAINS):
        return False
    first, _, top_level = domain.rpartition(".")
    return bool(first) and top_level not in _NOT_PUBLIC and _TOP_LEVEL.fullmatch(top_level) is not None


def folded(text: str) -> str:
    """Return a name or address in the form in which equal ones are equal: case, Unicode form and spaces ignored."""
    return unicodedata.normalize("NFC", " ".join(unicodedata.normalize("NFC", text).casefold().split()))


def _account(address: str) -> _Account | None:
    """Read an address that hides a person's own: of GitHub (`1+login@…`, `login@…`), GitLab (`1-login@…`) or Gitea.

    GitHub's logins may begin with a number and a dash.
    """
    local, _, domain = address.partition("@")
    kind = kind_of_noreply(domain)
    if kind is None:
        return None
    number, sign, login = local.partition(kind.after_number) if kind.after_number else ("", "", local)
    if not sign or not number.isdecimal():
        number, login = "", local
    host = domain.removeprefix(kind.noreply)
    return _Account(f"{host}/{number}" if number else "", f"{host}/{login}") if login and "+" not in login else None
