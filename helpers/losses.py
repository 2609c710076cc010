"""The loss of a classifier, with its gradient."""

from __future__ import annotations

import numpy as np

from helpers.arrays import Array


def cross_entropy(logits: Array, targets: Array) -> tuple[Array, Array]:
    """Return the mean cross-entropy -log softmax(logits)[target] over the batch (…) and its gradient at the logits.

    `logits` are (…, batch, classes), `targets` (batch,) whole numbers. The gradient is (softmax - one-hot) / batch.
    """
    samples = np.arange(len(targets))
    shifted = logits - logits.max(axis=-1, keepdims=True)
    gradient = np.exp(shifted)
    sums = gradient.sum(axis=-1, keepdims=True)
    loss = (np.log(sums[..., 0]) - shifted[..., samples, targets]).mean(axis=-1)
    gradient /= sums
    gradient[..., samples, targets] -= 1
    gradient /= len(targets)
    return loss, gradient
