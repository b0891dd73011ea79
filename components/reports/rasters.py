"""Signals on a grid as PNG pictures: values, errors, gradients, Laplacians."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.reports.content import Picture

Values = NDArray[np.floating[Any]]
Pixels = NDArray[np.uint8]

#: Signals with fewer columns are enlarged with visible pixels.
_SMALL = 200
#: Longest side of a picture in the report, pixels.
_LARGEST = 1024
_ROBUST_PERCENTILE = 99.5


def to_pixels(values: Values) -> Pixels:
    """Returns 8-bit levels of values in [-1, 1]; what lies outside is clipped, NaN is black."""
    levels = np.nan_to_num(np.clip(values, -1.0, 1.0), nan=-1.0) * 127.5 + 127.5
    return np.asarray(np.rint(levels), np.uint8)


def encode_png(pixels: Pixels) -> bytes:
    """Returns `[height, width, 1 | 3 | 4]` 8-bit levels as a PNG file."""
    from PIL import Image

    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def picture(pixels: Pixels, alt: str, caption: str = "", **details: Any) -> Picture:
    """Returns pixels as a picture for the page, reduced if they are very many."""
    step = -(-max(pixels.shape[:2]) // _LARGEST)
    shown = pixels[::step, ::step]
    if step > 1:
        caption = f"{caption} (every {step}th pixel)".strip()
    return Picture(
        encode_png(shown), alt, caption=caption, pixelated=shown.shape[1] < _SMALL, **details
    )


def signal_picture(values: Values, alt: str, caption: str = "") -> Picture:
    """Shows a signal `[height, width, 1 | 3]` in [-1, 1]."""
    return picture(to_pixels(values), alt, caption)


def masked_picture(values: Values, mask: Values, alt: str, caption: str = "") -> Picture:
    """Shows the pixels where `mask` `[height, width, 1]` is 1; the others are transparent."""
    rgb = np.broadcast_to(to_pixels(values), (*values.shape[:2], 3))
    alpha = np.where(mask > 0.5, 255, 0).astype(np.uint8)
    return picture(np.concatenate([rgb, alpha], axis=-1), alt, caption)


def error_picture(error: Values, limit: float, alt: str, caption: str = "") -> Picture:
    """Shows errors `[height, width]` from dark (0) to bright (`limit`), with a colour bar."""
    return picture(colours(error / limit, "magma"), alt, caption, scale=("0", f"{limit:.2g}"))


def gradient_picture(gradient: Values, limit: float, alt: str, caption: str = "") -> Picture:
    """Shows a gradient field: direction as hue, length as brightness.

    Args:
        gradient: `[height, width, 2]` along rows and columns.
        limit: Length that is shown brightest.
        alt: What it shows.
        caption: Below it.
    """
    from matplotlib.colors import hsv_to_rgb

    angle = np.arctan2(gradient[..., 0], gradient[..., 1]) / (2 * np.pi) % 1.0
    length = np.clip(np.hypot(gradient[..., 0], gradient[..., 1]) / limit, 0, 1)
    rgb = hsv_to_rgb(np.stack([angle, np.full_like(angle, 0.75), np.sqrt(length)], axis=-1))
    return picture(np.rint(rgb * 255).astype(np.uint8), alt, caption)


def signed_picture(values: Values, limit: float, alt: str, caption: str = "") -> Picture:
    """Shows `[height, width]` values of both signs: blue below 0, white at 0, red above.

    Their square roots are shown, for a Laplacian is small nearly everywhere.
    """
    levels = 0.5 + np.sign(values) * np.sqrt(np.abs(values) / limit) / 2
    return picture(colours(levels, "RdBu_r"), alt, caption)


def colours(levels: Values, name: str) -> Pixels:
    """Returns levels `[height, width]` in [0, 1] in the colours of one of matplotlib's maps."""
    import matplotlib

    rgba = matplotlib.colormaps[name](np.clip(np.nan_to_num(levels, nan=1.0), 0, 1))
    return np.asarray(np.rint(rgba[..., :3] * 255), np.uint8)


def robust_limit(values: Values, smallest: float = 1 / 255) -> float:
    """Returns the 99.5th percentile of the absolute values, at least `smallest`.

    A few outliers would otherwise darken all the rest of a picture.
    """
    finite = np.abs(values[np.isfinite(values)])
    return max(smallest, float(np.percentile(finite, _ROBUST_PERCENTILE))) if finite.size else 1.0
