"""Whom a connection has reached, looked at before anything is said: a host's name can be made to lead anywhere.

Which hosts are asked is the operator's choice, and one of them may stand in a private network. But no host of
repositories has an address at which a machine talks with what runs it: there credentials are given to whoever asks.
"""

import ipaddress
import socket

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from watchlist.git_hosts import is_this_machine

_OF_THE_PLATFORM = tuple(
    map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "0.0.0.0/32", "::/128"))
)
"""Link-local addresses, where clouds have their services of instance metadata and of containers' credentials; AWS's of
version 6; and no address at all."""


class ForbiddenPeerError(HTTPError):
    """The host's name leads to where no host is; nothing was sent."""


class GuardedHTTPConnection(HTTPConnection):
    """Looks at whom it has reached, and closes where no host of repositories is (`ForbiddenPeerError`)."""

    has_tls = False

    def _new_conn(self) -> socket.socket:
        opened = super()._new_conn()
        if is_forbidden(opened.getpeername()[0], self.host, has_tls=self.has_tls):
            opened.close()
            raise ForbiddenPeerError("the host's name leads to an address where no host is")
        return opened


class GuardedHTTPSConnection(GuardedHTTPConnection, HTTPSConnection):
    """Over TLS; it looks before hands are shaken."""

    has_tls = True


def is_forbidden(address: str, host: str, *, has_tls: bool) -> bool:
    """Whether a connection to `host` must not have reached that IP address.

    Without TLS nothing else proves who answers: then this machine is reached only by its own names.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if any(ip in network for network in _OF_THE_PLATFORM):
        return True
    return ip.is_loopback and not has_tls and not is_this_machine(host)
