"""The level as a badge, for a README."""

from ..assess.engine import Assessment

COLOURS = ["#5f6672", "#8f4a2b", "#7a6100", "#2f6f4f", "#1a6b2f"]
"""One for each level; white text on each has a contrast of at least 4.5 to 1."""


def as_badge(found: Assessment) -> str:
    """Return a badge with the level, as SVG."""
    level = found.profile.level
    said = f"MLOps: level {level}"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="104" height="20" role="img" '
        f'aria-label="{said}"><title>{said}</title>'
        '<clipPath id="r"><rect width="104" height="20" rx="3"/></clipPath><g clip-path="url(#r)">'
        '<rect width="52" height="20" fill="#444b56"/>'
        f'<rect x="52" width="52" height="20" fill="{COLOURS[level]}"/></g>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" '
        'font-size="11"><text x="26" y="14" textLength="38">MLOps</text>'
        f'<text x="78" y="14" textLength="38">level {level}</text></g></svg>\n'
    )
