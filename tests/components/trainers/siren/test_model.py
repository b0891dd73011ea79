"""The network's size, its initialisation, and its baselines."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.errors import ConfigError
from components.trainers.siren.model import build_model
from components.trainers.siren.network_config import NetworkConfig
from components.trainers.siren.positional_encodings import nyquist_frequencies


def test_the_papers_image_network_has_198401_parameters() -> None:
    assert build_model(NetworkConfig()).count_params() == 198_401


def test_four_sines_between_five_linear_layers() -> None:
    layers = build_model(NetworkConfig()).linear_layers
    assert [layer.nonlinearity for layer in layers] == ["sine"] * 4 + ["none"]


def test_weights_fill_the_ranges_of_section_3_2() -> None:
    layers = build_model(NetworkConfig(in_features=2, out_features=3), seed=3).linear_layers
    hidden = np.sqrt(6 / 256) / 30
    kernel_bounds = [1 / 2, hidden, hidden, hidden, hidden]
    # Not zero, and not divided by omega: torch's default, kept by the authors.
    bias_bounds = [1 / np.sqrt(2), *[1 / 16] * 4]
    for layer, kernel_bound, bias_bound in zip(layers, kernel_bounds, bias_bounds, strict=True):
        assert 0.97 * kernel_bound < np.abs(layer.kernel.numpy()).max() <= kernel_bound
        assert np.abs(layer.bias.numpy()).max() <= bias_bound
        assert np.std(layer.kernel.numpy()) == pytest.approx(kernel_bound / np.sqrt(3), rel=0.05)
    biases = np.concatenate([layer.bias.numpy() * 16 for layer in layers[1:4]])
    assert np.std(biases) == pytest.approx(1 / np.sqrt(3), rel=0.05)


def test_the_hidden_omega_narrows_the_weights_and_the_first_one_does_not() -> None:
    layers = build_model(NetworkConfig(first_omega=3000.0, hidden_omega=10.0)).linear_layers
    assert np.abs(layers[0].kernel.numpy()).max() > 0.48
    assert np.abs(layers[1].kernel.numpy()).max() == pytest.approx(np.sqrt(6 / 256) / 10, rel=0.01)


def test_equal_seeds_give_equal_networks_and_others_others() -> None:
    config = NetworkConfig(hidden_features=8)
    first, same, other = (build_model(config, seed).get_weights() for seed in (5, 5, 6))
    for left, right, different in zip(first, same, other, strict=True):
        np.testing.assert_array_equal(left, right)
        assert not np.array_equal(left, different)


def test_layers_of_equal_shape_draw_different_weights() -> None:
    layers = build_model(NetworkConfig(hidden_features=8)).linear_layers
    assert not np.array_equal(layers[1].kernel.numpy(), layers[2].kernel.numpy())


def test_any_number_of_leading_dimensions() -> None:
    model = build_model(NetworkConfig(hidden_features=8, out_features=3))
    where = tf.random.stateless_uniform([2, 5, 2], [0, 1], -1.0, 1.0)
    values = model(where)
    assert values.shape == (2, 5, 3)
    np.testing.assert_allclose(model(where[1]), values[1], rtol=1e-6, atol=1e-7)


def test_bfloat16_keeps_the_phases_of_the_first_layer() -> None:
    config = NetworkConfig(hidden_features=64)
    exact, narrow = build_model(config), build_model(config, dtype="mixed_bfloat16")
    where = tf.random.stateless_uniform([100, 2], [0, 1], -1.0, 1.0)
    assert all(variable.dtype == "float32" for variable in narrow.variables)
    assert [layer.compute_dtype for layer in narrow.linear_layers] == [
        "float32",
        *["bfloat16"] * 3,
        "float32",
    ]
    first = narrow.linear_layers[0](where)
    np.testing.assert_array_equal(first, exact.linear_layers[0](where))
    error = np.abs(narrow(where) - exact(where)).max() / np.std(exact(where))
    assert 0.0 < error < 0.2


@pytest.mark.parametrize(
    ("nonlinearity", "expected"),
    [
        ("relu", np.sqrt(2 / 64)),
        ("softplus", np.sqrt(2 / 64)),
        ("tanh", np.sqrt(2 / 128)),
        ("sigmoid", np.sqrt(2 / 128)),
        ("selu", np.sqrt(1 / 64)),
        ("elu", np.sqrt(1.5505188080679277 / 64)),
    ],
)
def test_baselines_start_with_the_authors_spread(nonlinearity: str, expected: float) -> None:
    config = NetworkConfig(hidden_features=64, nonlinearity=nonlinearity)
    layers = build_model(config).linear_layers
    hidden = np.stack([layer.kernel.numpy() for layer in layers[1:4]])
    assert np.std(hidden) == pytest.approx(expected, rel=0.03)


def test_a_relu_network_computes_what_its_name_says() -> None:
    config = NetworkConfig(hidden_features=8, hidden_layers=0, nonlinearity="relu")
    model = build_model(config)
    first, last = model.linear_layers
    where = np.array([[0.3, -0.7]], np.float32)
    hidden = np.maximum(where @ first.kernel.numpy() + first.bias.numpy(), 0.0)
    expected = hidden @ last.kernel.numpy() + last.bias.numpy()
    np.testing.assert_allclose(model(where), expected, rtol=1e-5)


def test_nerfs_encoding_is_coordinates_then_octaves_of_sines_and_cosines() -> None:
    config = NetworkConfig(hidden_features=8, encoding="nerf", encoding_samples=16)
    encoding = build_model(config).encoding
    x, y = 0.25, -0.5
    octaves = [1.0, 2.0]
    expected = [x, y]
    for octave in octaves:
        for coordinate in (x, y):
            angle = octave * np.pi * coordinate
            expected += [np.sin(angle), np.cos(angle)]
    found = encoding(tf.constant([[[x, y]]]))
    assert found.shape == (1, 1, encoding.out_features)
    np.testing.assert_allclose(found[0, 0], expected, atol=1e-6)


def test_octaves_end_below_the_nyquist_rate() -> None:
    # floor(log2(1 / (2 * 2 / samples))) of the authors' modules.py.
    assert [nyquist_frequencies(samples) for samples in (8, 256, 512, 300)] == [1, 6, 7, 6]
    with pytest.raises(ConfigError, match="octave"):
        nyquist_frequencies(4)


def test_nerfs_encoding_takes_ten_octaves_in_space() -> None:
    config = NetworkConfig(in_features=3, hidden_features=8, encoding="nerf")
    assert build_model(config).encoding.out_features == 3 + 2 * 3 * 10


def test_rbf_encoding_is_a_gaussian_of_the_scaled_squared_distance() -> None:
    config = NetworkConfig(hidden_features=8, encoding="rbf", rbf_centres=20)
    encoding = build_model(config, seed=1).encoding
    centres = encoding.centres.numpy()
    assert np.abs(centres).max() <= 1.0
    where = np.array([[0.1, -0.2]], np.float32)
    distance = np.square(where[:, None] - centres).sum(-1)
    np.testing.assert_allclose(encoding(where), np.exp(-np.square(10.0 * distance)), atol=1e-6)


@pytest.mark.parametrize(
    "wrong", [{"hidden_features": 0}, {"hidden_layers": -1}, {"first_omega": 0.0}]
)
def test_impossible_sizes_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        NetworkConfig(**wrong)
