"""The feature keys of COCO, instances and panoptic; named here only.

image/encoded             bytes        JPEG or PNG
image/height              int64        rows of the encoded picture
image/width               int64        columns of the encoded picture
image/channels            int64        1 or 3, of the encoded picture
image/id                  bytes        path below the data root, names the record
image/number              int64        COCO's image id
augment/seed              int64[2]     the record's own seed

The objects: those of `instances_*.json`, else the things among the segments. As many of each as
there are objects, in the order of the file:

image/object/bbox_xywh    float32[4n]  left, top, width, height; pixels; may pass the picture's edge
image/object/category     int64[n]     COCO's category id
image/object/area         float32[n]   pixels, as the file has it
image/object/is_crowd     int64[n]     0 or 1
image/object/mask_rle     bytes[n]     COCO's compressed run lengths, of the picture's size

The segments, of panoptic data alone:

image/panoptic/encoded    bytes        RGB PNG, each pixel its segment's id: R + 256 G + 65536 B
image/segment/id          int64[n]     above 0, which is void
image/segment/bbox_xywh   float32[4n]  left, top, width, height of its pixels
image/segment/area        float32[n]   pixels
image/segment/category    int64[n]     COCO's category id
image/segment/is_crowd    int64[n]     0 or 1
"""

from __future__ import annotations

IMAGE_ENCODED = "image/encoded"
IMAGE_HEIGHT = "image/height"
IMAGE_WIDTH = "image/width"
IMAGE_CHANNELS = "image/channels"
IMAGE_ID = "image/id"
IMAGE_NUMBER = "image/number"

OBJECT_BOX_XYWH = "image/object/bbox_xywh"
OBJECT_CATEGORY = "image/object/category"
OBJECT_AREA = "image/object/area"
OBJECT_IS_CROWD = "image/object/is_crowd"
OBJECT_MASK_RLE = "image/object/mask_rle"

PANOPTIC_ENCODED = "image/panoptic/encoded"
SEGMENT_ID = "image/segment/id"
SEGMENT_BOX_XYWH = "image/segment/bbox_xywh"
SEGMENT_AREA = "image/segment/area"
SEGMENT_CATEGORY = "image/segment/category"
SEGMENT_IS_CROWD = "image/segment/is_crowd"
