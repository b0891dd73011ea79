"""How long COCO's benchmarks take: average precision and panoptic quality of 5,000 images.

python benchmarks/coco_metrics.py [--only boxes|masks|segments] [--images 5000] [--masked 200]
    [--size 240 320] [--repeats 3]

Average precision, 100 detections an image, is set against pycocotools: of boxes, and of fewer
images of masks of 480 x 640 pixels. Panoptic quality is set against a plain loop over segments, as
panopticapi has it. Both sides read the same generated images and must give the same numbers. Ours
and the loop run in one process and, each with half of the images, in two; pycocotools knows one
process only, and is not charged for building its index of annotations. All are timed in turn, so
that what else the machine does hits them alike; processor time is told for the same reason.

Masks and segments are drawn for some images, which are met again and again under other numbers;
each time they are decoded anew.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from detection_sets import official_evaluation, run_official, texts
from panoptic_sets import PanopticKind, panoptic_outputs, plain_counts, plain_quality

from components.evaluators.average_precision import DetectionMatches, detection_scores
from components.evaluators.coco_categories import COCO_STUFF, COCO_THINGS, PanopticCategories
from components.evaluators.detection_matching import match_detections
from components.evaluators.image_regions import box_regions, mask_regions
from components.evaluators.panoptic_matching import panoptic_counts
from components.evaluators.panoptic_outputs import read_panoptic
from components.evaluators.panoptic_quality import PanopticCounts

DETECTIONS = 100
MASK_SIZE = (480, 640)
DISTINCT_MASKED, DISTINCT_PANOPTIC = 10, 100
Images = list[dict[str, Any]]
# What the measured functions read; forked workers have it without its being sent.
_images: Images = []


def detected_image(number: int, generator: np.random.Generator) -> dict[str, Any]:
    """The outputs of a detector for one image: targets, some found, and much that is not there."""
    things = np.array(sorted(COCO_THINGS))
    # Few categories are common, as in COCO, where there are 7 targets an image.
    common = 1.0 / np.arange(1, len(things) + 1)
    count = min(int(generator.geometric(1 / 7.3)), 60)
    target_labels = generator.choice(things, count, p=common / common.sum())
    targets = _boxes(count, generator)
    labels = generator.choice(things, DETECTIONS, p=common / common.sum())
    boxes = _boxes(DETECTIONS, generator)
    scores = generator.beta(0.5, 4.0, DETECTIONS)
    found = generator.random(DETECTIONS) < 0.4
    source = generator.integers(0, count, DETECTIONS)[found]
    sides = (targets[source, 2:] - targets[source, :2]).repeat(2, axis=0).reshape(-1, 4)
    boxes[found] = targets[source] + generator.normal(0, 0.06, sides.shape) * sides
    labels[found] = np.where(generator.random(len(source)) < 0.8, target_labels[source], 1)
    scores[found] = np.maximum(scores[found], generator.random(len(source)))
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2])
    return {
        "image_id": number,
        "original_size": np.array(MASK_SIZE),
        "scores": scores.astype(np.float32),
        "labels": labels,
        "boxes_xyxy": boxes.astype(np.float32),
        "target_labels": target_labels,
        "target_boxes_xyxy": targets.astype(np.float32),
        "target_area": np.prod(targets[:, 2:] - targets[:, :2], axis=1) * 0.6,
        "target_is_crowd": (generator.random(count) < 0.01).astype(np.int64),
    }


def _boxes(count: int, generator: np.random.Generator) -> np.ndarray:
    size = np.exp(generator.uniform(np.log(8), np.log(400), (count, 1)))
    size = size * np.exp(generator.normal(0, 0.3, (count, 2)))
    corner = generator.uniform(0, 1, (count, 2)) * np.array([640.0, 480.0])
    return np.concatenate([corner, corner + size], axis=1)


def masked_image(number: int, generator: np.random.Generator) -> dict[str, Any]:
    """The same with ellipses of ragged outline in the boxes, in COCO's compressed text."""
    image = detected_image(number, generator)
    rows, columns = np.indices(MASK_SIZE)
    for prefix in ("", "target_"):
        masks = []
        for x1, y1, x2, y2 in image.pop(f"{prefix}boxes_xyxy"):
            across = (columns - (x1 + x2) / 2) / max(x2 - x1, 1.0)
            down = (rows - (y1 + y2) / 2) / max(y2 - y1, 1.0)
            masks.append(across**2 + down**2 < 0.25 + generator.normal(0, 0.01, MASK_SIZE))
        image[f"{prefix}mask_rle"] = texts(masks)
    return image


def our_matches(places: range) -> DetectionMatches:
    """Matches the detections of some images, by their masks if they have some."""
    regions = mask_regions if "mask_rle" in _images[0] else box_regions
    total = DetectionMatches()
    for place in places:
        total.add(match_detections(regions(_images[place])))
    total.settle()
    return total


def our_counts(places: range) -> PanopticCounts:
    """Counts the segments of some images."""
    total = PanopticCounts()
    for place in places:
        total.add(panoptic_counts(read_panoptic(_images[place % len(_images)])))
    return total


def loop_counts(places: range) -> dict[int, Counter]:
    """Counts the segments of some images in the plain loop."""
    return dict(plain_counts([_images[place % len(_images)] for place in places]))


def spread(work: Callable[[range], Any], images: int, workers: int) -> list[Any]:
    """Does the work on all images, in forked processes where there are several workers."""
    if workers == 1:
        return [work(range(images))]
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        return pool.map(work, [range(first, images, workers) for first in range(workers)])


def seconds(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Wall time, processor time of this process and its children, and the result."""
    start, used = time.perf_counter(), _processor_seconds()
    result = work()
    return time.perf_counter() - start, _processor_seconds() - used, result


def _processor_seconds() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in usage)


def average_precision(images: int, workers: int) -> float:
    """AP of the images, by this project."""
    total = DetectionMatches()
    for part in spread(our_matches, images, workers):
        total.merge(part)
    return detection_scores(total).summary()["ap"]


def panoptic_quality(images: int, workers: int) -> float:
    """PQ of the images, by this project."""
    total = PanopticCounts()
    for part in spread(our_counts, images, workers):
        total.merge(part)
    return total.mean(PanopticCategories().all).pq


def plain_panoptic_quality(images: int, workers: int) -> float:
    """PQ of the images, by the plain loop."""
    total: dict[int, Counter] = {}
    for part in spread(loop_counts, images, workers):
        for category, counts in part.items():
            total.setdefault(category, Counter()).update(counts)
    return plain_quality(total, PanopticCategories().all)["pq"]


def compare(
    title: str, reference: str, methods: dict[str, Callable[[], float]], repeats: int
) -> None:
    """Runs methods in turn, prints the median of each and its ratio to the reference's."""
    walls: dict[str, list[float]] = {name: [] for name in methods}
    processors: dict[str, list[float]] = {name: [] for name in methods}
    values: dict[str, float] = {}
    for _ in range(repeats):
        for name, method in methods.items():
            wall, processor, values[name] = seconds(method)
            walls[name].append(wall)
            processors[name].append(processor)
    if max(values.values()) - min(values.values()) > 1e-9:
        raise SystemExit(f"{title} differs: {values}")
    print(f"{title}: {values[reference]:.4f} by all", flush=True)
    base_wall, base_processor = (
        statistics.median(times[reference]) for times in (walls, processors)
    )
    for name in methods:
        wall, processor = statistics.median(walls[name]), statistics.median(processors[name])
        print(
            f"  {name:28} {wall:7.2f} s, {base_wall / wall:5.1f} x as fast;"
            f" processor {processor:7.2f} s, {base_processor / processor:5.1f} x",
            flush=True,
        )


def compare_detections(what: str, repeats: int) -> None:
    """Compares the average precision of the images."""
    count = len(_images)
    evaluation = official_evaluation(_images)
    compare(
        f"AP of {what}, {count} images, {DETECTIONS} detections each",
        "pycocotools",
        {
            "pycocotools": lambda: run_official(evaluation)["ap"],
            "Papergarden, 1 process": lambda: average_precision(count, 1),
            "Papergarden, 2 processes": lambda: average_precision(count, 2),
        },
        repeats,
    )


def compare_segments(count: int, repeats: int) -> None:
    """Compares the panoptic quality of the images, met again until there are so many."""
    height, width = _images[0]["original_size"]
    compare(
        f"PQ of {count} images of {height} x {width} pixels",
        "plain loop, 1 process",
        {
            "plain loop, 1 process": lambda: plain_panoptic_quality(count, 1),
            "plain loop, 2 processes": lambda: plain_panoptic_quality(count, 2),
            "Papergarden, 1 process": lambda: panoptic_quality(count, 1),
            "Papergarden, 2 processes": lambda: panoptic_quality(count, 2),
        },
        repeats,
    )


def main() -> None:
    """Generates, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=5_000)
    parser.add_argument("--masked", type=int, default=200, help="images with masks")
    parser.add_argument("--size", type=int, nargs=2, default=(240, 320), help="of panoptic images")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=("boxes", "masks", "segments"))
    arguments = parser.parse_args()
    generator = np.random.default_rng(0)
    numbers = range(1, arguments.images + 1)
    if arguments.only in (None, "boxes"):
        _images[:] = [detected_image(number, generator) for number in numbers]
        compare_detections("boxes", arguments.repeats)
    if arguments.only in (None, "masks"):
        drawn = [masked_image(number, generator) for number in range(DISTINCT_MASKED)]
        _images[:] = [
            {**drawn[number % DISTINCT_MASKED], "image_id": number}
            for number in range(1, arguments.masked + 1)
        ]
        compare_detections("masks", arguments.repeats)
    if arguments.only in (None, "segments"):
        categories = tuple(sorted(COCO_THINGS)[:12] + sorted(COCO_STUFF)[:6])
        kind = PanopticKind(tuple(arguments.size), 16, categories)
        _images[:] = [panoptic_outputs(kind, seed) for seed in range(DISTINCT_PANOPTIC)]
        compare_segments(arguments.images, arguments.repeats)


if __name__ == "__main__":
    main()
