"""The SavedModel: pictures of noise and codes, and of records."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tiny_finegan import NETWORK

from components.trainers.finegan.draws import one_hot_codes
from components.trainers.finegan.evaluated_records import EvaluatedRecords
from components.trainers.finegan.export import export_finegan
from components.trainers.finegan.generator import Generator
from components.trainers.finegan.model import FineGan, build_model
from components.transforms.finegan import EXAMPLE_KEY, LABEL, OBJECT_VIEW

IMAGES_PER_CHILD = 2


def transform(examples: tf.Tensor) -> Mapping[str, tf.Tensor]:
    """In place of Transform's graph: an example is its key, its label and its picture's gray."""
    keys = tf.strings.to_number(examples, tf.int64)
    gray = tf.reshape(tf.cast(keys % 7, tf.float32) / 7.0, [-1, 1, 1, 1])
    return {OBJECT_VIEW: gray * tf.ones([1, 32, 32, 3]), EXAMPLE_KEY: keys, LABEL: keys % 5}


@pytest.fixture(scope="module")
def models() -> FineGan:
    return build_model(NETWORK, 5)


@pytest.fixture(scope="module")
def generator(models: FineGan) -> Generator:
    return models.generator


@pytest.fixture(scope="module")
def loaded(models: FineGan, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = str(tmp_path_factory.mktemp("model") / "served")
    records = EvaluatedRecords(
        transform,
        [9_000_000_000_000, 7, 8],
        children=NETWORK.children,
        images_per_child=IMAGES_PER_CHILD,
    )
    export_finegan(folder, models.generator, models.child_discriminator, records)
    return tf.saved_model.load(folder)


def decoded(images: Any) -> np.ndarray:
    return np.stack([tf.io.decode_png(image).numpy() for image in images])


def test_generated_pictures_are_the_networks(loaded: Any, generator: Generator) -> None:
    z = np.random.default_rng(0).normal(size=(3, NETWORK.noise_size)).astype(np.float32)
    background, parent, child = (np.int64(one) for one in ([0, 1, 3], [1, 0, 0], [2, 2, 1]))
    inputs = {"z": z, "background": background, "parent": parent, "child": child}
    found = loaded.signatures["serving_default"](**{k: tf.constant(v) for k, v in inputs.items()})
    made = generator(z, one_hot_codes(background, parent, child, NETWORK), training=False)
    expected = np.clip(np.round((np.array(made.child) * 0.5 + 0.5) * 255), 0, 255)
    assert np.abs(decoded(found["encoded"]).astype(float) - expected).max() <= 1.0
    masks = decoded(found["encoded_child_mask"])
    assert masks.shape == (3, 32, 32, 1)
    assert np.abs(masks - np.array(made.child_mask) * 255).max() <= 1.0
    assert {"encoded_background", "encoded_parent", "encoded_parent_mask"} <= set(found)


def test_a_child_brings_its_parent_and_background(loaded: Any, generator: Generator) -> None:
    serve = loaded.signatures["generate_class"]
    child, seed = tf.constant([3, 3, 3, 0], tf.int64), tf.constant([1, 1, 2, 1], tf.int64)
    found = decoded(serve(child=child, seed=seed)["encoded"])
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
    assert not np.array_equal(found[0], found[3])
    alone = decoded(serve(child=child[2:3], seed=seed[2:3])["encoded"])
    assert np.abs(alone[0].astype(int) - found[2]).max() <= 1


def test_evaluation_is_the_same_for_a_record_in_any_batch(loaded: Any) -> None:
    evaluate = loaded.signatures["evaluate"]
    whole = evaluate(examples=tf.constant(["7", "8", "9000000000000"]))
    alone = evaluate(examples=tf.constant(["8"]))
    for name in ("child_code", "cluster", "label"):
        np.testing.assert_array_equal(whole[name][1], alone[name][0])
    np.testing.assert_allclose(whole["fake_image"][1], alone["fake_image"][0], rtol=0, atol=1e-5)
    assert whole["real_image"].shape == (3, 32, 32, 3)
    # Eight pictures for three records.
    assert whole["fake_image"].shape == (3, 3, 32, 32, 3)
    np.testing.assert_array_equal(whole["label"], [2, 3, 0])


def test_what_is_evaluated_is_what_is_served(loaded: Any) -> None:
    evaluate, serve = loaded.signatures["evaluate"], loaded.signatures["generate_class"]
    found = evaluate(examples=tf.constant(["9000000000000", "7", "8"]))
    codes, images = found["child_code"].numpy(), found["fake_image"].numpy()
    np.testing.assert_array_equal(codes, [[1, 2, -1], [0, 1, 3], [0, 2, 3]])
    numbers = np.array([2, 5, 0, 3, 6, 1, 4, 7], np.int64)
    served = serve(
        child=tf.constant(numbers // IMAGES_PER_CHILD), seed=tf.constant(numbers, tf.int64)
    )
    expected = images[codes >= 0] * 127.5 + 127.5
    assert np.abs(decoded(served["encoded"]) - expected).max() < 1.0


def test_the_cluster_is_what_the_childs_discriminator_reads(loaded: Any, models: FineGan) -> None:
    examples = tf.constant(["7", "8", "9000000000000"])
    found = loaded.signatures["evaluate"](examples=examples)["cluster"].numpy()
    logits, _ = models.child_discriminator(transform(examples)[OBJECT_VIEW], training=False)
    np.testing.assert_array_equal(found, np.argmax(logits, axis=1))


def test_without_records_there_is_no_evaluation(generator: Generator, tmp_path: Path) -> None:
    export_finegan(str(tmp_path / "served"), generator)
    signatures = tf.saved_model.load(str(tmp_path / "served")).signatures
    assert set(signatures) == {"serving_default", "generate", "generate_class"}
