"""A badge of a verdict: an SVG of its own, which asks for nothing, and the form that shields.io reads.

Source: shields.io, "Endpoint Badge" (schemaVersion 1).
"""

from typing import Any
from xml.sax.saxutils import escape

from watchlist.health.verdict import VerdictState

LABEL = "repository"

_SECONDS = 300

_COLORS = {
    VerdictState.ACTIVE: "#2c6e31",
    VerdictState.SLOWING: "#7a5c00",
    VerdictState.QUIET: "#9a4a00",
    VerdictState.DORMANT: "#8a3b00",
    VerdictState.ARCHIVED: "#4a4a8a",
    VerdictState.MOVED: "#4a4a8a",
    VerdictState.GONE: "#a31515",
    VerdictState.FAILING: "#a31515",
    VerdictState.UNKNOWN: "#5a5a5a",
}
"""White on each has a contrast of at least 4.5 (WCAG 2.2, 1.4.3); unknown looks like none of the others."""

_CHARACTER_WIDTH = 7
_MARGIN = 6


def svg(state: VerdictState) -> str:
    """Return the badge as a picture."""
    label, message = LABEL, str(state)
    left, right = (len(text) * _CHARACTER_WIDTH + 2 * _MARGIN for text in (label, message))
    said = escape(f"{label}: {message}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{said}">'
        f"<title>{said}</title>"
        f'<rect width="{left}" height="20" fill="#333"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{_COLORS[state]}"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{left / 2:g}" y="14">{escape(label)}</text>'
        f'<text x="{left + right / 2:g}" y="14">{escape(message)}</text>'
        "</g></svg>"
    )


def for_shields(state: VerdictState) -> dict[str, Any]:
    """Return what shields.io makes a badge of."""
    return {
        "schemaVersion": 1,
        "label": LABEL,
        "message": str(state),
        "color": _COLORS[state],
        "cacheSeconds": _SECONDS,
    }
