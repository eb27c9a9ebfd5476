"""moto's expressions, of which only what differs from call to call is found out anew; used like `kept_tables`.

A service says the same few things with other names and values. moto (5.2) takes each of them apart word by word, twice
for an update, and walks ten times through a copy of what an update says. That is most of a write's time. What an
expression is, and whether it may be said of a table, is remembered here; what moto refuses, it refuses every time.
"""

import functools
import pickle
from collections.abc import Callable, Mapping
from typing import Any

from moto.dynamodb import models as moto_models
from moto.dynamodb.comparisons import AttributeValue, ConditionExpressionParser
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Node  # type: ignore[attr-defined] # untyped
from moto.dynamodb.parsing.expressions import UpdateExpressionParser  # type: ignore[attr-defined] # untyped
from moto.dynamodb.parsing.validators import (
    ActionCountValidator,
    OverlappingPathsValidator,
    UpdateExpressionValidator,
    UpdateHashRangeKeyValidator,
)

_remembering = functools.lru_cache(maxsize=1000)

Names = tuple[tuple[str, str], ...]
"""What the names of an expression stand for."""


def install() -> None:
    """Let moto remember expressions from now on."""
    setattr(ConditionExpressionParser, "parse", _parse)  # noqa: B010 - mypy allows no assignment to a method
    setattr(ConditionExpressionParser, "_make_operand", _make_operand)  # noqa: B010 - as above
    setattr(UpdateExpressionParser, "make", _remembering(UpdateExpressionParser.make))  # noqa: B010 - as above
    setattr(DepthFirstTraverser, "traverse", _traverse)  # noqa: B010 - as above
    setattr(moto_models, "UpdateExpressionValidator", _Validator)  # noqa: B010 - mypy allows no assignment to a class


def _parse(parser: ConditionExpressionParser) -> Any:  # noqa: ANN401 - moto's own
    """Return what a condition says of an item, with the values of this call."""
    if not parser.condition_expression:
        return _parse_by_moto(parser)
    values = parser.expression_attribute_values
    root, names_found, values_found = _read(
        parser.condition_expression,
        _items(parser.expression_attribute_names),
        None if values is None else tuple(values),
    )
    parser.expr_attr_names_found.extend(names_found)
    parser.expr_attr_values_found.extend(values_found)
    return parser._make_op_condition(root)  # noqa: SLF001 - as moto's does


_parse_by_moto = ConditionExpressionParser.parse


class _Reader(ConditionExpressionParser):
    """Returns the tree of a condition before anything is made of it."""

    def _make_op_condition(self, node: Any) -> Any:  # noqa: ANN401 - moto's own
        return node

    parse = _parse_by_moto


@_remembering
def _read(condition: str, names: Names | None, values: tuple[str, ...] | None) -> tuple[Any, list[str], list[str]]:
    """Return a condition's tree, and the names and values that it has; what a value is, nothing in it depends on."""
    reader = _Reader(
        condition, None if names is None else dict(names), None if values is None else {name: {} for name in values}
    )
    return reader.parse(), reader.expr_attr_names_found, reader.expr_attr_values_found


def _make_operand(parser: ConditionExpressionParser, node: Any) -> Any:  # noqa: ANN401 - moto's own
    if node.kind == parser.Kind.EXPRESSION_ATTRIBUTE_VALUE:
        return AttributeValue((parser.expression_attribute_values or {})[node.text])
    return _make_operand_by_moto(parser, node)


_make_operand_by_moto = ConditionExpressionParser._make_operand  # noqa: SLF001 - moto's own, called as moto does


class _Validator(UpdateExpressionValidator):
    """Checks once what an update says of a table, and every time what it says of an item."""

    def __init__(  # moto names them
        self,
        expression: Any,  # noqa: ANN401 - moto's own
        expression_attribute_names: dict[str, str],
        expression_attribute_values: dict[str, dict[str, Any]],
        item: Item,
        table: Table,
    ) -> None:
        self._expression = expression
        self.expression_attribute_names = expression_attribute_names
        self.expression_attribute_values = expression_attribute_values
        self.item = item
        self.table = table
        self.processors = [each for each in self.get_ast_processors() if not isinstance(each, _OF_TABLES)]
        self.node_to_validate = pickle.loads(_pickled(expression))  # noqa: S301 - our own; copying takes five times as long

    def validate(self) -> Any:  # noqa: ANN401 - moto's own
        """Return the update with what it says put in its place."""
        _check(self._expression, _items(self.expression_attribute_names), tuple(self.table.table_key_attrs))
        return super().validate()


_OF_TABLES = (ActionCountValidator, OverlappingPathsValidator, UpdateHashRangeKeyValidator)


@_remembering
def _check(expression: Any, names: Names | None, keys: tuple[str, ...]) -> None:  # noqa: ANN401 - moto's own
    """Let moto check what no item has to be known for; it does so first as well."""
    known = None if names is None else dict(names)
    checks = (
        ActionCountValidator(),
        OverlappingPathsValidator(known),  # type: ignore[arg-type] # it may be None, whatever moto says
        UpdateHashRangeKeyValidator(list(keys), known or {}),
    )
    for check in checks:
        check.traverse(pickle.loads(_pickled(expression)))  # noqa: S301 - our own


@_remembering
def _pickled(expression: Any) -> bytes:  # noqa: ANN401 - moto's own
    """Return what copies are made of; whoever changes an expression has a copy."""
    return pickle.dumps(expression)


def _items(names: Mapping[str, str] | None) -> Names | None:
    return None if names is None else tuple(names.items())


def _traverse(traverser: DepthFirstTraverser, root: Any) -> Any:  # noqa: ANN401 - moto's own
    """Process a tree bottom up. moto asks anew at each node what is processed."""
    processors = traverser._processing_map()  # noqa: SLF001 - moto's own
    of_kinds = _processed(tuple(processors))

    def walk(node: Any, number: int) -> Any:  # noqa: ANN401 - moto's own
        parent = node.parent
        for child_number, child in enumerate(node.children or ()):
            traverser.pre_processing_of_child(node, child_number)
            if _is_node(child.__class__):
                walk(child, child_number)
        processed = of_kinds(node.__class__)
        if processed is not None:
            node = processors[processed](node)
            node.parent = parent
            if parent:
                parent.children[number] = node
        return node

    return walk(root, -1)


@functools.cache
def _processed(kinds: tuple[type, ...]) -> Callable[[Any], Any]:
    """Return what tells as which of `kinds` a kind of node is processed."""
    return functools.cache(lambda kind: next((each for each in kinds if issubclass(kind, each)), None))


@functools.cache
def _is_node(kind: type) -> bool:
    return issubclass(kind, Node)
