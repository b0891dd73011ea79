"""Weights from files: .safetensors, .npz, and SavedModels of this paper. Nothing is unpickled."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.errors import DataError
from components.trainers.detr.reference_weights import in_reference_order

Array: TypeAlias = NDArray[Any]

# The attribute of an exported model that holds its weights, under the authors' names.
WEIGHTS = "weights"
_SAVED_MODEL = "saved_model.pb"
_READERS = (".safetensors", ".npz")


def read_weights(path: str) -> dict[str, Array]:
    """Reads weights.

    Args:
        path: A file; or a folder: a SavedModel, or one of numbered versions, of which the newest
            is taken, or one with a single .safetensors file, as model hubs have them.

    Returns:
        Name -> array.

    Raises:
        DataError: There is nothing there that holds weights, or it cannot be read.
    """
    if tf.io.gfile.isdir(path):
        return _read_folder(path)
    if not path.endswith(_READERS):
        raise DataError(
            f"{path} is no file of weights",
            expected="a .safetensors or .npz file, or a SavedModel's folder",
            fix="pickled checkpoints (.pth, .bin) are not read, because they can run code: save "
            "their state dict with safetensors",
        )
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            content = file.read()
        if path.endswith(".npz"):
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        return _from_safetensors(content)
    except (OSError, ValueError, zipfile.BadZipFile, tf.errors.OpError) as error:
        raise DataError(
            f"the weights {path} cannot be read",
            found=str(error).splitlines()[0],
            expected="a whole .safetensors or .npz file of plain numbers",
        ) from error


def _read_folder(path: str) -> dict[str, Array]:
    names = [name.rstrip("/") for name in tf.io.gfile.listdir(path)]
    if _SAVED_MODEL in names:
        return _read_saved_model(path)
    versions = [name for name in names if name.isdigit()]
    if versions:
        return read_weights(tf.io.gfile.join(path, max(versions, key=int)))
    files = [name for name in names if name.endswith(".safetensors")]
    if len(files) == 1:
        return read_weights(tf.io.gfile.join(path, files[0]))
    raise DataError(
        f"the folder {path} holds no weights",
        found=", ".join(sorted(names)[:10]) or "nothing",
        expected="a SavedModel, numbered versions of one, or a single .safetensors file",
    )


def _read_saved_model(path: str) -> dict[str, Array]:
    """The variables below the attribute `weights`; the model's graph is not loaded."""
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    prefix = tf.io.gfile.join(path, "variables", "variables")
    try:
        reader = tf.train.load_checkpoint(prefix)
        graph = trackable_object_graph_pb2.TrackableObjectGraph()
        graph.ParseFromString(reader.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH"))
        weights = _child(graph, 0, WEIGHTS)
        children = [] if weights is None else graph.nodes[weights].children
        keys = {
            child.local_name: graph.nodes[child.node_id].attributes[0].checkpoint_key
            for child in children
        }
        arrays = {
            name: in_reference_order(reader.get_tensor(key), name) for name, key in keys.items()
        }
    except (ValueError, KeyError, IndexError, tf.errors.OpError) as error:
        raise DataError(
            f"the variables of the SavedModel {path} cannot be read",
            found=str(error).splitlines()[0],
            expected="a whole SavedModel",
        ) from error
    if not arrays:
        raise DataError(
            f"the SavedModel {path} is not one of DETR",
            found=f"no attribute `{WEIGHTS}`",
            expected="a model that detr_pipeline exported",
        )
    return arrays


def _child(graph: Any, node: int, name: str) -> int | None:
    found = [child.node_id for child in graph.nodes[node].children if child.local_name == name]
    return found[0] if found else None


def _from_safetensors(content: bytes) -> dict[str, Array]:
    # Here, because models import without it.
    import safetensors
    import safetensors.numpy

    try:
        arrays: Mapping[str, Array] = safetensors.numpy.load(content)
    except safetensors.SafetensorError as error:
        raise ValueError(str(error)) from error
    return dict(arrays)
