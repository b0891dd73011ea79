"""How fast this machine multiplies matrices: what training speeds are compared with.

python benchmarks/matrix_multiply.py [--threads 2]
"""

from __future__ import annotations

import argparse
import statistics
import time

import tensorflow as tf

SIZE = 2048
REPEATS = 15


def matrix_multiply_rate(dtype: tf.DType, size: int = SIZE, repeats: int = REPEATS) -> float:
    """Measures the product of two square matrices.

    Args:
        dtype: Type of the elements.
        size: Rows and columns.
        repeats: Products measured, after two that are not.

    Returns:
        GFLOP/s of the median product.
    """
    matrix = tf.cast(tf.random.stateless_normal([size, size], [0, 1]), dtype)
    multiply = tf.function(lambda left, right: tf.matmul(left, right), autograph=False)
    seconds = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        # One element is enough to wait for the product without copying it.
        multiply(matrix, matrix)[0, 0].numpy()
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / statistics.median(seconds[2:]) / 1e9


def set_threads(threads: int) -> None:
    """Pins TensorFlow's threads; call it before any operation."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def main() -> None:
    """Prints the rates of float32 and bfloat16."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    set_threads(parser.parse_args().threads)
    for dtype in (tf.float32, tf.bfloat16):
        rate = matrix_multiply_rate(dtype)
        print(f"{dtype.name:9} {SIZE} x {SIZE} matrix multiply: {rate:6.0f} GFLOP/s")


if __name__ == "__main__":
    main()
