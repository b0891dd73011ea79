"""What Poisson reconstruction is supervised with: derivatives of an image by finite differences.

Equal to `scipy.ndimage.sobel` and `.laplace` in their default mode ("reflect", the edge pixel
repeated), without needing scipy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError

# Factors of the image before its derivatives are taken (train_poisson_*_img.py).
GRADIENT_SCALE = 10.0
LAPLACIAN_SCALE = 1e4

# Of the squared errors of (red, green, blue) x (row, column) in colour editing.
COLOUR_GRADIENT_WEIGHTS = (10.0, 10.0, 1.0, 1.0, 10.0, 10.0)

Image = NDArray[np.float32]


def sobel(image: Image) -> Image:
    """Sobel derivatives, 8 times the central difference.

    Args:
        image: `[height, width, channels]`.

    Returns:
        `[height, width, channels, 2]`: along rows (axis 0), along columns (axis 1).

    Raises:
        DataError: The image has not three axes.
    """
    _check_rank(image)
    return np.stack([_smooth(_difference(image, 0), 1), _smooth(_difference(image, 1), 0)], axis=-1)


def laplace(image: Image) -> Image:
    """The five-point Laplacian.

    Args:
        image: `[height, width, channels]`.

    Returns:
        `[height, width, channels]`.

    Raises:
        DataError: The image has not three axes.
    """
    _check_rank(image)
    return _second_difference(image, 0) + _second_difference(image, 1)


def gradient_target(image: Image) -> Image:
    """What "Poisson, gradients" is supervised with.

    Args:
        image: `[height, width, channels]`, in [-1, 1].

    Returns:
        `[height * width, channels * 2]`: Sobel of 10 times the image, a channel's (row, column)
        pair after the other's.
    """
    return _rows(sobel(np.float32(GRADIENT_SCALE) * image))


def laplacian_target(image: Image) -> Image:
    """What "Poisson, Laplacian" is supervised with.

    Args:
        image: `[height, width, channels]`, in [-1, 1].

    Returns:
        `[height * width, channels]`: Laplacian of 10,000 times the image.
    """
    return _rows(laplace(np.float32(LAPLACIAN_SCALE) * image))


def editing_target(first: Image, second: Image) -> Image:
    """What Poisson editing is supervised with: the mean of two images' gradients.

    Source: `CompositeGradients` in the authors' dataio.py; images are not scaled there.

    Args:
        first: `[height, width, channels]`, in [-1, 1].
        second: The same shape.

    Returns:
        `[height * width, channels * 2]`, ordered like `gradient_target`.

    Raises:
        DataError: The images differ in shape.
    """
    if first.shape != second.shape:
        raise DataError(
            "Poisson editing needs two images of one size",
            found=f"{first.shape} and {second.shape}",
            expected="equal [height, width, channels]",
        )
    return _rows(np.float32(0.5) * (sobel(first) + sobel(second)))


def _check_rank(image: Image) -> None:
    if image.ndim != 3:
        raise DataError(
            "an image's derivatives need its channel axis",
            found=f"shape {image.shape}",
            expected="[height, width, channels]",
        )


def _neighbours(image: Image, axis: int) -> tuple[Image, Image]:
    """Each pixel's predecessor and successor along an axis, the edge pixel repeated."""
    pad_widths = [(1, 1) if axis == number else (0, 0) for number in range(image.ndim)]
    padded = np.pad(image, pad_widths, mode="symmetric")
    length = image.shape[axis]
    before = np.take(padded, range(length), axis=axis)
    after = np.take(padded, range(2, length + 2), axis=axis)
    return before, after


def _difference(image: Image, axis: int) -> Image:
    before, after = _neighbours(image, axis)
    return after - before


def _smooth(image: Image, axis: int) -> Image:
    before, after = _neighbours(image, axis)
    return before + np.float32(2) * image + after


def _second_difference(image: Image, axis: int) -> Image:
    before, after = _neighbours(image, axis)
    return before - np.float32(2) * image + after


def _rows(derivatives: Image) -> Image:
    return derivatives.reshape(derivatives.shape[0] * derivatives.shape[1], -1)
