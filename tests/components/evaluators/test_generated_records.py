import numpy as np
import pytest

from components.errors import DataError
from components.evaluators.generated_images_config import GeneratedImagesConfig
from components.evaluators.generated_records import image_features, read_record

CONFIG = GeneratedImagesConfig(feature_network="pixels")


def image(seed):
    return np.random.default_rng(seed).uniform(-1, 1, (8, 8, 3)).astype(np.float32)


def test_a_record_has_its_images_features_code_and_label():
    record = read_record(
        {"real_image": image(0), "fake_image": image(1), "child_code": 7, "label": [3]}, CONFIG
    )
    np.testing.assert_allclose(record.real.features[0], image(0).ravel(), atol=1 / 250)
    np.testing.assert_allclose(record.generated.features[0], image(1).ravel(), atol=1 / 250)
    assert record.real.numbers.tolist() == [3]
    assert record.generated.numbers.tolist() == [7]


def test_the_real_image_alone_decides_on_the_group():
    first, second = (
        read_record({"real_image": image(0), "fake_image": image(seed)}, CONFIG) for seed in (1, 2)
    )
    other = read_record({"real_image": image(3), "fake_image": image(1)}, CONFIG)
    assert first.real.keys == first.generated.keys == second.generated.keys
    assert first.real.keys != other.real.keys
    assert first.real.numbers.tolist() == first.generated.numbers.tolist() == [-1]


def test_a_record_may_have_several_generated_images():
    fakes = np.stack([image(seed) for seed in (1, 2, 3)])
    outputs = {"real_image": image(0), "fake_image": fakes, "child_code": [4, 5, 6]}
    record = read_record(outputs, CONFIG)
    assert record.generated.features.shape == (3, 192)
    assert record.generated.numbers.tolist() == [4, 5, 6]
    assert set(record.generated.keys.tolist()) == set(record.real.keys.tolist())
    with pytest.raises(DataError, match=r"child_code[\s\S]*expected: 3"):
        read_record({**outputs, "child_code": 4}, CONFIG)


def test_images_without_a_code_fill_up_a_batch_and_are_left_out():
    fakes = np.stack([image(seed) for seed in (1, 2, 3)])
    outputs = {"real_image": image(0), "fake_image": fakes, "child_code": [-1, 5, -1]}
    record = read_record(outputs, CONFIG)
    assert record.generated.numbers.tolist() == [5]
    np.testing.assert_allclose(record.generated.features[0], image(2).ravel(), atol=1 / 250)
    none = read_record({**outputs, "child_code": [-1, -1, -1]}, CONFIG)
    assert none.generated.features.shape == (0, 192) and len(none.real.keys) == 1


def test_an_image_that_is_not_finite_has_no_features():
    images = np.stack([image(0), image(1)])
    images[1, 2, 3, 0] = np.inf
    numbers = np.zeros(2, np.int64)
    found = image_features(images, numbers.astype(np.uint64), numbers, CONFIG)
    assert np.all(np.isfinite(found.features[0]))
    assert np.all(np.isnan(found.features[1]))


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"real_image": image(0)}, "`fake_image`"),
        (image(0), "ndarray"),
        ({"real_image": np.stack([image(0)] * 2), "fake_image": image(1)}, "not one image"),
        ({"real_image": image(0)[..., :1], "fake_image": image(1)}, "differ in shape"),
        ({"real_image": image(0)[..., :1], "fake_image": image(1)[..., :1]}, "colour images"),
    ],
)
def test_outputs_that_do_not_do_are_named(outputs, message):
    with pytest.raises(DataError, match=message):
        read_record(outputs, CONFIG)
