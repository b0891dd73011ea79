"""Hugging Face's names of DETR's weights -> the authors'.

`facebook/detr-resnet-50` and its kin store a backbone under timm's names, or (revision `no_timm`)
under those of Hugging Face's own ResNet; and queries, keys and values of an attention one by one,
where the authors have one matrix.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

_MARKS = ("class_labels_classifier.weight", "detr.class_labels_classifier.weight")
_PREFIX = re.compile(r"^(detr\.)?(model\.)?")
_BACKBONE = r"^backbone\.conv_encoder\.model\."
_RULES = (
    (_BACKBONE + r"embedder\.embedder\.convolution\.", r"backbone.0.body.conv1."),
    (_BACKBONE + r"embedder\.embedder\.normalization\.", r"backbone.0.body.bn1."),
    (_BACKBONE + r"encoder\.stages\.(\d+)\.layers\.(\d+)\.", r"backbone.0.body.layer<\1>.\2."),
    (_BACKBONE, r"backbone.0.body."),
    (r"\.shortcut\.convolution\.", r".downsample.0."),
    (r"\.shortcut\.normalization\.", r".downsample.1."),
    (r"\.layer\.(\d)\.convolution\.", r".conv<\1>."),
    (r"\.layer\.(\d)\.normalization\.", r".bn<\1>."),
    (r"^input_projection\.", r"input_proj."),
    (r"^query_position_embeddings\.", r"query_embed."),
    (r"^class_labels_classifier\.", r"class_embed."),
    (r"^bbox_predictor\.", r"bbox_embed."),
    (r"^decoder\.layernorm\.", r"decoder.norm."),
    (r"\.fc(\d)\.", r".linear\1."),
    (r"\.self_attn_layer_norm\.", r".norm1."),
    (r"\.encoder_attn_layer_norm\.", r".norm2."),
    (r"\.encoder_attn\.", r".multihead_attn."),
    (r"^(encoder|decoder)\.", r"transformer.\1."),
)
# The authors count from 1 what Hugging Face counts from 0.
_COUNTED = re.compile(r"<(\d)>")
_LAST_NORM = {"encoder": "norm2", "decoder": "norm3"}
_PROJECTION = re.compile(r"\.([qkv])_proj\.(weight|bias)$")


def authors_names(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Translates the names where they are Hugging Face's; others stay as they are.

    Args:
        arrays: Name -> array.

    Returns:
        The authors' names -> arrays; attention's three projections are joined.
    """
    if not any(mark in arrays for mark in _MARKS):
        return dict(arrays)
    renamed = {_authors_name(name): array for name, array in arrays.items()}
    joined: dict[str, Array] = {}
    for name, array in renamed.items():
        projection = _PROJECTION.search(name)
        if projection is None:
            joined[name] = array
        elif projection[1] == "q":
            stem, kind = name[: projection.start()], projection[2]
            parts = [renamed.get(f"{stem}.{part}_proj.{kind}") for part in "qkv"]
            present = [part for part in parts if part is not None]
            joined[f"{stem}.in_proj_{kind}"] = np.concatenate(present)
    return joined


def _authors_name(name: str) -> str:
    if name.startswith(("bbox_attention.", "mask_head.")):
        return name
    prefix = "detr." if name.startswith("detr.") else ""
    name = _PREFIX.sub("", name)
    for pattern, replacement in _RULES:
        name = re.sub(pattern, replacement, name)
    name = _COUNTED.sub(lambda number: str(int(number[1]) + 1), name)
    for part, norm in _LAST_NORM.items():
        if name.startswith(f"transformer.{part}."):
            name = name.replace(".final_layer_norm.", f".{norm}.")
    return prefix + name
