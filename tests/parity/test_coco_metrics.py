"""Average precision and panoptic quality: recorded numbers of the official tools, and real data.

`coco_ap.json` is pycocotools', `pq.json` panopticapi's; the tolerance is 1e-9.
"""

import json

import numpy as np
import pytest

pytest.importorskip("pycocotools")

from detection_sets import pycocotools_scores, texts
from panoptic_sets import plain_counts, plain_quality, png_of

from components.evaluators.average_precision import DetectionMatches, detection_scores
from components.evaluators.coco_categories import COCO_STUFF, COCO_THINGS, PanopticCategories
from components.evaluators.detection_matching import match_detections
from components.evaluators.image_regions import box_regions, mask_regions
from components.evaluators.panoptic_matching import panoptic_counts
from components.evaluators.panoptic_outputs import decode_segment_map, read_panoptic
from components.evaluators.panoptic_quality import OVERLAP_UNITS, PanopticCounts

TOLERANCE = 1e-9
RECORDED_NAMES = {
    **{"ap": "AP", "ap_50": "AP50", "ap_75": "AP75"},
    **{"ap_small": "APs", "ap_medium": "APm", "ap_large": "APl"},
    **{"ar_1": "AR1", "ar_10": "AR10", "ar_100": "AR100"},
    **{"ar_small": "ARs", "ar_medium": "ARm", "ar_large": "ARl"},
}


def scores_of(images, regions):
    total = DetectionMatches()
    for image in images:
        total.add(match_detections(regions(image)))
    return detection_scores(total)


def counts_of(images):
    total = PanopticCounts()
    for image in images:
        total.add(panoptic_counts(read_panoptic(image)))
    return total


def corners(annotations):
    boxes = np.array([one["bbox"] for one in annotations], float).reshape(-1, 4)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


@pytest.mark.parity
def test_the_twelve_numbers_are_those_recorded(shared_dir):
    truth, found, recorded = (
        json.loads((shared_dir / "parity" / f"coco_{name}.json").read_text())
        for name in ("gt", "dets", "ap")
    )
    images = []
    for image in truth["images"]:
        targets, detections = (
            [one for one in annotations if one["image_id"] == image["id"]]
            for annotations in (truth["annotations"], found)
        )
        images.append(
            {
                "image_id": image["id"],
                "original_size": [image["height"], image["width"]],
                "scores": np.array([one["score"] for one in detections]),
                "labels": np.array([one["category_id"] for one in detections], int),
                "boxes_xyxy": corners(detections),
                "target_labels": np.array([one["category_id"] for one in targets], int),
                "target_boxes_xyxy": corners(targets),
                "target_area": np.array([one["area"] for one in targets]),
                "target_is_crowd": np.array([one["iscrowd"] for one in targets], int),
            }
        )
    scores = scores_of(images, box_regions)
    summary = {RECORDED_NAMES[name]: value for name, value in scores.summary().items()}
    assert summary == pytest.approx(recorded["bbox"], abs=TOLERANCE, rel=0)
    by_category = {
        str(category): scores.only({category}).summary()["ap"]
        for category in scores.categories.tolist()
    }
    assert by_category == pytest.approx(recorded["AP_per_category"], abs=TOLERANCE, rel=0)


def annotated(folder, annotation, prefix):
    """The half of the outputs that an annotation of a panoptic JSON stands for."""
    segments = annotation["segments_info"]
    outputs = {
        f"{prefix}panoptic_png": (folder / annotation["file_name"]).read_bytes(),
        f"{prefix}segment_ids": np.array([one["id"] for one in segments], np.int64),
        f"{prefix}segment_categories": np.array([one["category_id"] for one in segments], np.int64),
    }
    if prefix:
        crowds = np.array([one["iscrowd"] for one in segments], np.int64)
        outputs["target_segment_is_crowd"] = crowds
    return outputs


@pytest.fixture(scope="module")
def recorded_images(shared_dir):
    """Outputs of panopticapi's sample, truth and perturbed prediction; and the recorded numbers."""
    parity = shared_dir / "parity"
    truth = json.loads((parity / "pq_gt.json").read_text())
    predicted = {
        one["image_id"]: one
        for one in json.loads((parity / "pq_pred.json").read_text())["annotations"]
    }
    sizes = {one["id"]: [one["height"], one["width"]] for one in truth["images"]}
    images = [
        {
            "image_id": one["image_id"],
            "original_size": sizes[one["image_id"]],
            **annotated(parity / "pq_pred", predicted[one["image_id"]], ""),
            **annotated(parity / "pq_gt", one, "target_"),
        }
        for one in truth["annotations"]
    ]
    categories = {one["id"]: one["isthing"] == 1 for one in truth["categories"]}
    return images, categories, json.loads((parity / "pq.json").read_text())


@pytest.mark.parity
def test_panoptic_quality_is_that_recorded(recorded_images):
    images, categories, recorded = recorded_images
    assert categories == {one: True for one in COCO_THINGS} | {one: False for one in COCO_STUFF}
    counts = counts_of(images)
    parts = {"All": "all", "Things": "things", "Stuff": "stuff"}
    for name, part in parts.items():
        mean = counts.mean(getattr(PanopticCategories(), part))
        found = {"pq": mean.pq, "sq": mean.sq, "rq": mean.rq, "n": mean.categories}
        assert found == pytest.approx(recorded[name], abs=TOLERANCE, rel=0)
    qualities = counts.qualities()
    assert {str(one) for one in qualities} == set(recorded["per_class"])
    for category, wanted in recorded["per_class"].items():
        found = qualities[int(category)]
        values = {"pq": found.pq, "sq": found.sq, "rq": found.rq}
        assert values == pytest.approx(wanted, abs=TOLERANCE, rel=0)
    for category, wanted in recorded["counts_per_class"].items():
        found = counts.by_category[int(category)]
        assert found.overlap_units / OVERLAP_UNITS == pytest.approx(wanted["iou"], abs=TOLERANCE)
        assert (found.matches, found.false_positives, found.false_negatives) == (
            wanted["tp"],
            wanted["fp"],
            wanted["fn"],
        )


@pytest.mark.parity
def test_the_plain_loop_counts_as_panopticapi_does(recorded_images):
    images, _, recorded = recorded_images
    found = {str(category): dict(counts) for category, counts in plain_counts(images).items()}
    for category, wanted in recorded["counts_per_class"].items():
        assert {**dict.fromkeys(wanted, 0), **found[category]} == pytest.approx(wanted, abs=1e-12)


@pytest.fixture(scope="module")
def real_images(shared_dir):
    """COCO's validation images with a prediction made of the truth: moved, merged, renamed."""
    folder = shared_dir / "data" / "coco" / "annotations"
    truth = json.loads((folder / "panoptic_val2017.json").read_text())
    generator = np.random.default_rng(0)
    images = []
    for annotation in truth["annotations"]:
        target = annotated(folder / "panoptic_val2017", annotation, "target_")
        segment_map = decode_segment_map(target["target_panoptic_png"], annotation["file_name"])
        ids, categories = target["target_segment_ids"], target["target_segment_categories"]
        predicted = np.roll(segment_map, generator.integers(-6, 7, 2), axis=(0, 1)).copy()
        gone = ids[generator.random(len(ids)) < 0.15]
        predicted[np.isin(predicted, gone[: len(gone) // 2])] = 0
        predicted[np.isin(predicted, gone)] = ids[0]
        kept = np.isin(ids, predicted)
        renamed = generator.random(len(ids)) < 0.1
        guessed = np.where(renamed, generator.permutation(categories), categories)
        images.append(
            {
                "image_id": annotation["image_id"],
                "original_size": np.array(segment_map.shape),
                "panoptic_png": png_of(predicted),
                "segment_ids": ids[kept],
                "segment_categories": guessed[kept],
                # Few different scores, so that there are ties.
                "segment_scores": np.round(generator.random(int(kept.sum())), 1),
                **target,
            }
        )
    return images


@pytest.mark.realdata
def test_real_segments_have_the_quality_of_the_plain_loop(real_images):
    counts, plain = counts_of(real_images), plain_counts(real_images)
    for part in ("all", "things", "stuff"):
        categories = getattr(PanopticCategories(), part)
        mean = counts.mean(categories)
        values = {"pq": mean.pq, "sq": mean.sq, "rq": mean.rq}
        assert values == pytest.approx(plain_quality(plain, categories), abs=TOLERANCE, rel=0)
        assert 0.3 < mean.pq < 0.95


@pytest.mark.realdata
def test_real_segments_score_as_by_pycocotools(real_images):
    """Masks from the maps against masks in COCO's text, and the boxes around them."""
    official = [with_texts(image) for image in real_images]
    found = scores_of(real_images, mask_regions).summary()
    assert found == pytest.approx(pycocotools_scores(official), abs=TOLERANCE, rel=0, nan_ok=True)
    assert found == scores_of(official, mask_regions).summary()
    boxed = [with_boxes(image) for image in real_images]
    found_boxes = scores_of(boxed, box_regions).summary()
    wanted = pycocotools_scores(boxed)
    assert found_boxes == pytest.approx(wanted, abs=TOLERANCE, rel=0, nan_ok=True)
    assert 0.2 < found["ap"] < found_boxes["ap_50"] < 1.0


def masks_of(image, prefix):
    segment_map = decode_segment_map(image[f"{prefix}panoptic_png"], "a map")
    return [segment_map == one for one in image[f"{prefix}segment_ids"]]


def described(image):
    """Labels, scores, areas and crowd flags of the segments of an image."""
    return {
        "image_id": image["image_id"],
        "original_size": image["original_size"],
        "scores": image["segment_scores"],
        "labels": image["segment_categories"],
        "target_labels": image["target_segment_categories"],
        "target_area": np.array([mask.sum() for mask in masks_of(image, "target_")], float),
        "target_is_crowd": image["target_segment_is_crowd"],
    }


def with_texts(image):
    masks = {f"{prefix}mask_rle": texts(masks_of(image, prefix)) for prefix in ("", "target_")}
    return {**described(image), **masks}


def with_boxes(image):
    boxes = {
        f"{prefix}boxes_xyxy": np.array([box_of(mask) for mask in masks_of(image, prefix)])
        for prefix in ("", "target_")
    }
    return {**described(image), **boxes}


def box_of(mask):
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
