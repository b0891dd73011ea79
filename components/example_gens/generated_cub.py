"""A sample set: generated birds in textured scenes, in CUB-200-2011's layout, with their masks.

    images.txt, bounding_boxes.txt, image_class_labels.txt, train_test_split.txt, classes.txt
    images/001.Shape01_Look01/Shape01_Look01_0001.jpg …
    segmentations/001.Shape01_Look01/Shape01_Look01_0001.png …    coverage in 255ths
    generated.json                                                what it was made with

A super class has a shape, a fine class a plumage; scene, pose, size and place say nothing about the
class. The masks lie where CUB's own archive of segmentations puts its.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from components.errors import ConfigError
from components.example_gens.generated_cub_backgrounds import draw_background
from components.example_gens.generated_cub_birds import Pose, draw_bird, outline
from components.example_gens.generated_cub_classes import (
    Shape,
    plumage_of,
    shape_of,
    super_class_of,
)
from components.example_gens.generated_sets import described, is_there, write_text

SETTINGS_FILE = "generated.json"
# Enters the settings: another version of the drawing gives other pictures.
DRAWING = 1

_LISTS = ("images", "bounding_boxes", "image_class_labels", "train_test_split", "classes")
_JPEG_QUALITY = 92
# Empty pixels around a bird.
_MARGIN = 3


@dataclass(frozen=True)
class GeneratedCub:
    """What a set is made of.

    Attributes:
        images: Pictures; at least two a class, one to train and one to test.
        classes: Fine classes.
        super_classes: Shapes; neighbouring fine classes share one.
        seed: Determines every picture.
        longest_side: Of a picture, pixels.
        drawing: Version of the drawing.
    """

    images: int
    classes: int
    super_classes: int
    seed: int
    longest_side: int
    drawing: int = DRAWING

    def __post_init__(self) -> None:
        """Refuses numbers out of range."""
        for name, value, least, most in (
            ("classes", self.classes, 1, 999),
            ("images", self.images, 2 * self.classes, 999_999),
            ("super_classes", self.super_classes, 1, self.classes),
            ("seed", self.seed, 0, 2**63 - 1),
            ("longest_side", self.longest_side, 32, 4096),
        ):
            if not least <= value <= most:
                raise ConfigError(
                    f"cannot generate a set with {name}={value}",
                    found=value,
                    expected=f"from {least} to {most}"
                    + (", two images a class or more" if name == "images" else ""),
                )

    def folder_of(self, label: int) -> str:
        """The folder, and name, of a class; `001.Shape01_Look01`."""
        shape = super_class_of(label, self.classes, self.super_classes)
        return f"{label + 1:03d}.Shape{shape + 1:02d}_Look{label + 1:02d}"


def write_generated_cub(
    directory: Path,
    *,
    images: int = 500,
    classes: int = 20,
    super_classes: int | None = None,
    seed: int = 0,
    longest_side: int = 256,
) -> Path:
    """Writes the set; the same bytes every time. A set that is there already is left as it is.

    Its numbers differ from CUB's, so it is read with `data.subset=true`,
    `data.fine_classes=<classes>` and `data.super_classes=<super classes>`.

    Args:
        directory: Where `images.txt` and its like go; made if need be.
        images: Pictures; at least two a class.
        classes: Fine classes.
        super_classes: Shapes; None makes one for five classes.
        seed: Determines every picture.
        longest_side: Of a picture, pixels.

    Returns:
        `directory`, to be used as data root.

    Raises:
        ConfigError: A number is out of range, or the directory holds something else.
    """
    directory = Path(directory)
    shapes = max(1, classes // 5) if super_classes is None else super_classes
    settings = GeneratedCub(images, classes, shapes, seed, longest_side)
    # What may be left of an attempt that was interrupted before it wrote the lists.
    if is_there(directory, SETTINGS_FILE, asdict(settings), {"images", "segmentations"}):
        return directory
    labels = np.sort(np.arange(images) % classes)
    # As often to train as to test in each class.
    turns = np.arange(images) - np.searchsorted(labels, labels)
    lines: dict[str, list[str]] = {name: [] for name in _LISTS}
    for number, (label, turn) in enumerate(zip(labels.tolist(), turns.tolist(), strict=True), 1):
        folder = settings.folder_of(label)
        name = f"{folder}/{folder.partition('.')[2]}_{number:04d}"
        box = _write_picture(directory, name, settings, label, number)
        lines["images"].append(f"{number} {name}.jpg")
        lines["bounding_boxes"].append(f"{number} " + " ".join(f"{one:.1f}" for one in box))
        lines["image_class_labels"].append(f"{number} {label + 1}")
        lines["train_test_split"].append(f"{number} {(turn + label + 1) % 2}")
    lines["classes"] = [f"{label + 1} {settings.folder_of(label)}" for label in range(classes)]
    for name in _LISTS:
        write_text(directory / f"{name}.txt", "".join(f"{line}\n" for line in lines[name]))
    # Last: a set without it is not whole.
    write_text(directory / SETTINGS_FILE, described(asdict(settings)))
    return directory


def draw_scene(settings: GeneratedCub, label: int, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws a picture.

    Args:
        settings: Of the set.
        label: Fine class, from 0.
        number: Of the picture.

    Returns:
        Picture `[height, width, 3]` and coverage by the bird `[height, width]`, uint8.
    """
    generator = np.random.default_rng([settings.seed, number])
    shorter = round(settings.longest_side * generator.uniform(0.66, 0.85))
    sides = (shorter, settings.longest_side)
    height, width = sides if generator.random() < 0.75 else sides[::-1]
    background = draw_background(generator, height, width)
    shape = shape_of(super_class_of(label, settings.classes, settings.super_classes))
    pose = _placed(generator, shape, height, width)
    coverage = np.zeros((height, width), np.float32)
    rows, columns = _surroundings(shape, pose, height, width)
    inner = coverage[rows, columns].shape
    x, y = pose.centre
    near = replace(pose, centre=(x - columns.start, y - rows.start))
    bird, alpha = draw_bird(shape, plumage_of(label), near, *inner)
    coverage[rows, columns] = alpha
    background[rows, columns] += alpha[..., None] * (bird - background[rows, columns])
    return _levels(background), _levels(coverage)


def _placed(generator: np.random.Generator, shape: Shape, height: int, width: int) -> Pose:
    """A pose at random, 0.4 to 0.75 times as large as fits, around the picture's middle."""
    folded, raised = generator.uniform(-0.15, 0.25), generator.uniform(0.6, 1.4)
    pose = Pose(
        centre=(0.0, 0.0),
        scale=1.0,
        tilt=generator.uniform(-0.45, 0.25),
        mirrored=bool(generator.random() < 0.5),
        neck=generator.uniform(0.25, 1.15),
        wing=folded if generator.random() < 0.7 else raised,
        tail=generator.uniform(-0.2, 0.3),
        light=generator.uniform(0.85, 1.15),
    )
    points = outline(shape, pose)
    first, extent = points.min(axis=0), np.ptp(points, axis=0)
    room = np.array([width, height]) - 2 * _MARGIN
    scale = float(generator.uniform(0.4, 0.75) * (room / extent).min())
    spare = room - extent * scale
    # Rarely at the border: there the square about the bird would be cut off.
    x, y = _MARGIN + spare * generator.beta(2.5, 2.5, 2) - first * scale
    return replace(pose, centre=(float(x), float(y)), scale=scale)


def _surroundings(shape: Shape, pose: Pose, height: int, width: int) -> tuple[slice, slice]:
    """Rows and columns outside of which there is nothing of the bird; it saves drawing them."""
    points = outline(shape, pose) * pose.scale + pose.centre
    # The outline leaves out the bulge of wing and beak.
    around = 0.3 * pose.scale
    left, top = np.maximum(np.floor(points.min(axis=0) - around), 0).astype(int)
    right, bottom = np.ceil(points.max(axis=0) + around).astype(int)
    return slice(top, min(bottom, height)), slice(left, min(right, width))


def _write_picture(
    directory: Path, name: str, settings: GeneratedCub, label: int, number: int
) -> tuple[int, int, int, int]:
    """Writes a picture and its mask; returns its box: left, top, width, height."""
    picture, mask = draw_scene(settings, label, number)
    for folder, ending, levels in (
        ("images", "jpg", picture),
        ("segmentations", "png", mask),
    ):
        path = directory / folder / f"{name}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        # PNG takes no notice of the quality.
        Image.fromarray(levels).save(path, quality=_JPEG_QUALITY)
    rows, columns = (np.flatnonzero((mask >= 128).any(axis=axis)) for axis in (1, 0))
    left, top = int(columns[0]), int(rows[0])
    return left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top


def _levels(values: np.ndarray) -> np.ndarray:
    return np.round(values * 255).astype(np.uint8)
