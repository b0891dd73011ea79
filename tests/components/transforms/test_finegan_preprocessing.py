"""FineGAN's preprocessing_fn against numpy and Pillow, and what its random choices depend on."""

import functools
import io

import numpy as np
import pytest
import tensorflow as tf
from graph_ops import executed_ops
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from components.errors import ConfigError
from components.example_gens import boxed_image_features as keys
from components.example_gens.cub_source import CubSource
from components.example_gens.record_source import AUGMENT_SEED, augment_seed
from components.transforms import augmentation_seeds, finegan

COUNT = 12
SIDES = (16, 128)
AUGMENTED = (
    finegan.AUGMENTED_OBJECT_VIEW,
    finegan.AUGMENTED_SCENE_VIEW,
    finegan.AUGMENTED_SCENE_BOX,
)
PLAIN = (finegan.OBJECT_VIEW, finegan.SCENE_VIEW, finegan.SCENE_BOX)


def noise(height=60, width=80, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def png(levels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def scaled(picture: Image.Image, size: int) -> Image.Image:
    """The shorter side becomes `size`, the other one is cut to a whole number."""
    width, height = picture.size
    if width < height:
        goal = (size, int(size * height / width))
    else:
        goal = (int(size * width / height), size)
    return picture.resize(goal, Image.Resampling.BILINEAR)


def cut(picture: Image.Image, size: int, top: int, left: int, mirrored: bool) -> np.ndarray:
    part = np.asarray(picture.crop((left, top, left + size, top + size)))
    return part[:, ::-1] if mirrored else part


def reference(levels, box, side, choose_object, choose_scene):
    """The authors' steps, in Pillow and Python numbers.

    A choice maps the pixels to spare (down, across) to top, left and whether to mirror.
    """
    picture = Image.fromarray(levels)
    width, height = picture.size
    x, y, w, h = (int(one) for one in box)
    radius = int(max(w, h) * 0.75)
    centre_x, centre_y = int((2 * x + w) / 2), int((2 * y + h) / 2)
    square = picture.crop(
        (
            max(0, centre_x - radius),
            max(0, centre_y - radius),
            min(width, centre_x + radius),
            min(height, centre_y + radius),
        )
    )
    square = scaled(square, int(side * 76 / 64))
    spare = (square.height - side, square.width - side)
    object_view = cut(square, side, *choose_object(spare))
    small = side - 2
    whole = scaled(picture, int(small * 76 / 64))
    top, left, mirrored = choose_scene((whole.height - small, whole.width - small))
    x1, y1 = x * whole.width / width, y * whole.height / height
    x2, y2 = x1 + w * whole.width / width, y1 + h * whole.height / height
    x1, x2 = (min(max(0.0, one - left), small) for one in (x1, x2))
    y1, y2 = (min(max(0.0, one - top), small) for one in (y1, y2))
    if mirrored:
        x1, x2 = small - x2, small - x1
    return object_view, cut(whole, small, top, left, mirrored), np.float32([y1, x1, y2, x2])


def central(spare):
    return round(spare[0] / 2), round(spare[1] / 2), False


def choices(seed, purpose, last_too):
    """How a view is cut, from the numbers that its seed gives."""
    drawn = augmentation_seeds.uniform(augmentation_seeds.fold_in(seed, purpose), [3]).numpy()

    def choose(spare):
        top, left = (int(u * (n + last_too)) for u, n in zip(drawn[:2], spare, strict=True))
        return top, left, bool(drawn[2] < 0.5)

    return choose


def signed_unit(levels):
    """`ToTensor` and `Normalize(0.5, 0.5)`, in float32."""
    half = np.float32(0.5)
    return (levels.astype(np.float32) / np.float32(255) - half) / half


@functools.cache
def views_of(side):
    signature = [
        tf.TensorSpec([], tf.string),
        tf.TensorSpec([4], tf.float32),
        tf.TensorSpec([2], tf.int64),
    ]

    @tf.function(input_signature=signature)
    def views(encoded, box, seed):
        plain = finegan.evaluation_views(encoded, box, side)
        return plain, finegan.augmented_views(encoded, box, seed, side)

    return views


@functools.cache
def graph_of(side):
    """The function as a graph, in which Transform runs it; traced once for all batch sizes."""
    return tf.function(
        lambda inputs: finegan.preprocessing_fn(inputs, {"image_size": side}),
        input_signature=[
            {
                keys.IMAGE_ENCODED: tf.TensorSpec([None, 1], tf.string),
                keys.IMAGE_ID: tf.TensorSpec([None, 1], tf.string),
                keys.BOX_XYWH: tf.TensorSpec([None, 4], tf.float32),
                keys.CLASS_LABEL: tf.TensorSpec([None, 1], tf.int64),
                AUGMENT_SEED: tf.TensorSpec([None, 2], tf.int64),
            }
        ],
    )


@pytest.fixture(scope="module", autouse=True)
def drop_graphs():
    """TensorFlow complains about functions that outlive it."""
    yield
    graph_of.cache_clear()
    views_of.cache_clear()


def batch(count=COUNT, epoch=None, run_seed=0) -> dict[str, tf.Tensor]:
    seeds = tf.constant([augment_seed(f"{n}.png") for n in range(count)], tf.int64)
    return {
        keys.IMAGE_ENCODED: tf.constant([[png(noise(60 + n, 90 - n, n))] for n in range(count)]),
        keys.IMAGE_ID: tf.constant([[f"images/{n}.png"] for n in range(count)]),
        keys.BOX_XYWH: tf.constant([[10.7 + n, 5.2, 30.9, 40.0] for n in range(count)]),
        keys.CLASS_LABEL: tf.constant([[n] for n in range(count)], tf.int64),
        AUGMENT_SEED: seeds
        if epoch is None
        else augmentation_seeds.epoch_seed(seeds, run_seed, epoch),
    }


def transform(features, side=32):
    return {name: value.numpy() for name, value in graph_of(side)(features).items()}


@st.composite
def boxed_pictures(draw):
    """Height, width, and a box in it that ExampleGen lets pass."""
    height, width = draw(st.integers(4, 260)), draw(st.integers(4, 260))
    # In quarters of a pixel, which float32 holds.
    x = draw(st.integers(0, 4 * width - 8)) / 4
    y = draw(st.integers(0, 4 * height - 4)) / 4
    w = draw(st.integers(8, int(4 * (width - x)))) / 4
    h = draw(st.integers(4, int(4 * (height - y)))) / 4
    return height, width, (x, y, w, h)


@settings(max_examples=50, deadline=None)
@given(boxed=boxed_pictures(), side=st.sampled_from(SIDES), number=st.integers(0, 2**40))
def test_views_equal_the_authors_steps_to_the_bit(boxed, side, number):
    height, width, box = boxed
    levels = noise(height, width, number % 97)
    seed = tf.constant(augment_seed(str(number)), tf.int64)
    plain, augmented = views_of(side)(png(levels), np.float32(box), seed)
    expected = reference(levels, box, side, central, central)
    for found, wanted in zip(plain, expected, strict=True):
        np.testing.assert_array_equal(found.numpy(), wanted)
    expected = reference(
        levels,
        box,
        side,
        choices(seed, finegan.OBJECT_PURPOSE, last_too=True),
        choices(seed, finegan.SCENE_PURPOSE, last_too=False),
    )
    for found, wanted in zip(augmented, expected, strict=True):
        np.testing.assert_array_equal(found.numpy(), wanted)


def test_outputs_have_the_promised_sizes_types_and_range():
    outputs = transform(batch(), side=128)
    assert set(outputs) == {*PLAIN, *AUGMENTED, finegan.LABEL, finegan.EXAMPLE_KEY}
    for names in (PLAIN, AUGMENTED):
        shapes = [outputs[name].shape[1:] for name in names]
        assert shapes == [(128, 128, 3), (126, 126, 3), (4,)]
        assert all(outputs[name].dtype == np.float32 for name in names)
        for name in names[:2]:
            assert (outputs[name].min(), outputs[name].max()) == (-1.0, 1.0)
    np.testing.assert_array_equal(outputs[finegan.LABEL], np.arange(COUNT))
    assert outputs[finegan.EXAMPLE_KEY].dtype == np.int64
    assert len(set(outputs[finegan.EXAMPLE_KEY])) == COUNT


def test_normalised_levels_equal_numpy_to_the_bit():
    features = batch(1)
    levels = noise(60, 90)
    box = features[keys.BOX_XYWH][0].numpy()
    expected = reference(levels, box, 32, central, central)
    outputs = transform(features)
    np.testing.assert_array_equal(outputs[finegan.OBJECT_VIEW][0], signed_unit(expected[0]))
    np.testing.assert_array_equal(outputs[finegan.SCENE_VIEW][0], signed_unit(expected[1]))


@pytest.mark.parametrize("size", [1, 5])
def test_batch_size_does_not_change_the_outputs(size):
    features = batch(epoch=3)
    whole = transform(features)
    parts = [
        transform({key: value[i : i + size] for key, value in features.items()})
        for i in range(0, COUNT, size)
    ]
    for name, value in whole.items():
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), value)


def test_another_epoch_or_run_augments_otherwise_and_evaluates_the_same():
    one, again = transform(batch(epoch=1)), transform(batch(epoch=1))
    for name in AUGMENTED:
        np.testing.assert_array_equal(one[name], again[name])
    for features in (batch(epoch=2), batch(epoch=1, run_seed=7)):
        other = transform(features)
        for name in (*PLAIN, finegan.LABEL, finegan.EXAMPLE_KEY):
            np.testing.assert_array_equal(other[name], one[name])
        for name in AUGMENTED:
            same = [np.array_equal(a, b) for a, b in zip(other[name], one[name], strict=True)]
            assert sum(same) <= 1


def test_views_choose_apart_from_each_other():
    """Mirroring one says nothing about the other: about a quarter of each combination."""
    seeds = [tf.constant(augment_seed(str(n)), tf.int64) for n in range(200)]
    flips = np.array(
        [[choices(seed, purpose, True)((9, 9))[2] for purpose in (1, 2)] for seed in seeds]
    )
    share = [np.mean((flips == pair).all(axis=1)) for pair in ([0, 0], [0, 1], [1, 0], [1, 1])]
    # Five standard deviations.
    assert np.abs(np.array(share) - 0.25).max() < 0.155


def test_every_position_of_the_crops_is_drawn_alike():
    """25 starts of the object view, 23 of the scene view: numpy's draw leaves out the last."""
    spare = tf.constant([24, 24])
    drawn = np.random.default_rng(0).random((1000, 2), np.float32)
    for positions in (25, 23):
        starts = np.array(
            [finegan._start(tf.constant(one), spare * 0 + positions) for one in drawn]
        )
        for axis in (0, 1):
            counts = np.bincount(starts[:, axis], minlength=positions)
            assert len(counts) == positions
            expected = 1000 / positions
            # Chi-squared with 24 degrees of freedom; 51.2 is its 99.9 % point.
            assert ((counts - expected) ** 2 / expected).sum() < 51.2
    almost_one = tf.constant(np.nextafter(np.float32([1, 1]), np.float32(0)))
    assert [int(one) for one in finegan._start(almost_one, spare + 1)] == [24, 24]


def test_evaluation_needs_no_seed_and_no_random_operation():
    """Serving prunes the graph and does not parse `augment/seed`."""
    features = batch(3)
    names = sorted(features)
    whole = tf.compat.v1.wrap_function(
        lambda *given: finegan.preprocessing_fn(
            dict(zip(names, given, strict=True)), {"image_size": 32}
        ),
        [tf.TensorSpec([None, *features[name].shape[1:]], features[name].dtype) for name in names],
    )
    needed = [keys.IMAGE_ENCODED, keys.BOX_XYWH]
    fed = [whole.inputs[names.index(name)] for name in needed]
    pruned = whole.prune(fed, [whole.structured_outputs[name] for name in PLAIN])
    expected = transform(features)
    for name, value in zip(PLAIN, pruned(*(features[name] for name in needed)), strict=True):
        np.testing.assert_array_equal(value, expected[name])
    assert not [op for op in executed_ops(pruned.graph.as_graph_def()) if "Random" in op]
    augmented = whole.prune(whole.inputs, whole.structured_outputs[finegan.AUGMENTED_SCENE_VIEW])
    assert [op for op in executed_ops(augmented.graph.as_graph_def()) if "Random" in op]
    with pytest.raises(Exception, match=r"depends transitively on placeholder"):
        whole.prune(fed, whole.structured_outputs[finegan.AUGMENTED_OBJECT_VIEW])


def test_training_decodes_a_picture_once():
    graph = graph_of(32).get_concrete_function().graph
    bodies = [
        sum(node.op == "DecodeJpeg" for node in function.node_def)
        for function in graph.as_graph_def().library.function
    ]
    assert sorted(bodies)[-2:] == [1, 1]
    assert sum(bodies) == 2


def test_box_that_the_crop_misses_has_no_area():
    box = finegan.warped_box(
        tf.constant([0, 0, 20, 10]),
        tf.constant([200, 300]),
        tf.constant([149, 223]),
        tf.constant([10, 60]),
        tf.constant(False),
        126,
    ).numpy()
    assert box[1] == box[3] == 0.0


def test_settings_out_of_range_are_refused():
    for wrong in (
        {"image_size": 100},
        {"image_size": 4},
        {"dataset": "birds"},
        {"training_images": "test"},
        {"fine_classes": 5},
        {"super_classes": 0},
        {"max_rejected_share": 2.0},
        {"image_side": 64},
    ):
        with pytest.raises(ConfigError, match="data"):
            finegan.preprocessing_fn({}, wrong)


@pytest.mark.realdata
def test_real_birds_equal_pillows(shared_dir):
    """Both read JPEG with an accurate transform; their decoders may differ by a level."""
    one = CubSource.from_settings(
        str(shared_dir / "data" / "CUB_200_2011"), {"subset": True, "fine_classes": 20}
    )
    seed = tf.constant([0, 0], tf.int64)
    for image in one.references("train")[::60]:
        features = one.read(image).features
        levels = np.asarray(Image.open(io.BytesIO(features[keys.IMAGE_ENCODED])).convert("RGB"))
        plain, _ = views_of(128)(features[keys.IMAGE_ENCODED], features[keys.BOX_XYWH], seed)
        wanted = reference(levels, features[keys.BOX_XYWH], 128, central, central)
        for found, expected in zip(plain[:2], wanted[:2], strict=True):
            assert np.abs(found.numpy().astype(int) - expected).max() <= 1
        np.testing.assert_array_equal(plain[2].numpy(), wanted[2])
