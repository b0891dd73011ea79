"""Whole runs on real signals: a recording, a scikit-image picture with a mask, frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.realdata, pytest.mark.timeout(600)]

FEW_STEPS = ("training.steps=4", "evaluation.gates={}")


@pytest.fixture(scope="module")
def signals(shared_dir: Path) -> Path:
    return shared_dir / "data" / "siren"


def test_a_float_recording_is_fitted(
    signals: Path, tmp_path: Path, run_pipeline: Callable[..., Any]
) -> None:
    finished = run_pipeline(
        tmp_path / "runs",
        data_root=signals / "gt_bach.wav",
        assignments=("task=audio", "hidden_features=16", *FEW_STEPS),
    )
    assert finished.exit_code == 0, finished.error
    assert np.isfinite(finished.outcome["verdict"]["metrics"]["snr"])
    report = Path(finished.outcome["paths"]["report"])
    assert list(report.parent.glob("*.wav"))


def test_a_picture_is_inpainted_through_a_mask_file(
    signals: Path, tmp_path: Path, run_pipeline: Callable[..., Any]
) -> None:
    from PIL import Image

    folder = tmp_path / "data"
    folder.mkdir()
    [camera] = signals.rglob("camera.png")
    with Image.open(camera) as picture:
        picture.save(folder / "camera.png")
        known = np.random.default_rng(0).uniform(size=picture.size[::-1]) < 0.3
    Image.fromarray((known * 255).astype(np.uint8)).save(folder / "mask.png")
    finished = run_pipeline(
        tmp_path / "runs",
        data_root=folder,
        assignments=("task=inpainting", "data.mask=mask.png", "data.channels=1", *FEW_STEPS),
    )
    assert finished.exit_code == 0, finished.error
    assert finished.outcome["verdict"]["metrics"]["records_evaluated"] == 1
