"""COCO's 133 categories: 80 things, which the detection task has too, and 53 kinds of stuff.

From `panoptic_coco_categories.json` of cocodataset/panopticapi. The ids have gaps, and stay as they
are: they are the class indices of DETR's released weights.
"""

from __future__ import annotations

from typing import NamedTuple


class Category(NamedTuple):
    """What a segment or object can be.

    Attributes:
        name: For example `dog`.
        supercategory: For example `animal`.
        is_thing: Whether it can be counted; if not, it is stuff.
    """

    name: str
    supercategory: str
    is_thing: bool


_THINGS: dict[str, dict[int, str]] = {
    "person": {1: "person"},
    "vehicle": {
        2: "bicycle",
        3: "car",
        4: "motorcycle",
        5: "airplane",
        6: "bus",
        7: "train",
        8: "truck",
        9: "boat",
    },
    "outdoor": {
        10: "traffic light",
        11: "fire hydrant",
        13: "stop sign",
        14: "parking meter",
        15: "bench",
    },
    "animal": {
        16: "bird",
        17: "cat",
        18: "dog",
        19: "horse",
        20: "sheep",
        21: "cow",
        22: "elephant",
        23: "bear",
        24: "zebra",
        25: "giraffe",
    },
    "accessory": {27: "backpack", 28: "umbrella", 31: "handbag", 32: "tie", 33: "suitcase"},
    "sports": {
        34: "frisbee",
        35: "skis",
        36: "snowboard",
        37: "sports ball",
        38: "kite",
        39: "baseball bat",
        40: "baseball glove",
        41: "skateboard",
        42: "surfboard",
        43: "tennis racket",
    },
    "kitchen": {
        44: "bottle",
        46: "wine glass",
        47: "cup",
        48: "fork",
        49: "knife",
        50: "spoon",
        51: "bowl",
    },
    "food": {
        52: "banana",
        53: "apple",
        54: "sandwich",
        55: "orange",
        56: "broccoli",
        57: "carrot",
        58: "hot dog",
        59: "pizza",
        60: "donut",
        61: "cake",
    },
    "furniture": {
        62: "chair",
        63: "couch",
        64: "potted plant",
        65: "bed",
        67: "dining table",
        70: "toilet",
    },
    "electronic": {
        72: "tv",
        73: "laptop",
        74: "mouse",
        75: "remote",
        76: "keyboard",
        77: "cell phone",
    },
    "appliance": {78: "microwave", 79: "oven", 80: "toaster", 81: "sink", 82: "refrigerator"},
    "indoor": {
        84: "book",
        85: "clock",
        86: "vase",
        87: "scissors",
        88: "teddy bear",
        89: "hair drier",
        90: "toothbrush",
    },
}

_STUFF: dict[str, dict[int, str]] = {
    "textile": {
        92: "banner",
        93: "blanket",
        109: "curtain",
        141: "pillow",
        168: "towel",
        200: "rug-merged",
    },
    "building": {
        95: "bridge",
        128: "house",
        151: "roof",
        166: "tent",
        197: "building-other-merged",
    },
    "raw-material": {100: "cardboard", 195: "paper-merged"},
    "furniture-stuff": {
        107: "counter",
        112: "door-stuff",
        130: "light",
        133: "mirror-stuff",
        156: "shelf",
        161: "stairs",
        188: "cabinet-merged",
        189: "table-merged",
    },
    "floor": {118: "floor-wood", 190: "floor-other-merged"},
    "plant": {119: "flower", 184: "tree-merged", 193: "grass-merged"},
    "food-stuff": {122: "fruit", 196: "food-other-merged"},
    "ground": {
        125: "gravel",
        144: "platform",
        145: "playingfield",
        147: "railroad",
        149: "road",
        154: "sand",
        159: "snow",
        191: "pavement-merged",
        194: "dirt-merged",
    },
    "structural": {138: "net", 185: "fence-merged"},
    "water": {148: "river", 155: "sea", 178: "water-other"},
    "wall": {
        171: "wall-brick",
        175: "wall-stone",
        176: "wall-tile",
        177: "wall-wood",
        199: "wall-other-merged",
    },
    "window": {180: "window-blind", 181: "window-other"},
    "ceiling": {186: "ceiling-merged"},
    "sky": {187: "sky-other-merged"},
    "solid": {192: "mountain-merged", 198: "rock-merged"},
}

CATEGORIES: dict[int, Category] = {
    number: Category(name, supercategory, is_thing)
    for is_thing, groups in ((True, _THINGS), (False, _STUFF))
    for supercategory, members in groups.items()
    for number, name in members.items()
}
