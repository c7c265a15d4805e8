"""Serves the application: where, for whom, and what is refused before a port is opened."""

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvicorn

from orchestrator.access.keys import KeyBook
from orchestrator.access.roles import Role, Scope
from orchestrator.dashboard.app import make_app
from orchestrator.dashboard.connections import impatient_protocol
from orchestrator.dashboard.parts import LOOPBACK_NAMES, DashboardParts
from orchestrator.errors import RequestRefused, SettingsError

__all__ = ["FirstToken", "Where", "first_token", "is_loopback", "refuse_unsafe", "serve"]

_GRACE_S = 2


@dataclass(frozen=True, slots=True)
class Where:
    """Where a dashboard is served."""

    host: str = "127.0.0.1"
    port: int = 8080
    host_names: tuple[str, ...] = ()
    """Other names by which people call this machine."""
    certificate: Path | None = None
    certificate_key: Path | None = None
    proxy: str = ""
    """Address of a proxy that speaks https to people; only what it says of them is believed."""

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it by https alone."""
        return self.certificate is not None or bool(self.proxy)

    @property
    def names(self) -> tuple[str, ...]:
        """All names by which it may be called."""
        own = () if self.host in ("0.0.0.0", "::", "") else (_as_name(self.host),)
        return tuple(dict.fromkeys([*LOOPBACK_NAMES, *own, *self.host_names]))

    @property
    def url(self) -> str:
        """For people on this machine."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "") else self.host
        scheme = "https" if self.certificate is not None else "http"
        return f"{scheme}://{_as_name(host)}:{self.port}"


@dataclass(frozen=True, slots=True)
class FirstToken:
    """What the first run makes, so that there is no default password."""

    account: str
    text: str


def is_loopback(host: str) -> bool:
    """Tell whether an address can be reached from this machine alone.

    Example:
        >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
        (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_unsafe(where: Where, keys: KeyBook) -> None:
    """Refuse to serve others than this machine without accounts, or where words go unencrypted.

    Args:
        where: What is asked for.
        keys: The accounts.

    Raises:
        SettingsError: With what is missing.
    """
    if (where.certificate is None) != (where.certificate_key is None):
        raise SettingsError("--certificate", got="one of two", expected="certificate and key")
    if where.certificate is not None and where.certificate_key is not None:
        _refuse_bad_certificate(where.certificate, where.certificate_key)
    if where.proxy and not _is_address(where.proxy):
        raise SettingsError(
            "--proxy",
            got=where.proxy,
            expected="one address, 127.0.0.1 for one: whoever else is believed says who asks, and "
            "so guesses passwords without end",
        )
    if is_loopback(where.host):
        return
    if not any(account.has_password and not account.is_disabled for account in keys.accounts()):
        raise SettingsError(
            "--host",
            got=where.host,
            expected="127.0.0.1 while there is no account with a password; "
            "`athanor accounts add NAME --role admin` makes one",
        )
    if not where.is_secure:
        raise SettingsError(
            "--host",
            got=where.host,
            expected="--certificate and --certificate-key, or --proxy ADDRESS of one that speaks "
            "https: else passwords cross the network in the clear",
        )


def first_token(keys: KeyBook, actor: str) -> FirstToken | None:
    """Make an admin and a token where there is no account; None where there is one.

    Args:
        keys: The accounts.
        actor: Who sits at the terminal.
    """
    if keys.accounts():
        return None
    try:
        account = keys.add_account(actor, Role.ADMIN, by=actor)
    except RequestRefused:  # the login name is none that a person has: root, say
        if keys.accounts():
            return None  # another server that begins just now was quicker
        account = keys.add_account("admin", Role.ADMIN, by=actor)
    text = keys.make_token(
        account.name, label="first run", scopes=list(Scope), by=actor, lasts_days=7
    )
    return FirstToken(account.name, text)


def serve(parts: DashboardParts, where: Where) -> None:
    """Serve until told to end.

    Args:
        parts: What the application works with.
        where: The address; `refuse_unsafe` has been asked.

    Raises:
        SettingsError: The address cannot be used.
    """
    whole = replace(parts, hosts=where.names, is_secure=where.is_secure)
    with _listening(where) as listener:
        config = uvicorn.Config(
            make_app(whole),
            log_config=None,
            access_log=False,
            server_header=False,
            http=impatient_protocol(uncounted=[where.proxy] if where.proxy else []),
            ws="none",
            proxy_headers=bool(where.proxy),
            forwarded_allow_ips=where.proxy or None,
            ssl_certfile=where.certificate,
            ssl_keyfile=where.certificate_key,
            timeout_graceful_shutdown=_GRACE_S,
            timeout_keep_alive=30,
            h11_max_incomplete_event_size=32 * 1024,
        )
        uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def _listening(where: Where) -> Iterator[socket.socket]:
    """Open the port.

    Raises:
        SettingsError: Another program has it, or the address is none of this machine.
    """
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((where.host, where.port))
            listener.listen(256)
        except OSError as error:
            got = f"{where.host}:{where.port}"
            raise SettingsError(
                "--port", got=got, expected=f"a free port of this machine ({error.strerror})"
            ) from error
        yield listener


def _refuse_bad_certificate(certificate: Path, key: Path) -> None:
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            "--certificate", got=str(certificate), expected=f"a PEM file with its key ({error})"
        ) from error


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _as_name(host: str) -> str:
    return f"[{host}]" if ":" in host else host
