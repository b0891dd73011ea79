"""Random panoptic images, and a plain loop over segments that measures them.

The loop follows panopticapi's definition step by step, on dictionaries, a pair of segments at a
time: what the product's matrices are held against, in results and in speed.
"""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np
from PIL import Image

ID_RANGE = 2**24


@dataclass(frozen=True)
class PanopticKind:
    """What random images are like.

    Attributes:
        size: Height and width.
        segments: True segments, at most.
        categories: Category ids to choose from.
        void: Share of segments whose pixels become void.
        crowds: Share of true segments that are crowds.
        kept: Share of true segments that the prediction has, moved a little.
    """

    size: tuple[int, int] = (24, 32)
    segments: int = 8
    categories: tuple[int, ...] = (1, 2, 118)
    void: float = 0.2
    crowds: float = 0.3
    kept: float = 0.8


def png_of(segment_map) -> bytes:
    """The PNG that holds a map of segment ids."""
    pixels = np.stack([segment_map >> shift & 0xFF for shift in (0, 8, 16)], axis=-1)
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def panoptic_outputs(kind: PanopticKind, seed: int) -> dict:
    """One image as a model's `evaluate` signature gives it."""
    generator = np.random.default_rng(seed)
    target, target_categories = _segments(kind, generator)
    predicted = np.roll(target, generator.integers(0, 3, 2), axis=(0, 1))
    categories = dict(target_categories)
    for one in list(categories):
        if generator.random() > kind.kept:
            new = int(generator.integers(0, ID_RANGE))
            if generator.random() < 0.3 or new in categories:
                predicted[predicted == one] = 0
            else:
                predicted[predicted == one] = new
                categories[new] = int(generator.choice(kind.categories))
        elif generator.random() < 0.3:
            categories[one] = int(generator.choice(kind.categories))
    for ids in (target, predicted):
        for one in np.unique(ids):
            if generator.random() < kind.void:
                ids[ids == one] = 0
    order = generator.permutation(list(target_categories))
    target_ids = [int(one) for one in order if np.any(target == one)]
    ids = [int(one) for one in np.unique(predicted) if one != 0]
    if generator.random() < 0.3 and np.any(predicted == 0):
        # As DETR's own post-processing numbers its segments, from 0.
        ids.append(0)
        categories[0] = int(generator.choice(kind.categories))
    crowds = generator.random(len(target_ids)) < kind.crowds
    return {
        "image_id": seed,
        "original_size": np.array(kind.size),
        "panoptic_png": png_of(predicted),
        "segment_ids": np.array(ids, np.int64),
        "segment_categories": np.array([categories[one] for one in ids], np.int64),
        "target_panoptic_png": png_of(target),
        "target_segment_ids": np.array(target_ids, np.int64),
        "target_segment_categories": np.array(
            [target_categories[one] for one in target_ids], np.int64
        ),
        "target_segment_is_crowd": crowds.astype(np.int64),
    }


def _segments(kind, generator):
    """A map without void, of patches around random centres, and the category of each id."""
    count = int(generator.integers(1, kind.segments + 1))
    ids = generator.choice(ID_RANGE - 1, count, replace=False) + 1
    centres = generator.uniform(0, 1, (count, 2)) * kind.size
    rows, columns = np.indices(kind.size)
    distances = [(rows - y) ** 2 + (columns - x) ** 2 for y, x in centres]
    categories = generator.choice(kind.categories, count)
    pairs = {int(one): int(category) for one, category in zip(ids, categories, strict=True)}
    return ids[np.argmin(distances, axis=0)].astype(np.int64), pairs


def plain_counts(images: list[dict]) -> dict[int, Counter]:
    """Category -> `iou`, `tp`, `fp` and `fn`, counted segment by segment."""
    totals: dict[int, Counter] = defaultdict(Counter)
    for image in images:
        _count_image(image, totals)
    return totals


def _count_image(image, totals):
    target_map, predicted_map = _decoded(image, "target_"), _decoded(image, "")
    targets = dict(
        zip(image["target_segment_ids"], image["target_segment_categories"], strict=True)
    )
    crowds = {
        one
        for one, flag in zip(
            image["target_segment_ids"], image["target_segment_is_crowd"], strict=True
        )
        if flag
    }
    found = dict(zip(image["segment_ids"], image["segment_categories"], strict=True))
    areas, target_areas = _pixel_counts(predicted_map), _pixel_counts(target_map)
    shared = _pixel_counts(target_map * ID_RANGE + predicted_map)
    matched, matched_targets = set(), set()
    for pair, pixels in shared.items():
        target, segment = divmod(pair, ID_RANGE)
        if target not in targets or segment not in found or target in crowds:
            continue
        if targets[target] != found[segment]:
            continue
        void = shared.get(segment, 0)
        iou = pixels / (areas[segment] + target_areas[target] - pixels - void)
        if iou > 0.5:
            totals[int(targets[target])].update({"iou": iou, "tp": 1})
            matched.add(segment)
            matched_targets.add(target)
    crowd_of = {}
    for target, category in targets.items():
        if target in crowds:
            crowd_of[category] = target
        elif target not in matched_targets:
            totals[int(category)]["fn"] += 1
    for segment, category in found.items():
        if segment in matched:
            continue
        excused = shared.get(segment, 0)
        if category in crowd_of:
            excused += shared.get(crowd_of[category] * ID_RANGE + segment, 0)
        if excused / areas[segment] <= 0.5:
            totals[int(category)]["fp"] += 1


def _decoded(image, prefix):
    pixels = np.array(Image.open(io.BytesIO(image[f"{prefix}panoptic_png"])), np.int64)
    return pixels[..., 0] + 256 * pixels[..., 1] + 65536 * pixels[..., 2]


def _pixel_counts(numbers):
    return dict(
        zip(*(each.tolist() for each in np.unique(numbers, return_counts=True)), strict=True)
    )


def plain_quality(totals: dict[int, Counter], categories) -> dict[str, float]:
    """`pq`, `sq`, `rq`: means over those of the categories that occur."""
    sums, occurring = Counter(), 0
    for category in categories:
        counts = totals.get(category, Counter())
        weight = counts["tp"] + counts["fp"] / 2 + counts["fn"] / 2
        if weight:
            occurring += 1
            sums["pq"] += counts["iou"] / weight
            sums["sq"] += counts["iou"] / counts["tp"] if counts["tp"] else 0.0
            sums["rq"] += counts["tp"] / weight
    return {name: sums[name] / occurring if occurring else np.nan for name in ("pq", "sq", "rq")}
