"""Memory and time of reading a COCO annotation file as large as `instances_train2017.json`.

python benchmarks/coco_annotations.py [--images 118287]

A file of that many images and 7.27 annotations each, their order mixed, is generated (about 520
MB). Each way of reading it is a process of its own; shown are its processor time and peak memory:

* `json.load`, all of it as Python objects;
* the index that ExampleGen makes, with a reference for every picture;
* the annotations of 2,000 pictures read through it.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

ANNOTATIONS_PER_IMAGE = 7.27
# Numbers of coordinates, of which there are many templates.
TEMPLATES = 2_000


def main() -> None:
    """Generates the file, measures each way and prints."""
    arguments = _parse_arguments()
    if arguments.measure:
        _measure(arguments.measure, arguments.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.file or str(Path(folder) / "instances_train2017.json")
        if not arguments.file:
            write_annotations(Path(path), arguments.images)
        print(f"{Path(path).stat().st_size / 1e6:.0f} MB, {arguments.images:,} images")
        for way in ("index", "load"):
            command = [sys.executable, __file__, "--measure", way, "--file", path]
            subprocess.run(command, check=True)


def write_annotations(path: Path, images: int) -> None:
    """Writes an instances file with outlines of 4 to 50 points."""
    generator = random.Random(0)
    outlines = [
        json.dumps([[round(generator.uniform(0, 480), 2) for _ in range(2 * points)]])
        for points in (generator.randint(4, 50) for _ in range(TEMPLATES))
    ]
    with path.open("w") as file:
        file.write('{"info": {"year": 2017}, "licenses": [], "images": [')
        for number in range(images):
            name = f"{number + 1:012d}.jpg"
            url = f"http://images.cocodataset.org/train2017/{name}"
            entry = {
                "license": 3,
                "file_name": name,
                "coco_url": url,
                "height": 480,
                "width": 640,
                "date_captured": "2013-11-14 11:18:45",
                "flickr_url": "http://farm9.staticflickr.com/8186/8119368305_4e622c8349_z.jpg",
                "id": number + 1,
            }
            file.write((", " if number else "") + json.dumps(entry))
        file.write('], "annotations": [')
        for number in range(int(images * ANNOTATIONS_PER_IMAGE)):
            file.write(
                (", " if number else "")
                + f'{{"segmentation": {outlines[number % TEMPLATES]}, "area": 702.1057499999998, '
                f'"iscrowd": 0, "image_id": {generator.randint(1, images)}, '
                f'"bbox": [473.07, 395.93, 38.65, 28.67], "category_id": 18, "id": {number + 1}}}'
            )
        file.write('], "categories": [{"supercategory": "animal", "id": 18, "name": "dog"}]}')


def _measure(way: str, path: str) -> None:
    started = time.process_time()
    if way == "load":
        with open(path) as file:
            found = len(json.load(file)["annotations"])
        _print("json.load", f"{found:,} annotations", started)
        return
    from components.example_gens.coco_annotations import AnnotationFile, unpack_spans

    file = AnnotationFile(path)
    index = file.read_index()
    references = [(image, index.spans_of(image.number)) for image in index.images]
    _print("index and references", f"{len(references):,} images", started)
    started = time.process_time()
    few = references[:: max(1, len(references) // 2_000)]
    found = sum(len([file.read(span) for span in unpack_spans(spans)]) for _, spans in few)
    _print("reading by position", f"{len(few):,} images, {found:,} annotations", started)


def _print(what: str, amount: str, started: float) -> None:
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what}: {amount}, {seconds:.1f} s of processor time, peak {peak:.0f} MB", flush=True)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=118_287)
    parser.add_argument("--file", help="a file that is there already")
    parser.add_argument("--measure", choices=["index", "load"], help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
