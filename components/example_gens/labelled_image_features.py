"""The feature keys of labelled pictures (CIFAR-10, Tiny ImageNet, ImageNet); named here only.

image/encoded       bytes     JPEG or PNG
image/height        int64     rows of the encoded picture
image/width         int64     columns of the encoded picture
image/channels      int64     1 or 3, of the encoded picture
image/id            bytes     names the record within the data set
image/class/label   int64     from 0
image/class/text    bytes     name of the class, or its synset where no name is known
augment/seed        int64[2]  the record's own seed
"""

from __future__ import annotations

IMAGE_ENCODED = "image/encoded"
IMAGE_HEIGHT = "image/height"
IMAGE_WIDTH = "image/width"
IMAGE_CHANNELS = "image/channels"
IMAGE_ID = "image/id"
CLASS_LABEL = "image/class/label"
CLASS_TEXT = "image/class/text"
