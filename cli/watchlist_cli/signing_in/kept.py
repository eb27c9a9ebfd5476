"""Where sign-ins are kept: one file that only its owner can read, and the system's keyring for the secrets."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from watchlist_cli import folders
from watchlist_cli.errors import CommandError
from watchlist_cli.signing_in.issuer import Tokens

_SERVICE = "repository-watchlist"
"""The name by which the keyring knows this command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Who is signed in at one service.

    Attributes:
        service_url: of the service that takes the tokens.
        issuer: who gave them.
        client_id: this command's at the issuer.
        subject: whom the tokens are about; None where they do not say it openly.
        tokens: None while they are in the keyring and have not been asked for.
        keyring: what keeps the tokens; None where the file does.
    """

    service_url: str
    issuer: str
    client_id: str
    subject: str | None
    tokens: Tokens | None
    keyring: str | None = None


class Kept:
    """The sign-ins of one person on this machine.

    Every method raises CommandError where the file or the keyring cannot be used.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment

    @property
    def path(self) -> Path:
        """The file: `WATCHLIST_SIGN_INS`, or in the platform's folder for data."""
        if named := self._environment.get("WATCHLIST_SIGN_INS"):
            return Path(named)
        return folders.of_this_command("data") / "sign-ins.json"

    def find(self, service_url: str) -> SignIn | None:
        """Return who is signed in at a service, without the tokens where the keyring has them."""
        entry = self._read().get(service_url)
        return None if entry is None else _sign_in(service_url, entry)

    def tokens_of(self, sign_in: SignIn) -> Tokens:
        """Return the tokens, from the keyring if they are there."""
        if sign_in.tokens is not None:
            return sign_in.tokens
        kept = _in_keyring(lambda keyring: keyring.get_password(_SERVICE, sign_in.service_url))
        try:
            return _tokens(json.loads(kept or "null"))
        except (TypeError, KeyError, ValueError) as error:
            raise CommandError("the keyring has no sign-in for this service any more: `watchlist login`") from error

    def put(self, sign_in: SignIn, tokens: Tokens) -> SignIn:
        """Keep a sign-in, its tokens in the keyring where there is one; return it as it is kept."""
        name = _keyring_name()
        text = json.dumps({"access": tokens.access, "refresh": tokens.refresh, "expires_at": tokens.expires_at})
        if name is not None:
            _in_keyring(lambda keyring: keyring.set_password(_SERVICE, sign_in.service_url, text))
        kept = replace(sign_in, keyring=name, tokens=tokens if name is None else None)
        entry = {"issuer": kept.issuer, "client_id": kept.client_id, "subject": kept.subject, "keyring": name}
        if name is None:
            entry["tokens"] = json.loads(text)
        self._write(self._read() | {sign_in.service_url: entry})
        return kept

    def forget(self, sign_in: SignIn) -> None:
        """Sign out here."""
        if sign_in.keyring is not None:
            with contextlib.suppress(CommandError):  # what is not there need not be taken away
                _in_keyring(lambda keyring: keyring.delete_password(_SERVICE, sign_in.service_url))
        self._write({url: entry for url, entry in self._read().items() if url != sign_in.service_url})

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Let one process renew at a time: issuers take a refresh token that comes twice for a stolen one."""
        try:
            import fcntl  # noqa: PLC0415 - where there is none, two renewals may meet
        except ImportError:
            yield
            return
        with self._opened_lock() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _opened_lock(self) -> Any:  # noqa: ANN401 - a file
        try:
            self._make_folder()
            return self.path.with_suffix(".lock").open("w")
        except OSError as error:
            raise CommandError(f"{self.path.parent}: {error.strerror}") from error

    def _read(self) -> dict[str, Any]:
        try:
            document = json.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError) as error:
            raise CommandError(f"{self.path}: {error}; remove it and `watchlist login` again") from error
        return document if isinstance(document, dict) else {}

    def _write(self, document: Mapping[str, Any]) -> None:
        """Replace the file at once; it is its owner's alone from its first byte on (mkstemp makes it so)."""
        try:
            self._make_folder()
            number, name = tempfile.mkstemp(dir=self.path.parent, prefix=".sign-ins-")
            with os.fdopen(number, "w", encoding="utf-8") as file:
                json.dump(document, file, indent=2)
            Path(name).replace(self.path)
        except OSError as error:
            raise CommandError(f"{self.path}: {error.strerror}") from error

    def _make_folder(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _sign_in(service_url: str, entry: Mapping[str, Any]) -> SignIn:
    try:
        return SignIn(
            service_url=service_url,
            issuer=str(entry["issuer"]),
            client_id=str(entry["client_id"]),
            subject=entry.get("subject"),
            tokens=_tokens(entry["tokens"]) if entry.get("keyring") is None else None,
            keyring=entry.get("keyring"),
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise CommandError(f"the sign-in at {service_url} is damaged: `watchlist login` again") from error


def _tokens(entry: Mapping[str, Any]) -> Tokens:
    return Tokens(str(entry["access"]), entry["refresh"], entry["expires_at"])


def _keyring_name() -> str | None:
    """Return what the system's keyring is called; None where there is none, or nothing to ask it with."""
    try:
        import keyring  # noqa: PLC0415 - an extra
        from keyring.backends.fail import Keyring as Nothing  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    backend = keyring.get_keyring()
    return None if isinstance(backend, Nothing) else str(backend.name)


def _in_keyring(ask: Any) -> Any:  # noqa: ANN401 - what `keyring` gives, an extra
    try:
        import keyring  # noqa: PLC0415 - an extra
        from keyring.errors import KeyringError  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise CommandError("the tokens are in the keyring: install repository-watchlist[keyring]") from error
    try:
        return ask(keyring)
    except KeyringError as error:
        raise CommandError(f"the keyring refuses: {error}") from error
