"""The task: it learns, moves what it should and nothing else, resumes, divides and exports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from own_process import run_in_a_process
from two_colours import IMAGES, batch, batches, images_and_labels, make_task, records

from components.errors import ConfigError, DataError
from components.trainers.only_bn.experiment import OnlyBatchNormExperiment
from components.trainers.only_bn.losses import cross_entropy
from components.trainers.only_bn.model import ResNet, build_model, count_parameters
from components.trainers.only_bn.network_config import NetworkConfig
from components.trainers.only_bn.reference_weights import load_reference_weights
from components.trainers.only_bn.task import OnlyBatchNormTask
from components.trainers.training_config import TrainingConfig

# What trains -> what is left of the first loss after 30 steps, at most. The control has as few
# numbers as `bn`, but in places that matter less: it learns, slowly.
MODES = {"bn": 0.2, "all": 0.02, "all_but_bn": 0.05, "bn_and_output": 0.02, "random_subset": 0.7}


def train(task: OnlyBatchNormTask, steps: int) -> list[float]:
    """Losses of some updates, through a compiled step as the loop has it."""
    step = tf.function(task.train_step, autograph=False)
    return [float(step(each)["loss"]) for each in task.dataset(0).take(steps)]


def effective_kernels(model: ResNet) -> list[np.ndarray]:
    """What each convolution multiplies by, `[height, width, in, out]`."""
    kernels = []
    for block in model.blocks:
        for convolution in (*block.convolutions, block.shortcut):
            if convolution is not None:
                kernels.append(np.array(convolution.kernel))
                if convolution.chosen_values is not None:
                    where = tuple(convolution.positions.T)
                    kernels[-1][where] = np.array(convolution.chosen_values)
    return kernels


@pytest.mark.parametrize("mode", MODES)
def test_learns_and_leaves_frozen_weights_alone(mode: str) -> None:
    task = make_task(mode)
    trained = {id(variable) for variable in task.model.trainable_variables}
    before = [(v, np.array(v)) for v in task.model.variables if "running" not in v.name]
    losses = train(task, 30)
    assert losses[-1] < MODES[mode] * losses[0]
    for variable, start in before:
        moved = not np.array_equal(variable, start)
        assert moved == (id(variable) in trained), variable.name
    scalars = task.summarize(30).scalars
    assert scalars["test_accuracy"] == 1.0
    assert scalars["learning_rate"] == pytest.approx(0.01)
    assert 0.0 <= scalars["disabled_features"] < 1.0


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        ("bn", {"gamma", "beta"}),
        ("bn_and_output", {"gamma", "beta", "kernel", "bias"}),
        ("all_but_bn", {"kernel", "bias"}),
        ("random_subset", {"chosen_values"}),
    ],
)
def test_what_trains(mode: str, names: set[str]) -> None:
    model = make_task(mode).model
    assert {variable.name for variable in model.trainable_variables} == names
    kernels = [v for v in model.trainable_variables if v.name == "kernel"]
    if mode == "bn_and_output":
        assert [kernel.shape for kernel in kernels] == [model.output_layer.kernel.shape]


def test_random_subset_moves_two_weights_of_each_channel() -> None:
    task = make_task("random_subset")
    before = effective_kernels(task.model)
    gammas = [np.array(norm.gamma) for norm in task.model.norms]
    train(task, 3)
    for start, end in zip(before, effective_kernels(task.model), strict=True):
        changed = (start != end).sum(axis=(0, 1, 2))
        assert changed.tolist() == [2] * start.shape[-1]
    for norm, gamma in zip(task.model.norms, gammas, strict=True):
        np.testing.assert_array_equal(norm.gamma, gamma)
    moved = sum(int(np.prod(v.shape)) for v in task.model.trainable_variables)
    assert moved == count_parameters(task.model)[1]


def test_frozen_batchnorm_still_normalises_by_the_batch() -> None:
    norm = make_task("random_subset").model.norms[0]
    images = 5.0 + 3.0 * tf.random.stateless_normal([8, 6, 6, 4], [1, 2])
    outputs = norm(images, training=True).numpy()
    np.testing.assert_allclose(outputs.mean((0, 1, 2)), norm.beta, atol=1e-5)
    np.testing.assert_allclose(outputs.std((0, 1, 2)), np.abs(norm.gamma), rtol=1e-4, atol=1e-6)
    unbiased = np.var(images.numpy().reshape(-1, 4), axis=0, ddof=1)
    np.testing.assert_allclose(norm.running_variance, 0.9 + 0.1 * unbiased, rtol=1e-4)
    np.testing.assert_allclose(norm.running_mean, 0.1 * images.numpy().mean((0, 1, 2)), rtol=1e-4)


@pytest.mark.parametrize(
    ("gamma", "lowest", "highest", "beta"),
    [
        ("uniform", 0.0, 1.0, 0.0),
        ("fixed", 1.0, 1.0, 0.0),
        ("one_one", 1.0, 1.0, 1.0),
        ("positive_negative", -1.0, 1.0, 0.0),
    ],
)
def test_every_start_of_gamma_trains(
    gamma: str, lowest: float, highest: float, beta: float
) -> None:
    task = make_task(network={"gamma": gamma})
    values = np.concatenate([np.array(norm.gamma) for norm in task.model.norms])
    assert lowest <= values.min() and values.max() <= highest
    assert (values.min() < 0) == (gamma == "positive_negative")
    assert {float(b) for norm in task.model.norms for b in np.array(norm.beta)} == {beta}
    losses = train(task, 10)
    assert np.isfinite(losses).all() and losses[-1] < losses[0]


def test_parts_of_a_batch_are_normalised_by_themselves() -> None:
    """As with PyTorch: each part has its own statistics, and moves the running ones once."""
    task, plain = make_task(accumulation_steps=2), make_task().model
    half, gradients, losses = IMAGES // 2, [], []
    for part in (slice(0, half), slice(half, IMAGES)):
        with tf.GradientTape() as tape:
            logits = plain(batch()["image"][part], training=True)
            losses.append(cross_entropy(logits, batch()["label"][part], IMAGES))
        gradients.append(tape.gradient(losses[-1], plain.trainable_variables))
    terms = task.train_step(batch())
    assert float(terms["loss"]) == pytest.approx(float(sum(losses)), rel=1e-6)
    for variable, start, *parts in zip(
        task.model.trainable_variables, plain.trainable_variables, *gradients, strict=True
    ):
        expected = start - 0.1 * (sum(parts) + 1e-4 * start)
        np.testing.assert_allclose(variable, expected, rtol=1e-5, atol=1e-6)
    for norm, reference in zip(task.model.norms, plain.norms, strict=True):
        np.testing.assert_allclose(norm.running_mean, reference.running_mean, atol=1e-6)
        np.testing.assert_allclose(norm.running_variance, reference.running_variance, rtol=1e-5)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_narrow_types_train_nearly_as_well(precision: str) -> None:
    exact, narrow = make_task(), make_task(precision=precision)
    expected, losses = train(exact, 30), train(narrow, 30)
    assert np.isfinite(losses).all()
    assert losses[0] == pytest.approx(expected[0], rel=0.02)
    assert losses[-1] == pytest.approx(expected[-1], abs=0.1 * expected[0])
    assert {str(variable.dtype) for variable in narrow.model.variables} == {"float32"}


PRELUDE = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import tensorflow as tf
"""

REPLICAS = (
    PRELUDE
    + """
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from two_colours import batch, batches, make_task

alone = make_task(accumulation_steps=2, clip_norm=0.5)
halves = [make_task().model for _ in range(2)]
for half, rows in zip(halves, (slice(0, 8), slice(8, 16))):
    half(batch()["image"][rows], training=True)
step = tf.function(alone.train_step, autograph=False)
strategy = tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"])
with strategy.scope():
    shared = make_task(clip_norm=0.5)
together = tf.function(
    lambda rows: strategy.run(shared.train_step, args=(rows,)), autograph=False
)
distributed = strategy.experimental_distribute_dataset(batches(0))
for number, rows, global_rows in zip(range(4), batches(0), distributed):
    expected = step(rows)
    found = strategy.reduce("SUM", together(global_rows), axis=None)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4)
    if number == 0:
        for norm, *seen in zip(shared.model.norms, *(half.norms for half in halves)):
            for name in ("running_mean", "running_variance"):
                mean = sum(np.array(getattr(other, name)) for other in seen) / 2
                np.testing.assert_allclose(getattr(norm, name), mean, rtol=1e-4, atol=1e-6)
for left, right in zip(alone.model.trainable_variables, shared.model.trainable_variables):
    np.testing.assert_allclose(left, right, rtol=1e-3, atol=2e-5)
assert 0 <= shared.summarize(4).scalars["test_accuracy"] <= 1
"""
)

RESUMED = (
    PRELUDE
    + """
from pathlib import Path
from components.trainers.training_loop import run_training
from two_colours import make_task

def run(name, steps):
    folder = Path(sys.argv[2], name)
    options = dict(
        learning_rate=0.1, seed=3, steps=steps, checkpoint_every_steps=2, summary_every_steps=3
    )
    task = make_task("random_subset" if "subset" in name else "bn", **options)
    return run_training(
        lambda: task, task.training, folder / "checkpoints", folder / "logs", identity="same"
    )

for kind in ("bn", "subset"):
    whole = run(f"{kind}-whole", 7)
    run(f"{kind}-parts", 4)
    resumed = run(f"{kind}-parts", 7)
    assert resumed.resumed_from == 4
    for item in ("model", "optimizer"):
        pairs = [result.task.checkpoint_items[item].variables for result in (whole, resumed)]
        assert pairs[0]
        for left, right in zip(*pairs, strict=True):
            np.testing.assert_array_equal(np.array(left), np.array(right))
    assert whole.history[-1] == resumed.history[-1]
"""
)


def test_two_replicas_do_what_two_parts_do(project_dir: Path) -> None:
    """But running statistics: those of the replicas are averaged, not taken in turn."""
    run_in_a_process(REPLICAS, __file__, project_dir)


def test_resumed_training_ends_with_the_same_bytes(project_dir: Path, tmp_path: Path) -> None:
    run_in_a_process(RESUMED, __file__, project_dir, tmp_path)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_exported_model_gives_the_networks_outputs(tmp_path: Path, precision: str) -> None:
    task = make_task(precision=precision)
    train(task, 2)
    task.export(str(tmp_path / "model"))
    signatures = tf.saved_model.load(str(tmp_path / "model")).signatures
    served = build_model(task.network)
    for variable, trained in zip(served.variables, task.model.variables, strict=True):
        variable.assign(np.array(trained))
    images, labels = images_and_labels()
    expected = served(tf.constant(images), training=False)
    found = signatures["serving_default"](image=tf.constant(images))
    np.testing.assert_allclose(found["logits"], expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found["probabilities"], tf.nn.softmax(expected), atol=1e-5)
    evaluated = signatures["evaluate"](examples=records())
    np.testing.assert_allclose(evaluated["prediction"], found["probabilities"], atol=1e-6)
    np.testing.assert_array_equal(evaluated["target"], labels)


def test_settings_out_of_range_are_refused() -> None:
    for fields in ({"batch_size": 0}, {"momentum": 1.0}, {"milestone_epochs": (5, 5)}):
        with pytest.raises(ConfigError, match="experiment"):
            OnlyBatchNormExperiment(**fields)


def test_the_last_smaller_batch_is_a_step() -> None:
    assert OnlyBatchNormExperiment().steps_per_epoch(50_000) == 391


@pytest.mark.parametrize(("num_examples", "parts"), [(50_000, 3), (129, 2)])
def test_a_last_batch_that_cannot_be_divided_is_refused_at_once(
    num_examples: int, parts: int
) -> None:
    with pytest.raises(ConfigError, match="cannot be divided"):
        OnlyBatchNormTask(
            OnlyBatchNormExperiment(batch_size=128),
            NetworkConfig(depth=8, width=1),
            TrainingConfig(accumulation_steps=parts),
            num_examples=num_examples,
            train_batches=batches,
        )


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(DataError, match="not those of this network"):
        load_reference_weights(make_task().model, {"conv.weight": np.zeros((4, 3, 3, 3))})
    with pytest.raises(ConfigError, match="network"):
        NetworkConfig(depth=9)
