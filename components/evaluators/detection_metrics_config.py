"""The metrics of detectors by name; light, for configurations."""

from __future__ import annotations

from typing import Literal

Regions = Literal["boxes", "masks"]

_AVERAGES: dict[str, str] = {
    "ap": "average precision over overlaps from 0.5 to 0.95",
    "ap_50": "average precision at an overlap of 0.5",
    "ap_75": "average precision at an overlap of 0.75",
    "ap_small": "average precision on targets of at most 32 x 32 pixels",
    "ap_medium": "average precision on targets of 32 x 32 to 96 x 96 pixels",
    "ap_large": "average precision on targets of at least 96 x 96 pixels",
    "ar_1": "average recall of one detection a category and image",
    "ar_10": "average recall of ten detections a category and image",
    "ar_100": "average recall of 100 detections a category and image",
    "ar_small": "average recall on targets of at most 32 x 32 pixels",
    "ar_medium": "average recall on targets of 32 x 32 to 96 x 96 pixels",
    "ar_large": "average recall on targets of at least 96 x 96 pixels",
}
_QUALITIES = {
    "pq": "panoptic quality",
    "sq": "segmentation quality, the mean overlap of matched segments",
    "rq": "recognition quality, the F1 score of segments",
}
_PARTS = {"": "things and stuff", "_things": "things", "_stuff": "stuff"}

# Name -> (what is matched, which of the twelve numbers).
AVERAGE_METRICS: dict[str, tuple[Regions, str]] = {
    **{name: ("boxes", name) for name in _AVERAGES},
    **{f"mask_{name}": ("masks", name) for name in _AVERAGES},
}
# Name -> (pq | sq | rq, which categories: nothing for all, or things, or stuff).
PANOPTIC_METRICS: dict[str, tuple[str, str]] = {
    quality + part: (quality, part.removeprefix("_")) for part in _PARTS for quality in _QUALITIES
}

AVERAGE_MEANINGS: dict[str, str] = {
    name: f"COCO's {_AVERAGES[average]}, of {regions}; mean over the categories of things that the"
    " truth has"
    for name, (regions, average) in AVERAGE_METRICS.items()
}
PANOPTIC_MEANINGS: dict[str, str] = {
    quality + part: f"{_QUALITIES[quality]}; mean over the categories of {_PARTS[part]} that occur"
    for part in _PARTS
    for quality in _QUALITIES
}
