"""A thread whose children reach no network, or some TCP ports, for programs that read what strangers have written.

Where a task runs, its role's credentials are a plain HTTP request away (port 80 of 169.254.170.2 on Fargate) for
whoever knows the path. A child is told no path; one that reaches no such port cannot even ask. What the kernel does
for it needs no privilege, is inherited by every process that the thread starts, and cannot be taken off.

A seccomp filter takes all sockets away but Unix ones. It sees no addresses, so ports are Landlock's to refuse (Linux
6.7 and newer), and the filter refuses the other ways to a TCP port: connections that begin with their first data,
protocols that fall back to TCP, and io_uring, by which one makes sockets without the call.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from socket import AF_INET, AF_INET6, AF_UNIX, IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP
from typing import NamedTuple

DNS_PORT = 53
HTTPS_PORT = 443

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2

_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EACCES

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _THIRD_ARGUMENT, _FOURTH_ARGUMENT = 0, 4, 16, 32, 40
"""Where `struct seccomp_data` has them; the low half of the arguments, as both machines are little-endian."""


class _Calls(NamedTuple):
    """The kernel's number of an architecture, and those of its calls that matter."""

    architecture: int
    socket: int
    sendto: int
    sendmsg: int
    sendmmsg: int


_CALLS = {
    "x86_64": _Calls(0xC000003E, socket=41, sendto=44, sendmsg=46, sendmmsg=307),
    "aarch64": _Calls(0xC00000B7, socket=198, sendto=206, sendmsg=211, sendmmsg=269),
}

_IO_URING_SETUP = 425
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
"""The same everywhere."""

_OTHER_ABI = 0x40000000
"""From here on, calls are those of another interface (x32), under other numbers."""

_MSG_FASTOPEN = 0x20000000

_LANDLOCK_RULE_NET_PORT = 2
_LANDLOCK_ACCESS_NET_CONNECT_TCP = 2


def restricted_thread(ports: Collection[int]) -> ThreadPoolExecutor:
    """Return a thread in which programs are started that connect to no TCP ports but these.

    Where the kernel does not see to that (other systems than Linux, other machines than those of `_CALLS`, an older
    kernel, a sandbox that forbids it), its children are as all others.
    """
    return ThreadPoolExecutor(
        max_workers=1, thread_name_prefix="restricted", initializer=restrict_network, initargs=(ports,)
    )


def restrict_network(ports: Collection[int]) -> bool:
    """Let this thread, and what it starts, connect to these TCP ports only; return whether the kernel has agreed.

    Without any port it makes no sockets but Unix ones. With some it may use UDP, too, for the names of hosts.
    """
    if sys.platform != "linux" or platform.machine() not in _CALLS:
        return False
    library = ctypes.CDLL(None)
    if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    if ports and not _restrict_ports(library, ports):
        return False
    program = _filter(_CALLS[platform.machine()], internet=bool(ports))
    buffer = ctypes.create_string_buffer(b"".join(program))
    description = ctypes.create_string_buffer(struct.pack("HP", len(program), ctypes.addressof(buffer)))
    return bool(library.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, description, 0, 0) == 0)


def _restrict_ports(library: ctypes.CDLL, ports: Collection[int]) -> bool:
    """Let Landlock do its part (kernel guide, "Landlock: unprivileged access control", ABI 4)."""
    handled = struct.pack("QQ", 0, _LANDLOCK_ACCESS_NET_CONNECT_TCP)
    ruleset = library.syscall(_LANDLOCK_CREATE_RULESET, handled, len(handled), 0)
    if ruleset < 0:
        return False
    try:
        rules = (struct.pack("QQ", _LANDLOCK_ACCESS_NET_CONNECT_TCP, port) for port in ports)
        added = all(
            library.syscall(_LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_RULE_NET_PORT, rule, 0) == 0 for rule in rules
        )
        return added and bool(library.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _filter(calls: _Calls, *, internet: bool) -> list[bytes]:
    """Return the instructions of the filter (kernel guide, "Seccomp BPF")."""
    sockets: list[_Step] = (
        [
            _Step(_EQUAL, AF_INET, then="protocol"),
            _Step(_EQUAL, AF_INET6, otherwise="refuse"),
            _Step(_LOAD, _THIRD_ARGUMENT, label="protocol"),
            _Step(_EQUAL, IPPROTO_IP, then="allow"),
            _Step(_EQUAL, IPPROTO_TCP, then="allow"),
            _Step(_EQUAL, IPPROTO_UDP, then="allow"),
        ]
        if internet
        else []
    )
    return _assembled(
        [
            _Step(_LOAD, _ARCHITECTURE),
            _Step(_EQUAL, calls.architecture, otherwise="refuse"),
            _Step(_LOAD, _NUMBER),
            _Step(_AT_LEAST, _OTHER_ABI, then="refuse"),
            _Step(_EQUAL, _IO_URING_SETUP, then="refuse"),
            _Step(_EQUAL, calls.socket, then="socket"),
            _Step(_EQUAL, calls.sendmsg, then="sendmsg"),
            _Step(_EQUAL, calls.sendto, then="sendto"),
            _Step(_EQUAL, calls.sendmmsg, otherwise="allow"),
            _Step(_LOAD, _FOURTH_ARGUMENT, label="sendto"),
            _Step(_ANY_BIT, _MSG_FASTOPEN, then="refuse", otherwise="allow"),
            _Step(_LOAD, _THIRD_ARGUMENT, label="sendmsg"),
            _Step(_ANY_BIT, _MSG_FASTOPEN, then="refuse", otherwise="allow"),
            _Step(_LOAD, _FIRST_ARGUMENT, label="socket"),
            _Step(_EQUAL, AF_UNIX, then="allow"),
            *sockets,
            _Step(_RETURN, _REFUSE, label="refuse"),
            _Step(_RETURN, _ALLOW, label="allow"),
        ]
    )


class _Step(NamedTuple):
    """An instruction; a comparison goes on at the step of a label, or else at the next one."""

    code: int
    value: int
    then: str = ""
    otherwise: str = ""
    label: str = ""


def _assembled(steps: Sequence[_Step]) -> list[bytes]:
    """Return the instructions; a jump counts those that it passes over."""
    places: Mapping[str, int] = {step.label: place for place, step in enumerate(steps) if step.label}

    def passed_over(place: int, label: str) -> int:
        return places[label] - place - 1 if label else 0

    return [
        struct.pack("HBBI", step.code, passed_over(place, step.then), passed_over(place, step.otherwise), step.value)
        for place, step in enumerate(steps)
    ]
