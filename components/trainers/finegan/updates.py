"""One iteration: the order of the forward passes and of the three updates.

1. The generator makes images once. All that follows uses these.
2. The background's discriminator learns, then the child's from real/fake.
3. The generator learns through the discriminators as they now are; in the same update the parent's
   discriminator and the child's code head learn to read the codes.

Source: the authors' code/trainer.py (`train_Dnet`, `train_Gnet`), kkanshul/finegan at 38db1db.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from components.trainers.finegan.experiment import FineGanExperiment
from components.trainers.finegan.generator import Codes, Stages
from components.trainers.finegan.losses import (
    classification_loss,
    code_accuracy,
    information_loss,
    kept_loss,
    real_loss,
)
from components.trainers.finegan.model import FineGan
from components.trainers.finegan.optimizers import Optimizers
from components.trainers.finegan.patch_mask import background_weights
from components.trainers.optimization import apply_gradients, scale_loss

Terms = dict[str, tf.Tensor]
Gradients = list[Any]

REAL, MADE = 1.0, 0.0


class RealImages(NamedTuple):
    """This replica's real images, in [-1, 1].

    Attributes:
        objects: `[batch, size, size, 3]`: crops about the object.
        scenes: `[batch, background_size, background_size, 3]`: crops of whole pictures.
        boxes_yxyx: `[batch, 4]`: the object in `scenes`, pixels.
        batch_size: Images of all replicas.
    """

    objects: tf.Tensor
    scenes: tf.Tensor
    boxes_yxyx: tf.Tensor
    batch_size: tf.Tensor


class Updates:
    """The parts of an iteration, in replica context.

    Args:
        models: The networks.
        optimizers: Theirs.
        experiment: The recipe.
        clip_norm: Largest norm of an optimizer's gradients; None leaves them as they are.
    """

    def __init__(
        self,
        models: FineGan,
        optimizers: Optimizers,
        experiment: FineGanExperiment,
        clip_norm: float | None = None,
    ) -> None:
        self._models, self._optimizers = models, optimizers
        self._background_weight = experiment.background_weight
        self._clip_norm = clip_norm

    def iterate(self, noise: tf.Tensor, codes: Codes, real: RealImages) -> Terms:
        """Makes the three updates.

        Args:
            noise: `[batch, noise_size]`.
            codes: One row an image.
            real: As many real images.

        Returns:
            Scalar terms, this replica's shares. `loss` is the sum of the three networks' losses.
        """
        with tf.GradientTape() as tape:
            made = self._models.generator(noise, codes, training=True)
        terms = self.update_background(made, real)
        terms |= self.update_child(made, real)
        gradients, generation_terms = self.generation_gradients(tape, made, codes, real.batch_size)
        self.apply_generation(gradients)
        terms |= generation_terms
        totals = ("background_discriminator", "child_discriminator", "generator")
        return {"loss": tf.add_n([terms[name] for name in totals]), **terms}

    def update_background(self, made: Stages, real: RealImages) -> Terms:
        """Trains the background's discriminator."""
        discriminator = self._models.background_discriminator
        optimizer = self._optimizers.background
        weights = background_weights(real.boxes_yxyx, self._models.config.patch_geometry)
        num_kept = global_sum(tf.reduce_sum(weights))
        # Without BatchNorm, one pass over both is the same as two.
        images = tf.concat([real.scenes, tf.stop_gradient(made.background_view)], 0)
        variables = self._optimizers.background_variables
        with tf.GradientTape() as tape:
            background_logits, real_logits = discriminator(images)
            of_real, of_made = tf.split(real_logits, 2)
            is_background = tf.split(background_logits, 2)[0]
            terms = {
                "background_real": kept_loss(of_real, weights, num_kept),
                "background_made": real_loss(of_made, MADE, real.batch_size),
                "background_classified": classification_loss(
                    is_background, weights, real.batch_size
                ),
            }
            total = terms["background_real"] + terms["background_made"]
            total = self._background_weight * total + terms["background_classified"]
            scaled = scale_loss(optimizer, total)
        gradients = tape.gradient(scaled, variables)
        apply_gradients(optimizer, gradients, variables, clip_norm=self._clip_norm)
        return {"background_discriminator": total, **terms}

    def update_child(self, made: Stages, real: RealImages) -> Terms:
        """Trains the child's discriminator to tell real from made."""
        discriminator, optimizer = self._models.child_discriminator, self._optimizers.child
        variables = self._optimizers.child_variables
        images = tf.concat([real.objects, tf.stop_gradient(made.child)], 0)
        with tf.GradientTape() as tape:
            # Real and made images have batch statistics of their own.
            features = discriminator.encode(images, training=True, groups=2)
            of_real, of_made = tf.split(discriminator.real_logits(features), 2)
            terms = {
                "child_real": real_loss(of_real, REAL, real.batch_size),
                "child_made": real_loss(of_made, MADE, real.batch_size),
            }
            total = terms["child_real"] + terms["child_made"]
            scaled = scale_loss(optimizer, total)
        # The code head learns nothing here; the authors run it, which moves its statistics.
        discriminator.code_block(tf.stop_gradient(features), training=True, groups=2)
        gradients = tape.gradient(scaled, variables)
        apply_gradients(optimizer, gradients, variables, clip_norm=self._clip_norm)
        return {"child_discriminator": total, **terms}

    def generation_gradients(
        self, generator_tape: tf.GradientTape, made: Stages, codes: Codes, batch_size: tf.Tensor
    ) -> tuple[Gradients, Terms]:
        """Gradients of the generator, the parent's discriminator and the child's code head.

        Args:
            generator_tape: Has seen `made` being made.
            made: The images.
            codes: What they were made of.
            batch_size: Images of all replicas.

        Returns:
            Gradients of the scaled loss by `Optimizers.generation_variables`, and the terms.
        """
        optimizer, generator = self._optimizers.generation, self._models.generator
        seen = [made.background_view, made.parent_masked, made.child, made.child_masked]
        with tf.GradientTape() as tape:
            tape.watch(seen)
            terms = self._generation_terms(seen, made.parent, codes, batch_size)
            scaled = scale_loss(optimizer, terms["generator"])
        parameters = generator.trainable_variables
        read = self._optimizers.generation_variables[len(parameters) :]
        by_image, by_reader = tape.gradient(scaled, [seen, read])
        by_parameter = generator_tape.gradient(seen, parameters, output_gradients=by_image)
        return [*by_parameter, *by_reader], terms

    def apply_generation(self, gradients: Gradients) -> None:
        """Updates with what `generation_gradients` gave."""
        apply_gradients(
            self._optimizers.generation,
            gradients,
            self._optimizers.generation_variables,
            clip_norm=self._clip_norm,
        )

    def _generation_terms(
        self, seen: list[tf.Tensor], parent: tf.Tensor, codes: Codes, batch_size: tf.Tensor
    ) -> Terms:
        view, parent_masked, child, child_masked = seen
        is_background, is_real = self._models.background_discriminator(view)
        parent_logits = self._read_parent(parent, parent_masked)
        child_logits, child_real = self._read_child(child, child_masked)
        terms = {
            "generator_background": real_loss(is_real, REAL, batch_size),
            "generator_background_classified": real_loss(is_background, REAL, batch_size),
            "parent_information": information_loss(parent_logits, codes.parent, batch_size),
            "generator_child": real_loss(child_real, REAL, batch_size),
            "child_information": information_loss(child_logits, codes.child, batch_size),
        }
        weighted = dict(terms)
        weighted["generator_background"] *= self._background_weight
        return {
            "generator": tf.add_n(list(weighted.values())),
            **terms,
            "parent_code_accuracy": code_accuracy(parent_logits, codes.parent, batch_size),
            "child_code_accuracy": code_accuracy(child_logits, codes.child, batch_size),
        }

    def _read_parent(self, parent: tf.Tensor, masked: tf.Tensor) -> tf.Tensor:
        discriminator = self._models.parent_discriminator
        # The whole image is in no loss; the authors run it, which moves BatchNorm's statistics.
        features = discriminator.encode(tf.stop_gradient(parent), training=True)
        discriminator.code_block(features, training=True)
        return discriminator.code_logits(discriminator.encode(masked, training=True), training=True)

    def _read_child(self, child: tf.Tensor, masked: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        discriminator = self._models.child_discriminator
        images = tf.concat([child, masked], 0)
        features = discriminator.encode(images, training=True, groups=2)
        of_child, of_masked = tf.split(features, 2)
        # As above: the code of the whole image is in no loss.
        discriminator.code_block(tf.stop_gradient(of_child), training=True)
        return (
            discriminator.code_logits(of_masked, training=True),
            discriminator.real_logits(of_child),
        )


def global_sum(value: tf.Tensor) -> tf.Tensor:
    """The sum over all replicas; in replica context."""
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return value
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)
