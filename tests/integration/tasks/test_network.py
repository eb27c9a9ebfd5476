"""What a child can reach of the network: nothing, or some ports, whatever it tries."""

import json
import platform
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.child_process import ChildLimits, ChildProcesses
from tasks.network import HTTPS_PORT, restrict_network
from tests.landlock import has_landlock, needs_landlock

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in {"x86_64", "aarch64"}, reason="the kernel has no such filter"
)

ONLINE = ChildLimits(seconds=60, memory=None, file_size=1_000_000)
OFFLINE = ChildLimits(seconds=60, memory=None, file_size=1_000_000, ports=frozenset())

TRIES = """
import ctypes, json, socket, subprocess, sys

def told(attempt):
    try:
        attempt()
    except OSError as error:
        return error.errno
    return 0

def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as made:
        made.connect(address)

def fast_open():
    with socket.socket() as made:
        made.sendto(b"GET / HTTP/1.0", 0x20000000, ("127.0.0.1", port))

def fast_open_of_a_message():
    with socket.socket() as made:
        made.sendmsg([b"GET / HTTP/1.0"], [], 0x20000000, ("127.0.0.1", port))

def several_paths():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262) as made:
        made.connect(("127.0.0.1", port))

def a_name():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.sendto(b"?", ("127.0.0.1", 53))

def by_a_grandchild():
    asked = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
    if subprocess.run([sys.executable, "-c", asked], stderr=subprocess.DEVNULL).returncode:
        raise PermissionError(13, "refused")

def io_uring():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(425, 1, ctypes.create_string_buffer(120)) < 0:
        raise OSError(ctypes.get_errno(), "refused")

port = int(sys.argv[1])
print(json.dumps({
    "credentials": told(lambda: connect(socket.AF_INET, ("127.0.0.1", port))),
    "IPv6": told(lambda: connect(socket.AF_INET6, ("::1", port))),
    "grandchild": told(by_a_grandchild),
    "packets": told(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)),
    "io_uring": told(io_uring),
    "fast open": told(fast_open),
    "fast open of a message": told(fast_open_of_a_message),
    "several paths": told(several_paths),
    "a name": told(a_name),
    "pipes": told(lambda: socket.socketpair()),
    "Unix": told(lambda: socket.socket(socket.AF_UNIX)),
}))
"""

REFUSED = 13

ADDRESSES = {
    "credentials",
    "IPv6",
    "grandchild",
    "packets",
    "io_uring",
    "fast open",
    "fast open of a message",
    "several paths",
}
"""What reaches one, of what is tried, but a name's question."""


def of_ports(*ports: int) -> ChildLimits:
    return ChildLimits(seconds=60, memory=None, file_size=1_000_000, ports=frozenset(ports))


@pytest.fixture
def credentials_port() -> Iterator[int]:
    """Somebody who would hand out credentials to whoever asks."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def tried(children: ChildProcesses, limits: ChildLimits, port: int, *, alone: bool = False) -> dict[str, int]:
    argv = [sys.executable, "-c", TRIES, str(port)]
    with children.start(argv, environment={}, directory=Path("/"), limits=limits, alone=alone) as child:
        answer: dict[str, int] = json.loads(child.stdout.read())
    return answer


def refused(answer: dict[str, int]) -> set[str]:
    return {name for name, error in answer.items() if error == REFUSED}


@pytest.mark.parametrize("alone", [True, False])
def test_a_child_that_is_offline_reaches_no_address(credentials_port: int, *, alone: bool) -> None:
    answer = tried(ChildProcesses(), OFFLINE, credentials_port, alone=alone)

    assert refused(answer) == {*ADDRESSES, "a name"}
    assert (answer["pipes"], answer["Unix"]) == (0, 0)


@needs_landlock
def test_a_child_with_some_ports_reaches_no_other(credentials_port: int) -> None:
    answer = tried(ChildProcesses(), of_ports(HTTPS_PORT), credentials_port)

    assert refused(answer) == ADDRESSES


@needs_landlock
def test_a_child_reaches_the_ports_that_are_its(credentials_port: int) -> None:
    answer = tried(ChildProcesses(), of_ports(HTTPS_PORT, credentials_port), credentials_port)

    assert (answer["credentials"], answer["grandchild"], answer["a name"]) == (0, 0, 0)


def test_another_child_and_the_job_itself_reach_it(credentials_port: int) -> None:
    children = ChildProcesses()

    assert tried(children, OFFLINE, credentials_port)["credentials"] == REFUSED
    assert tried(children, ONLINE, credentials_port)["credentials"] == 0
    with socket.create_connection(("127.0.0.1", credentials_port)):
        pass


def test_nobody_special_can_leave_the_network() -> None:
    code = (
        "import os; from tasks.network import restrict_network\n"
        "if os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "print(restrict_network({443}), restrict_network(()))"
    )
    environment = {"PYTHONPATH": str(Path(__file__).parents[3])}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout == f"{has_landlock()} True\n"


def test_where_there_is_no_such_filter_children_are_as_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert restrict_network(()) is False
