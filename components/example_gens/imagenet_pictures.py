"""Makes a checked record of one picture file of ImageNet or Tiny ImageNet."""

from __future__ import annotations

import os

from components.example_gens import file_access
from components.example_gens import labelled_image_features as keys
from components.example_gens.image_reader import read_image
from components.example_gens.imagenet_folders import SYNSET, PictureReference
from components.example_gens.record_source import Record, RecordError

_PNG = b"\x89PNG\r\n\x1a\n"


def read_picture_record(
    data_root: str, reference: PictureReference, synset: str, class_name: str, side: int | None
) -> Record:
    """Reads and checks a picture.

    Bytes that TensorFlow decodes are kept. ImageNet has one PNG named .JPEG (n02105855_2933), which
    decodes as it is and is counted, and 22 CMYK JPEGs, which are written anew as PNG and counted.

    Args:
        data_root: The data set.
        reference: The picture.
        synset: Its class.
        class_name: Name of the class.
        side: Rows and columns that it must have; None for any.

    Raises:
        RecordError: The picture is damaged, has another size, or belongs to another class.
    """
    path = file_access.join(data_root, reference.path)
    _refuse_foreign_name(path, synset)
    content = file_access.read_bytes(path)
    picture = read_image(path, content)
    if side is not None and (picture.height, picture.width) != (side, side):
        raise RecordError(
            "image_size",
            f"the picture {path} has another size than the data set's",
            found=f"{picture.width} x {picture.height} pixels",
            expected=f"{side} x {side} pixels",
            fix="unpack the official archive again; pictures of any size are read as ImageNet",
        )
    conversions = list(picture.conversions)
    if content.startswith(_PNG) and not path.lower().endswith(".png"):
        conversions.append("png_named_jpeg")
    if picture.channels == 1:
        # Transform repeats the gray channel; it is counted here, where the file is known.
        conversions.append("gray_to_colour")
    return Record(
        reference.path,
        {
            keys.IMAGE_ENCODED: picture.encoded,
            keys.IMAGE_HEIGHT: picture.height,
            keys.IMAGE_WIDTH: picture.width,
            keys.IMAGE_CHANNELS: picture.channels,
            keys.IMAGE_ID: reference.path.encode(),
            keys.CLASS_LABEL: reference.label,
            keys.CLASS_TEXT: class_name.encode(),
        },
        tuple(conversions),
    )


def _refuse_foreign_name(path: str, synset: str) -> None:
    """Training pictures carry their synset in their name; it must be the folder's."""
    named = SYNSET.match(os.path.basename(path))
    if named and named.group() != synset:
        raise RecordError(
            "wrong_class_folder",
            f"{path} lies in the folder of another class",
            found=f"a name that begins with {named.group()}",
            expected=synset,
            fix="move it to the folder of its class",
        )
