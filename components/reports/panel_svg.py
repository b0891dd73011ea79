"""Rows of panels for the page: an SVG in which boxes and labels stay sharp at any size."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterator

from components.reports.category_colours import hexadecimal, ink_on
from components.reports.content import Picture
from components.reports.picture_panels import (
    CAPTION_FONT,
    DASHES,
    KEY_SIDE,
    LABEL_FONT,
    LABEL_PADDING,
    PAGE_WIDTH,
    STROKES,
    PanelRow,
    Pixels,
    PlacedLabel,
    PlacedPanel,
    lay_out,
    text_width,
)

_JPEG_QUALITY = 88
# Pixels of a picture in the page for one that is shown; screens have more than one.
_DENSITY = 1.3


def row_picture(row: PanelRow, alt: str, caption: str = "") -> Picture:
    """Returns a row for the page.

    Args:
        row: What is shown.
        alt: What it shows, for those who cannot see it.
        caption: Below it.
    """
    layout = lay_out(row)
    parts = [part for placed in layout.panels for part in _panel_svg(placed)]
    parts += [
        f'<text x="{placed.middle:.1f}" y="{layout.captions_y:.1f}" dy=".35em"'
        f' text-anchor="middle">{html.escape(placed.panel.caption)}</text>'
        for placed in layout.panels
        if placed.panel.caption
    ]
    for x, y, colour, text in layout.key:
        parts.append(
            f'<rect x="{x:.1f}" y="{y - KEY_SIDE / 2:.1f}" width="{KEY_SIDE:g}"'
            f' height="{KEY_SIDE:g}" rx="2" fill="{hexadecimal(colour)}"/>'
            f'<text x="{x + KEY_SIDE + LABEL_PADDING:.1f}" y="{y:.1f}" dy=".35em">'
            f"{html.escape(text)}</text>"
        )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {PAGE_WIDTH:g} {layout.height:.1f}"'
        f' font-size="{CAPTION_FONT}" style="fill:var(--muted)">{"".join(parts)}</svg>'
    )
    return Picture(svg.encode(), alt, "image/svg+xml", caption)


def _panel_svg(placed: PlacedPanel) -> Iterator[str]:
    x, y = placed.corner
    width, height = placed.size
    yield f'<g transform="translate({x:.1f} {y:.1f})">'
    yield (
        f'<image width="{width:.1f}" height="{height:.1f}" preserveAspectRatio="none"'
        f' href="data:image/jpeg;base64,{_jpeg(placed.panel.pixels, placed.size)}"/>'
    )
    for mark, (left, top, right, bottom) in placed.boxes():
        dashes = ' stroke-dasharray="{:g} {:g}"'.format(*DASHES) if mark.dashed else ""
        for stroke in STROKES:
            yield (
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}"'
                f' height="{bottom - top:.1f}" fill="none"'
                f' stroke="{hexadecimal(stroke.colour or mark.colour)}"'
                f' stroke-width="{stroke.width:g}" stroke-opacity="{stroke.opacity:g}"{dashes}/>'
            )
    for label in reversed(placed.labels()):
        yield _label_svg(label)
    yield "</g>"


def _label_svg(label: PlacedLabel) -> str:
    left, top, right, bottom = label.box
    # The reader's font is not ours: the text is stretched to the width that the box has.
    inner = text_width(label.text, LABEL_FONT)
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}"'
        f' height="{bottom - top:.1f}" rx="2.5" fill="{hexadecimal(label.colour)}"/>'
        f'<text x="{left + LABEL_PADDING:.1f}" y="{(top + bottom) / 2:.1f}" dy=".35em"'
        f' font-size="{LABEL_FONT}" textLength="{inner:.1f}" lengthAdjust="spacingAndGlyphs"'
        f' fill="{hexadecimal(ink_on(label.colour))}">{html.escape(label.text)}</text>'
    )


def _jpeg(pixels: Pixels, size: tuple[float, float]) -> str:
    """A picture for a place of that size, in base64."""
    from PIL import Image

    image = Image.fromarray(pixels)
    most = (_DENSITY * size[0], _DENSITY * size[1])
    image.thumbnail(most, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return base64.b64encode(buffer.getvalue()).decode()
