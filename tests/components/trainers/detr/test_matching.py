from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.trainers.detr.loss_weights import LossWeights
from components.trainers.detr.matching import NOTHING, assign, match, matching_costs
from components.trainers.detr.targets import Targets

CLASSES = 4


def random_case(counts: list[int], objects: int, queries: int = 5, layers: int = 2) -> Any:
    generator = np.random.default_rng(sum(counts) + 10 * objects)
    batch = len(counts)
    logits = generator.standard_normal((layers, batch, queries, CLASSES + 1), np.float32)
    boxes = generator.uniform(0.1, 0.5, (layers, batch, queries, 4)).astype(np.float32)
    targets = Targets(
        labels=tf.constant(generator.integers(0, CLASSES, (batch, objects))),
        boxes_cxcywh=tf.constant(generator.uniform(0.1, 0.5, (batch, objects, 4)), tf.float32),
        counts=tf.constant(counts, tf.int32),
    )
    return tf.constant(logits), tf.constant(boxes), targets


@pytest.mark.parametrize("counts", [[3, 1], [0, 2], [0, 0], [4, 4]])
def test_no_other_assignment_costs_less(counts: list[int]) -> None:
    logits, boxes, targets = random_case(counts, objects=4)
    objects = match(logits, boxes, targets, LossWeights()).numpy()
    costs = matching_costs(logits, boxes, targets, LossWeights()).total.numpy()
    for layer, (image, count) in itertools.product(range(2), enumerate(counts)):
        found = {
            number: query for query, number in enumerate(objects[layer, image]) if number != NOTHING
        }
        assert sorted(found) == list(range(count))
        own = costs[layer, image]
        cost = sum(own[query, number] for number, query in found.items())
        others = (
            sum(own[query, number] for number, query in enumerate(chosen))
            for chosen in itertools.permutations(range(5), count)
        )
        assert cost <= min(others) + 1e-5


def test_of_more_objects_than_queries_as_many_are_found_as_there_are_queries() -> None:
    logits, boxes, targets = random_case([7], objects=7, queries=3)
    objects = match(logits, boxes, targets, LossWeights()).numpy()
    for layer in range(2):
        chosen = objects[layer, 0].tolist()
        assert len(set(chosen)) == 3 and NOTHING not in chosen


def test_what_padding_says_does_not_matter() -> None:
    logits, boxes, targets = random_case([2, 1], objects=4)
    other = targets._replace(
        labels=tf.concat([targets.labels[:, :2], [[0, 0], [3, 3]]], 1),
        boxes_cxcywh=tf.concat([targets.boxes_cxcywh[:, :2], tf.zeros([2, 2, 4])], 1),
    )
    np.testing.assert_array_equal(
        match(logits, boxes, targets, LossWeights()), match(logits, boxes, other, LossWeights())
    )


def test_costs_that_are_no_numbers_do_not_stop_the_matching() -> None:
    costs = np.zeros((1, 1, 3, 2), np.float32)
    costs[0, 0, 0], costs[0, 0, 1, 0] = np.nan, np.inf
    assert assign(costs, np.array([2], np.int32)).tolist() == [[[-1, 1, 0]]]


def test_a_graph_matches_as_plain_calls_do_and_gives_no_gradient() -> None:
    logits, boxes, targets = random_case([3, 0], objects=3)
    matched = tf.function(match, autograph=False)
    with tf.GradientTape() as tape:
        tape.watch([logits, boxes])
        objects = matched(logits, boxes, targets, LossWeights())
    np.testing.assert_array_equal(objects, match(logits, boxes, targets, LossWeights()))
    assert tape.gradient(objects, [logits, boxes]) == [None, None]
