from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from components.errors import ConfigError
from components.example_gens import sample_coco
from components.example_gens.coco_config import CocoDataConfig
from components.example_gens.sample_coco import sample_coco as make_sample


def config(**data: object) -> SimpleNamespace:
    sizes = {"canvas_size": 64, "eval_size": 48, "max_size": 64, "augmentation": "none"}
    return SimpleNamespace(data=CocoDataConfig(**{**sizes, "subset": True, **data}))


def test_a_small_canvas_gets_few_scenes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_coco, "FEW_IMAGES", 4)
    monkeypatch.setattr(sample_coco, "MANY_IMAGES", 8)
    few = make_sample(config(), tmp_path)
    many = make_sample(config(canvas_size=100), tmp_path)
    for root, images in ((few, 4), (many, 8)):
        assert json.loads((root / "generated.json").read_text())["images"] == images
        assert len(list(root.glob("*2017/*.jpg"))) == images


@pytest.mark.parametrize("data", [{"subset": False}, {"categories": "custom", "classes": 9}])
def test_coco_itself_has_to_be_named(data: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="data fetch coco"):
        make_sample(config(**data), tmp_path)
