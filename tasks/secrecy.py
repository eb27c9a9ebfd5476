"""Keeps what this process knows from the programs that it starts, which read what strangers have written.

They run as the same user, and each process may read the others' environment and memory in /proc, where the token and
the address of the task's credentials stand. The kernel refuses that for a process that is not dumpable. So the job has
to be the first process of its container: an init process would have the same environment, for everybody to read.
"""

import ctypes
import os
import resource
import sys

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38

_SECRETS = ("GITHUB_TOKEN", "GIT_TOKENS")
"""Variables that are read once, when the settings are."""


def keep_secrets() -> None:
    """Let nobody but root look into this process, and no child become somebody else; forget secret variables.

    The address of the credentials stays in `os.environ`: clients that are made later need it, and no child inherits it.

    Raises:
        OSError: the kernel refuses. On other systems than Linux only the variables are forgotten.
    """
    for name in _SECRETS:
        os.environ.pop(name, None)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        library = ctypes.CDLL(None, use_errno=True)
        for option, value in ((_PR_SET_DUMPABLE, 0), (_PR_SET_NO_NEW_PRIVS, 1)):
            if library.prctl(option, value, 0, 0, 0) != 0:
                error = ctypes.get_errno()
                raise OSError(error, os.strerror(error))
