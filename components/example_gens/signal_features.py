"""The feature keys of SIREN's records; named here and nowhere else.

Pictures and film frames, one record each:
    image/encoded   bytes       JPEG or PNG
    image/height    int64       rows of the encoded picture
    image/width     int64       columns of the encoded picture
    image/channels  int64       1 or 3, of the encoded picture
    image/id        bytes       file name
    frame/index     int64       position in the film, from 0
    frame/count     int64       frames of the film; 1 for a picture
    second/encoded  bytes       poisson_editing: the other picture
    mask/encoded    bytes       inpainting: PNG, white = known; empty when the mask is to be drawn
    augment/seed    int64[2]    the record's own seed
Sounds:
    audio/samples   float32[n]  mean of the channels
    audio/rate      int64       samples a second
    audio/channels  int64       channels of the file
    audio/id        bytes       file name
    augment/seed    int64[2]    the record's own seed
"""

from __future__ import annotations

IMAGE_ENCODED = "image/encoded"
IMAGE_HEIGHT = "image/height"
IMAGE_WIDTH = "image/width"
IMAGE_CHANNELS = "image/channels"
IMAGE_ID = "image/id"
FRAME_INDEX = "frame/index"
FRAME_COUNT = "frame/count"
SECOND_ENCODED = "second/encoded"
MASK_ENCODED = "mask/encoded"

AUDIO_SAMPLES = "audio/samples"
AUDIO_RATE = "audio/rate"
AUDIO_CHANNELS = "audio/channels"
AUDIO_ID = "audio/id"
