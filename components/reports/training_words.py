"""How a model was trained, in a few words of a report's protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def training_in_words(config: Mapping[str, Any], optimizer: str) -> str:
    """Returns words like `1,200 steps of batch 16, Adam 0.0002, seed 7`.

    Args:
        config: The resolved configuration, with the sections `experiment` and `training`; what they
            lack is left out.
        optimizer: What the learning rate is of.
    """
    experiment, training = (config.get(name, {}) for name in ("experiment", "training"))
    parts = []
    if training.get("steps") is not None:
        parts.append(f"{training['steps']:,} steps")
    elif training.get("epochs") is not None:
        parts.append(f"{training['epochs']:g} epochs")
    if "batch_size" in experiment:
        batch = f"batch {experiment['batch_size']:,}"
        parts = [f"{parts[0]} of {batch}"] if parts else [batch]
    for name, words in (("learning_rate", f"{optimizer} {{:g}}"), ("seed", "seed {}")):
        if name in training:
            parts.append(words.format(training[name]))
    return ", ".join(parts)
