"""A thread whose children cannot reach any network, for programs that need none and read what strangers have written.

Where a task runs, its role's credentials are a plain HTTP request away (169.254.170.2 on Fargate) for whoever knows
the path. A child is told no path; one without network cannot even ask. The kernel does it by a seccomp filter, which
needs no privilege, is inherited by every process that the thread starts, and cannot be taken off.
"""

import ctypes
import errno
import platform
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from socket import AF_UNIX

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2

_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EACCES

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Where `struct seccomp_data` has them; the low half of the argument, as both machines are little-endian."""

_SOCKET = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""The kernel's number of each architecture, and the one of `socket` there."""

_IO_URING_SETUP = 425
"""The same everywhere: by io_uring a socket is made without the call."""

_OTHER_ABI = 0x40000000
"""From here on, calls are those of another interface (x32), under other numbers."""


def offline_thread() -> ThreadPoolExecutor:
    """Return a thread in which programs are started that reach no network but Unix sockets.

    Where there is no such filter (other systems than Linux, other machines than those of `_SOCKET`, a sandbox that
    forbids it), its children are as all others.
    """
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="offline", initializer=leave_network)


def leave_network() -> bool:
    """Let this thread, and what it starts, make no sockets but Unix ones; return whether the kernel has agreed."""
    if sys.platform != "linux" or platform.machine() not in _SOCKET:
        return False
    program = _filter(*_SOCKET[platform.machine()])
    buffer = ctypes.create_string_buffer(b"".join(program))
    description = ctypes.create_string_buffer(struct.pack("HP", len(program), ctypes.addressof(buffer)))
    library = ctypes.CDLL(None)
    if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(library.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, description, 0, 0) == 0)


def _filter(architecture: int, socket_call: int) -> list[bytes]:
    """Return the instructions; a jump counts those that it passes over (kernel guide, "Seccomp BPF")."""
    return [
        _instruction(_LOAD, _ARCHITECTURE),
        _instruction(_EQUAL, architecture, otherwise=7),
        _instruction(_LOAD, _NUMBER),
        _instruction(_AT_LEAST, _OTHER_ABI, then=5),
        _instruction(_EQUAL, _IO_URING_SETUP, then=4),
        _instruction(_EQUAL, socket_call, otherwise=2),
        _instruction(_LOAD, _FIRST_ARGUMENT),
        _instruction(_EQUAL, AF_UNIX, otherwise=1),
        _instruction(_RETURN, _ALLOW),
        _instruction(_RETURN, _REFUSE),
    ]


def _instruction(code: int, value: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("HBBI", code, then, otherwise, value)
