"""Boxes of whole pixels in pictures of random size, and their masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st


@st.composite
def boxed_scenes(draw: Any, least: int, most: int) -> tuple[int, int, list[tuple[int, ...]]]:
    """Height and width between two sides, and up to four boxes x1, y1, x2, y2 inside."""
    height, width = draw(st.integers(least, most)), draw(st.integers(least, most))
    boxes = []
    for _ in range(draw(st.integers(0, 4))):
        x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        boxes.append((x, y, draw(st.integers(x + 1, width)), draw(st.integers(y + 1, height))))
    return height, width, boxes


def masks_of(boxes: list[tuple[int, ...]], height: int, width: int) -> np.ndarray:
    """The boxes filled; `[n, height, width]` uint8."""
    masks = np.zeros((len(boxes), height, width), np.uint8)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes, strict=True):
        mask[y1:y2, x1:x2] = 1
    return masks
