"""SIREN against the authors' PyTorch code (vsitzmann/siren at 4df34ba), recorded in float32.

Every test states its tolerance: relative, to the largest magnitude of the reference array.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainers.siren import coordinates, equation_losses, losses, targets
from components.trainers.siren.differential_operators import (
    gradient,
    hessian,
    jacobian,
    laplacian,
)
from components.trainers.siren.model import build_model
from components.trainers.siren.reference_weights import (
    load_reference_weights,
    network_config_of,
)
from components.trainers.torch_adam import TorchAdam

pytestmark = pytest.mark.parity

OUTPUT_TOLERANCE = 1e-5
FIRST_DERIVATIVE_TOLERANCE = 1e-4
SECOND_DERIVATIVE_TOLERANCE = 1e-3
LOSS_TOLERANCE = 1e-5
ADAM_LOSS_TOLERANCE = 1e-5
ADAM_OUTPUT_TOLERANCE = 1e-5

Arrays = Mapping[str, np.ndarray]


@pytest.fixture(scope="module")
def arrays(shared_dir: Path) -> Arrays:
    with np.load(shared_dir / "parity" / "siren.npz") as archive:
        return {name: archive[name] for name in archive.files}


@pytest.fixture(scope="module")
def numbers(shared_dir: Path) -> Mapping[str, Any]:
    return json.loads((shared_dir / "parity" / "siren.json").read_text())


def reference_model(arrays: Arrays, network: str) -> keras.Model:
    prefix = f"{network}/init/"
    weights = {name[len(prefix) :]: value for name, value in arrays.items() if prefix in name}
    model = build_model(network_config_of(weights))
    load_reference_weights(model, weights)
    return model


def assert_equal(found: Any, reference: Any, tolerance: float) -> None:
    found, reference = np.asarray(found), np.asarray(reference)
    assert found.shape == reference.shape
    error = np.abs(found - reference).max() / np.abs(reference).max()
    assert error <= tolerance, f"relative error {error:.2e} above {tolerance}"


@pytest.mark.parametrize("network", ["img", "audio", "sdf", "helmholtz", "wave_hidden128"])
def test_outputs_equal_the_authors_networks(arrays: Arrays, network: str) -> None:
    found = reference_model(arrays, network)(arrays[f"{network}/coords"])
    assert_equal(found, arrays[f"{network}/out"], OUTPUT_TOLERANCE)


def test_first_derivatives_equal_diff_operators(arrays: Arrays) -> None:
    model, where = reference_model(arrays, "img"), tf.constant(arrays["img/coords"])
    tolerance = FIRST_DERIVATIVE_TOLERANCE
    assert_equal(gradient(model, where), arrays["img/gradient"], tolerance)
    assert_equal(jacobian(model, where)[1], arrays["img/jacobian"], tolerance)


def test_second_derivatives_equal_diff_operators(arrays: Arrays) -> None:
    model, where = reference_model(arrays, "img"), tf.constant(arrays["img/coords"])
    tolerance = SECOND_DERIVATIVE_TOLERANCE
    assert_equal(laplacian(model, where), arrays["img/laplace"], tolerance)
    assert_equal(hessian(model, where), arrays["img/hessian"], tolerance)


def test_gradient_in_space_equals_diff_operators(arrays: Arrays) -> None:
    model, where = reference_model(arrays, "sdf"), tf.constant(arrays["sdf/coords"])
    assert_equal(gradient(model, where), arrays["sdf/gradient"], FIRST_DERIVATIVE_TOLERANCE)


def test_spread_of_the_activations_equals_the_authors(arrays: Arrays) -> None:
    model = reference_model(arrays, "img")
    values = tf.constant(arrays["img/coords"])
    for index, layer in enumerate(model.linear_layers[:-1]):
        values = layer(values)
        found = [np.mean(values), np.std(values)]
        assert_equal(found, arrays[f"img/act_stats/Sine_{index}"], 1e-4)


def test_image_losses_equal_loss_functions(arrays: Arrays, numbers: Mapping[str, Any]) -> None:
    model, where = reference_model(arrays, "img"), tf.constant(arrays["img/coords"])
    values, target, mask = model(where), arrays["img/gt_img"], arrays["img/mask"]
    random_points = tf.constant(2.0 * (arrays["img/prior_rand01"] - 0.5))
    found = {
        "image_mse": losses.image_mse(values, target),
        "image_mse_masked(mean over ALL pixels)": losses.image_mse(values, target, mask),
        "image_l1": losses.image_l1(values, target),
        "gradients_mse": losses.gradients_mse(gradient(model, where), arrays["img/gt_gradients"]),
        "laplace_mse": losses.laplace_mse(laplacian(model, where), arrays["img/gt_laplace"]),
        "TV_img": losses.image_mse(values, target, mask),
        "TV_prior(k1=1)": losses.total_variation(gradient(model, random_points)),
        "FH_img": losses.image_mse(values, target, mask),
        "FH_prior(k1=1)": losses.frobenius_hessian(hessian(model, random_points)),
    }
    reference = numbers["img_losses"]
    assert found.keys() == reference.keys()
    for name, value in found.items():
        assert float(value) == pytest.approx(reference[name], rel=LOSS_TOLERANCE), name


def test_audio_loss_equals_function_mse(arrays: Arrays, numbers: Mapping[str, Any]) -> None:
    times = arrays["audio/coords"]
    found = losses.audio_mse(reference_model(arrays, "audio")(times), np.sin(3.0 * times))
    reference = numbers["audio_function_mse_vs_sin(3x)"]
    assert float(found) == pytest.approx(reference, rel=LOSS_TOLERANCE)


def test_sdf_losses_equal_loss_functions(arrays: Arrays, numbers: Mapping[str, Any]) -> None:
    model, where = reference_model(arrays, "sdf"), tf.constant(arrays["sdf/coords"])
    found = equation_losses.sdf_losses(
        model(where), gradient(model, where), arrays["sdf/gt_sdf"], arrays["sdf/gt_normals"]
    )
    assert_terms(found, numbers["sdf_losses"])


def test_helmholtz_losses_equal_loss_functions(arrays: Arrays, numbers: Mapping[str, Any]) -> None:
    found = equation_losses.helmholtz_losses(
        reference_model(arrays, "helmholtz"),
        tf.constant(arrays["helmholtz/coords"]),
        arrays["helmholtz/source_boundary_values"],
        arrays["helmholtz/squared_slowness"],
        wavenumber=20.0,
    )
    reference = dict(numbers["helmholtz_losses(wavenumber 20, uniform)"])
    # Zero where nothing is inverted; `inverse_helmholtz_losses` has that term.
    assert reference.pop("data_term") == 0.0
    assert_terms(found, reference)


def test_closed_form_of_helmholtz_equals_scipys_hankel_function(arrays: Arrays) -> None:
    reference = arrays["helmholtz/closed_form_31grid(230 cell size)"]
    found = equation_losses.helmholtz_closed_form(len(reference), cell_count=230)
    assert_equal(found, reference, 1e-6)


def test_wave_losses_equal_loss_functions(arrays: Arrays, numbers: Mapping[str, Any]) -> None:
    where = tf.constant(arrays["wave_hidden128/coords"])
    found = equation_losses.wave_losses(
        reference_model(arrays, "wave_hidden128"),
        where,
        arrays["wave_hidden128/source_boundary_values"],
        arrays["wave_hidden128/dirichlet_mask"],
        tf.ones_like(where[..., :1]),
    )
    assert_terms(found, numbers["wave_losses"])


def assert_terms(found: Mapping[str, tf.Tensor], reference: Mapping[str, float]) -> None:
    assert found.keys() == reference.keys()
    for name, value in found.items():
        assert float(value) == pytest.approx(reference[name], rel=LOSS_TOLERANCE), name


LOSSES: Mapping[str, Callable[[keras.Model, tf.Tensor, Arrays], tf.Tensor]] = {
    "image": lambda model, where, arrays: losses.image_mse(model(where), arrays["img/gt_img"]),
    "gradients": lambda model, where, arrays: losses.gradients_mse(
        gradient(model, where), arrays["img/gt_gradients"]
    ),
    "laplace": lambda model, where, arrays: losses.laplace_mse(
        laplacian(model, where), arrays["img/gt_laplace"]
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_of_the_weights_equal_autograds(arrays: Arrays, name: str) -> None:
    model, where = reference_model(arrays, "img"), tf.constant(arrays["img/coords"])
    with tf.GradientTape() as tape:
        loss = LOSSES[name](model, where, arrays)
    for variable, found in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        layer, kind = _authors_name(variable)
        reference = arrays[f"img/wgrad_{name}/net.net.{layer}.0.{kind}"]
        found = np.zeros(1) if found is None else found.numpy().astype(np.float64)
        sums = np.array([found.sum(), np.abs(found).sum(), np.sqrt(np.square(found).sum())])
        # The signed sum cancels: its error is that of the sum of magnitudes.
        assert np.abs(sums - reference).max() <= 1e-5 * max(reference[1], 1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_five_steps_of_adam_equal_torchs(
    arrays: Arrays, numbers: Mapping[str, Any], name: str
) -> None:
    model, where = reference_model(arrays, "img"), tf.constant(arrays["img/coords"])
    optimizer, found = TorchAdam(1e-4), []
    for _ in range(5):
        with tf.GradientTape() as tape:
            loss = LOSSES[name](model, where, arrays)
        gradients = tape.gradient(loss, model.trainable_variables)
        pairs = zip(gradients, model.trainable_variables, strict=True)
        optimizer.apply_gradients((one, variable) for one, variable in pairs if one is not None)
        found.append(float(loss))
    assert found == pytest.approx(numbers["adam5"][name], rel=ADAM_LOSS_TOLERANCE)
    assert_equal(model(where), arrays[f"img/out_after5_{name}"], ADAM_OUTPUT_TOLERANCE)
    for variable in model.trainable_variables:
        layer, kind = _authors_name(variable)
        reference = arrays[f"img/after5_{name}/net.net.{layer}.0.{kind}"]
        values = variable.numpy().astype(np.float64)
        sums = np.array([values.sum(), np.abs(values).sum(), np.sqrt(np.square(values).sum())])
        assert np.abs(sums - reference).max() <= 1e-6 * max(reference[1], 1e-12)


def _authors_name(variable: keras.Variable) -> tuple[str, str]:
    *_, layer, kind = variable.path.split("/")
    return layer.removeprefix("layer_"), {"kernel": "weight", "bias": "bias"}[kind]


@pytest.mark.parametrize("axis", [0, 1])
def test_sobel_targets_equal_scipy_ndimage(arrays: Arrays, axis: int) -> None:
    picture = arrays["camera256_pm1"]
    found = targets.gradient_target(picture[..., None]).reshape(*picture.shape, 2)
    reference = arrays[f"camera256_sobel_axis{axis}_x10"]
    assert_equal(found[::16, ::16, axis], reference, 1e-6)


def test_laplace_target_equals_scipy_ndimage(arrays: Arrays) -> None:
    picture = arrays["camera256_pm1"]
    found = targets.laplacian_target(picture[..., None]).reshape(picture.shape)
    assert_equal(found[::16, ::16], arrays["camera256_laplace_x1e4"], 1e-6)


def test_grid_equals_get_mgrid_to_the_last_bit(arrays: Arrays) -> None:
    np.testing.assert_array_equal(coordinates.grid((5, 7)), arrays["mgrid_5x7"][0])


def test_time_axis_equals_the_audio_wrappers_to_the_last_bit(arrays: Arrays) -> None:
    reference = np.linspace(-100, 100, 501).astype(np.float32)
    np.testing.assert_array_equal(coordinates.audio_times(501)[:, 0], reference)
