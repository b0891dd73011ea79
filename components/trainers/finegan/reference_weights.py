"""The authors' weights, under the authors' parameter names.

`G/…`, `D0/…`, `D1/…` and `D2/…`, then the names of `G_NET`, `Background_D`, `Parent_D`, `Child_D`
(code/model.py, kkanshul/finegan at 38db1db). Kernels are stored (out, in, height, width) there and
(height, width, in, out) here, matrices (out, in) there and (in, out) here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.trainers.finegan.discriminators import (
    CodeDiscriminator,
    DiscriminatorBlock,
    PatchDiscriminator,
)
from components.trainers.finegan.generator import FirstStage, GatedBlock, Generator, NextStage
from components.trainers.finegan.layers import BatchNorm
from components.trainers.finegan.model import FineGan
from components.trainers.finegan.network_config import FIRST_SIDE, PLAIN_HALVINGS, NetworkConfig

Array: TypeAlias = NDArray[Any]
Named = Iterator[tuple[str, Any]]

# PyTorch counts the batches that its running statistics have seen, and never reads it.
_UNUSED_SUFFIX = ".num_batches_tracked"


def load_reference_weights(models: FineGan, arrays: Mapping[str, Array]) -> None:
    """Copies the authors' parameters and running statistics into networks of the same shape.

    Args:
        models: From `build_model`.
        arrays: The authors' parameter name -> array. All of each network that is named, and no
            others; the generator alone will do.

    Raises:
        DataError: A name is unknown or missing, or a shape does not fit.
    """
    given = {name: array for name, array in arrays.items() if not name.endswith(_UNUSED_SUFFIX)}
    networks = {name.split("/")[0] for name in given}
    known = variables_by_reference_name(models)
    variables = {name: v for name, v in known.items() if name.split("/")[0] in networks}
    unknown, missing = sorted(set(given) - set(known)), sorted(set(variables) - set(given))
    if unknown or missing or not given:
        raise DataError(
            "the reference weights are not those of these networks",
            found="unknown: " + (", ".join(unknown[:5]) or "none"),
            expected="also " + (", ".join(missing[:5]) or "nothing else"),
            fix="check image size and number of residual blocks (network_config_of reads them)",
        )
    converted = {name: _converted(name, given[name], variables[name]) for name in variables}
    for name, array in converted.items():
        variables[name].assign(array)


def variables_by_reference_name(models: FineGan) -> dict[str, Any]:
    """The authors' parameter name -> our variable, for parameters and running statistics."""
    return {
        **{f"G/{name}": variable for name, variable in _generator(models.generator)},
        **{f"D0/{name}": variable for name, variable in _patches(models.background_discriminator)},
        **{f"D1/{name}": variable for name, variable in _codes(models.parent_discriminator)},
        **{f"D2/{name}": variable for name, variable in _codes(models.child_discriminator)},
    }


def in_reference_order(value: Any) -> Array:
    """An array in our order of axes -> the authors' (the way back of loading)."""
    array = np.asarray(value)
    return array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T


def network_config_of(arrays: Mapping[str, Array]) -> NetworkConfig:
    """Reads the networks' shape off the authors' weights.

    Args:
        arrays: All weights of `G`, and of `D0` unless the discriminators' width does not matter.

    Raises:
        DataError: The generator's weights are missing.
    """

    def shape(name: str) -> tuple[int, ...]:
        if name not in arrays:
            raise DataError(
                "the reference weights do not tell the networks' shape",
                found=f"{len(arrays)} arrays, none of them {name}",
                expected="the authors' names behind `G/`, `D0/`, `D1/`, `D2/`",
            )
        return tuple(arrays[name].shape)

    def count(pattern: str) -> int:
        return sum(1 for name in arrays if re.fullmatch(pattern, name))

    width = shape("G/img_net2.img.0.weight")[1] * 2
    parents = shape("G/h_net2.jointConv.0.weight")[1] - width
    children = shape("G/h_net3.jointConv.0.weight")[1] - width // 2
    noise = shape("G/h_net1.fc.0.weight")[1] - parents
    patches = arrays.get("D0/patchgan_img_code_s16.0.weight")
    return NetworkConfig(
        image_size=FIRST_SIDE << count(r"G/h_net1\.upsample\d+\.1\.weight"),
        generator_width=width,
        discriminator_width=width if patches is None else patches.shape[0],
        noise_size=noise,
        parents=parents,
        children=children,
        backgrounds=shape("G/h_net1_bg.fc.0.weight")[1] - noise,
        residual_blocks=count(r"G/h_net2\.residual\.\d+\.block\.0\.weight"),
    )


def _generator(generator: Generator) -> Named:
    yield from _first_stage("h_net1_bg", generator.background_stage)
    yield "img_net1_bg.img.0.weight", generator.background_head.image_kernel
    yield from _first_stage("h_net1", generator.parent_stage)
    stages = (
        (2, generator.parent_next, generator.parent_head),
        (3, generator.child_next, generator.child_head),
    )
    for number, stage, head in stages:
        yield from _next_stage(f"h_net{number}", stage)
        yield f"img_net{number}.img.0.weight", head.image_kernel
        yield f"img_net{number}_mask.img.0.weight", head.mask_kernel


def _first_stage(name: str, stage: FirstStage) -> Named:
    yield f"{name}.fc.0.weight", stage.kernel
    yield from _norm(f"{name}.fc.1", stage.norm)
    for number, block in enumerate(stage.doublings, start=1):
        yield from _gated(f"{name}.upsample{number}", block, first=1)


def _next_stage(name: str, stage: NextStage) -> Named:
    yield from _gated(f"{name}.jointConv", stage.joint, first=0)
    for number, block in enumerate(stage.residuals):
        inside = f"{name}.residual.{number}.block"
        yield from _gated(inside, block.gate, first=0)
        yield f"{inside}.3.weight", block.convolution.kernel
        yield from _norm(f"{inside}.4", block.norm)
    yield from _gated(f"{name}.samesample", stage.last, first=0)


def _gated(name: str, block: GatedBlock, first: int) -> Named:
    yield f"{name}.{first}.weight", block.convolution.kernel
    yield from _norm(f"{name}.{first + 1}", block.norm)


def _patches(discriminator: PatchDiscriminator) -> Named:
    for number, convolution in enumerate(discriminator.convolutions):
        yield f"patchgan_img_code_s16.{2 * number}.weight", convolution.kernel
    yield "uncond_logits1.0.weight", discriminator.background_kernel
    yield "uncond_logits1.0.bias", discriminator.background_bias
    yield "uncond_logits2.0.weight", discriminator.real_kernel
    yield "uncond_logits2.0.bias", discriminator.real_bias


def _codes(discriminator: CodeDiscriminator) -> Named:
    halvings = len(discriminator.config.discriminator_channels)
    side = 1 << min(PLAIN_HALVINGS, halvings)
    position = 0
    for number, block in enumerate(discriminator.encoder):
        if number < PLAIN_HALVINGS:
            # Convolution, BatchNorm (not at first) and ReLU stand in one sequence.
            yield from _block(f"img_code_s{side}", block, position)
            position += 3 if block.norm is not None else 2
        elif number < halvings:
            yield from _block(f"img_code_s{16 << (number - PLAIN_HALVINGS + 1)}", block)
        else:
            yield from _block(f"img_code_s{1 << halvings}_{number - halvings + 1}", block)
    yield from _block("jointConv", discriminator.code_block)
    heads = {"logits": discriminator.code_head, "uncond_logits": discriminator.real_head}
    for name, head in heads.items():
        yield f"{name}.0.weight", head.kernel
        yield f"{name}.0.bias", head.bias


def _block(name: str, block: DiscriminatorBlock, position: int = 0) -> Named:
    yield f"{name}.{position}.weight", block.convolution.kernel
    if block.norm is not None:
        yield from _norm(f"{name}.{position + 1}", block.norm)


def _norm(name: str, norm: BatchNorm) -> Named:
    yield f"{name}.weight", norm.gamma
    yield f"{name}.bias", norm.beta
    yield f"{name}.running_mean", norm.running_mean
    yield f"{name}.running_var", norm.running_variance


def _converted(name: str, array: Array, variable: Any) -> Array:
    own = np.asarray(array, np.float32)
    own = own.transpose(2, 3, 1, 0) if own.ndim == 4 else own.T
    if own.shape != tuple(variable.shape):
        raise DataError(
            f"the reference weight {name!r} does not fit",
            found=f"shape {np.shape(array)}",
            expected=f"{tuple(variable.shape)}, in the order of our axes",
            fix="check widths and numbers of codes (network_config_of reads them off the weights)",
        )
    return own
