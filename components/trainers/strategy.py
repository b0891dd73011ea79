"""Which devices a run trains on."""

from __future__ import annotations

import tensorflow as tf

from components.errors import ConfigError, StackError
from components.trainers.preemption import StopRequest
from components.trainers.training_config import TrainingConfig
from components.trainers.worker_meeting import meet
from components.trainers.worker_task import read_worker_task


def make_strategy(config: TrainingConfig, stop: StopRequest) -> tf.distribute.Strategy:
    """The distribution strategy that `config.strategy` asks for.

    Args:
        config: How to train.
        stop: Looked at while other workers are waited for.

    Raises:
        StackError: The machine cannot give that strategy.
        TrainingError: The other workers did not come.
        Preempted: The process was asked to stop while it waited for them.
        ConfigError: The strategy does not go together with the precision and compiler asked for.
    """
    makers = {
        "auto": _auto,
        "one_device": _one_device,
        "mirrored": _mirrored,
        "multi_worker": lambda: _multi_worker(stop),
        "tpu": _tpu,
    }
    strategy = makers[config.strategy]()
    if (
        strategy.num_replicas_in_sync > 1
        and config.jit_compile
        and config.precision == "mixed_float16"
    ):
        # Keras' LossScaleOptimizer leaves the replica context, which XLA does not allow
        # (keras-team/keras issue 21366).
        raise ConfigError(
            "mixed_float16 cannot be compiled by XLA on several replicas",
            found=f"{strategy.num_replicas_in_sync} replicas",
            fix="set training.precision to mixed_bfloat16, or training.jit_compile to false",
        )
    return strategy


def _auto() -> tf.distribute.Strategy:
    if len(tf.config.list_logical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return _one_device()


def _one_device() -> tf.distribute.Strategy:
    has_gpu = bool(tf.config.list_logical_devices("GPU"))
    return tf.distribute.OneDeviceStrategy("/gpu:0" if has_gpu else "/cpu:0")


def _mirrored() -> tf.distribute.Strategy:
    """Several GPUs, or several logical CPU devices where a test has made them."""
    for kind in ("GPU", "CPU"):
        devices = [device.name for device in tf.config.list_logical_devices(kind)]
        if len(devices) > 1:
            return tf.distribute.MirroredStrategy(devices)
    raise StackError(
        "training.strategy is mirrored, but this machine has no two devices of a kind",
        found=[device.name for device in tf.config.list_logical_devices()],
        expected="at least two GPUs",
        fix="set training.strategy to auto",
    )


def _multi_worker(stop: StopRequest) -> tf.distribute.Strategy:
    task = read_worker_task()
    if task is None:
        raise StackError(
            "training.strategy is multi_worker, but TF_CONFIG names no cluster",
            expected="TF_CONFIG with `cluster` and `task` in the environment of every worker",
            fix="start the workers with TF_CONFIG set, or set training.strategy to auto",
        )
    meet(task, stop)
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    # TensorFlow's service for several workers handles SIGTERM itself, and stops nothing by it.
    stop.take_back()
    return strategy


def _tpu() -> tf.distribute.Strategy:
    resolvers = tf.distribute.cluster_resolver
    try:
        try:
            resolver = resolvers.TPUClusterResolver()
        except ValueError:  # no TPU is named in the environment: the chips of a TPU VM
            resolver = resolvers.TPUClusterResolver(tpu="local")
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise StackError(
            "training.strategy is tpu, but no TPU can be reached",
            found=str(error).splitlines()[0],
            expected="a TPU VM, or TPU_NAME in the environment",
            fix="set training.strategy to auto",
        ) from error
    return tf.distribute.TPUStrategy(resolver)
