"""The rows of the ledger: claims of the course, each with its source and the experiment that measures it.

A new row is a `@claim(...)` above a function that returns one number. χ is the factor per layer of the mean squared
gradient on its way down, N the width, L the number of hidden layers, q the variance of a pre-activation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache, lru_cache, partial
from typing import Any

import numpy as np
import pytest
import torch

from helpers import theory
from helpers.activations import ACTIVATIONS
from helpers.arrays import mean_cosine
from helpers.datasets import (
    SequenceTask,
    Split,
    adding_problem,
    classification_batch,
    clusters,
    delayed_recall,
    digits_split,
    gaussian,
)
from helpers.games import Game, Recipe, play, shifted_recipe
from helpers.jacobians import input_output_jacobian, singular_values
from helpers.models import MLP, ConvNet, RecurrentNet, ResidualMLP
from helpers.network import (
    GradientProfile,
    NetworkSpec,
    Parameters,
    backpropagate,
    first_silent_layers,
    gradient_profile,
    initial_parameters,
)
from helpers.recurrent import RecurrentSpec, TimeProfile, recurrent_profile
from helpers.recurrent import backpropagate as through_time
from helpers.recurrent import initial_parameters as recurrent_parameters
from helpers.residual import (
    ResidualProfile,
    ResidualSpec,
    input_gradients,
    path_energies,
    residual_profile,
)
from helpers.training import History, train, train_task
from tests.ledger import EXACT, ROWS, Row, Tolerance, absolute, between, claim, factor, line, relative

DERIVED, CALCULUS = "derived", "calculus"


# What rows have in common -------------------------------------------------------------------------------------------


@lru_cache(maxsize=2)  # rows of one network stand together, and each holds some hundred megabytes
def profile_of(**spec: Any) -> GradientProfile:
    """A network whose inputs are N(0, 1) and as many as a layer has units."""
    network = NetworkSpec(**spec)
    return gradient_profile(network, gaussian(network.batch, features=network.width))


def gradient_factor(profile: GradientProfile, left_out: int = 0) -> float:
    """χ, the mean over seeds of its logarithm; the first layers can be left out, where q is not yet settled."""
    signal = profile.log10_signal[:, left_out:]
    return float(10 ** (2 * (signal[:, 0] - signal[:, -1]).mean() / (signal.shape[1] - 1)))


def forward_factor(profile: GradientProfile) -> float:
    """The factor per layer of the variance on its way up."""
    deviation = np.log10(profile.preactivation_std)
    return float(10 ** (2 * (deviation[:, -1] - deviation[:, 0]).mean() / (deviation.shape[1] - 1)))


def first_over_last(logarithms: np.ndarray) -> float:
    return float(10 ** (logarithms[:, 0] - logarithms[:, -1]).mean())


def default_bias(width: int) -> float:
    """The standard deviation of the biases that `nn.Linear` draws: var(b)·fan_in = 1/3."""
    return math.sqrt(1 / (3 * width))


def claim_of_seeds(
    name: str,
    words: str,
    source: str,
    expected: float,
    tolerance: Tolerance,
    seeds: int,
    measure: Callable[[range], float],
) -> None:
    """Two rows: what seed 0 shows, with the slow tests, and what all seeds show, with the exhaustive ones."""
    claim(name, f"{words}, seed 0", source, expected, tolerance, tier="slow")(lambda: measure(range(1)))
    claim(f"{name}, {seeds} seeds", f"{words}, {seeds} seeds", source, expected, tolerance, tier="exhaustive")(
        lambda: measure(range(seeds))
    )


# 1, 2: slopes and their averages ------------------------------------------------------------------------------------

for name, largest in [("sigmoid", 0.25), ("tanh", 1.0), ("gelu", 1.128904), ("silu", 1.099839), ("selu", 1.758099)]:
    claim(f"1 {name}", f"largest slope of {name}", CALCULUS, largest, absolute(1e-5))(
        lambda name=name: ACTIVATIONS[name].max_slope
    )


def steepest(name: str, sign: int) -> float:
    """Where the slope (sign 1) or its negative (sign -1) is largest, on a grid of 1e-5."""
    grid = np.linspace(-4, 4, 800_001)
    return float(grid[np.argmax(sign * ACTIVATIONS[name].slope(grid))])


claim("1 gelu place", "GELU is steepest at z = √2", CALCULUS, math.sqrt(2), absolute(1e-4))(lambda: steepest("gelu", 1))
claim("1 gelu least", "GELU's most negative slope", CALCULUS, -0.128904, absolute(1e-5))(
    lambda: float(ACTIVATIONS["gelu"].slope(steepest("gelu", -1)))
)
claim("1 silu place", "SiLU is steepest at z", CALCULUS, 2.3994, absolute(1e-4))(lambda: steepest("silu", 1))

MEAN_SQUARE_SLOPES = {
    "sigmoid": 0.044836,
    "tanh": 0.464403,
    "relu": 0.5,
    "leaky_relu": (1 + 0.01**2) / 2,
    "gelu": 0.455851,
    "silu": 0.379482,
    "elu": 0.668102,
    "selu": 1.071575,
}
MEAN_SQUARE_ACTIVATIONS = {"sigmoid": 0.293379, "tanh": 0.394294, "gelu": 0.425221, "silu": 0.355776}


@cache
def two_million_normals() -> np.ndarray:
    return np.random.default_rng(0).standard_normal(2_000_000)


for name, value in MEAN_SQUARE_SLOPES.items():
    claim(f"2 slope {name}", f"E[slope²] of {name} at q = 1, quadrature", DERIVED, value, relative(1e-5))(
        lambda name=name: theory.mean_square_slope(name)
    )
    claim(
        f"2 slope {name} sampled", f"E[slope²] of {name} at q = 1, 2 million samples", DERIVED, value, relative(0.01)
    )(lambda name=name: float(np.mean(ACTIVATIONS[name].slope(two_million_normals()) ** 2)))
for name, value in MEAN_SQUARE_ACTIVATIONS.items():
    claim(f"2 value {name}", f"E[φ²] of {name} at q = 1, quadrature", DERIVED, value, relative(1e-5))(
        lambda name=name: theory.mean_square_activation(name)
    )
    claim(f"2 value {name} sampled", f"E[φ²] of {name} at q = 1, 2 million samples", DERIVED, value, relative(0.01))(
        lambda name=name: float(np.mean(ACTIVATIONS[name].function(two_million_normals()) ** 2))
    )

# 3: the bound on slopes ---------------------------------------------------------------------------------------------

for depth, rounded in [(10, "9.54e-07"), (20, "9.09e-13"), (30, "8.67e-19")]:
    claim(
        f"3 L={depth}", f"0.25^{depth}: slopes alone, weights left out ({rounded})", "arithmetic", 0.25**depth, EXACT
    )(lambda depth=depth: float(theory.chain_gradient("sigmoid", depth)[-1]))


# 4, 5, 6: sigmoid ---------------------------------------------------------------------------------------------------


@claim("4", "sigmoid, PyTorch's default init: χ (N=256, L=20)", DERIVED, 0.0200, relative(0.03))
def sigmoid_default() -> float:
    return gradient_factor(
        profile_of(depth=20, width=256, init="pytorch_default", bias_std=default_bias(256), batch=64, seeds=5)
    )


@claim("4 closed form", "sigmoid, PyTorch's default init: χ = ⅓ E[slope²(q*)]", DERIVED, 0.0200, relative(0.003))
def sigmoid_default_theory() -> float:
    return theory.per_layer_factor("sigmoid", 1 / 3, default_bias(256) ** 2) ** 2


SIGMOID_GAINS = {1: 0.0557, 2: 0.1716, 4: 0.3989, 6: 0.6010, 8: 0.7948, 10.149: 1.0, 16: 1.554}


def sigmoid_with_gain(gain: float) -> GradientProfile:
    return profile_of(depth=24, width=512, init="lecun_normal", gain=gain, batch=64, seeds=4)


for gain, value in SIGMOID_GAINS.items():
    claim(f"5 g={gain}", f"sigmoid, gain {gain} over variance 1/N: χ (N=512)", DERIVED, value, relative(0.05))(
        lambda gain=gain: gradient_factor(sigmoid_with_gain(gain), left_out=8)
    )
    claim(f"5 g={gain} closed form", f"sigmoid, gain {gain}: χ by theory", DERIVED, value, relative(1e-3))(
        lambda gain=gain: theory.per_layer_factor("sigmoid", gain**2) ** 2
    )

claim("5 critical", "the gain that keeps a sigmoid's gradient", DERIVED, 10.149, relative(1e-4))(
    lambda: theory.critical_gain("sigmoid")
)


@claim("6 q", "its price at gain 10.149: the variance q of pre-activations", DERIVED, 45.62, relative(0.05))
def critical_variance() -> float:
    return float((sigmoid_with_gain(10.149).preactivation_std[:, 8:] ** 2).mean())


def critical_preactivations() -> np.ndarray:
    """Pre-activations of layers 9 to 24 of the critical sigmoid network."""
    backward = sigmoid_with_gain(10.149).backward
    assert backward is not None
    forward = backward.forward
    return np.stack([forward.preactivation(layer) for layer in range(8, 24)])


@claim("6 saturated", "its price: the share of units with |z| > 4", DERIVED, 0.55, relative(0.05))
def critical_saturation() -> float:
    return float((np.abs(critical_preactivations()) > 4).mean())


@claim("6 slope", "its price: the mean slope", DERIVED, 0.057, relative(0.05))
def critical_slope() -> float:
    return float(ACTIVATIONS["sigmoid"].slope(critical_preactivations()).mean())


# 7, 8: ReLU, and what nn.Linear draws -------------------------------------------------------------------------------

RELU = {
    "xavier_normal": ("Xavier", 1 / 2),
    "he_normal": ("He", 1.0),
    "pytorch_default": ("default without bias", 1 / 6),
}
HE = "He 2015, eq. 10 and 14"


def relu(init: str, bias_std: float = 0.0) -> GradientProfile:
    return profile_of(depth=30, width=512, activation="relu", init=init, bias_std=bias_std, batch=32, seeds=6)


for init, (words, value) in RELU.items():
    claim(f"7 {init} forward", f"ReLU, {words}: variance per layer on the way up", HE, value, relative(0.05))(
        lambda init=init: forward_factor(relu(init))
    )
    claim(f"7 {init} backward", f"ReLU, {words}: variance per layer on the way down", HE, value, relative(0.05))(
        lambda init=init: gradient_factor(relu(init))
    )

claim("7 default backward", "ReLU, default with bias: variance per layer on the way down", HE, 1 / 6, relative(0.05))(
    lambda: gradient_factor(relu("pytorch_default", default_bias(512)))
)


@claim(
    "7 default forward",
    "ReLU, default with bias: the signal stays, q of layer 30",
    DERIVED,
    6 / 5 / 1536,
    relative(0.1),
)
def relu_default_keeps_its_signal() -> float:
    return float((relu("pytorch_default", default_bias(512)).preactivation_std[:, -1] ** 2).mean())


@cache
def linear_layer() -> torch.nn.Linear:
    torch.manual_seed(0)
    return torch.nn.Linear(1024, 4096)


claim("8 weights", "nn.Linear draws var(W)·n", "PyTorch", 1 / 3, relative(0.03))(
    lambda: linear_layer().weight.var().item() * 1024
)
claim("8 biases", "nn.Linear draws var(b)·n", "PyTorch", 1 / 3, relative(0.03))(
    lambda: linear_layer().bias.var().item() * 1024
)
claim("8 engine", "pytorch_default draws var(W)·n", "PyTorch", 1 / 3, relative(0.03))(
    lambda: float(initial_parameters(NetworkSpec(2, 256, init="pytorch_default"), 64, 10).weights[1].var()) * 256
)


# 9: tanh ------------------------------------------------------------------------------------------------------------


def tanh_xavier() -> GradientProfile:
    return profile_of(depth=50, width=512, activation="tanh", init="xavier_normal", batch=64, seeds=4)


for depth, value in [(10, 0.058), (20, 0.027), (50, 0.009)]:
    claim(f"9 l={depth}", f"tanh, Xavier: Var h of layer {depth}, about 1/(2l)", DERIVED, value, relative(0.15))(
        lambda layer=depth - 1: float((tanh_xavier().activation_std[:, layer] ** 2).mean())
    )


@claim("9 default", "tanh, PyTorch's default init: χ", DERIVED, 1 / 3, relative(0.03))
def tanh_default() -> float:
    return gradient_factor(
        profile_of(depth=20, width=512, activation="tanh", init="pytorch_default", batch=64, seeds=4), left_out=4
    )


# 12, 13: the weight-gradient trap -----------------------------------------------------------------------------------

TRAP = "Glorot & Bengio 2010, eq. 13-14"
TRAPS = {  # activation, init, with bias: first layer over last of the signal, of ∂L/∂W
    ("relu", "xavier_normal", False): (4.8e-5, factor(5), 0.94, factor(2)),
    ("tanh", "pytorch_default", False): (8.9e-8, factor(5), 1.00, factor(2)),
    ("sigmoid", "pytorch_default", True): (2.1e-25, factor(5), 4.4e-25, factor(5)),
    ("relu", "pytorch_default", True): (5e-12, factor(5), 1.9e-10, factor(5)),
}


def trap(activation: str, init: str, biased: bool) -> GradientProfile:
    bias_std = default_bias(256) if biased else 0.0
    return profile_of(depth=30, width=256, activation=activation, init=init, bias_std=bias_std, batch=64, seeds=5)


for (activation, init, biased), (signal, signal_within, weight, weight_within) in TRAPS.items():
    words = f"{activation}, {init}{' with bias' if biased else ''}, L=30: first over last layer"
    claim(f"12 {activation} {init} signal", f"{words}, signal", TRAP, signal, signal_within)(
        lambda setting=(activation, init, biased): first_over_last(trap(*setting).log10_signal)
    )
    claim(f"12 {activation} {init} weights", f"{words}, ∂L/∂W", TRAP, weight, weight_within)(
        lambda setting=(activation, init, biased): first_over_last(trap(*setting).log10_weight_gradient)
    )


@claim("13", "ReLU, Xavier over He, same draw: ∂L/∂W, 2^(-29/2)", DERIVED, 2 ** (-29 / 2), relative(1e-6))
def xavier_over_he() -> float:
    """The read-out is the same and tiny, so that both losses have the same gradient at the logits."""
    spec = NetworkSpec(30, 64, "relu", "he_normal", batch=32, seeds=1)
    inputs, targets = gaussian(32)
    he = initial_parameters(spec, 64, 10)
    readout = he.weights[-1] * 1e-12
    xavier = Parameters([w / math.sqrt(2) for w in he.weights[:-1]] + [readout], he.biases)
    he = Parameters([*he.weights[:-1], readout], he.biases)
    norms = [backpropagate(spec, parameters, inputs, targets).weight_gradient for parameters in (xavier, he)]
    return float(norms[0][0, 0] / norms[1][0, 0])


# 38: where floating point ends --------------------------------------------------------------------------------------


@claim("38 one minus", "float32: 1 - σ(a) is 0 from a", DERIVED, 16.64, absolute(0.01))
def one_minus_sigmoid_is_gone() -> float:
    a = torch.arange(0, 30, 0.001)
    return float(a[(1 - torch.sigmoid(a) == 0).nonzero()[0, 0]])


claim("38 -88", "float32: σ(-88)", DERIVED, 6e-39, relative(0.02))(lambda: torch.sigmoid(torch.tensor(-88.0)).item())
claim("38 -89", "float32: σ(-89)", DERIVED, 0.0, EXACT)(lambda: torch.sigmoid(torch.tensor(-89.0)).item())


def torch_sigmoid_gradient(depth: int, dtype: torch.dtype, reduction: str = "mean") -> torch.Tensor:
    """∂L/∂W₁ of `depth` fresh nn.Linear(64, 64) with sigmoid on 64 digits, by autograd."""
    torch.manual_seed(0)
    layers = [module for _ in range(depth) for module in (torch.nn.Linear(64, 64), torch.nn.Sigmoid())]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(64, 10)).to(dtype)
    inputs, targets = (torch.tensor(array) for array in classification_batch("digits", 64))
    torch.nn.functional.cross_entropy(model(inputs.to(dtype)), targets, reduction=reduction).backward()
    return model.get_parameter("0.weight").grad.double()


def first_depth_without_gradient(reduction: str) -> float:
    depths = range(40, 80)
    return next(depth for depth in depths if not torch_sigmoid_gradient(depth, torch.float32, reduction).any())


claim("38 depth", "default sigmoid, N=64: float32 ∂L/∂W₁ is 0 from L (summed loss)", DERIVED, 56, between(52, 60))(
    lambda: first_depth_without_gradient("sum")
)
claim("38 depth mean", "the same with the loss a mean over 64 digits", "measured here", 51, absolute(2))(
    lambda: first_depth_without_gradient("mean")
)


# Myths --------------------------------------------------------------------------------------------------------------


@claim("myth tanh", '"tanh is as bad as sigmoid": its factor per layer, default init', DERIVED, 0.577, relative(0.03))
def tanh_is_not_as_bad() -> float:
    return math.sqrt(tanh_default())


claim("myth sigmoid", "… against the sigmoid's", DERIVED, 0.141, relative(0.03))(lambda: math.sqrt(sigmoid_default()))

claim("myth 0.25 default", '"0.25^L is the law": the factor, default init', DERIVED, 0.1414, relative(0.03))(
    lambda: math.sqrt(sigmoid_default())
)
claim("myth 0.25 xavier", "… with Xavier's", DERIVED, 0.236, relative(0.03))(
    lambda: math.sqrt(gradient_factor(sigmoid_with_gain(1), left_out=8))
)
claim("myth 0.25 gain", "… with gain 10.149", DERIVED, 1.0, relative(0.03))(
    lambda: math.sqrt(gradient_factor(sigmoid_with_gain(10.149), left_out=8))
)


@claim("myth underflow", '"it is underflow": float32 off float64, ∂L/∂W₁ at L=45', DERIVED, 0.0, absolute(1e-3))
def float32_agrees_at_45() -> float:
    single, double = (torch_sigmoid_gradient(45, dtype) for dtype in (torch.float32, torch.float64))
    return float((single - double).norm() / double.norm())


def task() -> Split:
    inputs, targets = clusters()
    return Split(inputs, targets, inputs, targets)


@cache
def trained(depth: int, learning_rate: float) -> tuple[MLP, History]:
    spec = NetworkSpec(depth, 64, "sigmoid", "pytorch_default", bias_std=default_bias(64), seeds=1)
    model = MLP(spec, inputs=20, classes=10)
    history = train(model, task(), steps=500, learning_rate=learning_rate, batch=100, records=1, progress=False)
    return model, history


claim("myth underflow L=2", "… SGD, lr 1, 500 steps: accuracy with L=2", "measured", 1.0, absolute(0.1))(
    lambda: float(trained(2, 1.0)[1].accuracy[-1])
)
claim("myth underflow L=5", "… with L=5, far above underflow: chance", "measured", 0.12, between(0.05, 0.2))(
    lambda: float(trained(5, 1.0)[1].accuracy[-1])
)
claim(
    "myth zero first",
    '"it is zero everywhere": L=10, SGD, lr .01: movement of layer 1',
    "measured",
    0.0,
    absolute(1e-6),
)(lambda: float(trained(10, 0.01)[1].movement[-1, 0]))
claim("myth zero last", "… movement of the last", "measured", 0.12, relative(0.25))(
    lambda: float(trained(10, 0.01)[1].movement[-1, -1])
)


@claim("myth zero loss", "… and the loss goes below ln 10 = 2.3026", "measured", 2.295, between(2.28, 2.3020))
def loss_below_chance() -> float:
    model, data = trained(10, 0.01)[0], task()
    with torch.no_grad():
        logits = model(torch.tensor(data.train_inputs, dtype=torch.float32))
    return torch.nn.functional.cross_entropy(logits, torch.tensor(data.train_targets)).item()


# Lesson 06 ----------------------------------------------------------------------------------------------------------
# 24: plain networks with batch norm explode; 25: scale invariance; training with and without

YANG = "Yang 2019; derived"
BATCH_NORM = {"relu": math.pi / (math.pi - 1), "tanh": 1.1778, "sigmoid": 1.0336, "linear": 1.0}


def batch_normed(activation: str, batch: int = 400) -> GradientProfile:
    return profile_of(depth=25, width=400, activation=activation, norm="batch", batch=batch, seeds=2)


for name, value in BATCH_NORM.items():
    claim(f"24 {name}", f"{name} with batch norm, N=B=400, L=25: χ = E[slope²]/Var φ", YANG, value, relative(0.03))(
        lambda name=name: gradient_factor(batch_normed(name))
    )
    claim(f"24 {name} closed form", f"{name} with batch norm: χ by theory", DERIVED, value, relative(1e-4))(
        lambda name=name: theory.normalized_factor(name) ** 2
    )
for batch, value in [(32, 1.53), (8, 1.77)]:
    claim(f"24 B={batch}", f"ReLU with batch norm, N=400, batches of {batch}: χ", "measured", value, relative(0.03))(
        lambda batch=batch: gradient_factor(batch_normed("relu", batch))
    )


@claim("24 total", "ReLU with batch norm, L=50, B=256: first over last", YANG, 1.2112**49, factor(2))
def batch_norm_over_fifty_layers() -> float:
    spec = {"depth": 50, "width": 256, "activation": "relu", "norm": "batch", "batch": 256, "seeds": 2}
    return first_over_last(profile_of(**spec).log10_signal)


@claim("24 gain", "… whatever the gain: χ at gain 4 over χ at gain 1/4 (N=128)", YANG, 1.0, relative(0.01))
def batch_norm_forgets_the_gain() -> float:
    sizes = {"depth": 25, "width": 128, "activation": "relu", "norm": "batch", "batch": 128, "seeds": 2}
    return gradient_factor(profile_of(**sizes, gain=4.0)) / gradient_factor(profile_of(**sizes, gain=0.25))


@claim("24 skip", "… and with skips of 1, which theory takes for independent", DERIVED, 15.5, factor(3))
def skips_tame_batch_norm() -> float:
    spec = {"depth": 50, "width": 256, "activation": "relu", "norm": "batch", "skip": 1.0, "batch": 256, "seeds": 2}
    return first_over_last(profile_of(**spec).log10_signal)


for bias, value in [(0.5, 1.1178), (1.0, 1.0584), (2.0, 1.0088)]:
    claim(
        f"24 bias {bias}",
        f"ReLU with batch norm and its bias β = {bias}: factor of the norm",
        DERIVED,
        value,
        absolute(1e-4),
    )(lambda bias=bias: theory.normalized_factor("relu", norm_bias=bias))
    claim(
        f"24 bias {bias} total", f"… first over last of 50 layers, N=B=256 (β = {bias})", YANG, value**49, factor(1.4)
    )(
        lambda bias=bias: first_over_last(
            profile_of(
                depth=50, width=256, activation="relu", norm="batch", batch=256, seeds=2, norm_bias=bias
            ).log10_signal
        )
    )


@claim(
    "D bias",
    "… fifty plain layers with β = 2, digits, SGD 0.1, 200 steps: accuracy",
    "measured",
    0.85,
    between(0.7, 1),
    tier="exhaustive",  # test_lesson_06 trains it in CI
)
def trained_with_bias() -> float:
    spec = NetworkSpec(50, activation="relu", init="he_normal", norm="batch", norm_bias=2.0)
    model = MLP(spec, inputs=64, classes=10)
    return float(train(model, digits_split(), steps=200, learning_rate=0.1, records=1, progress=False).accuracy[-1])


@claim(
    "D clip",
    "… with β = 0 and gradients clipped at 1 they stay near chance",
    "measured",
    0.1,
    between(0.05, 0.2),
    tier="exhaustive",  # test_lesson_06 trains it in CI
)
def trained_with_clipping() -> float:
    model = MLP(NetworkSpec(50, activation="relu", init="he_normal", norm="batch"), inputs=64, classes=10)
    runs = {"steps": 200, "learning_rate": 0.1, "records": 1, "progress": False, "clip": 1.0}
    return float(train(model, digits_split(), **runs).accuracy[-1])


def weight_gradient(scale: float, epsilon: float) -> tuple[torch.Tensor, torch.Tensor]:
    """A weight matrix times `scale` under batch norm, and its gradient, in float64; pre-activations near N(0, 1)."""
    generator = torch.Generator().manual_seed(0)
    inputs, first, readout = (
        torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((128, 64), (64, 32), (32, 10))
    )
    weight = (scale * first / 8).requires_grad_()
    hidden = torch.relu(torch.nn.functional.batch_norm(inputs @ weight, None, None, training=True, eps=epsilon))
    loss = torch.nn.functional.cross_entropy(hidden @ readout / 8, torch.arange(128) % 10)
    return weight, torch.autograd.grad(loss, weight)[0]


@claim("25 orthogonal", "batch norm, ε → 0: cosine of weight and gradient", DERIVED, 0.0, absolute(1e-12))
def gradient_is_orthogonal() -> float:
    weight, gradient = weight_gradient(1.0, 1e-30)
    return float((weight.detach() * gradient).sum() / weight.detach().norm() / gradient.norm())


def scaled_gradient(epsilon: float) -> float:
    """How far α·g(αw) is from g(w) at α = 0.1, relative."""
    small, one = weight_gradient(0.1, epsilon)[1], weight_gradient(1.0, epsilon)[1]
    return float((0.1 * small - one).norm() / one.norm())


claim("25 scale", "… g(αw) off g(w)/α, α = 0.1, ε → 0", DERIVED, 0.0, absolute(1e-12))(lambda: scaled_gradient(1e-30))
claim("25 epsilon", "… the same with ε = 1e-5", DERIVED, 0.0, absolute(1e-3))(lambda: scaled_gradient(1e-5))


@cache
def trained_with_norm(activation: str, depth: int, learning_rate: float, norm: str = "batch") -> float:
    """Accuracy on the clusters, SGD, 500 steps, batches of 100, N=64; He's weights for ReLU, Xavier's for sigmoid."""
    init = "he_normal" if activation == "relu" else "xavier_normal"
    model = MLP(NetworkSpec(depth, 64, activation, init, norm=norm, seeds=1), inputs=20, classes=10)
    history = train(model, task(), steps=500, learning_rate=learning_rate, batch=100, records=1, progress=False)
    return float(history.accuracy[-1])


TRAINED = [
    ("sigmoid", 10, 1.0, 1.0, absolute(0.05), ""),
    ("sigmoid", 20, 0.1, 1.0, absolute(0.05), ""),
    ("relu", 20, 0.1, 1.0, between(0.95, 1.0), ""),
    ("relu", 50, 1.0, 0.3, between(0.05, 0.45), "slow"),
    ("relu", 80, 1.0, 0.12, between(0.05, 0.14), "exhaustive"),
]
for name, depth, rate, value, within, tier in TRAINED:
    words = f"{name} with batch norm, L={depth}, SGD {rate:g}: accuracy"
    claim(f"D {name} L={depth}", words, "measured", value, within, tier)(
        lambda name=name, depth=depth, rate=rate: trained_with_norm(name, depth, rate)
    )
claim("D sigmoid without", "sigmoid without, L=10, SGD 1: accuracy", "measured", 0.12, between(0.05, 0.14))(
    lambda: trained_with_norm("sigmoid", 10, 1.0, "none")
)

claim("myth any depth", '"batch norm … at any depth": ReLU, the factor of a layer', YANG, 1.2112, relative(0.015))(
    lambda: math.sqrt(gradient_factor(batch_normed("relu")))
)
claim("myth any depth sigmoid", "… it does rescue sigmoid", YANG, 1.0167, relative(0.015))(
    lambda: math.sqrt(gradient_factor(batch_normed("sigmoid")))
)


@claim("myth shift", '"by removing covariate shift": sigmoid L=10, random shifts', "measured", 0.95, between(0.8, 1))
def trained_with_random_shifts() -> float:
    """The digits, SGD 0.1, 200 steps; every normalised unit shifted by N(0, 1) and stretched by U(1, 2) each pass."""
    torch.manual_seed(0)
    model = MLP(NetworkSpec(depth=10, norm="batch"), inputs=64, classes=10)

    def disturb(_: Any, __: Any, normalised: torch.Tensor) -> torch.Tensor:
        units = normalised.shape[1]
        return (1 + torch.rand(units)) * normalised + torch.randn(units)

    for norm in model.normalizations:
        norm.register_forward_hook(disturb)
    return float(train(model, digits_split(), steps=200, learning_rate=0.1, records=1, progress=False).accuracy[-1])


# Lesson 07: residual networks ---------------------------------------------------------------------------------------

VEIT, BALDUZZI = "Veit 2016", "Balduzzi 2017"


@cache
def residual(blocks: int, branch: float) -> tuple[float, float]:
    """By what the mean square grows on the way up and the squared gradient on the way down (N=128, 8 seeds)."""
    spec = ResidualSpec(blocks=blocks, width=128, branch=branch, seeds=8)
    profile = residual_profile(spec, gaussian(32, features=128))
    up, down = profile.size[:, -1] / profile.size[:, 0], profile.signal[:, 0] / profile.signal[:, -1]
    return float((up**2).mean()), float((down**2).mean())


for blocks, branch in [(20, 0.5), (50, 0.1), (50, 50**-0.5)]:
    for way, words in enumerate(["forward", "backward"]):
        claim(
            f"26 α={branch:.3g} {words}",
            f"residual, two-layer branch, L={blocks}: {words} variance, (1+α²)^L",
            DERIVED,
            (1 + branch**2) ** blocks,
            relative(0.15),
        )(lambda setting=(blocks, branch), way=way: residual(*setting)[way])
for way, words in enumerate(["forward", "backward"]):
    claim(f"26 α=1 {words}", f"… α=1, L=20: log₂ of the {words} variance", DERIVED, 20.0, relative(0.05))(
        lambda way=way: math.log2(residual(20, 1.0)[way])
    )


@cache
def gradient_correlation(blocks: int, skip: float, norm: str) -> float:
    """Mean over pairs of 64 Gaussian inputs, N=400, 6 seeds; the statistics of a norm over the batch are detached."""
    inputs = np.random.default_rng(0).standard_normal((64, 400))
    spec = ResidualSpec(blocks=blocks, width=400, skip=skip, norm=norm, seeds=6)
    return float(mean_cosine(input_gradients(spec, inputs)).mean())


for blocks in (1, 2, 4, 8):
    claim(
        f"28 batch L={blocks}",
        f"plain + batch norm, L={blocks}: input gradients",
        BALDUZZI,
        2.0**-blocks,
        absolute(0.03),
    )(lambda blocks=blocks: gradient_correlation(blocks, 0.0, "pre_batch"))
for blocks, value in [(1, 0.5), (2, 0.302), (4, 0.142), (8, 0.050), (16, 0.0133)]:
    claim(
        f"28 plain L={blocks}",
        f"plain without normalization, L={blocks}: input gradients",
        DERIVED,
        value,
        absolute(0.03),
    )(lambda blocks=blocks: gradient_correlation(blocks, 0.0, "none"))
    claim(f"28 plain L={blocks} closed form", f"… L={blocks} by theory", DERIVED, value, absolute(5e-4))(
        lambda blocks=blocks: float(theory.residual_theory(blocks, 0.0, 1.0).correlation[-1])
    )
claim(
    "28 residual", "residual, a batch norm before each branch, L=16: input gradients", DERIVED, 0.205, absolute(0.04)
)(lambda: gradient_correlation(16, 1.0, "pre_batch"))

claim("29 binomial", "54 blocks: the part of the paths with 19 to 35 branches", VEIT, 0.98017, relative(1e-5))(
    lambda: float(theory.path_lengths(np.full(54, 0.5))[19:36].sum())
)
for branch, value in [(1.0, 15.0), (0.5, 6.0), (0.2, 30 * 0.04 / 1.04)]:
    claim(
        f"29 α={branch:g}", f"L=30, α={branch:g}: branches that the gradient has passed", VEIT, value, relative(0.03)
    )(
        lambda branch=branch: float(
            (
                path_energies(ResidualSpec(blocks=30, width=128, branch=branch, seeds=8), gaussian(32)) @ np.arange(31)
            ).mean()
        )
    )


@cache
def silent() -> ResidualProfile:
    return residual_profile(ResidualSpec(blocks=50, branch=0.0))


claim(
    "30 Jacobian", "zero-initialised branches: signal of the stem over the last block's, less 1", DERIVED, 0.0, EXACT
)(lambda: float(np.abs(silent().signal / silent().signal[:, -1:] - 1).max()))
claim("30 weights", "… largest ‖∂L/∂W‖ in a branch", DERIVED, 0.0, EXACT)(
    lambda: float(max(silent().first_gradient.max(), silent().second_gradient.max()))
)
claim("30 factors", "… blocks of 200 whose factor has a gradient", DERIVED, 200.0, EXACT)(
    lambda: float(np.count_nonzero(silent().branch_gradient))
)


@cache
def trained_residual(branch: float, learning_rate: float, norm: str = "none", skip: float = 1.0) -> History:
    """25 blocks of two layers and a stem, N=64, on the clusters: SGD, 500 steps, batches of 100."""
    model = ResidualMLP(ResidualSpec(blocks=25, branch=branch, norm=norm, skip=skip), inputs=20, classes=10)
    return train(model, task(), steps=500, learning_rate=learning_rate, batch=100, records=1, progress=False)


for words, setting, tier in (
    ("default init (α=.236), SGD .1", (0.236, 0.1), "slow"),
    ("α=.2, SGD .01", (0.2, 0.01), "exhaustive"),
    ("ReZero (α=0), SGD .1", (0.0, 0.1), "exhaustive"),
    ("layer norm before the branch, default init, SGD .1", (0.236, 0.1, "pre_layer"), "exhaustive"),
):
    claim(f"D residual {words}", f"residual, 51 layers, {words}: accuracy", "measured", 1.0, absolute(0.02), tier)(
        lambda setting=setting: float(trained_residual(*setting).accuracy[-1])
    )
claim("D residual NaN", "residual, 51 layers, α=1, no norm, SGD .001: steps to NaN", "measured", 2, between(1, 10))(
    lambda: float(trained_residual(1.0, 0.001).steps[-1]) if trained_residual(1.0, 0.001).diverged else math.inf
)
claim("D plain", "plain, He, 51 layers, SGD .01: accuracy", "measured", 0.48, between(0.05, 0.75), tier="slow")(
    lambda: float(trained_residual(1.0, 0.01, skip=0.0).accuracy[-1])
)


@cache
def twin_at_start() -> dict[str, float]:
    """‖∂L/∂W‖ of every layer of the plain convolutional network of 30 blocks, before training."""
    history = train(ConvNet(30, skip=0.0), digits_split(), steps=1, learning_rate=1e-9, records=1, progress=False)
    return dict(zip(history.layers, history.gradient_norms[0].tolist(), strict=True))


claim(
    "myth ResNets",
    '"invented against vanishing": plain twin, 30 blocks, ∂L/∂W of the first block over the last',
    "He 2015: healthy norms",
    400,
    factor(10),
)(lambda: twin_at_start()["first.0.0"] / twin_at_start()["first.29.0"])


# Lesson 05 ----------------------------------------------------------------------------------------------------------
# 11: singular values; 14, 15: the critical line and χ beside it; 18: SELU; 19: LSUV; trainings off and on the line

GLOROT = "Glorot & Bengio 2010"
POOLE, SCHOENHOLZ = "Poole 2016, Schoenholz 2017", "Schoenholz 2017, eq. 7"


def mean_singular_value(init: str) -> float:
    """Of a linear layer of 500 units: its weights, seen as the Jacobian of the layer."""
    spec = NetworkSpec(depth=1, width=500, activation="linear", init=init, seeds=1, batch=1)
    jacobian = input_output_jacobian(spec, initial_parameters(spec, inputs=500, classes=10), np.ones((1, 500)))
    return float(singular_values(jacobian).mean())


claim("11 Xavier", "mean singular value of a layer, N=500, Xavier: 8/(3π)", GLOROT, 8 / (3 * math.pi), relative(0.01))(
    lambda: mean_singular_value("xavier_normal")
)
claim("11 default", "… under the older rule, 1/√3 of it", GLOROT, 8 / (3 * math.pi) / math.sqrt(3), relative(0.01))(
    lambda: mean_singular_value("pytorch_default")
)

for bias, weight in {0: 1.0, 0.01: 1.4242, 0.05: 1.7610, 0.1: 1.9861, 0.3: 2.5051, 1: 3.4432}.items():
    claim(f"14 bias {bias}", f"tanh, σ_b² = {bias}: σ_w² on the critical line", POOLE, weight, absolute(1e-3))(
        lambda bias=bias: theory.critical_weight_variance("tanh", bias)
    )


def settled(activation: str, weight_variance: float, bias_variance: float = 0.05) -> float:
    """χ of a network at a place of the phase diagram, its first 8 layers left out."""
    spec: dict[str, Any] = {"depth": 40, "width": 500, "init": "lecun_normal", "batch": 32, "seeds": 4}
    place = {"gain": math.sqrt(weight_variance), "bias_std": math.sqrt(bias_variance)}
    return gradient_factor(profile_of(activation=activation, **spec, **place), left_out=8)


for weight, value in {0.5: 0.4320, 1.0: 0.7590, 1.5: 0.9386, 1.76: 0.9999, 2.0: 1.0477}.items():
    claim(
        f"15 tanh {weight}", f"tanh, σ_b² = .05, σ_w² = {weight}: χ (N=500, L=40)", SCHOENHOLZ, value, relative(0.02)
    )(lambda weight=weight: settled("tanh", weight))
    claim(f"15 tanh {weight} closed form", "… by theory", SCHOENHOLZ, value, absolute(1e-3))(
        lambda weight=weight: theory.per_layer_factor("tanh", weight, 0.05) ** 2
    )
for weight in (1.8, 2.0, 2.2):
    claim(f"15 relu {weight}", f"ReLU, σ_w² = {weight}: χ = σ_w²/2", SCHOENHOLZ, weight / 2, relative(0.02))(
        lambda weight=weight: settled("relu", weight)
    )
claim("15 nearby", "… and a small difference of inputs grows by √χ a layer (σ_w² = 2)", POOLE, 1.0236, relative(0.01))(
    lambda: growth_of_a_difference(2.0)
)


def growth_of_a_difference(weight_variance: float) -> float:
    """The factor per layer of the distance between two inputs 1e-6 apart, tanh, σ_b² = .05, mean of 8 networks."""
    spec = NetworkSpec(40, 500, "tanh", "lecun_normal", math.sqrt(weight_variance), math.sqrt(0.05), seeds=1)
    pair = torch.tensor(gaussian(1)[0]).repeat(2, 1)
    pair[1] += 1e-6 * torch.tensor(gaussian(1, seed=1)[0][0])
    factors = []
    for seed in range(4):
        states = MLP(spec, inputs=64, classes=10, seed=seed, dtype=torch.float64).hidden(pair)
        apart = [(h[0] - h[1]).norm().item() for h in states[8:]]
        factors.append((apart[-1] / apart[0]) ** (1 / (len(apart) - 1)))
    return float(np.exp(np.mean(np.log(factors))))


KLAMBAUER = "Klambauer 2017"


def selu() -> GradientProfile:
    return profile_of(depth=50, width=512, activation="selu", init="lecun_normal", batch=64, seeds=4)


claim("18 backward", "SELU, N=512, L=50: χ, it explodes slowly", KLAMBAUER, 1.0716, relative(0.02))(
    lambda: gradient_factor(selu())
)
claim("18 variance", "SELU: variance of the activations of layer 50", KLAMBAUER, 1.0, absolute(0.02))(
    lambda: float((selu().activation_std[:, -1] ** 2).mean())
)


@claim("18 mean", "SELU: their mean", KLAMBAUER, 0.0, absolute(0.02))
def selu_mean() -> float:
    backward = selu().backward
    assert backward is not None
    forward = backward.forward
    return float(forward.activation[49].mean())


MISHKIN = "Mishkin & Matas 2016; derived"


@cache
def lsuv(activation: str) -> tuple[float, float]:
    """χ of 30 layers of 256, orthogonal weights scaled until each z has deviation 1; and the last z's deviation."""
    chosen, generator = ACTIVATIONS[activation], np.random.default_rng(0)
    h, layers = generator.standard_normal((500, 256)), []
    for _ in range(30):
        weights = np.linalg.qr(generator.standard_normal((256, 256)))[0]
        weights /= (h @ weights).std()
        z = h @ weights
        h = chosen.function(z)
        layers.append((weights, chosen.slope(z)))
    gradient = generator.standard_normal(h.shape)
    start = np.linalg.norm(gradient)
    for weights, slope in layers[:0:-1]:
        gradient = (gradient * slope) @ weights.T
    return float((np.linalg.norm(gradient) / start) ** (2 / 29)), float(z.std())


for name, value in {"tanh": 1.1778, "sigmoid": 0.1528, "relu": 1.0}.items():
    claim(f"19 {name}", f"LSUV, {name}: χ = E[slope²]/E[φ²]", MISHKIN, value, relative(0.05))(
        lambda name=name: lsuv(name)[0]
    )
    claim(f"19 {name} forward", f"LSUV, {name}: the deviation of z at layer 30", MISHKIN, 1.0, absolute(1e-9))(
        lambda name=name: lsuv(name)[1]
    )


def trained_at(spec: NetworkSpec, steps: int, rate: float) -> float:
    """Accuracy on task CL: SGD, batches of 100."""
    model = MLP(spec, inputs=20, classes=10)
    history = train(model, task(), steps=steps, learning_rate=rate, batch=100, records=1, progress=False)
    return float(history.accuracy[-1])


for init, value, within in (("he_normal", 1.0, absolute(0.05)), ("xavier_normal", 0.12, between(0.05, 0.2))):
    claim(
        f"D ReLU L=30 {init}",
        f"ReLU, L=30, N=128, {init}, SGD .01, 500 steps: accuracy",
        "He 2015; measured",
        value,
        within,
        tier="slow",
    )(lambda init=init: trained_at(NetworkSpec(30, 128, "relu", init), 500, 0.01))

claim(
    "D ReLU Xavier lr 1", "… Xavier at learning rate 1, 300 steps", "measured", 0.12, between(0.05, 0.2), "exhaustive"
)(lambda: trained_at(NetworkSpec(30, 128, "relu", "xavier_normal"), 300, 1.0))

OFF_AND_ON_THE_LINE = (  # σ_w², depth, learning rate, accuracy
    (1.0, 20, 0.03, 1.0, absolute(0.05), "slow"),
    (1.0, 80, 0.003, 0.12, between(0.05, 0.2), "exhaustive"),
    (1.76, 80, 0.003, 1.0, absolute(0.05), "exhaustive"),
)
for weight, depth, rate, value, within, tier in OFF_AND_ON_THE_LINE:
    words = f"tanh, σ_b² = .05, σ_w² = {weight}, N=128, L={depth}, SGD {rate}, 600 steps: accuracy"
    claim(f"D tanh {weight} L={depth}", words, "Schoenholz 2017; measured", value, within, tier)(
        lambda weight=weight, depth=depth, rate=rate: trained_at(
            NetworkSpec(depth, 128, "tanh", "lecun_normal", math.sqrt(weight), math.sqrt(0.05)), 600, rate
        )
    )


@claim(
    "myth default",
    "\"PyTorch's default is He\": fan_in times the variance, over He's",
    "PyTorch",
    1 / 6,
    relative(0.03),
)
def default_over_he() -> float:
    torch.manual_seed(0)
    he = torch.nn.init.kaiming_normal_(torch.empty(4096, 1024), nonlinearity="relu")
    return linear_layer().weight.var().item() / he.var().item()


@claim("myth 5/3", '"use gain 5/3 for tanh": factor of a layer, wide and deep', DERIVED, 1.0999, relative(0.01))
def recommended_gain() -> float:
    return math.sqrt(settled("tanh", torch.nn.init.calculate_gain("tanh") ** 2, 0.0))


# Lesson 04: ReLU ----------------------------------------------------------------------------------------------------

HANIN = "after Hanin 2018"


@cache
def squared_lengths_after_he(width: int = 128, nets: int = 200) -> dict[int, np.ndarray]:
    """‖h_L‖² of 200 ReLU nets with He's weights on one input, at depths 30 and 60."""
    rng, lengths = np.random.default_rng(0), {}
    h = np.ones((nets, 1, width), np.float32)
    for layer in range(1, 61):
        weights = rng.standard_normal((nets, width, width), np.float32) * np.float32(math.sqrt(2 / width))
        h = np.maximum(h @ weights, 0)
        if layer in (30, 60):
            lengths[layer] = np.square(h.astype(np.float64)).sum(axis=(1, 2))
    return lengths


for depth in (30, 60):
    claim(f"10 L={depth}", f"ReLU, He, N=128, L={depth}: Var log‖h_L‖², 5L/N", HANIN, 5 * depth / 128, relative(0.25))(
        lambda depth=depth: float(np.log(squared_lengths_after_he()[depth]).var())
    )


@lru_cache(maxsize=2)
def biased_layer(bias: float) -> GradientProfile:
    """One He layer of ReLU on 2000 inputs N(0, 1), each unit with this bias."""
    spec = NetworkSpec(1, 512, "relu", "he_normal", bias_mean=bias, batch=2000, seeds=4)
    return gradient_profile(spec, gaussian(2000))


for bias, share in [(-0.5, 0.02), (-1.0, 0.02), (-2.0, 0.02), (-3.0, 0.05)]:
    active = math.erfc(-bias / 2) / 2
    claim(
        f"20 b={bias:g}", f"He layer, bias {bias:g}: share of active units, Φ(b/√2)", DERIVED, active, relative(share)
    )(lambda bias=bias: float(1 - biased_layer(bias).saturated.mean()))
for bias, value in [(-5.0, 0.63), (-6.0, 0.97), (-8.0, 1.0)]:
    claim(f"20 dead b={bias:g}", f"He layer, bias {bias:g}: dead on 2000 inputs", "measured", value, absolute(0.08))(
        lambda bias=bias: float(biased_layer(bias).dead.mean())
    )

for width, depth, value in [(2, 10, 0.9437), (3, 10, 0.737), (4, 50, 0.960), (8, 50, 0.178)]:
    error = math.sqrt(value * (1 - value) / 4000)
    claim(
        f"21 N={width} L={depth}",
        f"ReLU nets of {depth} layers of {width} born dead",
        "Lu 2019",
        value,
        absolute(4 * error),
    )(lambda width=width, depth=depth: float((first_silent_layers(width, depth, nets=4000) <= depth).mean()))
    claim(f"21 N={width} L={depth} closed form", "… by the formula", DERIVED, value, absolute(1e-3))(
        lambda width=width, depth=depth: float(theory.born_dead_probability(width, depth))
    )


@lru_cache(maxsize=3)
def dead_by_depth(width: int) -> np.ndarray:
    """The share of dead units by layer of ReLU with He's weights on 1000 Gaussian inputs, a mean over nets."""
    spec = NetworkSpec(30, width, "relu", "he_normal", batch=1000, seeds={8: 64, 32: 16, 128: 4}[width])
    dead: np.ndarray = gradient_profile(spec, gaussian(1000, features=width)).dead.mean(axis=0)
    return dead


for width, value in [(8, 0.56), (32, 0.39), (128, 0.29)]:
    claim(f"22 N={width}", f"ReLU, He, N={width}: dead units in layer 30", "measured", value, absolute(0.1))(
        lambda width=width: float(dead_by_depth(width)[-1])
    )
    claim(f"22 N={width} first", "… in layer 1", "measured", 0.0, absolute(0.01))(
        lambda width=width: float(dead_by_depth(width)[0])
    )

for leak in (0.1, 0.2, 0.3):
    claim(
        f"23 a={leak}",
        f"leaky ReLU, slope {leak}, He's weights for ReLU: χ = 1 + a²",
        DERIVED,
        1 + leak**2,
        relative(0.03),
    )(
        lambda leak=leak: gradient_factor(
            profile_of(depth=30, width=512, activation="leaky_relu", init="he_normal", leak=leak, batch=32, seeds=6)
        )
    )


def learned(seed: int, activation: str, init: str, depth: int, optimizer: str, learning_rate: float) -> float:
    """Accuracy on the clusters after 500 steps, batch 100, N=64, biases as the scheme has them."""
    bias_std = default_bias(64) if init == "pytorch_default" else 0.0
    spec = NetworkSpec(depth, 64, activation, init, bias_std=bias_std, seeds=1)
    model, settings = MLP(spec, inputs=20, classes=10, seed=seed), {"optimizer": optimizer, "batch": 100, "seed": seed}
    run = train(model, task(), steps=500, learning_rate=learning_rate, records=1, progress=False, **settings)
    return float(run.accuracy[-1])


CHANCE, LEARNED = (0.12, between(0.05, 0.2)), (1.0, between(0.9, 1.0))
RUNS = {  # the best of the seeds where it must fail, the worst where it must succeed
    "constant": (
        '"ReLU keeps the gradient constant": default, L=10, SGD',
        CHANCE,
        "relu",
        "pytorch_default",
        10,
        "sgd",
        0.1,
    ),
    "tanh L=20": (
        '"tanh is as bad as sigmoid": Xavier tanh, L=20, SGD',
        LEARNED,
        "tanh",
        "xavier_normal",
        20,
        "sgd",
        0.1,
    ),
    "tanh L=50": ("… Xavier tanh, L=50, SGD", LEARNED, "tanh", "xavier_normal", 50, "sgd", 0.01),
    "tanh sigmoid": ("… Xavier sigmoid, L=10, SGD", CHANCE, "sigmoid", "xavier_normal", 10, "sgd", 0.1),
    "Adam L=10": ('"Adam fixes it": ReLU, default, L=10', LEARNED, "relu", "pytorch_default", 10, "adam", 0.01),
    "Adam Xavier": ("… ReLU, Xavier, L=30", LEARNED, "relu", "xavier_normal", 30, "adam", 0.001),
    "Adam sigmoid": (
        "… but sigmoid, default, L=10",
        (0.12, between(0.05, 0.3)),
        "sigmoid",
        "pytorch_default",
        10,
        "adam",
        0.01,
    ),
    "Adam L=30": ("… and ReLU, default, L=30", CHANCE, "relu", "pytorch_default", 30, "adam", 0.001),
}
for name, (words, (value, tolerance), *run) in RUNS.items():
    worst = min if value == 1.0 else max
    claim_of_seeds(
        f"myth {name}",
        f"{words}: accuracy",
        "measured",
        value,
        tolerance,
        2,
        lambda seeds, run=run, worst=worst: worst(learned(seed, *run) for seed in seeds),
    )


@cache
def recovered() -> list[int]:
    """Of 20 units in each of 3 layers that are silent on all clusters: how many speak after 300 steps of SGD."""
    inputs = torch.tensor(task().train_inputs, dtype=torch.float32)
    model, h = MLP(NetworkSpec(3, 64, "relu", "he_normal", seeds=1), inputs=20, classes=10), inputs
    with torch.no_grad():
        for layer in model.layers:
            layer.bias[:20] -= layer(h)[:, :20].max(dim=0).values + 0.1
            h = layer(h).relu()
    train(model, task(), steps=300, learning_rate=0.1, batch=100, records=1, progress=False)
    return [int((state[:, :20] > 0).any(dim=0).sum()) for state in model.hidden(inputs)]


claim("myth recover first", '"dead units never recover": of 20, SGD, layer 1', DERIVED, 0, EXACT)(
    lambda: recovered()[0]
)
for layer in (2, 3):
    claim(f"myth recover {layer}", f"… layer {layer}", "measured", 12, between(5, 20))(
        lambda layer=layer: recovered()[layer - 1]
    )


# Lesson 08 ----------------------------------------------------------------------------------------------------------
# 31, 32: one matrix through time; 33: the forget gate; 40: baselines; trainings of delayed recall and adding

THROUGH_TIME = "Pascanu 2013"


def rotated(radius: float, activation: str, length: int = 100) -> TimeProfile:
    """A network whose recurrent matrix is ρ times a rotation; each unit's input has variance 1/2. In float64."""
    spec = RecurrentSpec(
        "rnn", length, 64, 64, "orthogonal", radius, biased=False, activation=activation, input_scale=math.sqrt(1.5)
    )
    rng = np.random.default_rng(0)
    inputs = spec.input_scale * rng.standard_normal((length, spec.batch, 64))
    return through_time(spec, recurrent_parameters(spec), inputs, rng.standard_normal((spec.batch, 64)))


@claim("31", "linear RNN, W = ρQ: largest relative error of ρ^(T-t), T=100", THROUGH_TIME, 0.0, absolute(1e-12))
def linear_network_follows_its_radius() -> float:
    signal = rotated(0.9, "linear").signal
    return float(np.abs(signal / signal[:, -1:] / 0.9 ** np.arange(99, -1, -1.0) - 1).max())


@cache
def late_rate(radius: float) -> float:
    """The factor of a step in a linear network of Gaussian weights, once the gradient has found its direction."""
    spec = RecurrentSpec("rnn", 500, 64, init="gaussian", radius=radius, activation="linear", seeds=4)
    return float(10 ** ((recurrent_profile(spec).log10_signal @ slope_weights(500, 200)).mean()))


def slope_weights(length: int, early: int) -> np.ndarray:
    """Dotted with a line over time: the fitted slope, per step back, of its first `early` steps."""
    steps = np.arange(early) - (early - 1) / 2
    return np.append(-steps / (steps**2).sum(), np.zeros(length - early))


for radius in (0.9, 1.1):
    claim(
        f"31 Gaussian {radius}", "linear RNN, Gaussian W: late factor of a step", THROUGH_TIME, radius, relative(0.01)
    )(partial(late_rate, radius))


for radius, rate in ((0.9, 0.633), (1.5, 0.929), (2.0, 1.095)):
    words = f"tanh RNN, W = {radius}·Q, input variance 1/2: factor of a step"
    claim(f"32 {radius}", words, "measured", rate, relative(0.05))(
        lambda radius=radius: float(rotated(radius, "tanh").per_step_factor().mean())
    )


@claim("32 bound", "tanh RNN: largest step over the bound ρ, ρ = 0.9, 1.5, 2", THROUGH_TIME, 0.8, between(0, 1))
def largest_step_over_the_bound() -> float:
    steps = [np.diff(-rotated(radius, "tanh").log10_signal) - math.log10(radius) for radius in (0.9, 1.5, 2.0)]
    return float(10 ** max(step.max() for step in steps))


for bias, product in ((0, 7.9e-31), (1, 2.5e-14), (2, 3.1e-6)):
    claim(f"33 product {bias}", f"direct path, forget bias {bias}, T=100", DERIVED, product, relative(0.02))(
        lambda bias=bias: 10 ** theory.log10_forget_product(bias, 100)
    )
for steps, bias in ((10, 2.63), (100, 4.97), (1000, 7.27)):
    claim(f"33 half-life {steps}", f"forget bias of half-life {steps}", DERIVED, bias, absolute(0.005))(
        lambda steps=steps: theory.bias_for_half_life(steps)
    )


@cache
def kept_by(cell: str, forget_bias: float | None = None, vectors: int = 1) -> tuple[float, float]:
    """What reaches the first of 100 steps, H=64, and the factor of a step; of an LSTM in its cell."""
    profile = recurrent_profile(RecurrentSpec(cell, 100, 64, forget_bias=forget_bias, bias_vectors=vectors))
    norms = profile.log10_cell_signal if cell == "lstm" else profile.log10_signal
    lost = float((norms[:, 0] - norms[:, -1]).mean())
    return 10**lost, 10 ** (lost / 99)


for words, arguments, share in (
    ("LSTM default", ("lstm",), 1.2e-20),
    ("LSTM bias 1", ("lstm", 1.0), 7.3e-8),
    ("LSTM both biases 1", ("lstm", 1.0, 2), 3.5e-2),
    ("RNN", ("rnn",), 7.5e-24),
    ("GRU", ("gru",), 3.2e-19),
):
    claim(f"33 {words}", f"{words}, H=64, T=100: factor of a step", "measured", share ** (1 / 99), absolute(0.03))(
        lambda arguments=arguments: kept_by(*arguments)[1]
    )
claim("myth LSTM", '"LSTMs do not vanish": default, T=100: what is left', "measured", 1.2e-20, factor(100))(
    lambda: kept_by("lstm")[0]
)


@claim("40 adding", "adding problem: mean squared error of always saying 1", DERIVED, 1 / 6, relative(0.01))
def adding_baseline() -> float:
    _, targets = adding_problem(50).draw(100_000, np.random.default_rng(0))
    return float(np.mean((targets - 1) ** 2))


@claim(
    "40 copying",
    "copying, T=100: cost of waiting and guessing",
    DERIVED,
    10 * math.log(8) / 120,
    relative(0.01),
)
def copying_baseline() -> float:
    """The best answer at each place that does not look at the inputs: how often each symbol is wanted there.

    Ten of eight symbols are to be repeated after 100 blanks (Arjovsky 2016, section 5.1).
    """
    targets = np.zeros((20_000, 120), dtype=np.int64)
    targets[:, -10:] = np.random.default_rng(0).integers(1, 9, (20_000, 10))
    shares = np.stack([(targets == symbol).mean(axis=0) for symbol in range(9)])
    return float(-np.where(shares > 0, shares * np.log(np.where(shares > 0, shares, 1)), 0).sum(axis=0).mean())


@cache
def sequence_task(name: str) -> SequenceTask:
    tasks = {
        "adding": lambda: adding_problem(50),
        "adding early": lambda: adding_problem(50, marked=10),
        "recall": lambda: delayed_recall(60),
    }
    return tasks[name]()


def solved(name: str, cell: str, steps: int, rate: float, goal: float, options: dict[str, Any], seeds: range) -> float:
    """The share of the seeds that bring the held-out loss below the goal: H=32, Adam, clip 1, batch 64."""
    task, count = sequence_task(name), 0
    for seed in seeds:
        model = RecurrentNet(RecurrentSpec(cell, hidden=32, features=task.features, **options), task.outputs, seed)
        run = train_task(model, task, steps=steps, learning_rate=rate, goal=goal, seed=seed, progress=False)
        count += run.solved
    return count / len(seeds)


SOLVED: tuple[tuple[str, str, tuple[Any, ...], int, int], ...] = (
    ("adding LSTM", "adding, T=50, Adam .01, LSTM default", ("adding", "lstm", 800, 0.01, 0.01, {}), 5, 1),
    ("adding GRU", "adding, T=50, Adam .01, GRU default", ("adding", "gru", 600, 0.01, 0.01, {}), 5, 1),
    ("adding RNN", "adding, T=50, Adam .01, RNN default", ("adding", "rnn", 1200, 0.01, 0.01, {}), 5, 0),
    ("adding bias 1", "… LSTM, bias_ih 1", ("adding", "lstm", 800, 0.01, 0.01, {"forget_bias": 1.0}), 2, 1),
    ("adding early", "… default LSTM, both marks early", ("adding early", "lstm", 800, 0.01, 0.01, {}), 3, 0),
    ("recall LSTM default", "delayed recall, T=60, LSTM default", ("recall", "lstm", 600, 0.01, 0.1, {}), 5, 0),
    ("recall LSTM bias 5", "… LSTM bias 5", ("recall", "lstm", 1200, 0.01, 0.1, {"forget_bias": 5.0}), 5, 1),
    ("recall LSTM chrono", "… LSTM chrono", ("recall", "lstm", 600, 0.01, 0.1, {"chrono": 60}), 5, 1),
    ("recall RNN", "… RNN, Adam .003", ("recall", "rnn", 600, 0.003, 0.1, {}), 5, 0),
)
for name, words, training, seeds, expected in SOLVED:
    claim_of_seeds(
        f"D {name}", f"{words}: share that solves it", "measured", expected, EXACT, seeds, partial(solved, *training)
    )


# Lesson 09: generator and discriminator -----------------------------------------------------------------------------


@claim("35 saturating", "slope of log(1 - σ(a)) by a, times -1/σ(a)", "Goodfellow 2014", 1.0, absolute(1e-12))
def saturating_slope() -> float:
    return generator_slope_by_autograd("saturating", lambda a: torch.nn.functional.logsigmoid(-a))


@claim("35 non-saturating", "slope of -log σ(a) by a, times -1/(1 - σ(a))", "Goodfellow 2014", 1.0, absolute(1e-12))
def non_saturating_slope() -> float:
    return generator_slope_by_autograd("non_saturating", lambda a: -torch.nn.functional.logsigmoid(a))


def generator_slope_by_autograd(loss: str, function: Any) -> float:
    """The ratio of autograd's slope to the closed form that is furthest from 1, for logits from -30 to 30."""
    a = torch.linspace(-30, 30, 601, dtype=torch.float64, requires_grad=True)
    function(a).sum().backward()
    ratios = a.grad.numpy() / theory.generator_slope(loss, a.detach().numpy())  # type: ignore[union-attr]
    return float(ratios[np.argmax(np.abs(ratios - 1))])


@claim(
    "36 point masses",
    "two point masses: JS for θ = 1e-6, 1 and 100, largest distance from log 2",
    "Arjovsky 2017",
    0.0,
    EXACT,
)
def js_of_point_masses() -> float:
    return max(abs(theory.js_divergence(shift, spread=0.0) - math.log(2)) for shift in (1e-6, 1.0, 100.0))


@claim("36 W slope", "… and the slope of W₁ there", "Arjovsky 2017", 1.0, absolute(1e-9))
def wasserstein_slope() -> float:
    return theory.wasserstein_distance(3.0) - theory.wasserstein_distance(2.0)


@cache
def pull_by_training(loss: str, distance: float) -> float:
    """Fit a discriminator of N(0, 1) and N(-d, 1) to the bells themselves, by Newton's method: the pull it gives."""
    x = np.linspace(-distance - 10, 10, 4001)
    bells = [np.exp(-((x - mean) ** 2) / 2) / np.exp(-((x - mean) ** 2) / 2).sum() for mean in (0.0, -distance)]
    features, weights = np.stack([x, np.ones_like(x)], axis=1), np.zeros(2)
    for _ in range(60):
        probability = 1 / (1 + np.exp(-features @ weights))
        slope = features.T @ (bells[0] * (1 - probability) - bells[1] * probability)
        curvature = (features * ((bells[0] + bells[1]) * probability * (1 - probability))[:, None]).T @ features
        step = np.linalg.solve(curvature, slope)
        weights = weights + step / max(1.0, np.abs(step).max())
    return float(-(bells[1] @ theory.generator_slope(loss, features @ weights)) * weights[0])


for distance_, saturating_, other_ in ((4.0, 0.137, 3.86), (8.0, 3.9e-4, 8.00)):
    for loss_, expected_ in (("saturating", saturating_), ("non_saturating", other_)):
        claim(
            f"36 d={distance_:g} {loss_}",
            f"N(0,1) against N(d,1), d={distance_:g}: gradient of the {loss_} loss against the best discriminator",
            "Arjovsky 2017",
            expected_,
            relative(0.05),
        )(lambda loss=loss_, distance=distance_: pull_by_training(loss, distance))  # type: ignore[misc]


@claim("36 2 dJS/dd", "… at d=4, saturating, over twice the slope of JS", "Goodfellow 2014", 1.0, relative(1e-4))
def saturating_over_js() -> float:
    step = 1e-3
    slope = (theory.js_divergence(4 + step) - theory.js_divergence(4 - step)) / (2 * step)
    return pull_by_training("saturating", 4.0) / (2 * slope)


@cache
def norms_while_fixed(loss: str, seed: int = 0) -> tuple[float, ...]:
    """The gradient of G = 0.3 z at the ring's centre after 100, 1000 and 4000 steps of its discriminator."""
    game = Game(Recipe("ring", loss, (2, 2), (2, 32, 32, 1)), seed)
    game.generator = game.generator.with_arrays([np.float32(0.3) * a for a in game.generator.arrays])
    noise, norms = game.noise(512), []
    for moment in (100, 1000, 4000):
        while game.discriminator_updates < moment:
            game.discriminator_step()
        norms.append(float(game.generator_gradients(noise).norm()))
    return tuple(norms)


def last_over_first(loss: str, seeds: range) -> list[float]:
    """The gradient after 4000 steps over that after 100."""
    norms = [norms_while_fixed(loss, seed) for seed in seeds]
    return [last / first for first, _, last in norms]


def norm_rows() -> None:
    rows: tuple[tuple[str, str, float, Any, Any], ...] = (
        (
            "37 saturating",
            "powers of ten lost between 100 and 4000 discriminator steps, the least",
            2.6,
            between(2, 9),
            lambda seeds: -math.log10(max(last_over_first("saturating", seeds))),
        ),
        (
            "37 non-saturating",
            "… non-saturating: last over first, the least",
            20.0,
            between(2, 100),
            lambda seeds: min(last_over_first("non_saturating", seeds)),
        ),
        (
            "37 WGAN-GP low",
            "… WGAN-GP: last over first, the least",
            1.0,
            between(0.8, 1.3),
            lambda seeds: min(last_over_first("wasserstein", seeds)),
        ),
        (
            "37 WGAN-GP high",
            "… WGAN-GP: last over first, the largest",
            1.0,
            between(0.8, 1.3),
            lambda seeds: max(last_over_first("wasserstein", seeds)),
        ),
    )
    for name, words, expected, tolerance, measure in rows:
        claim_of_seeds(name, f"ring, G fixed: {words}", "Arjovsky & Bottou 2017", expected, tolerance, 2, measure)


norm_rows()


@cache
def played(loss: str, seed: int, optimizer: str = "sgd") -> tuple[float, float]:
    """The recipe's first gradient, and where the generator is: the mean of μ₁ over the last 100 rounds of 400.

    Without the saturating loss it circles around its goal, which single rounds would show by chance.
    """
    game, places = Game(replace(shifted_recipe(loss), optimizer=optimizer), seed), []
    play(game, 400, records=400, progress=False, on_record=lambda g: places.append(float(g.generator.biases[0][0, 0])))
    return game.gradient_norms[0], float(np.mean(places[-100:]))


def recipe_rows() -> None:
    for name, loss, optimizer, expected in (
        ("saturating", "saturating", "sgd", 0),
        ("non-saturating", "non_saturating", "sgd", 1),
        ("WGAN-GP", "wasserstein", "sgd", 1),
        ("saturating, Adam on G", "saturating", "adam", 1),
    ):
        words = f"G = s·z + μ to N((6,0), ¼I), {name}, lr .02, 400 rounds: share within .5"
        claim_of_seeds(
            f"recipe GAN {name}",
            words,
            "measured",
            expected,
            EXACT,
            5,
            lambda seeds, loss=loss, optimizer=optimizer: float(  # type: ignore[misc]
                np.mean([abs(played(loss, seed, optimizer)[1] - 6) < 0.5 for seed in seeds])
            ),
        )
    for name, loss, low, high in (
        ("saturating", "saturating", 9e-6, 4e-3),
        ("non-saturating", "non_saturating", 1.9, 5.5),
        ("WGAN-GP", "wasserstein", 1.1, 1.5),
    ):
        for end, choose in (("least", min), ("largest", max)):
            claim_of_seeds(
                f"recipe GAN first {end} {name}",
                f"… {name}: {end} first gradient",
                "measured",
                low if end == "least" else high,
                between(low, high),
                5,
                lambda seeds, loss=loss, choose=choose: choose(  # type: ignore[misc]
                    played(loss, seed)[0] for seed in seeds
                ),
            )


recipe_rows()


@claim(
    "myth saturating GAN",
    '"it fails when the generator is perfect": slope where D=1-1e-4 over that where D=1e-4',
    "Goodfellow 2014",
    1e4,
    relative(0.01),
)
def fooling_over_caught() -> float:
    logit = math.log((1 - 1e-4) / 1e-4)
    return float(theory.generator_slope("saturating", logit) / theory.generator_slope("saturating", -logit))


# Lesson 10 ----------------------------------------------------------------------------------------------------------
# 34: clipping by norm; 39: Adam's first step; training with and without clipping

PASCANU = "Pascanu 2013, algorithm 1"
CLIPPED_NETS = {
    "vanishing": NetworkSpec(20, 64, "sigmoid", "pytorch_default", seeds=1),
    "exploding": NetworkSpec(30, 64, "relu", "lecun_normal", gain=3.0, seeds=1),
}


@cache
def clipped_at_one(name: str) -> tuple[np.ndarray, np.ndarray, float]:
    """Gradient norms of all weight matrices before and after clip_grad_norm_ at 1, and that of the whole, float64."""
    model = MLP(CLIPPED_NETS[name], inputs=64, classes=10, dtype=torch.float64)
    inputs, targets = (torch.tensor(array) for array in classification_batch("digits", 128))
    torch.nn.functional.cross_entropy(model(inputs), targets).backward()

    def norms() -> np.ndarray:
        return np.array([weight.grad.norm().item() for weight in model.parameters() if weight.grad is not None])

    before, _ = norms(), torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    return before, norms(), float(np.linalg.norm(norms()))


for name in CLIPPED_NETS:
    claim(f"34 ratios {name}", f"clipping, {name} net: ratios between layers off", PASCANU, 0.0, absolute(1e-10))(
        lambda name=name: float(
            np.ptp(
                clipped_at_one(name)[1]
                / clipped_at_one(name)[0]
                * clipped_at_one(name)[0].max()
                / clipped_at_one(name)[1].max()
            )
        )
    )
claim("34 vanishing", "… a vanished ∂L/∂W₁: after over before", PASCANU, 1.0, EXACT)(
    lambda: float(clipped_at_one("vanishing")[1][0] / clipped_at_one("vanishing")[0][0])
)
claim("34 exploding before", "… an exploded gradient: its norm before", "measured", 7.8e10, factor(3))(
    lambda: float(np.linalg.norm(clipped_at_one("exploding")[0]))
)
claim("34 exploding", "… and after", PASCANU, 1.0, absolute(1e-6))(lambda: clipped_at_one("exploding")[2])


def adam_moves(gradient: float) -> float:
    """|Δ| / learning rate of torch's Adam at its first step."""
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    weight.grad = torch.full_like(weight, gradient)
    torch.optim.Adam([weight], lr=1.0).step()
    return abs(weight.item())


for gradient, value in [(1e-10, 0.0099), (1e-12, 1e-4)]:
    claim(f"39 g={gradient}", f"Adam's first step over its rate, g = {gradient}", "Kingma 2015", value, relative(0.01))(
        lambda gradient=gradient: adam_moves(gradient)
    )
claim("39 clipped", "… g = 3e6 clipped to 0.6: step after over before", "Kingma 2015", 1.0, absolute(1e-6))(
    lambda: adam_moves(0.6) / adam_moves(3e6)
)


@cache
def clipped_run(name: str, clip: float | None, seed: int) -> History:
    """SGD: "gain 3" and "sigmoid" on the clusters, "gain 1.3" on the digits."""
    spec, data, settings = {
        "gain 3": (CLIPPED_NETS["exploding"], task(), {"steps": 500, "learning_rate": 0.01, "batch": 100}),
        "sigmoid": (
            NetworkSpec(10, 64, "sigmoid", "pytorch_default", bias_std=default_bias(64), seeds=1),
            task(),
            {"steps": 500, "learning_rate": 1.0, "batch": 100},
        ),
        "gain 1.3": (
            NetworkSpec(10, 64, "relu", "he_normal", gain=1.3, seeds=1),
            digits_split(),
            {"steps": 600, "learning_rate": 0.1},
        ),
    }[name]
    model = MLP(spec, inputs=data.train_inputs.shape[1], classes=10, seed=seed)
    return train(model, data, **settings, clip=clip, seed=seed, records=1, progress=False)


def accuracies(name: str, seeds: range) -> list[float]:
    return [float(clipped_run(name, 1.0, seed).accuracy[-1]) for seed in seeds]


for name, words, low, high in [
    ("gain 3", "ReLU gain 3, L=30, SGD .01, clipped", 0.35, 0.75),
    ("gain 1.3", "ReLU He × 1.3, L=10, digits, SGD .1, clipped", 0.82, 0.97),
    ("sigmoid", "sigmoid L=10, SGD 1, clipped: chance", 0.05, 0.15),
]:
    for end, choose in (("least", min), ("most", max)):
        claim_of_seeds(
            f"myth clip {name} {end}",
            f"{words}: {end}",
            "measured",
            (low + high) / 2,
            between(low, high),
            5,
            lambda seeds, name=name, choose=choose: choose(accuracies(name, seeds)),
        )
for name in ("gain 3", "gain 1.3"):
    claim(f"myth clip {name} NaN", f"{name} without clipping: runs of 5 that end in NaN", "measured", 5, EXACT)(
        lambda name=name: float(sum(clipped_run(name, None, seed).diverged for seed in range(5)))
    )


@claim("myth rate", '"a lower rate prevents explosion": norm at rate 1e-2 over 1e-12', DERIVED, 1.0, EXACT)
def the_rate_leaves_the_gradient() -> float:
    norms = []
    for rate in (1e-2, 1e-12):
        model = MLP(CLIPPED_NETS["exploding"], inputs=64, classes=10)
        history = train(model, digits_split(), steps=1, learning_rate=rate, records=1, progress=False)
        norms.append(float(np.linalg.norm(history.gradient_norms[0])))
    return norms[0] / norms[1]


# The test -----------------------------------------------------------------------------------------------------------


def parameter(row: Row) -> Any:
    """The row under a name that a shell takes, marked with its tier."""
    return pytest.param(row, id=row.name.replace(" ", "_"), marks=getattr(pytest.mark, row.tier) if row.tier else ())


@pytest.mark.parametrize("row", [parameter(row) for row in ROWS])
def test_ledger(row: Row, record_property: Any) -> None:
    measured = row.measure()
    cells = line(row, measured)
    record_property("ledger", cells)
    print(" | ".join(cells))
    assert row.tolerance.holds(row.expected, measured), f"{row.claim}: expected {row.expected} {row.tolerance.text}"


def test_no_number_is_accepted_from_anywhere() -> None:
    """A tolerance that nothing can miss would make its row worthless: each refuses twice its value and more."""
    for row in ROWS:
        off = 10 * row.expected + 10
        assert not row.tolerance.holds(row.expected, off), row.name
        assert not row.tolerance.holds(row.expected, math.nan), row.name


def test_every_row_has_a_name_of_its_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) > 60
    with pytest.raises(ValueError, match="has a row '4' already"):
        claim("4", "", "", 0.0, EXACT)
