from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tiny_detr import images_fn, tiny_network

from components.errors import DataError
from components.trainers.detr.export import export_detr
from components.trainers.detr.model import Detr, build_model
from components.trainers.detr.reference_weights import LoadedPart, load_reference_weights
from components.trainers.detr.serving import run_lengths
from components.trainers.detr.weight_files import read_weights
from components.trainers.signature_graph import random_ops_in
from components.transforms.detr_features import IMAGE_ID


def png(height: int, width: int, seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3)).astype(np.uint8)
    return tf.io.encode_png(pixels).numpy()


IMAGES = [png(64, 48, 1), png(33, 64, 2)]


def transform_fn(examples: tf.Tensor) -> dict[str, Any]:
    """Records are encoded images themselves; their truth is ragged and plain, text and number."""
    count = tf.shape(examples)[0]
    return {
        **images_fn(examples),
        IMAGE_ID: tf.range(tf.cast(count, tf.int64)) + 100,
        "target_labels": tf.RaggedTensor.from_row_lengths(
            tf.range(3, dtype=tf.int64), tf.concat([[2], tf.ones([count - 1], tf.int32)], 0)
        ),
        "target_panoptic_png": examples,
    }


def sure(model: Detr) -> Detr:
    """Raises the logits of classes until queries are confident."""
    classes = model.heads.classes
    classes.kernel.assign(classes.kernel * 200.0)
    nothing = tf.one_hot(model.config.classes, model.config.classes + 1)
    classes.bias.assign(-1e4 * nothing)
    return model


@pytest.fixture(scope="module", params=[False, True], ids=["boxes", "masks"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: Any) -> tuple[Path, Detr]:
    model = sure(build_model(tiny_network(masks=request.param), 3))
    folder = tmp_path_factory.mktemp("model")
    export_detr(str(folder), model=model, images_fn=images_fn, transform_fn=transform_fn)
    return folder, model


def signatures(folder: Path) -> Any:
    return tf.saved_model.load(str(folder)).signatures


def test_boxes_are_in_pixels_of_the_image_as_it_came(exported: tuple[Path, Detr]) -> None:
    folder, model = exported
    found = signatures(folder)["serving_default"](images=tf.constant(IMAGES))
    assert found["boxes_xyxy"].shape == (2, 5, 4) and found["labels"].dtype == tf.int64
    picture = tf.cast(tf.io.decode_png(IMAGES[1]), tf.float32)[None] / 64.0
    expected = model(picture, tf.constant([[33, 64]])).boxes_cxcywh[0, 0].numpy()
    centre, extent = expected[:, :2], expected[:, 2:]
    corners = np.concatenate([centre - extent / 2, centre + extent / 2], 1) * [128, 66, 128, 66]
    np.testing.assert_allclose(found["boxes_xyxy"][1], corners, rtol=1e-3, atol=1e-2)


def test_what_is_found_in_an_image_does_not_depend_on_others(exported: tuple[Path, Detr]) -> None:
    serve = signatures(exported[0])["serving_default"]
    together = serve(images=tf.constant(IMAGES))
    for row, image in enumerate(IMAGES):
        alone = serve(images=tf.constant([image]))
        for name, values in together.items():
            np.testing.assert_allclose(values[row], alone[name][0], rtol=1e-5, atol=1e-5)


def test_no_signature_draws_random_numbers(exported: tuple[Path, Detr]) -> None:
    folder, model = exported
    names = {"serving_default", "attention", "evaluate"}
    names |= {"panoptic"} if model.mask_head is not None else set()
    assert set(signatures(folder)) == names
    for name in names:
        assert random_ops_in(str(folder), name) == []


def test_attention_maps_sum_to_one(exported: tuple[Path, Detr]) -> None:
    maps = signatures(exported[0])["attention"](images=tf.constant(IMAGES))["attention"].numpy()
    # Features of 2 x 2 each: 64 x 48 and 33 x 64 pixels.
    assert maps.shape == (2, 5, 2, 2)
    np.testing.assert_allclose(maps.sum((2, 3)), 1.0, atol=1e-5)


def test_evaluate_gives_what_metrics_need(exported: tuple[Path, Detr]) -> None:
    folder, model = exported
    loaded = signatures(folder)
    found = loaded["evaluate"](examples=tf.constant(IMAGES))
    served = loaded["serving_default"](images=tf.constant(IMAGES))
    for name in ("boxes_xyxy", "labels", "scores"):
        np.testing.assert_allclose(found[name], served[name], rtol=1e-5, atol=1e-5)
    assert found["image_id"].numpy().tolist() == [100, 101]
    assert found["original_size"].numpy().tolist() == [[128, 96], [66, 128]]
    assert found["target_labels"].numpy().tolist() == [[0, 1], [2, -1]]
    assert found["target_panoptic_png"].numpy().tolist() == IMAGES
    if model.mask_head is not None:
        areas = [128 * 96, 66 * 128]
        for row, area in enumerate(areas):
            counts = found["mask_num_runs"].numpy()[row]
            lengths = found["mask_run_lengths"].numpy()[row][: counts.sum()]
            sums = [part.sum() for part in np.split(lengths, np.cumsum(counts)[:-1])]
            assert sums == [area] * 5


def test_segments_cover_the_image(exported: tuple[Path, Detr]) -> None:
    image = pytest.importorskip("PIL.Image")
    folder, model = exported
    if model.mask_head is None:
        pytest.skip("of the model with masks")
    found = signatures(folder)["panoptic"](images=tf.constant(IMAGES))
    for row, size in enumerate([(128, 96), (66, 128)]):
        pixels = np.asarray(image.open(io.BytesIO(found["panoptic_png"].numpy()[row])))
        assert pixels.shape == (*size, 3)
        ids, areas = np.unique(pixels.astype(np.int64) @ [1, 256, 65536], return_counts=True)
        kept = found["segment_ids"].numpy()[row]
        kept = kept[kept >= 0]
        assert len(kept) > 0 and kept.tolist() == ids.tolist()
        assert found["segment_areas"].numpy()[row][: len(kept)].tolist() == areas.tolist()
        assert np.all(found["segment_scores"].numpy()[row][: len(kept)] > 0.85)


def test_weights_come_back_out_of_a_saved_model(exported: tuple[Path, Detr]) -> None:
    folder, model = exported
    again = build_model(model.config, 9)
    part = load_reference_weights(again, read_weights(str(folder)))
    assert part is LoadedPart.EVERYTHING
    for one, other in zip(again.variables, model.variables, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_newest_of_the_versions_is_read(exported: tuple[Path, Detr], tmp_path: Path) -> None:
    folder, model = exported
    (tmp_path / "9").mkdir()
    (tmp_path / "10").symlink_to(folder)
    assert len(read_weights(str(tmp_path))) == len(model.variables)


def test_a_saved_model_of_another_paper_is_refused(tmp_path: Path) -> None:
    other = tf.Module()
    other.variable = tf.Variable(1.0)
    tf.saved_model.save(other, str(tmp_path))
    with pytest.raises(DataError, match="not one of DETR"):
        read_weights(str(tmp_path))


def test_runs_go_down_the_columns_and_begin_with_zeros() -> None:
    masks = np.array([[[0, 1], [1, 1]], [[1, 0], [0, 0]], [[0, 0], [0, 0]]], np.uint8)
    lengths, counts = run_lengths(tf.constant(masks))
    assert counts.numpy().tolist() == [2, 3, 1]
    assert lengths.numpy().tolist() == [1, 3, 0, 1, 3, 4]
