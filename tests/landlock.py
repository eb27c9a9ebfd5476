"""Whether the kernel can keep a process from ports, for tests that want it to."""

import ctypes
import sys

import pytest


def has_landlock() -> bool:
    """Whether the kernel can refuse TCP ports (Landlock ABI 4)."""
    return sys.platform == "linux" and int(ctypes.CDLL(None).syscall(444, None, 0, 1)) >= 4


needs_landlock = pytest.mark.skipif(not has_landlock(), reason="the kernel refuses no ports")
