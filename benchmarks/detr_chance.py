"""What a model's answers are worth for another picture: chance, to hold its box AP and PQ against.

python benchmarks/detr_chance.py MODEL EXAMPLES

MODEL is the SavedModel of a DETR run, EXAMPLES the folder `Split-eval` of its ExampleGen. Each
picture is scored with its own answers, and with those of the picture before it, brought to its
size: what boxes and segments would get that know what such pictures show in general, and nothing of
this one.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from components.evaluators.average_precision import DetectionMatches, detection_scores
from components.evaluators.coco_categories import COCO_STUFF, PanopticCategories
from components.evaluators.detection_matching import match_detections
from components.evaluators.image_regions import box_regions
from components.evaluators.panoptic_matching import panoptic_counts
from components.evaluators.panoptic_outputs import PANOPTIC_PNG, read_panoptic
from components.evaluators.panoptic_quality import PanopticCounts

BATCH = 25
BOXES = ("scores", "labels", "boxes_xyxy")
SEGMENTS = ("segment_ids", "segment_categories")


def main() -> None:
    """Scores, and prints both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("examples", type=Path)
    arguments = parser.parse_args()
    outputs = list(_outputs(arguments.model, arguments.examples))
    print(f"{len(outputs)} pictures")
    print(f"  own answers      {_scores(outputs)}")
    # The first picture gets the last one's.
    pairs = zip(outputs, [outputs[-1], *outputs[:-1]], strict=True)
    print(f"  another picture  {_scores([_with_answers_of(*pair) for pair in pairs])}")


def _outputs(model: Path, examples: Path) -> Iterator[dict[str, Any]]:
    """What `evaluate` gives, picture by picture."""
    loaded = tf.saved_model.load(str(model))
    paths = [str(path) for path in sorted(examples.glob("*.gz"))]
    for records in tf.data.TFRecordDataset(paths, "GZIP").batch(BATCH):
        batch = loaded.signatures["evaluate"](examples=records)
        arrays = {name: values.numpy() for name, values in batch.items()}
        for row in range(len(arrays["image_id"])):
            yield {name: values[row] for name, values in arrays.items()}


def _scores(outputs: list[dict[str, Any]]) -> str:
    matches, counts = DetectionMatches(), PanopticCounts()
    for one in outputs:
        matches.add(match_detections(box_regions(one)))
        if PANOPTIC_PNG in one:
            counts.add(panoptic_counts(read_panoptic(one)))
    matches.settle()
    scores = detection_scores(matches)
    summary = scores.only(set(scores.categories.tolist()) - COCO_STUFF).summary()
    text = f"AP {summary['ap']:.4f}  AP50 {summary['ap_50']:.4f}"
    if PANOPTIC_PNG not in outputs[0]:
        return text
    counts.settle()
    categories = PanopticCategories()
    parts = {"PQ": categories.all, "things": categories.things, "stuff": categories.stuff}
    return text + "".join(f"  {name} {counts.mean(of).pq:.4f}" for name, of in parts.items())


def _with_answers_of(picture: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """A picture's truth with another's answers, stretched to its size."""
    size, others = (np.asarray(one["original_size"]) for one in (picture, other))
    mixed = {**picture, **{name: other[name] for name in BOXES}}
    mixed["boxes_xyxy"] = other["boxes_xyxy"] * np.tile((size / others)[::-1], 2)
    if PANOPTIC_PNG in picture:
        mixed |= {name: other[name] for name in SEGMENTS}
        height, width = size.tolist()
        png = Image.open(io.BytesIO(other[PANOPTIC_PNG]))
        stretched = io.BytesIO()
        png.resize((width, height), Image.Resampling.NEAREST).save(stretched, "PNG")
        # Shrinking may lose a small segment whole; it must not be listed then.
        left = np.unique(np.asarray(Image.open(stretched)).astype(int) @ [1, 256, 65536])
        mixed["segment_ids"] = np.where(
            np.isin(other["segment_ids"], left), other["segment_ids"], -1
        )
        order = np.argsort(mixed["segment_ids"] < 0, kind="stable")
        mixed |= {name: mixed[name][order] for name in SEGMENTS}
        mixed[PANOPTIC_PNG] = stretched.getvalue()
    return mixed


if __name__ == "__main__":
    main()
