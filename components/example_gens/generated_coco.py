"""A sample set: generated scenes of things on stuff, in COCO's panoptic layout.

    train2017/000000001037.jpg …                              annotations/panoptic_train2017.json
    annotations/panoptic_train2017/000000001037.png …         annotations/instances_train2017.json
    val2017/… and its annotations likewise; a quarter of the pictures
    generated.json                                            what it was made with

Categories are COCO's, with their ids: up to twelve things, eight kinds of stuff. Things hide each
other; some are crowds, some regions are void, some pictures hold no thing. Both annotation files
describe the same pixels.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from components.errors import ConfigError
from components.example_gens.coco_categories import CATEGORIES
from components.example_gens.coco_layout import SPLITS
from components.example_gens.generated_coco_numbers import EVAL_EVERY, image_id, is_evaluated
from components.example_gens.generated_coco_outlines import outline_polygons
from components.example_gens.generated_coco_scenes import Region, draw_scene
from components.example_gens.generated_coco_things import THINGS
from components.example_gens.generated_sets import described, is_there, write_text

SETTINGS_FILE = "generated.json"
# Enters the settings: another version of the drawing gives other pictures.
DRAWING = 1

_FOLDERS = {*SPLITS.values(), "annotations"}
_JPEG_QUALITY = 92
_INFO = {"description": "Generated scenes of things on stuff", "version": "1.0", "year": 2026}
_LICENCE = {"id": 1, "name": "No known copyright restrictions", "url": ""}


@dataclass(frozen=True)
class GeneratedCoco:
    """What a set is made of.

    Attributes:
        images: Pictures; at least four, so that both splits have some.
        classes: Categories of things, at most twelve.
        seed: Determines every picture.
        longest_side: Of a picture, pixels.
        drawing: Version of the drawing.
    """

    images: int
    classes: int
    seed: int
    longest_side: int
    drawing: int = DRAWING

    def __post_init__(self) -> None:
        """Refuses numbers out of range."""
        for name, value, least, most in (
            ("images", self.images, EVAL_EVERY, 999_999),
            ("classes", self.classes, 1, len(THINGS)),
            ("seed", self.seed, 0, 2**63 - 1),
            ("longest_side", self.longest_side, 64, 4096),
        ):
            if not least <= value <= most:
                raise ConfigError(
                    f"cannot generate a set with {name}={value}",
                    found=value,
                    expected=f"from {least} to {most}",
                )

    @property
    def things(self) -> list[int]:
        """The category ids of its things."""
        return list(THINGS)[: self.classes]


def write_generated_coco(
    directory: Path,
    *,
    images: int = 500,
    classes: int = 8,
    seed: int = 0,
    longest_side: int = 256,
) -> Path:
    """Writes the set; the same bytes every time. A set that is there already is left as it is.

    Its numbers differ from COCO's, so it is read with `data.subset=true`.

    Args:
        directory: Where `annotations` and its like go; made if need be.
        images: Pictures, a quarter of them to evaluate on.
        classes: Categories of things.
        seed: Determines every picture.
        longest_side: Of a picture, pixels.

    Returns:
        `directory`, to be used as data root.

    Raises:
        ConfigError: A number is out of range, or the directory holds something else.
    """
    directory = Path(directory)
    settings = GeneratedCoco(images, classes, seed, longest_side)
    if is_there(directory, SETTINGS_FILE, asdict(settings), _FOLDERS):
        return directory
    numbers = {
        "train": [one for one in range(images) if not is_evaluated(one)],
        "eval": [one for one in range(images) if is_evaluated(one)],
    }
    for split, pictures in numbers.items():
        _write_split(directory, SPLITS[split], settings, pictures)
    # Last: a set without it is not whole.
    write_text(directory / SETTINGS_FILE, described(asdict(settings)))
    return directory


def draw(settings: GeneratedCoco, number: int) -> tuple[np.ndarray, list[Region]]:
    """Draws a picture.

    Args:
        settings: Of the set.
        number: Of the picture, from 0.

    Returns:
        Picture `[height, width, 3]` uint8, and its segments.
    """
    generator = np.random.default_rng([settings.seed, number])
    shorter = round(settings.longest_side * generator.uniform(0.66, 0.85))
    sides = (shorter, settings.longest_side)
    height, width = sides if generator.random() < 0.75 else sides[::-1]
    return draw_scene(generator, height, width, settings.things)


def _write_split(directory: Path, name: str, settings: GeneratedCoco, pictures: list[int]) -> None:
    images: list[dict[str, Any]] = []
    instances: list[dict[str, Any]] = []
    panoptic: list[dict[str, Any]] = []
    maps = directory / "annotations" / f"panoptic_{name}"
    for folder in (directory / name, maps):
        folder.mkdir(parents=True, exist_ok=True)
    for number in pictures:
        picture, regions = draw(settings, number)
        image_number = image_id(number)
        stem = f"{image_number:012d}"
        Image.fromarray(picture).save(directory / name / f"{stem}.jpg", quality=_JPEG_QUALITY)
        images.append(_image(image_number, f"{stem}.jpg", picture))
        ids = _segment_ids(settings, number, len(regions))
        _write_map(maps / f"{stem}.png", regions, ids)
        segments = [_segment(*pair) for pair in zip(regions, ids, strict=True)]
        panoptic.append(
            {"segments_info": segments, "file_name": f"{stem}.png", "image_id": image_number}
        )
        for index, region in enumerate(region for region in regions if region.is_thing):
            instances.append(
                {**_instance(region), "image_id": image_number, "id": 100 * image_number + index}
            )
    for kind, listed in (("instances", instances), ("panoptic", panoptic)):
        content = {
            "info": _INFO,
            "licenses": [_LICENCE],
            "images": images,
            "annotations": listed,
            "categories": _categories(with_stuff=kind == "panoptic"),
        }
        write_text(directory / "annotations" / f"{kind}_{name}.json", json.dumps(content))


def _image(image_id: int, file_name: str, picture: np.ndarray) -> dict[str, Any]:
    return {
        "license": _LICENCE["id"],
        "file_name": file_name,
        "coco_url": "",
        "height": picture.shape[0],
        "width": picture.shape[1],
        "date_captured": "",
        "flickr_url": "",
        "id": image_id,
    }


def _segment_ids(settings: GeneratedCoco, number: int, count: int) -> list[int]:
    """Ids as COCO's: any colour but black."""
    generator = np.random.default_rng([settings.seed, number, 1])
    ids: list[int] = []
    while len(ids) < count:
        one = int(generator.integers(1, 2**24))
        if one not in ids:
            ids.append(one)
    return ids


def _write_map(path: Path, regions: list[Region], ids: list[int]) -> None:
    numbers = np.zeros(regions[0].mask.shape if regions else (1, 1), np.int64)
    for region, one in zip(regions, ids, strict=True):
        numbers[region.mask] = one
    colours = np.stack([numbers % 256, numbers // 256 % 256, numbers // 65536], axis=-1)
    Image.fromarray(colours.astype(np.uint8)).save(path)


def _segment(region: Region, one: int) -> dict[str, Any]:
    return {
        "id": one,
        "category_id": region.category,
        "iscrowd": int(region.is_crowd),
        "bbox": _box(region.mask),
        "area": int(region.mask.sum()),
    }


def _instance(region: Region) -> dict[str, Any]:
    """Crowds have run lengths as numbers, as COCO's; masks with holes have them as text."""
    height, width = region.mask.shape
    segmentation: Any = None if region.is_crowd else outline_polygons(region.mask)
    if segmentation is None:
        compressed = coco_mask.encode(np.asfortranarray(region.mask.astype(np.uint8)))["counts"]
        counts: Any = _run_lengths(region.mask) if region.is_crowd else compressed.decode()
        segmentation = {"size": [height, width], "counts": counts}
    return {
        "segmentation": segmentation,
        "area": int(region.mask.sum()),
        "iscrowd": int(region.is_crowd),
        "bbox": _box(region.mask),
        "category_id": region.category,
    }


def _run_lengths(mask: np.ndarray) -> list[int]:
    flat = np.concatenate([[False], mask.ravel(order="F"), [False]])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    lengths = np.diff(np.concatenate([[0], changes, [mask.size]])).tolist()
    return lengths if lengths[-1] else lengths[:-1]


def _box(mask: np.ndarray) -> list[int]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    left, top = int(columns[0]), int(rows[0])
    return [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top]


def _categories(*, with_stuff: bool) -> list[dict[str, Any]]:
    listed = []
    for number, category in sorted(CATEGORIES.items()):
        if category.is_thing or with_stuff:
            isthing = {"isthing": int(category.is_thing)} if with_stuff else {}
            names = {"supercategory": category.supercategory, "id": number, "name": category.name}
            listed.append({**isthing, **names})
    return listed
