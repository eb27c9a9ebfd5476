"""The text that stands for a path: whoever compares texts compares bytes."""

import re

_NAMED = {
    7: r"\a",
    8: r"\b",
    9: r"\t",
    10: r"\n",
    11: r"\v",
    12: r"\f",
    13: r"\r",
    34: r"\"",
    92: r"\\",
}
_IN_OCTAL = re.compile(rb"[\x00-\x1f\"\\\x7f-\xff]")


def path_text(path: bytes) -> str:
    r"""Return a valid text for any path, another one for each.

    UTF-8 stands for itself. What is none is quoted as git quotes it (`"\344.txt"`); so is what begins with a quotation
    mark, lest it look like a quoted path.
    """
    if not path.startswith(b'"'):
        try:
            return path.decode()
        except UnicodeDecodeError:
            pass
    return f'"{_IN_OCTAL.sub(_quoted, path).decode()}"'


def _quoted(found: re.Match[bytes]) -> bytes:
    byte = found[0][0]
    return _NAMED.get(byte, f"\\{byte:03o}").encode()
