"""The environment variables of a function or of the task: exactly those that its settings model declares."""

from collections.abc import Mapping

from watchlist.settings import Settings


class MissingValueError(ValueError):
    """Something reads a variable that the stack has no value for."""


def environment_of(model: type[Settings], values: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of `model` with their values; one that has a default may go without.

    Raises:
        MissingValueError: a required variable has no value; the message names it.
    """
    required = {field.alias or name for name, field in model.model_fields.items() if field.is_required()}
    missing = sorted(required - values.keys())
    if missing:
        raise MissingValueError(f"{model.__name__} reads {', '.join(missing)}, which the stack gives no value")
    return {name: values[name] for name in model.variables() if name in values}
