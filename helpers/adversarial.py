"""Exact backpropagation, by hand, for the two players of a generative adversarial network.

Generator and discriminator are small dense networks with leaky ReLU. The second-to-last axis of every array is the
batch; axes before it are independent networks, one for each seed. Everything is computed in the dtype of the weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import DTypeLike

from helpers.activations import get_activation
from helpers.arrays import Array
from helpers.checks import check_choice
from helpers.theory import GENERATOR_LOSSES, generator_slope

OUTPUTS = ("linear", "tanh")


@dataclass(frozen=True, eq=False)
class Dense:
    """A dense network: weights (…, fan_in, fan_out), biases (…, 1, fan_out), leaky ReLU between its layers.

    `leak` is the slope of the hidden units below 0, `output` the activation of the last layer: "linear" or "tanh".
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    leak: float = 0.2
    output: str = "linear"

    @property
    def arrays(self) -> tuple[Array, ...]:
        """Weights, then biases."""
        return (*self.weights, *self.biases)

    def with_arrays(self, arrays: Sequence[Array]) -> Dense:
        """Return the same network with other arrays: weights, then biases."""
        count = len(self.weights)
        return replace(self, weights=tuple(arrays[:count]), biases=tuple(arrays[count:]))


def draw_dense(
    sizes: Sequence[int],
    generators: Sequence[np.random.Generator],
    output: str = "linear",
    dtype: DTypeLike = np.float64,
) -> Dense:
    """Draw a network for each generator as `torch.nn.Linear` does: U(-1/√fan_in, 1/√fan_in), weights and biases.

    `sizes` are the numbers of units from input to output. Raises ValueError for fewer than two sizes or one below 1.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes must be at least two whole numbers ≥ 1; got {tuple(sizes)}")
    check_choice("output", output, OUTPUTS)
    weights, biases = [], []
    for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
        bound = 1 / math.sqrt(fan_in)
        weights.append(np.stack([each.uniform(-bound, bound, (fan_in, fan_out)) for each in generators]).astype(dtype))
        biases.append(np.stack([each.uniform(-bound, bound, (1, fan_out)) for each in generators]).astype(dtype))
    return Dense(tuple(weights), tuple(biases), output=output)


# Forward and backward -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Forward:
    """A forward pass: the inputs of each layer, the slopes of each hidden layer's units, and the outputs."""

    net: Dense
    entered: tuple[Array, ...]
    slopes: tuple[Array, ...]
    outputs: Array


@dataclass(frozen=True, eq=False)
class Backward:
    """Gradients of a loss with respect to the parameters (weights, then biases) and the inputs of each layer.

    `at_entered[0]` is the gradient at the network's inputs.
    """

    arrays: tuple[Array, ...]
    at_entered: tuple[Array, ...]

    @property
    def at_inputs(self) -> Array:
        """∂L/∂(inputs)."""
        return self.at_entered[0]


def forward(net: Dense, inputs: Array) -> Forward:
    """h_l = φ(h_(l-1) W_l + b_l); the last layer without φ, followed by `net.output`."""
    h, entered, slopes = inputs, [], []
    last = len(net.weights) - 1
    for layer, (weights, biases) in enumerate(zip(net.weights, net.biases, strict=True)):
        entered.append(h)
        h = h @ weights + biases
        if layer < last:
            slopes.append(np.where(h > 0, h.dtype.type(1), h.dtype.type(net.leak)))
            h = h * slopes[-1]
    return Forward(net, tuple(entered), tuple(slopes), np.tanh(h) if net.output == "tanh" else h)


def backward(up: Forward, at_outputs: Array) -> Backward:
    """∂L/∂W_l = h_(l-1)ᵀ δ_l, ∂L/∂b_l = Σ δ_l, ∂L/∂h_(l-1) = δ_l W_lᵀ, where δ_l = ∂L/∂z_l."""
    delta = at_outputs * (1 - up.outputs**2) if up.net.output == "tanh" else at_outputs
    by_weights: list[Array] = []
    by_biases: list[Array] = []
    at_entered: list[Array] = []
    for layer in range(len(up.net.weights) - 1, -1, -1):
        by_weights.append(_t(up.entered[layer]) @ delta)
        by_biases.append(delta.sum(axis=-2, keepdims=True))
        at_entered.append(delta @ _t(up.net.weights[layer]))
        if layer:
            delta = at_entered[-1] * up.slopes[layer - 1]
    return Backward((*by_weights[::-1], *by_biases[::-1]), tuple(at_entered[::-1]))


def _t(array: Array) -> Array:
    return np.swapaxes(array, -1, -2)


def input_slopes(net: Dense, inputs: Array) -> Array:
    """Return ∂(output)/∂(input) of a network with one output, at each input, in the shape of `inputs`."""
    up = forward(net, inputs)
    return backward(up, np.ones_like(up.outputs)).at_inputs


# Losses, each with its gradient ---------------------------------------------------------------------------------------


def generator_loss(loss: str, logits: Array) -> tuple[Array, Array]:
    """Return the mean loss (…) and its gradient at the discriminator's logits for fakes (…, batch, 1).

    saturating mean log(1 - σ(a)) and non-saturating -mean log σ(a) (Goodfellow 2014); wasserstein -mean a (Arjovsky
    2017).
    """
    values = {
        "saturating": lambda a: -np.logaddexp(0, a),
        "non_saturating": lambda a: np.logaddexp(0, -a),
        "wasserstein": lambda a: -a,
    }
    check_choice("loss", loss, GENERATOR_LOSSES)
    batch = logits.shape[-2]
    slopes = generator_slope(loss, logits).astype(logits.dtype) / logits.dtype.type(batch)
    return values[loss](logits).mean(axis=(-1, -2)), slopes


def discriminator_loss(loss: str, real: Array, fake: Array) -> tuple[Array, Array, Array]:
    """Return the discriminator's loss (…) and its gradients at the logits of real and of fake samples (…, batch, 1).

    For both of Goodfellow's generator losses it is the cross-entropy -mean log σ(real) - mean log(1 - σ(fake)); for
    "wasserstein" mean fake - mean real.
    """
    check_choice("loss", loss, GENERATOR_LOSSES)
    one = real.dtype.type
    if loss == "wasserstein":
        value = fake.mean(axis=(-1, -2)) - real.mean(axis=(-1, -2))
        return value, np.full_like(real, -1 / real.shape[-2]), np.full_like(fake, 1 / fake.shape[-2])
    value = np.logaddexp(0, -real).mean(axis=(-1, -2)) + np.logaddexp(0, fake).mean(axis=(-1, -2))
    sigmoid = get_activation("sigmoid").function
    return value, -sigmoid(-real) / one(real.shape[-2]), sigmoid(fake) / one(fake.shape[-2])


def gradient_penalty(net: Dense, points: Array, strength: float, one_sided: bool = False) -> tuple[Array, Backward]:
    """Return λ mean (‖∂D/∂x‖ - 1)² over the points (Gulrajani 2017, eq. 3) and its gradient at D's parameters.

    `one_sided` penalises only slopes above 1 (section 4 of the paper). The gradient is a second derivative: the slopes
    of leaky ReLU are constant almost everywhere, so the backward pass is a product of matrices and its derivative is
    another forward pass. The gradient at the biases is 0.
    """
    up = forward(net, points)
    deltas = _deltas(up)
    steepness = deltas[0] @ _t(net.weights[0])
    norms = np.sqrt((steepness**2).sum(axis=-1, keepdims=True))
    excess = np.maximum(norms - 1, 0) if one_sided else norms - 1
    batch = points.shape[-2]
    along = points.dtype.type(2 * strength / batch) * excess * steepness / np.maximum(norms, np.finfo(norms.dtype).tiny)
    by_weights = []
    for layer, weights in enumerate(net.weights):
        by_weights.append(_t(along) @ deltas[layer])
        if layer < len(up.slopes):
            along = (along @ weights) * up.slopes[layer]
    nothing = [np.zeros_like(bias) for bias in net.biases]
    return strength * (excess**2).mean(axis=(-1, -2)), Backward((*by_weights, *nothing), ())


def _deltas(up: Forward) -> list[Array]:
    """Return ∂(output)/∂z_l for every layer, the first layer's first."""
    deltas = [np.ones_like(up.outputs)]
    for layer in range(len(up.slopes) - 1, -1, -1):
        deltas.append((deltas[-1] @ _t(up.net.weights[layer + 1])) * up.slopes[layer])
    return deltas[::-1]


# The two players ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class GeneratorGradients:
    """The generator's loss and its gradients in the generator and along the path through the discriminator.

    `at_samples` (…, batch, features) is ∂L/∂x at the generated samples; training moves them in the opposite direction.
    """

    loss: Array
    generator: Backward
    discriminator: Backward
    at_logits: Array
    made: Forward
    judged: Forward

    @property
    def samples(self) -> Array:
        """The generated samples, (…, batch, features)."""
        return self.made.outputs

    @property
    def at_samples(self) -> Array:
        """∂L/∂(samples)."""
        return self.discriminator.at_inputs

    def norm(self) -> Array:
        """Return the norm of the gradient over all of the generator's parameters (…)."""
        squares = [(array.astype(float) ** 2).sum(axis=(-1, -2)) for array in self.generator.arrays]
        return np.sqrt(np.sum(squares, axis=0))

    def signal(self) -> Array:
        """Return the norms of ∂L/∂h along the whole path (…, places).

        The places are the inputs of each layer of the generator and of the discriminator, from the noise on, and the
        logit.
        """
        return np.stack([np.sqrt(np.square(units).sum(axis=-1)) for units in self.unit_gradients()], axis=-1)

    def unit_gradients(self) -> list[Array]:
        """Return √(Σ over the batch of (∂L/∂h)²) of every unit, (…, units) for each place of `signal`."""
        at = [*self.generator.at_entered, *self.discriminator.at_entered, self.at_logits]
        return [np.sqrt(np.square(array, dtype=float).sum(axis=-2)) for array in at]

    def unit_activations(self) -> list[Array]:
        """Return √(Σ over the batch of h²) of every unit, (…, units) for each place of `signal`."""
        entered = [*self.made.entered, *self.judged.entered, self.judged.outputs]
        return [np.sqrt(np.square(array, dtype=float).sum(axis=-2)) for array in entered]


def generator_gradients(generator: Dense, discriminator: Dense, noise: Array, loss: str) -> GeneratorGradients:
    """Run noise forward through both players and backpropagate the generator's loss through both."""
    made = forward(generator, noise)
    judged = forward(discriminator, made.outputs)
    value, at_logits = generator_loss(loss, judged.outputs)
    through = backward(judged, at_logits)
    down = backward(made, through.at_inputs)
    return GeneratorGradients(value, down, through, at_logits, made, judged)


def discriminator_gradients(
    discriminator: Dense,
    real: Array,
    fake: Array,
    loss: str,
    penalised: Array | None = None,
    strength: float = 10.0,
    one_sided: bool = False,
) -> tuple[Array, tuple[Array, ...]]:
    """Return the discriminator's loss (…) and its gradients at the weights, then at the biases.

    `penalised` are the points at which the gradient penalty of that strength is taken; None leaves it out.
    """
    judged = forward(discriminator, np.concatenate([real, fake], axis=-2))
    at_real, at_fake = np.split(judged.outputs, [real.shape[-2]], axis=-2)
    value, by_real, by_fake = discriminator_loss(loss, at_real, at_fake)
    arrays = backward(judged, np.concatenate([by_real, by_fake], axis=-2)).arrays
    if penalised is not None:
        more, down = gradient_penalty(discriminator, penalised, strength, one_sided)
        value, arrays = value + more, tuple(a + b for a, b in zip(arrays, down.arrays, strict=True))
    return value, arrays
