"""Which codec a commit's `encoding` header means.

The header holds whatever its writer's iconv or editor calls an encoding: `ISO_8859-1`, `L1`, `KOI8R`, `MS-ANSI`. So
names are compared by their letters and digits alone, with all names of Python's registry and those that only iconv has.
"""

import pkgutil
import re
from encodings import __path__ as _codecs_of_python
from encodings import aliases
from functools import cache, lru_cache
from string import ascii_letters, digits

_LONGEST_NAME = 64
_PLAIN = (ascii_letters + digits + r" <>@. \x41 \u0041 +2AA- .xn--4ca").encode()
_ONLY_OF_ICONV = {
    "msansi": "cp1252",
    "msarab": "cp1256",
    "mscyrl": "cp1251",
    "msee": "cp1250",
    "msgreek": "cp1253",
    "mshebr": "cp1255",
    "msturk": "cp1254",
    "winbaltrim": "cp1257",
    "eucjpms": "euc_jp",
    "mac": "mac_roman",
    "windows31j": "cp932",
    "iso88598i": "iso8859_8",
    **{f"8859{part}": f"iso8859_{part}" for part in range(1, 17) if part != 12},  # noqa: PLR2004 - there is no part 12
}


@lru_cache(maxsize=256)
def codec_of(declared: str) -> str | None:
    """Return the name of Python's codec, or None where there is none that reads plain ASCII as itself.

    The latter rules out what is no text encoding (`zlib`, `unicode_escape`), and UTF-16, in which no header could be.
    """
    name = _bare(declared[:_LONGEST_NAME])
    found = _registry().get(name) or _ONLY_OF_ICONV.get(name)
    return found if found and _reads_ascii(found) else None


@cache
def _registry() -> dict[str, str]:
    modules = [module.name for module in pkgutil.iter_modules(_codecs_of_python)]
    return {_bare(name): codec for name, codec in [*((name, name) for name in modules), *aliases.aliases.items()]}


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _reads_ascii(codec: str) -> bool:
    try:
        return _PLAIN.decode(codec) == _PLAIN.decode()
    except (LookupError, ValueError):
        return False
