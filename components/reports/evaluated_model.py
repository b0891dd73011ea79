"""An exported model as a report uses it: records in, outputs of the signature `evaluate` out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from numpy.typing import NDArray

from components.errors import DataError
from components.evaluators.evaluate_signature import EVALUATE_SIGNATURE


class EvaluatedModel:
    """A SavedModel and its signature `evaluate`.

    Args:
        saved_model_dir: Where it was exported to.

    Attributes:
        loaded: What `tf.saved_model.load` gives.

    Raises:
        DataError: It lacks the signature.
    """

    def __init__(self, saved_model_dir: str) -> None:
        import tensorflow as tf

        self.loaded: Any = tf.saved_model.load(saved_model_dir)
        if EVALUATE_SIGNATURE not in self.loaded.signatures:
            raise DataError(
                f"The model in {saved_model_dir} cannot be shown",
                found=f"the signatures {', '.join(self.loaded.signatures)}",
                expected=f"a signature `{EVALUATE_SIGNATURE}`",
                fix="export the model with Papergarden's trainer",
            )
        self._evaluate = self.loaded.signatures[EVALUATE_SIGNATURE]
        [self._argument] = self._evaluate.structured_input_signature[1]

    def outputs(self, records: Sequence[bytes]) -> Iterator[dict[str, NDArray[Any]]]:
        """Evaluates serialized records together and gives the outputs of each."""
        import tensorflow as tf

        batch = self._evaluate(**{self._argument: tf.constant(list(records))})
        arrays = {name: value.numpy() for name, value in batch.items()}
        for index in range(len(records)):
            yield {name: values[index] for name, values in arrays.items()}
