"""Losses of boundary value problems: signed distances, the Helmholtz and the wave equation.

Source: the authors' loss_functions.py (`sdf`, `helmholtz_pml`, `wave_pml`) and paper, section 4.
Complex numbers are pairs (real, imaginary) on the last axis, sources one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.trainers.siren.differential_operators import Field, jacobian
from components.trainers.siren.losses import safe_norm

WAVENUMBER = 20.0

# The perfectly matched layer: strength a_0 and width at each side of [-1, 1].
ABSORPTION = 5.0
ABSORBING_WIDTH = 0.5

# Outside this square the velocity is known to be 1 (inverse problem).
KNOWN_SLOWNESS_FROM = 0.75
SMALLEST_SLOWNESS_OFFSET = -0.999

OFF_SURFACE = -1.0


def sdf_losses(
    values: tf.Tensor, gradients: tf.Tensor, target: tf.Tensor, normals: tf.Tensor
) -> Mapping[str, tf.Tensor]:
    """Losses of a signed distance function; each mean is over all points, on the surface or off.

    Args:
        values: `[..., 1]`, predicted distances.
        gradients: `[..., 3]`, their derivatives.
        target: `[..., 1]`: 0 on the surface, -1 off it.
        normals: `[..., 3]`; read on the surface only.

    Returns:
        `sdf`, `inter`, `normal_constraint` and `grad_constraint`, with the authors' weights.
    """
    on_surface = tf.cast(tf.not_equal(target, OFF_SURFACE), values.dtype)
    length = safe_norm(tf.reduce_sum(tf.square(gradients), -1, keepdims=True))
    normal_length = safe_norm(tf.reduce_sum(tf.square(normals), -1, keepdims=True))
    # torch's cosine_similarity bounds the product of the lengths from below by 1e-8.
    cosine = tf.reduce_sum(gradients * normals, -1, keepdims=True) / tf.maximum(
        length * normal_length, 1e-8
    )
    off_penalty = tf.exp(-100.0 * tf.abs(values))
    return {
        "sdf": 3e3 * tf.reduce_mean(on_surface * tf.abs(values)),
        "inter": 1e2 * tf.reduce_mean((1.0 - on_surface) * off_penalty),
        "normal_constraint": 1e2 * tf.reduce_mean(on_surface * (1.0 - cosine)),
        "grad_constraint": 5e1 * tf.reduce_mean(tf.abs(length - 1.0)),
    }


def helmholtz_losses(
    function: Field,
    coordinates: tf.Tensor,
    source_values: tf.Tensor,
    squared_slowness: tf.Tensor,
    wavenumber: float = WAVENUMBER,
) -> Mapping[str, tf.Tensor]:
    """Residual of the Helmholtz equation with absorbing margins.

    Args:
        function: From `[points, 2]` to `[points, 2 * sources]`, point by point.
        coordinates: `[points, 2]`, in [-1, 1].
        source_values: `[points, 2 * sources]`; 0 where there is no source.
        squared_slowness: `[points, 2]`, complex.
        wavenumber: In radians a unit length.

    Returns:
        Sums over points: `diff_constraint_on`, weighted by points / 1000, and
        `diff_constraint_off`.
    """
    residual = _helmholtz_residual(function, coordinates, squared_slowness, wavenumber)
    is_source = tf.not_equal(source_values, 0.0)
    on = tf.where(is_source, residual - source_values, 0.0)
    off = tf.where(is_source, 0.0, residual)
    num_points = tf.cast(tf.shape(coordinates)[-2], residual.dtype)
    return {
        "diff_constraint_on": tf.reduce_sum(tf.abs(on)) * num_points / 1e3,
        "diff_constraint_off": tf.reduce_sum(tf.abs(off)),
    }


def inverse_helmholtz_losses(
    function: Field,
    coordinates: tf.Tensor,
    source_values: tf.Tensor,
    receiver_values: tf.Tensor,
    wavenumber: float = WAVENUMBER,
) -> Mapping[str, tf.Tensor]:
    """Full-waveform inversion: the network also gives the medium, and must meet the receivers.

    Args:
        function: From `[points, 2]` to `[points, 2 * sources + 1]`; the last is squared slowness
            less 1.
        coordinates: `[points, 2]`, in [-1, 1].
        source_values: `[points, 2 * sources]`; 0 where there is no source.
        receiver_values: `[points, 2 * sources]`; 0 where there is no receiver.
        wavenumber: In radians a unit length.

    Returns:
        The terms of `helmholtz_losses` and `data_term` (weighted by points).
    """
    outputs = function(coordinates)
    field, offset = outputs[..., :-1], outputs[..., -1:]
    slowness = tf.maximum(offset, SMALLEST_SLOWNESS_OFFSET) + 1.0
    is_known = tf.reduce_any(tf.abs(coordinates) > KNOWN_SLOWNESS_FROM, axis=-1, keepdims=True)
    slowness = tf.where(is_known, tf.ones_like(slowness), slowness)
    squared_slowness = tf.concat([slowness, tf.zeros_like(slowness)], axis=-1)

    terms = helmholtz_losses(
        lambda points: function(points)[..., :-1],
        coordinates,
        source_values,
        squared_slowness,
        wavenumber,
    )
    is_receiver = tf.not_equal(receiver_values, 0.0)
    misfit = tf.where(is_receiver, field - receiver_values, 0.0)
    num_points = tf.cast(tf.shape(coordinates)[-2], misfit.dtype)
    return {**terms, "data_term": tf.reduce_sum(tf.abs(misfit)) * num_points}


def helmholtz_closed_form(
    resolution: int,
    cell_count: int | None = None,
    wavenumber: float = WAVENUMBER,
    source: complex = 1 + 1j,
    source_at: tuple[float, float] = (0.0, 0.0),
) -> NDArray[np.complex64]:
    """Field of one point source in a uniform medium: 0.25i * H0^(2)(k r) * s * cell area.

    Args:
        resolution: Points along each side of the grid on [-1, 1].
        cell_count: Cells along a side, which give the area (2 / cell_count)^2; None takes
            `resolution`.
        wavenumber: In radians a unit length.
        source: Its complex strength.
        source_at: Its coordinates.

    Returns:
        `[resolution, resolution]`.
    """
    axis = (np.arange(resolution) / (resolution - 1) - 0.5) * 2.0
    rows, columns = np.meshgrid(axis, axis, indexing="ij")
    distance = np.hypot(rows - source_at[0], columns - source_at[1])
    # 1e-6 keeps the field finite at the source itself.
    argument = tf.constant(wavenumber * distance + 1e-6, tf.float64)
    bessel = tf.math.special
    hankel = bessel.bessel_j0(argument).numpy() - 1j * bessel.bessel_y0(argument).numpy()
    area = (2.0 / (cell_count or resolution)) ** 2
    return (0.25j * hankel * source * area).astype(np.complex64)


def wave_losses(
    function: Field,
    coordinates: tf.Tensor,
    source_values: tf.Tensor,
    is_initial: tf.Tensor,
    squared_slowness: tf.Tensor,
) -> Mapping[str, tf.Tensor]:
    """Residual of the wave equation u_tt = lap(u) / slowness^2 with a source at time zero.

    Args:
        function: From `[points, 3]`, ordered (t, x, y), to `[points, 1]`, point by point.
        coordinates: `[points, 3]`.
        source_values: `[points, 1]`, the field at time zero.
        is_initial: bool `[points, 1]`, where time is zero.
        squared_slowness: `[points, 1]`.

    Returns:
        `dirichlet` (weighted by points / 10), `neumann` (by points / 100) and
        `diff_constraint_hom`, sums over points.
    """
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(coordinates)
        values, first = jacobian(function, coordinates)
        first_by_axis = tf.unstack(first[..., 0, :], axis=-1)
    second = [
        tape.gradient(part, coordinates)[..., axis : axis + 1]
        for axis, part in enumerate(first_by_axis)
    ]
    residual = second[0] - (second[1] + second[2]) / squared_slowness
    # While the authors pretrain, every point lies at time zero and the equation is left out.
    enforced = 1.0 - tf.cast(tf.reduce_all(is_initial), values.dtype)
    initial = tf.cast(is_initial, values.dtype)
    num_points = tf.cast(tf.shape(coordinates)[-2], values.dtype)
    dirichlet = tf.reduce_sum(initial * tf.abs(values - source_values))
    neumann = tf.reduce_sum(initial * tf.abs(first[..., 0, 0:1]))
    return {
        "dirichlet": dirichlet * num_points / 1e1,
        "neumann": neumann * num_points / 1e2,
        "diff_constraint_hom": enforced * tf.reduce_sum(tf.abs(residual)),
    }


def _helmholtz_residual(
    function: Field, coordinates: tf.Tensor, squared_slowness: tf.Tensor, wavenumber: float
) -> tf.Tensor:
    """d/dx(e_y/e_x du/dx) + d/dy(e_x/e_y du/dy) + e_x e_y k^2 u s, `[points, 2 * sources]`."""

    def flows(points: tf.Tensor) -> tf.Tensor:
        values, first = jacobian(function, points)
        stretch_x, stretch_y = _stretches(points)
        flow_x = _multiply(_divide(stretch_y, stretch_x), first[..., 0])
        flow_y = _multiply(_divide(stretch_x, stretch_y), first[..., 1])
        return tf.concat([flow_x, flow_y, values], axis=-1)

    with tf.GradientTape(persistent=True) as tape:
        tape.watch(coordinates)
        flow_x, flow_y, values = tf.split(flows(coordinates), 3, axis=-1)
        parts_x, parts_y = tf.unstack(flow_x, axis=-1), tf.unstack(flow_y, axis=-1)
    along_x = tf.stack([tape.gradient(part, coordinates)[..., 0] for part in parts_x], axis=-1)
    along_y = tf.stack([tape.gradient(part, coordinates)[..., 1] for part in parts_y], axis=-1)
    stretch_x, stretch_y = _stretches(coordinates)
    area = _multiply(_multiply(stretch_x, stretch_y), squared_slowness)
    return along_x + along_y + _multiply(area, wavenumber**2 * values)


def _stretches(coordinates: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The complex stretch 1 - i s / k of each axis inside the absorbing margins, `[points, 2]`."""
    depth = tf.nn.relu(tf.abs(coordinates) - (1.0 - ABSORBING_WIDTH)) / ABSORBING_WIDTH
    damping = -ABSORPTION * tf.square(depth)
    real = tf.ones_like(damping)
    pairs = tf.stack([real, damping], axis=-1)
    return pairs[..., 0, :], pairs[..., 1, :]


def _multiply(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Product of complex pairs; a single pair serves all of the other's."""
    a, b, c, d = left[..., ::2], left[..., 1::2], right[..., ::2], right[..., 1::2]
    return _interleave(a * c - b * d, a * d + b * c)


def _divide(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Quotient of complex pairs."""
    a, b, c, d = left[..., ::2], left[..., 1::2], right[..., ::2], right[..., 1::2]
    scale = tf.square(c) + tf.square(d)
    return _interleave((a * c + b * d) / scale, (b * c - a * d) / scale)


def _interleave(real: tf.Tensor, imaginary: tf.Tensor) -> tf.Tensor:
    pairs = tf.stack([real, imaginary], axis=-1)
    return tf.reshape(pairs, tf.concat([tf.shape(real)[:-1], [2 * real.shape[-1]]], 0))
