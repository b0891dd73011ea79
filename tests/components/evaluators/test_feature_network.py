import hashlib

import numpy as np
import pytest
import tensorflow as tf

from components.errors import ConfigError, DataError
from components.evaluators.feature_network import file_sha256, image_levels, load_feature_network
from components.evaluators.generated_images_config import GeneratedImagesConfig

RANDOM = GeneratedImagesConfig()
PIXELS = GeneratedImagesConfig(feature_network="pixels")


def levels(images=3, side=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (images, side, side, 3), dtype=np.uint8)


def test_levels_are_those_of_a_png():
    images = np.array([-1.0, 1.0, 0.0, -2.0, 1.5, 1 / 127.5]).reshape(1, 1, 2, 3)
    assert image_levels(images).ravel().tolist() == [0, 255, 128, 0, 255, 128]
    every = np.arange(255, dtype=np.uint8)[: 3 * 85].reshape(1, 1, 85, 3)
    np.testing.assert_array_equal(image_levels(every.astype(np.float32) / 127.5 - 1.0), every)


@pytest.mark.parametrize("shape", [(4, 4, 3), (1, 4, 4, 1), (1, 0, 4, 3)])
def test_what_is_no_colour_image_is_an_error(shape):
    with pytest.raises(DataError, match=r"\[images, height, width, 3\]"):
        image_levels(np.zeros(shape))


def test_pixels_of_an_even_image_are_its_colour():
    even = np.full((2, 32, 24, 3), 51, np.uint8)
    features, probabilities = load_feature_network(PIXELS).compute(even)
    assert features.shape == (2, 192)
    assert probabilities is None
    np.testing.assert_allclose(features, 51 / 127.5 - 1.0, rtol=1e-6)


def by_loops(images, seed):
    """The random network at its own size, patch by patch."""
    draws = np.random.RandomState(seed)
    hidden, means = images.astype(np.float64) / 127.5 - 1.0, []
    for inputs, outputs in ((3, 32), (32, 64), (64, 128)):
        kernel = draws.standard_normal((3, 3, inputs, outputs)) * np.sqrt(2 / (9 * inputs))
        # An even side at stride 2: TensorFlow pads below and to the right only.
        padded = np.pad(hidden, ((0, 0), (0, 1), (0, 1), (0, 0)))
        side = hidden.shape[1] // 2
        columns = [
            padded[:, row : row + 2 * side : 2, left : left + 2 * side : 2] @ kernel[row, left]
            for row in range(3)
            for left in range(3)
        ]
        hidden = np.maximum(np.sum(columns, axis=0), 0.0)
        means.append(hidden.mean(axis=(1, 2)))
    return np.concatenate(means, axis=1)


@pytest.mark.parametrize("seed", [0, 5])
def test_random_convolutions_equal_their_definition(seed):
    config = GeneratedImagesConfig(random_seed=seed)
    features, probabilities = load_feature_network(config).compute(levels(side=64))
    assert features.shape == (3, 224)
    assert probabilities is None
    np.testing.assert_allclose(features, by_loops(levels(side=64), seed), rtol=2e-4, atol=1e-5)


def test_features_of_an_image_do_not_depend_on_its_batch():
    network = load_feature_network(RANDOM)
    together = network.compute(levels())[0]
    apart = np.concatenate([network.compute(levels()[n : n + 1])[0] for n in range(3)])
    np.testing.assert_allclose(together, apart, rtol=1e-4, atol=1e-5)


def test_a_file_and_a_directory_have_a_sha256(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a").write_bytes(b"12")
    assert file_sha256(tmp_path / "model" / "a") == hashlib.sha256(b"12").hexdigest()
    whole = file_sha256(tmp_path / "model")
    (tmp_path / "model" / "a").rename(tmp_path / "model" / "b")
    assert file_sha256(tmp_path / "model") != whole


def test_another_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "weights.h5"
    path.write_bytes(b"not the weights")
    other = GeneratedImagesConfig("inception_v3", str(path), "0" * 64)
    with pytest.raises(ConfigError, match="is another file"):
        load_feature_network(other)
    missing = GeneratedImagesConfig("inception_v3", str(tmp_path / "no.h5"), "0" * 64)
    with pytest.raises(ConfigError, match="not there"):
        load_feature_network(missing)
    wrong = GeneratedImagesConfig(
        "inception_v3", str(path), hashlib.sha256(b"not the weights").hexdigest()
    )
    with pytest.raises(ConfigError, match="does not hold the weights"):
        load_feature_network(wrong)


class Classifier(tf.Module):
    """Its logits are the mean colours of what it is given, and their sum."""

    @tf.function(input_signature=[tf.TensorSpec([None, 4, 6, 3], tf.float32, name="image")])
    def serve(self, image):
        colours = tf.reduce_mean(image, (1, 2))
        logits = tf.concat([colours, tf.reduce_sum(colours, 1, keepdims=True)], 1)
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}


def test_a_classifier_is_given_normalised_images_of_its_size(tmp_path):
    module = Classifier()
    path = str(tmp_path / "model")
    tf.saved_model.save(module, path, signatures={"serving_default": module.serve})
    config = GeneratedImagesConfig(
        "classifier",
        path,
        classifier_mean=(0.1, 0.2, 0.3),
        classifier_deviation=(0.5, 0.25, 1.0),
    )
    even = np.tile(np.array([51, 102, 204], np.uint8), (2, 8, 8, 1))
    features, probabilities = load_feature_network(config).compute(even)
    colours = np.array([0.2, 0.8, 0.5])
    np.testing.assert_allclose(features, [[*colours, colours.sum()]] * 2, rtol=1e-5)
    np.testing.assert_allclose(probabilities.sum(1), 1.0, rtol=1e-6)


class NoClassifier(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="image")])
    def serve(self, image):
        return {"features": image}


def test_a_model_that_is_no_classifier_is_refused(tmp_path):
    module = NoClassifier()
    path = str(tmp_path / "model")
    tf.saved_model.save(module, path, signatures={"serving_default": module.serve})
    with pytest.raises(ConfigError, match="no classifier of images"):
        load_feature_network(GeneratedImagesConfig("classifier", path))
    with pytest.raises(ConfigError, match="no SavedModel"):
        load_feature_network(GeneratedImagesConfig("classifier", str(tmp_path)))


@pytest.mark.e2e
@pytest.mark.parametrize("with_classes", [True, False])
def test_inception_has_the_weights_of_its_file(tmp_path, with_classes):
    import keras

    keras.utils.set_random_seed(int(with_classes))
    model = keras.applications.InceptionV3(
        weights=None, include_top=with_classes, pooling=None if with_classes else "avg"
    )
    path = tmp_path / "inception.weights.h5"
    model.save_weights(path)
    config = GeneratedImagesConfig("inception_v3", str(path), file_sha256(path))
    images = levels(1, 299)
    features, probabilities = load_feature_network(config).compute(images)
    assert features.shape == (1, 2048)
    expected = model(images.astype(np.float32) / 127.5 - 1.0, training=False).numpy()
    found = probabilities if with_classes else features
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    assert (probabilities is not None) == with_classes
