"""The patches that a box touches, counted pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from components.trainers.finegan.network_config import NetworkConfig
from components.trainers.finegan.patch_mask import background_weights

GEOMETRIES = [NetworkConfig(image_size=side).patch_geometry for side in (32, 64, 128)]


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda geometry: str(geometry.image_size))
def test_a_patch_counts_unless_it_touches_the_box(geometry: object) -> None:
    side = geometry.image_size  # type: ignore[attr-defined]
    generator = np.random.default_rng(0)
    corners = np.sort(generator.uniform(0, side, (40, 2, 2)), axis=1)
    boxes = corners.reshape(40, 4).astype(np.float32)
    found = background_weights(boxes, geometry)  # type: ignore[arg-type]
    starts = geometry.stride * np.arange(geometry.patches)  # type: ignore[attr-defined]
    ends = starts + geometry.receptive_field  # type: ignore[attr-defined]
    for (top, left, bottom, right), weights in zip(boxes, np.array(found), strict=True):
        rows = (ends >= top) & (starts <= bottom)
        columns = (ends >= left) & (starts <= right)
        np.testing.assert_array_equal(weights == 0.0, rows[:, None] & columns[None, :])


def test_a_box_over_everything_leaves_nothing_and_one_without_area_everything() -> None:
    geometry = GEOMETRIES[-1]
    boxes = np.float32([[0, 0, 126, 126], [5, 5, 5, 90], [5, 90, 60, 90], [0, 0, 0, 0]])
    sums = background_weights(boxes, geometry).numpy().sum(axis=(1, 2))
    assert sums.tolist() == [0, 576, 576, 576]


def test_rows_follow_the_first_axis() -> None:
    (weights,) = background_weights(np.float32([[0, 0, 10, 126]]), GEOMETRIES[-1]).numpy()
    assert not weights[0].any() and weights[-1].all()
