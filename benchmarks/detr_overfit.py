"""Whether DETR can learn a few real pictures by heart: box AP50 on those it was trained on.

python benchmarks/detr_overfit.py COCO [--images 8] [--out runs-overfit] [--set steps=2000 …]

A network that is wired wrongly, a loss with a wrong sign, a matching that swaps two objects: none
of them gets there. The data set is cut to its first pictures, which become both splits; the run is
preset `small` of the pipeline, on them, without augmentation.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

PICTURES = 8
SPLITS = ("train2017", "val2017")
SETTINGS = (
    "augmentation=none",
    "data.max_objects=64",
    "data.canvas_size=216",
    "data.eval_size=160",
    "data.max_size=208",
    "network.queries=30",
    "batch_size=8",
    "training.steps=1000",
    "drop_epoch=0",
)


def main() -> int:
    """Cuts, trains, prints the verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("--images", type=int, default=PICTURES)
    parser.add_argument("--out", type=Path, default=Path("runs-overfit"))
    parser.add_argument("--set", action="append", default=[], dest="settings")
    arguments = parser.parse_args()
    data = arguments.out / "data"
    cut_out(arguments.data_root, data, arguments.images)
    settings = [f"--set={one}" for one in (*SETTINGS, *arguments.settings)]
    command = [str(Path(sys.executable).with_name("papergarden")), "run", "detr_pipeline"]
    places = ["--preset", "small", "--root", str(arguments.out), "--data-root", str(data)]
    return subprocess.run([*command, *places, *settings], check=False).returncode


def cut_out(source: Path, target: Path, images: int) -> None:
    """Writes the first pictures of the training split as both splits, in the official layout."""
    annotations = json.loads((source / "annotations" / "panoptic_train2017.json").read_text())
    kept = sorted(annotations["images"], key=lambda image: image["id"])[:images]
    ids = {image["id"] for image in kept}
    segments = [one for one in annotations["annotations"] if one["image_id"] in ids]
    for split in SPLITS:
        maps = target / "annotations" / f"panoptic_{split}"
        for folder in (target / split, maps):
            folder.mkdir(parents=True, exist_ok=True)
        for image in kept:
            shutil.copy(source / "train2017" / image["file_name"], target / split)
        for one in segments:
            shutil.copy(source / "annotations/panoptic_train2017" / one["file_name"], maps)
        content = {**annotations, "images": kept, "annotations": segments}
        (target / "annotations" / f"panoptic_{split}.json").write_text(json.dumps(content))


if __name__ == "__main__":
    sys.exit(main())
