import numpy as np
import pytest
import tensorflow as tf

from components.evaluators.frechet_distance import FeatureMoments, frechet_distance
from components.evaluators.generated_images_config import GeneratedImagesConfig
from components.evaluators.generation_protocol import measure_generator, served_generator

CHILDREN = 3
CONFIG = GeneratedImagesConfig(
    feature_network="pixels", images_per_child=4, batch_size=5, groups=2, stored_images=6
)


def pictures(seeds, brightness):
    drawn = [np.random.default_rng(seed).uniform(-0.5, 0.5, (8, 8, 3)) for seed in seeds]
    levels = np.stack(drawn) + np.reshape(brightness, (-1, 1, 1, 1))
    return np.round((levels + 1.0) * 127.5) / 127.5 - 1.0


class Recorder:
    def __init__(self):
        self.calls = []

    def __call__(self, codes, seeds):
        self.calls.append((codes.tolist(), seeds.tolist()))
        return pictures(seeds, codes * 0.2 - 0.2)


def test_every_code_has_equally_many_images_of_noise_of_its_own():
    generate = Recorder()
    real = pictures(range(100, 107), 0.0)
    images = measure_generator(generate, [real[:4], real[4:]], CHILDREN, CONFIG)
    codes = [code for batch, _ in generate.calls for code in batch]
    seeds = [seed for _, batch in generate.calls for seed in batch]
    assert codes == [0] * 4 + [1] * 4 + [2] * 4
    assert seeds == list(range(12))
    assert max(len(batch) for batch, _ in generate.calls) == 5
    assert (images.real.count, images.generated.count) == (7, 12)
    made = pictures(seeds, np.array(codes) * 0.2 - 0.2)
    expected = frechet_distance(
        *(FeatureMoments.of(one.reshape(len(one), -1)) for one in (real, made))
    )
    assert images.measure("frechet_distance")[0] == pytest.approx(expected, rel=1e-5)


def test_groups_and_the_sample_have_as_many_of_every_code():
    images = measure_generator(Recorder(), [pictures(range(4), 0.0)], CHILDREN, CONFIG)
    sample = images.generated.sample
    assert sorted(sample.numbers.tolist()) == [0, 0, 1, 1, 2, 2]
    assert images.generated.moments(0).count == images.generated.moments(1).count == 6


class Served(tf.Module):
    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.int64, name="child"),
            tf.TensorSpec([None], tf.int64, name="seed"),
        ]
    )
    def generate_class(self, child, seed):
        def encode(pair):
            return tf.io.encode_png(tf.cast(tf.fill([2, 2, 3], pair[0] * 10 + pair[1]), tf.uint8))

        encoded = tf.map_fn(encode, tf.stack([child, seed], 1), fn_output_signature=tf.string)
        return {"encoded": encoded}


def test_a_served_generator_gives_what_its_png_files_hold(tmp_path):
    module = Served()
    tf.saved_model.save(module, str(tmp_path), signatures={"generate_class": module.generate_class})
    images = served_generator(str(tmp_path))(np.array([1, 25]), np.array([2, 5]))
    assert images.shape == (2, 2, 2, 3)
    np.testing.assert_allclose(images[:, 0, 0, 0], [12 / 127.5 - 1.0, 1.0], rtol=1e-6)
