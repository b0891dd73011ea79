"""TFX's Pusher, such that a server never sees a half-copied or an unblessed model."""

from __future__ import annotations

import logging
from typing import Any

from tfx import types
from tfx.components.pusher import component as pusher_component
from tfx.components.pusher import executor as pusher_executor
from tfx.components.util import model_utils
from tfx.dsl.components.base import executor_spec
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, proto_utils

from components.errors import RunError
from components.pushers.versioned_directory import push_version


class AtomicPusherExecutor(pusher_executor.Executor):
    """Pushes by `push_version` instead of copying in place."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes the model if it was blessed, and records where in `pushed_model`.

        Args:
            input_dict: `model` and `model_blessing`.
            output_dict: `pushed_model`; gets a copy of the model and the custom properties
                `pushed`, `pushed_destination` and `pushed_version`.
            exec_properties: `push_destination`, a file system's base directory.

        Raises:
            RunError: If the blessing is another model's, or the model cannot be copied whole.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed_model = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        )
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed_model)
            logging.getLogger(__name__).warning("the model was not blessed, so it is not pushed")
            return
        model_path = self.GetModelPath(input_dict)
        # The archive first: when it fails, nothing is live that the metadata does not know of.
        io_utils.copy_dir(model_path, pushed_model.uri)
        pushed = push_version(model_path, _base_directory(exec_properties))
        self._MarkPushed(
            pushed_model, pushed_destination=pushed.path, pushed_version=str(pushed.version)
        )
        logging.getLogger(__name__).info("pushed version %d to %s", pushed.version, pushed.path)

    def CheckBlessing(self, input_dict: dict[str, list[types.Artifact]]) -> bool:
        """Whether this very model was blessed; unlike TFX's, False where nobody was asked.

        Raises:
            RunError: If the blessing is another model's.
        """
        blessings = input_dict.get(standard_component_specs.MODEL_BLESSING_KEY)
        if not blessings:
            return False
        blessing = artifact_utils.get_single_instance(blessings)
        if not model_utils.is_model_blessed(blessing):
            return False
        model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        blessed_id = blessing.get_int_custom_property("current_model_id")
        if blessed_id != model.id:
            raise RunError(
                "the blessing is not this model's",
                found=f"model {model.id}, blessing of model {blessed_id}",
                expected="the blessing that the Evaluator gave this model",
                fix="connect the Pusher and the Evaluator to the same Trainer",
            )
        return True


class AtomicPusher(pusher_component.Pusher):
    """Pushes a blessed model into a directory of versions; see `versioned_directory`.

    Args:
        model: The Trainer's model.
        model_blessing: The Evaluator's blessing.
        base_directory: The directory that a server watches.
    """

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(AtomicPusherExecutor)

    def __init__(
        self, model: types.BaseChannel, model_blessing: types.BaseChannel, base_directory: str
    ) -> None:
        super().__init__(
            model=model,
            model_blessing=model_blessing,
            push_destination=pusher_pb2.PushDestination(
                filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=base_directory)
            ),
        )


def _base_directory(exec_properties: dict[str, Any]) -> str:
    destination = pusher_pb2.PushDestination()
    proto_utils.json_to_proto(
        exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination
    )
    directory = destination.filesystem.base_directory
    if not directory:
        raise RunError("the Pusher has no directory to push to", found=destination)
    return str(directory)
