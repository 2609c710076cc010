"""The settings that determine a network at initialization."""

from __future__ import annotations

import math
from dataclasses import dataclass

from helpers.activations import ACTIVATIONS
from helpers.checks import check_choice, check_number, check_whole

INITS = (
    "pytorch_default",
    "lecun_normal",
    "xavier_normal",
    "xavier_uniform",
    "he_normal",
    "he_uniform",
    "orthogonal",
    "standard_normal",
)
NORMALIZATIONS = ("none", "batch", "layer")


@dataclass(frozen=True)
class NetworkSpec:
    """The settings of a network at initialization, and the numbers of samples and seeds that it is measured with.

    `gain` multiplies every weight on top of `init`. `bias_std` is the standard deviation of the biases.
    `skip` is the strength of the residual connection. `leak` is leaky_relu's slope below zero. `bias_mean` is
    added to every bias of the hidden layers, but not to the logits, where a common shift would change nothing.
    `norm_bias` is β, the normalization's own bias: the activation receives ẑ + β (Ioffe 2015, algorithm 1, with γ = 1).
    Raises a ValueError that names the argument, the given value and the allowed ones.
    """

    depth: int = 30
    width: int = 64
    activation: str = "sigmoid"
    init: str = "xavier_normal"
    gain: float = 1.0
    bias_std: float = 0.0
    norm: str = "none"
    skip: float = 0.0
    batch: int = 128
    seeds: int = 8
    leak: float = 0.01
    bias_mean: float = 0.0
    norm_bias: float = 0.0

    def __post_init__(self) -> None:
        for name in ("depth", "width", "batch", "seeds"):
            check_whole(name, getattr(self, name), 1)
        check_choice("activation", self.activation, tuple(ACTIVATIONS))
        check_choice("init", self.init, INITS)
        check_choice("norm", self.norm, NORMALIZATIONS)
        check_number("gain", self.gain, above=0)
        check_number("bias_std", self.bias_std, least=0)
        check_number("skip", self.skip)
        check_number("leak", self.leak)
        check_number("bias_mean", self.bias_mean)
        check_number("norm_bias", self.norm_bias)
        if self.norm == "none" and self.norm_bias:
            raise ValueError(
                f"norm_bias must be 0 with norm 'none', which has no bias of its own; got {self.norm_bias!r}"
            )
        if self.norm == "batch" and self.batch < 2:
            raise ValueError(
                f"batch must be ≥ 2 with norm 'batch', which needs a spread over samples; got {self.batch!r}"
            )

    @property
    def weight_variance(self) -> float:
        """σ_w² of the hidden layers: fan_in times the variance of a weight, `gain` included."""
        return self.width * weight_std(self.init, self.width, self.width) ** 2 * self.gain**2


def weight_std(init: str, fan_in: int, fan_out: int) -> float:
    """The standard deviation of a weight before `gain` (Glorot 2010 eq. 12 and 16, He 2015 eq. 10)."""
    variance = {
        "pytorch_default": 1 / (3 * fan_in),  # U(-1/√fan_in, 1/√fan_in)
        "lecun_normal": 1 / fan_in,
        "xavier_normal": 2 / (fan_in + fan_out),
        "xavier_uniform": 2 / (fan_in + fan_out),
        "he_normal": 2 / fan_in,
        "he_uniform": 2 / fan_in,
        "orthogonal": 1 / max(fan_in, fan_out),
        "standard_normal": 1.0,
    }[init]
    return math.sqrt(variance)
