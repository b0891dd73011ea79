import copy
import math
import pickle
from dataclasses import replace

import numpy as np
import pytest

from components.errors import DataError
from components.evaluators import image_set
from components.evaluators.cluster_agreement import (
    ContingencyTable,
    matched_accuracy,
    nearest_codes,
    normalized_mutual_information,
)
from components.evaluators.frechet_distance import FeatureMoments, frechet_distance
from components.evaluators.generated_images import GeneratedImages
from components.evaluators.generated_images_config import GeneratedImagesConfig
from components.evaluators.image_set import ImageFeatures, image_key
from components.evaluators.inception_score import ClassProbabilitySums
from components.evaluators.jackknife import jackknife_interval
from components.evaluators.kernel_distance import kernel_distance

CONFIG = GeneratedImagesConfig(groups=4, stored_images=1000)
QUANTITIES = ("frechet_distance", "kernel_distance", "class_score", "nmi", "accuracy")
CLASSES = 5


def drawn(seed, images=60, dimensions=6, shift=0.0):
    generator = np.random.default_rng(seed)
    numbers = generator.integers(0, 3, images)
    features = generator.normal(shift, 1.0, (images, dimensions)) + numbers[:, np.newaxis]
    logits = generator.normal(0.0, 2.0, (images, CLASSES))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return ImageFeatures(
        np.arange(images, dtype=np.uint64) * np.uint64(7919) % np.uint64(1009),
        features.astype(np.float32),
        numbers.astype(np.int64),
        probabilities.astype(np.float32),
    )


REAL, FAKE = drawn(0), drawn(1, shift=0.3)


def accumulated(real, generated, config=CONFIG):
    images = GeneratedImages(config)
    images.real.add(real)
    images.generated.add(generated)
    return images


def test_values_are_those_of_all_images_and_intervals_those_of_the_groups():
    images = accumulated(REAL, FAKE)

    def frechet(real, fake):
        return frechet_distance(FeatureMoments.of(real.features), FeatureMoments.of(fake.features))

    def without(group):
        return [one.only(one.keys % 4 != group) for one in (REAL, FAKE)]

    value, low, high = images.measure("frechet_distance")
    assert value == pytest.approx(frechet(REAL, FAKE), rel=1e-10)
    expected = jackknife_interval(value, [frechet(*without(group)) for group in range(4)])
    assert (low, high) == pytest.approx((max(0.0, expected[0]), expected[1]), rel=1e-8)

    value, low, high = images.measure("kernel_distance")
    assert value == pytest.approx(kernel_distance(REAL.features, FAKE.features), rel=1e-10)
    leaving_out = [kernel_distance(*(one.features for one in without(n))) for n in range(4)]
    assert (low, high) == pytest.approx(jackknife_interval(value, leaving_out), rel=1e-8)

    scores = [
        ClassProbabilitySums.of(FAKE.probabilities[FAKE.keys % 4 == group]).score
        for group in range(4)
    ]
    value, low, high, deviation = images.measure("class_score")
    assert (value, deviation) == pytest.approx((np.mean(scores), np.std(scores)), rel=1e-10)
    assert low < value < high

    clusters = nearest_codes(REAL.features, FAKE.features, FAKE.numbers)
    table = ContingencyTable.of(REAL.numbers, clusters)
    assert images.measure("nmi")[0] == pytest.approx(normalized_mutual_information(table))
    value, low, high = images.measure("accuracy")
    assert value == pytest.approx(matched_accuracy(table))
    assert 0.0 <= low < value < high <= 1.0


@pytest.mark.parametrize("waiting", [1, 7, 1024])
def test_bundles_and_their_order_have_no_say(monkeypatch, waiting):
    monkeypatch.setattr(image_set, "_WAITING", waiting)
    config = replace(CONFIG, stored_images=20)
    whole = accumulated(REAL, FAKE, config)
    order = np.random.default_rng(2).permutation(60)
    merged = GeneratedImages(config)
    for part in np.array_split(order, 9):
        bundle = accumulated(REAL.only(part), FAKE.only(part), config)
        merged.merge(pickle.loads(pickle.dumps(bundle)))
    assert merged.real.count == 60
    np.testing.assert_array_equal(merged.real.sample.keys, np.sort(REAL.keys)[:20])
    np.testing.assert_array_equal(merged.real.sample.features, whole.real.sample.features)
    for quantity in QUANTITIES:
        assert merged.measure(quantity) == pytest.approx(whole.measure(quantity), rel=1e-9)


def test_merging_leaves_the_other_as_it_is():
    other = accumulated(REAL, FAKE)
    before = copy.deepcopy(other).measure("frechet_distance")
    accumulated(REAL, FAKE).merge(other)
    assert other.real.count == 60
    assert other.measure("frechet_distance") == before


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_no_images_have_no_value(quantity):
    assert all(math.isnan(value) for value in GeneratedImages(CONFIG).measure(quantity))


def test_a_slice_of_one_record_has_no_distance_but_does_not_end_the_evaluation():
    images = accumulated(REAL.only(np.arange(1)), FAKE.only(np.arange(1)))
    for quantity in ("frechet_distance", "kernel_distance"):
        assert math.isnan(images.measure(quantity)[0])


def test_few_records_have_a_value_without_an_interval():
    images = accumulated(REAL.only(np.arange(2)), FAKE.only(np.arange(2)))
    value, low, high = images.measure("frechet_distance")
    assert value >= 0.0
    assert math.isnan(low) and math.isnan(high)


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_an_image_that_is_not_finite_passes_no_gate(quantity):
    features, probabilities = FAKE.features.copy(), FAKE.probabilities.copy()
    features[5] = np.nan
    probabilities[5] = np.nan
    broken = ImageFeatures(FAKE.keys, features, FAKE.numbers, probabilities)
    assert math.isnan(accumulated(REAL, broken).measure(quantity)[0])


def test_labels_and_classes_that_lack_are_named():
    def without(images):
        return ImageFeatures(images.keys, images.features, np.full_like(images.numbers, -1))

    images = accumulated(without(REAL), without(FAKE))
    assert images.measure("frechet_distance")[0] > 0.0
    with pytest.raises(DataError, match="no probabilities"):
        images.measure("class_score")
    with pytest.raises(DataError, match="`label` or `child_code`"):
        images.measure("nmi")


def test_features_of_two_networks_do_not_mix():
    images = accumulated(REAL, FAKE)
    images.real.add(drawn(3, dimensions=4))
    with pytest.raises(DataError, match="one feature network"):
        images.real.settle()


def test_an_image_has_the_same_key_everywhere():
    levels = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
    assert image_key(levels) == 6765881130712925518
    assert image_key(levels + 1) != image_key(levels)
