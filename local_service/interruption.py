"""Ctrl-C, SIGTERM and the end of the terminal: each ends the program once, and is never lost.

Python raises KeyboardInterrupt wherever the main thread is just then. Within a finaliser, which can run at any moment,
it is printed and forgotten, and the program goes on, deaf to the next Ctrl-C. So it is remembered as well, and whatever
takes long looks for it.
"""

import os
import select
import signal
import sys
import threading
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

_STDIN = 0

_asked = threading.Event()
_terminal = select.poll()
"""Has stdin where that is a terminal whose end counts."""


def listen(exit_code: int, bound_seconds: float) -> None:
    """Let the first signal raise KeyboardInterrupt in the main thread, and later ones do nothing.

    Who started the program to outlast its terminal, as `nohup` does, had it ignore SIGHUP; it goes on to.

    Args:
        exit_code: of a process that has not ended `bound_seconds` after the signal. What was acknowledged is on disk by
            then, and every process ends with this one.
        bound_seconds: longest that stopping may take.
    """
    _asked.clear()

    def interrupt(_signal: int, frame: FrameType | None) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        bound = threading.Timer(bound_seconds, os._exit, (exit_code,))
        bound.daemon = True
        bound.start()
        _asked.set()
        sys.unraisablehook = _pass_over
        if not _is_finalising(frame):
            raise KeyboardInterrupt

    if os.isatty(_STDIN) and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        _terminal.register(_STDIN, 0)
    for number in _SIGNALS:
        # A shell starts background jobs with SIGINT ignored; Ctrl-C for one of them is meant, however it comes.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)


def check() -> None:
    """Raise the KeyboardInterrupt that could not be raised when the signal came, or was lost.

    The end of a terminal is told to the session's leader alone; make, where it is that, tells nobody.

    Raises:
        KeyboardInterrupt: a signal came, or the terminal is closed.
    """
    if not _asked.is_set() and any(event & select.POLLHUP for _, event in _terminal.poll(0)):
        signal.raise_signal(signal.SIGHUP)
    if _asked.is_set():
        raise KeyboardInterrupt


def _pass_over(_: object) -> None:
    """Keep quiet of finalisers that fail: KeyboardInterrupt leaves objects half-made, and nobody can do anything."""


def _is_finalising(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False
