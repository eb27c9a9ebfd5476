"""The operator's own hosts, beside the public ones: what `GIT_HOSTS` and `GIT_TOKENS` say, checked before it is used.

`GIT_HOSTS` is a JSON array with an object for each host, of the fields of `OwnHost`. `GIT_TOKENS` is a JSON object that
gives origins their tokens: it is a secret, the hosts are not.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from watchlist import limits
from watchlist.git_hosts import FORGEJO, GITEA, GITHUB, GITLAB, HOSTS, PLAIN, GitHost, is_this_machine
from watchlist.text import separated

KINDS = {kind.name: kind for kind in (GITHUB, GITLAB, GITEA, FORGEJO, PLAIN)}
"""What a host of one's own can run, by name."""

MOST_HOSTS = 20
"""All programs get them in one environment variable, and Lambda's variables have 4 KB together."""

_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<name>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::(?P<port>[1-9]\d{0,4}))?)")
_OWN_PORTS = {"https": "443", "http": "80"}
_LARGEST_PORT = 65535
_TOKEN = re.compile(r"[!-~]+")


class InvalidHostError(ValueError):
    """A host's setting is not allowed; the message, in one line, says which and what is. It repeats no token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnHost:
    """One host as the operator writes it.

    Attributes:
        origin: scheme, name and, where it is not the scheme's own, port: `https://git.example.org:8443`.
        kind: what it runs, one of `KINDS`; `git` for anything else, of which only git is known.
        api: base URL of its API, where that is not at the usual place of its kind.
        allow_http: whether it may be asked without TLS: then whoever is on the way can read and change what it says.
        checks_a_second: requests that it is sent within a second for HEADs, where it stands fewer than public hosts;
            from `limits.SLOWEST_PACE` to `limits.FASTEST_PACE`.
    """

    origin: str
    kind: str
    api: str | None = None
    allow_http: bool = False
    checks_a_second: float | None = None

    def __post_init__(self) -> None:
        match = _ORIGIN.fullmatch(self.origin) if isinstance(self.origin, str) else None
        if match is None or int(match["port"] or 0) > _LARGEST_PORT:
            raise InvalidHostError("origin must be like https://git.example.org, in lower case and without a path")
        if match["port"] == _OWN_PORTS[match["scheme"]]:
            raise InvalidHostError(f"{self.origin}: leave the port out, it is the scheme's own")
        if match["name"] in {host.name for host in HOSTS}:
            raise InvalidHostError(f"{self.origin} is known already")
        if not isinstance(self.kind, str) or self.kind not in KINDS:
            raise InvalidHostError(f"{self.origin}: kind must be one of {', '.join(KINDS)}")
        if not isinstance(self.allow_http, bool):
            raise InvalidHostError(f"{self.origin}: allow_http must be true or false")
        self._check_api()
        for address in (self.origin, self.api or ""):
            if address.startswith("http:") and not self.allow_http:
                raise InvalidHostError(f"{self.origin}: {address} is not https, and allow_http does not allow it")
        if self.checks_a_second is not None and not _is_pace(self.checks_a_second):
            bounds = f"{limits.SLOWEST_PACE:g} to {limits.FASTEST_PACE:g}"
            raise InvalidHostError(f"{self.origin}: checks_a_second must be a number from {bounds}")

    @property
    def host(self) -> GitHost:
        """The host as programs know it."""
        kind, (scheme, _, name) = KINDS[self.kind], self.origin.partition("://")
        api = self.api or f"{self.origin}{kind.api_path}"
        return GitHost(name, kind, api.rstrip("/"), scheme, self.checks_a_second)

    def _check_api(self) -> None:
        if self.api is None:
            return
        if KINDS[self.kind] is PLAIN:
            raise InvalidHostError(f"{self.origin}: a host of kind {PLAIN.name} has no api")
        try:
            parts = urlsplit(self.api)
            is_whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except (ValueError, TypeError, AttributeError):
            is_whole = False
        if not is_whole or not re.fullmatch(r"https?://[!-~]+", self.api) or any(c in self.api for c in "@?#"):
            raise InvalidHostError(f"{self.origin}: api must be like https://git.example.org/api/v4")


def _is_pace(value: float) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and limits.SLOWEST_PACE <= value <= limits.FASTEST_PACE


def written(hosts: tuple[OwnHost, ...]) -> str:
    """Return what `GIT_HOSTS` is set to for these hosts.

    Raises:
        InvalidHostError: there are too many of them, or two of one name.
    """
    _check_together(hosts)
    said = [{name: value for name, value in asdict(host).items() if value not in {None, False}} for host in hosts]
    return json.dumps(said, separators=(",", ":"))


def read_hosts(text: str) -> tuple[GitHost, ...]:
    """Read `GIT_HOSTS`.

    Raises:
        InvalidHostError: it is not of that form.
    """
    said = _json(text)
    if not isinstance(said, list) or not all(isinstance(each, dict) for each in said):
        raise InvalidHostError(
            'must be a JSON array of hosts like {"origin": "https://git.example.org", "kind": "gitlab"}'
        )
    hosts = tuple(_read_host(number, each) for number, each in enumerate(said, 1))
    _check_together(hosts)
    return tuple(host.host for host in hosts)


def _read_host(number: int, said: Mapping[str, object]) -> OwnHost:
    fields = OwnHost.__dataclass_fields__
    if said.keys() - fields.keys():
        raise InvalidHostError(
            f"host {number} has other fields than {', '.join(fields)}; tokens belong into GIT_TOKENS"
        )
    if missing := [name for name in ("origin", "kind") if name not in said]:
        raise InvalidHostError(f"host {number} has no {' and no '.join(missing)}")
    try:
        return OwnHost(**said)  # type: ignore[arg-type] # which checks the types itself
    except InvalidHostError as error:
        raise InvalidHostError(f"host {number}: {error}") from None


def _check_together(hosts: tuple[OwnHost, ...]) -> None:
    if len(hosts) > MOST_HOSTS:
        raise InvalidHostError(f"there are {len(hosts)} hosts; at most {MOST_HOSTS} are allowed")
    counts = Counter(host.host.name for host in hosts)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise InvalidHostError(f"{twice[0]} is named more than once")


def read_tokens(text: str, hosts: tuple[GitHost, ...]) -> dict[str, tuple[str, ...]]:
    """Read `GIT_TOKENS`: the tokens of each of the operator's hosts that has some, by its origin.

    Raises:
        InvalidHostError: it is not of that form, gives a token to a host that is none of these, or to one that is asked
            without TLS, unless it is on this machine.
    """
    said, known = _json(text), {host.origin: host for host in hosts}
    if not isinstance(said, dict) or not all(isinstance(each, str) for each in said.values()):
        raise InvalidHostError('must be a JSON object like {"https://git.example.org": "token"}')
    found: dict[str, tuple[str, ...]] = {}
    for number, (origin, several) in enumerate(said.items(), 1):
        tokens = separated(several)
        if origin not in known:
            raise InvalidHostError(f"the origin of entry {number} is none of GIT_HOSTS")
        if not all(map(_TOKEN.fullmatch, tokens)):
            raise InvalidHostError(f"a token for {origin} has characters that no token has")
        for address in (origin, known[origin].api):
            if tokens and not (address.startswith("https://") or is_this_machine(urlsplit(address).hostname or "")):
                raise InvalidHostError(f"{origin}: no token is sent to {address}, which is not https")
        if tokens:
            found[origin] = tokens
    return found


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidHostError("must be JSON") from None
