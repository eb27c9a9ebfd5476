"""Strangers' texts, made fit to be shown: names, subjects and messages may hold anything."""

_MARKDOWN = str.maketrans({letter: f"\\{letter}" for letter in "\\`*_{}[]()<>#!|~"})


def one_line(text: str) -> str:
    """Return the text without control characters, which reach neither a terminal nor XML."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def as_markdown(text: str) -> str:
    """Return Markdown that shows the text and nothing else, within a line."""
    return one_line(text).translate(_MARKDOWN)
