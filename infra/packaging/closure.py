"""What a module of ours imports, directly and through other modules of ours, read from the source text."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FIRST_PARTY = ("functions", "watchlist")
"""The packages whose modules are followed."""

_FILE_NAME = re.compile(r"[A-Za-z0-9_-]+\.(json|html|css|js|txt)")
"""Names of data files as a program gives them to `Path.with_name`."""

_SERVICES_BY_IMPORT = {"pynamodb": "dynamodb"}
"""Libraries that call an AWS service without our naming it."""


@dataclass(frozen=True, slots=True)
class Closure:
    """All that a module needs.

    Attributes:
        sources: our source files, relative to the root, `__init__.py` files included.
        data: files beside these sources that they name.
        imports: top-level names of the other imports, without the standard library's.
        aws_services: AWS services that a client is made for.
    """

    sources: frozenset[Path]
    data: frozenset[Path]
    imports: frozenset[str]
    aws_services: frozenset[str]


def closure_of(root: Path, module: str) -> Closure:
    """Return the closure of `module`, whose source lies below `root`.

    Imports inside functions count; imports under `if TYPE_CHECKING:` do not.

    Raises:
        ModuleNotFoundError: a module of ours is imported that has no source.
    """
    sources: set[Path] = set()
    data: set[Path] = set()
    imports: set[str] = set()
    services: set[str] = set()
    pending = [module]
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        pending.extend(_parents(name))
        source = _source_of(root, name)
        sources.add(source)
        reader = _Reader(root)
        reader.visit(ast.parse((root / source).read_text()))
        pending.extend(reader.own)
        data |= {source.with_name(name) for name in reader.file_names if (root / source).with_name(name).is_file()}
        imports |= reader.others
        services |= reader.aws_services
    services |= {service for library, service in _SERVICES_BY_IMPORT.items() if library in imports}
    return Closure(frozenset(sources), frozenset(data), frozenset(imports), frozenset(services))


class _Reader(ast.NodeVisitor):
    """Collects the imports and the boto3 clients of one module."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.own: set[str] = set()
        self.others: set[str] = set()
        self.aws_services: set[str] = set()
        self.file_names: set[str] = set()

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for statement in node.orelse:
                self.visit(statement)
        else:
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module is None:
            return
        self._add(node.module)
        if node.module.partition(".")[0] in FIRST_PARTY:
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            self.own.update(name for name in names if _find_source(self._root, name) is not None)

    def visit_Call(self, node: ast.Call) -> None:
        match node:
            case ast.Call(func=ast.Attribute(attr="client"), args=[ast.Constant(value=str(service)), *_]):
                self.aws_services.add(service)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and _FILE_NAME.fullmatch(node.value):
            self.file_names.add(node.value)

    def _add(self, name: str) -> None:
        top = name.partition(".")[0]
        if top in FIRST_PARTY:
            self.own.add(name)
        elif top not in sys.stdlib_module_names:
            self.others.add(top)


def _parents(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _source_of(root: Path, name: str) -> Path:
    source = _find_source(root, name)
    if source is None:
        raise ModuleNotFoundError(f"no source of {name} below {root}", name=name)
    return source


def _find_source(root: Path, name: str) -> Path | None:
    path = Path(*name.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((candidate for candidate in candidates if (root / candidate).is_file()), None)
