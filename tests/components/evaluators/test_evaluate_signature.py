import numpy as np
import pytest

from components.errors import DataError
from components.evaluators.evaluate_signature import read_signal


def outputs(values=6, shape=(2, 3, 1)):
    signal = np.arange(values, dtype=np.float32)
    return {"prediction": signal, "target": signal + 1, "shape": np.array(shape, np.int64)}


def test_reads_row_by_row():
    prediction, target = read_signal(outputs())
    assert prediction.tolist() == [[[0], [1], [2]], [[3], [4], [5]]]
    assert np.array_equal(target, prediction + 1)


def test_padding_of_the_batch_is_cut_off():
    prediction, target = read_signal(outputs(values=50))
    assert prediction.shape == target.shape == (2, 3, 1)
    assert prediction.max() == 5


def test_an_output_already_in_shape_is_taken():
    given = outputs()
    given["prediction"] = given["prediction"].reshape(2, 3, 1)
    assert read_signal(given)[0].shape == (2, 3, 1)


@pytest.mark.parametrize("shape", [(3, 3, 1), (0, 3, 1), (6,)])
def test_a_shape_that_does_not_fit_is_an_error(shape):
    with pytest.raises(DataError, match="does not fit its shape"):
        read_signal(outputs(shape=shape))


@pytest.mark.parametrize("given", [np.zeros(3), {"prediction": np.zeros(3)}])
def test_a_missing_output_is_named(given):
    with pytest.raises(DataError, match="prediction, target, shape"):
        read_signal(given)
