"""The feature keys of CUB, Stanford Cars and Stanford Dogs; named here only.

image/encoded           bytes       JPEG or PNG
image/height            int64       rows of the encoded picture
image/width             int64       columns of the encoded picture
image/channels          int64       1 or 3, of the encoded picture
image/id                bytes       path below the data root, names the record
image/object/bbox_xywh  float32[4]  left, top, width, height; pixels, in the picture
image/class/label       int64       fine class, from 0
image/class/text        bytes       name of the class
augment/seed            int64[2]    the record's own seed
"""

from __future__ import annotations

IMAGE_ENCODED = "image/encoded"
IMAGE_HEIGHT = "image/height"
IMAGE_WIDTH = "image/width"
IMAGE_CHANNELS = "image/channels"
IMAGE_ID = "image/id"
BOX_XYWH = "image/object/bbox_xywh"
CLASS_LABEL = "image/class/label"
CLASS_TEXT = "image/class/text"
