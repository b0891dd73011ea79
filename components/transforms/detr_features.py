"""What DETR's Transform gives of a record; the names alone, free of TensorFlow.

The training view has the same names behind `augmented/`, for what it changes. An image lies at the
top left of a square canvas; beyond its true size everything is 0.
"""

from __future__ import annotations

# float32 [canvas, canvas, 3], normalised by ImageNet's mean and deviation.
IMAGE = "image"
# int64 [2], height and width of the image on the canvas, pixels.
IMAGE_SIZE = "image_size"
# int64 [2], height and width of the image as it was stored, pixels.
ORIGINAL_SIZE = "original_size"
# int64 [], COCO's image id.
IMAGE_ID = "image_id"
# float32 [max_objects, 4], relative to the true size.
BOXES = "boxes_cxcywh"
# int64 [max_objects], COCO's category ids.
LABELS = "labels"
# int64 [], how many of the objects there are; what follows them is padding.
NUM_OBJECTS = "num_objects"
# string [], the masks uint8 [num_objects, height, width] of the true size, 0 or 1, packed, because
# Transform has no small integers; `detr_masks.unpack_masks` lays them onto a canvas. Only for
# panoptic segmentation.
MASKS = "masks"

AUGMENTED = "augmented/"
VARYING = (IMAGE, IMAGE_SIZE, BOXES, LABELS, NUM_OBJECTS, MASKS)

# What evaluation needs of the truth, as the data set has it: crowds too, pixels of the original
# image, nothing cut off. Padding stands last; there the label, or the segment's id, is -1.

# int64 [max_objects], float32 [max_objects, 4] (x1, y1, x2, y2), float32 [max_objects] and
# int64 [max_objects].
TARGET_LABELS = "target_labels"
TARGET_BOXES_XYXY = "target_boxes_xyxy"
TARGET_AREA = "target_area"
TARGET_IS_CROWD = "target_is_crowd"
# string [max_objects], COCO's compressed run lengths.
TARGET_MASK_RLE = "target_mask_rle"
# string [], the PNG of segment ids; int64 [max_objects] each. Of panoptic data alone.
TARGET_PANOPTIC_PNG = "target_panoptic_png"
TARGET_SEGMENT_IDS = "target_segment_ids"
TARGET_SEGMENT_CATEGORIES = "target_segment_categories"
TARGET_SEGMENT_IS_CROWD = "target_segment_is_crowd"

PADDING = -1
