"""Random sets of detections and targets, and what pycocotools makes of them.

A set is a list of images, each the outputs that a model's `evaluate` signature would give.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass

import numpy as np
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

NAMES = (
    *("ap", "ap_50", "ap_75", "ap_small", "ap_medium", "ap_large"),
    *("ar_1", "ar_10", "ar_100", "ar_small", "ar_medium", "ar_large"),
)
# Areas on and around the limits of COCO's ranges, and one that is in none.
_EDGE_AREAS = (0.0, 1023.5, 1024.0, 1024.5, 9216.0, 9216.5, 1e10, 2e10)


@dataclass(frozen=True)
class SetKind:
    """What random sets are like.

    Attributes:
        images: Images, some of which have no target or no detection.
        categories: Categories that occur; targets are not of the last one.
        most_targets: Targets of an image, at most.
        most_detections: Detections of an image, at most.
        score_levels: Different scores; few make ties.
        grid: Boxes have corners on multiples of it, so that coarse grids make equal overlaps, and
            overlaps that are a threshold; 0 for boxes anywhere.
        crowds: Share of targets that are crowds.
        near: Share of detections that are a target moved a little.
    """

    images: int = 4
    categories: int = 3
    most_targets: int = 6
    most_detections: int = 12
    score_levels: int = 8
    grid: int = 20
    crowds: float = 0.2
    near: float = 0.6


def box_set(kind: SetKind, seed: int) -> list[dict]:
    """Images with boxes."""
    generator = np.random.default_rng(seed)
    numbers = generator.permutation(10 * kind.images)[: kind.images] + 1
    return [_box_image(kind, int(number), generator) for number in numbers]


def _box_image(kind, number, generator):
    targets = _boxes(kind, int(generator.integers(0, kind.most_targets + 1)), generator)
    detections = _boxes(kind, int(generator.integers(0, kind.most_detections + 1)), generator)
    labels = generator.integers(1, kind.categories + 1, len(detections))
    target_labels = generator.integers(1, max(kind.categories, 2), len(targets))
    for place in np.flatnonzero(generator.random(len(detections)) < kind.near):
        if len(targets):
            target = generator.integers(len(targets))
            step = (kind.grid or 10) * generator.integers(-1, 2, 4)
            moved = targets[target] + step * (generator.random(4) < 0.4)
            labels[place] = target_labels[target]
            detections[place] = [*moved[:2], *np.maximum(moved[2:], moved[:2])]
    areas = np.prod(targets[:, 2:] - targets[:, :2], axis=1)
    edges = generator.random(len(targets)) < 0.3
    areas[edges] = generator.choice(_EDGE_AREAS, int(edges.sum()))
    return {
        "image_id": number,
        "original_size": np.array([400, 400]),
        "scores": generator.integers(0, kind.score_levels, len(detections)) / kind.score_levels,
        "labels": labels,
        "boxes_xyxy": detections,
        "target_labels": target_labels,
        "target_boxes_xyxy": targets,
        "target_area": areas,
        "target_is_crowd": (generator.random(len(targets)) < kind.crowds).astype(np.int64),
    }


def _boxes(kind, count, generator):
    corners = np.sort(generator.uniform(0.0, 400.0, (count, 2, 2)), axis=1).reshape(count, 4)
    return np.round(corners / kind.grid) * kind.grid if kind.grid else corners


def mask_set(kind: SetKind, seed: int) -> list[dict]:
    """Images with masks, as COCO's compressed run lengths."""
    generator = np.random.default_rng(seed)
    images = []
    for image in box_set(kind, seed):
        size = (int(generator.integers(1, 131)), int(generator.integers(1, 131)))
        image["original_size"] = np.array(size)
        for prefix in ("", "target_"):
            boxes = image.pop(f"{prefix}boxes_xyxy") / 400.0
            image[f"{prefix}mask_rle"] = texts([_mask(box, size, generator) for box in boxes])
        areas = np.array([_area(image, text) for text in image["target_mask_rle"]], np.float64)
        odd = generator.random(len(areas)) < 0.2
        image["target_area"] = np.where(odd, image["target_area"], areas)
        images.append(image)
    return images


def texts(masks: list[np.ndarray]) -> np.ndarray:
    """COCO's compressed run lengths of masks `[height, width]`, bytes `[masks]`."""
    encoded = [coco_mask.encode(np.asfortranarray(mask, np.uint8))["counts"] for mask in masks]
    return np.array(encoded, object)


def decoded(image: dict, prefix: str) -> np.ndarray:
    """The masks that the texts of an image stand for, bool `[masks, height, width]`."""
    masks = [coco_mask.decode(_segmentation(image, one)) for one in image[f"{prefix}mask_rle"]]
    return np.array(masks, bool).reshape(len(masks), *image["original_size"])


def _segmentation(image, text):
    return {"size": image["original_size"].tolist(), "counts": text}


def _area(image, text):
    return float(coco_mask.area(_segmentation(image, text)))


def _mask(box, size, generator):
    mask = np.zeros(size, bool)
    x1, y1, x2, y2 = np.round(box * [size[1], size[0], size[1], size[0]]).astype(int)
    mask[y1:y2, x1:x2] = True
    if generator.random() < 0.5:
        mask &= generator.random(size) < 0.9
    return mask


def pycocotools_scores(images: list[dict]) -> dict[str, float]:
    """The twelve numbers of a set by pycocotools."""
    return run_official(official_evaluation(images))


def official_evaluation(images: list[dict]) -> COCOeval:
    """pycocotools' evaluation of a set, before it is run."""
    by_masks = bool(images) and "mask_rle" in images[0]
    return COCOeval(
        _official(_annotations(images, "target_", by_masks), images),
        _official(_annotations(images, "", by_masks), images),
        "segm" if by_masks else "bbox",
    )


def run_official(evaluation: COCOeval) -> dict[str, float]:
    """The twelve numbers; NaN for those that pycocotools calls -1, for want of targets."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    values = [np.nan if value == -1.0 else value for value in evaluation.stats]
    return dict(zip(NAMES, values, strict=True))


def _annotations(images, prefix, by_masks):
    annotations = []
    for image in images:
        for place, label in enumerate(image[f"{prefix}labels"]):
            one = {
                "id": len(annotations) + 1,
                "image_id": image["image_id"],
                "category_id": int(label),
                "iscrowd": int(image["target_is_crowd"][place]) if prefix else 0,
            }
            if by_masks:
                text = image[f"{prefix}mask_rle"][place]
                one["segmentation"] = _segmentation(image, text)
                one["area"] = _area(image, text)
            else:
                x1, y1, x2, y2 = (float(one) for one in image[f"{prefix}boxes_xyxy"][place])
                one["bbox"] = [x1, y1, x2 - x1, y2 - y1]
                one["area"] = one["bbox"][2] * one["bbox"][3]
            if prefix:
                one["area"] = float(image["target_area"][place])
            else:
                one["score"] = float(image["scores"][place])
            annotations.append(one)
    return annotations


def _official(annotations, images):
    coco = COCO()
    labels = {int(label) for image in images for label in image["labels"]}
    labels |= {int(label) for image in images for label in image["target_labels"]}
    coco.dataset = {
        "images": [
            {"id": image["image_id"], "height": int(height), "width": int(width)}
            for image in images
            for height, width in [image["original_size"]]
        ],
        "annotations": annotations,
        "categories": [{"id": label} for label in sorted(labels)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco
