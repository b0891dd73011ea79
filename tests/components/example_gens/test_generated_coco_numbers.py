"""Generated pictures are known by their ids."""

from __future__ import annotations

from pathlib import Path

from components.example_gens.generated_coco import write_generated_coco
from components.example_gens.generated_coco_numbers import may_be_generated


def test_evaluated_pictures_of_a_generated_set_are_known(tmp_path: Path) -> None:
    root = write_generated_coco(tmp_path / "set", images=12, longest_side=64)
    evaluated, trained = (
        [int(path.stem) for path in (root / name).iterdir()] for name in ("val2017", "train2017")
    )
    assert len(evaluated) == 3 and all(map(may_be_generated, evaluated))
    assert not any(map(may_be_generated, trained))


def test_few_other_numbers_pass_for_them() -> None:
    share = sum(map(may_be_generated, range(600_000))) / 600_000
    assert share < 1 / 140
    assert not may_be_generated(139) and not may_be_generated(0)
