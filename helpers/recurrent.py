"""Exact backpropagation through time, by hand, for a plain recurrent network, an LSTM and a GRU.

Conventions are PyTorch's (`torch.nn.RNN`, `LSTM`, `GRU`): one cell, two bias vectors, gates in the order i, f, g, o and
r, z, n; the GRU's z keeps the old state. Arrays over time are (length, seeds, batch, …). As in `network`, the running
gradient is multiplied by a power of two whenever its norm strays, so that no norm underflows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from helpers.activations import get_activation
from helpers.arrays import Array
from helpers.checks import check_choice, check_finite, check_number, check_precision, check_shape, check_whole
from helpers.network.parameters import orthogonal
from helpers.norms import Norms, recentre

CELLS = {"rnn": 1, "lstm": 4, "gru": 3}
"""The kinds of cell and how many blocks of `hidden` columns their matrices have."""

INITS = ("pytorch_default", "orthogonal", "gaussian")
INPUT_GATE, FORGET_GATE = 0, 1  # blocks of an LSTM


@dataclass(frozen=True)
class RecurrentSpec:
    """The settings of a recurrent network at initialization, and the numbers of samples and seeds.

    `init` draws the recurrent matrix: `pytorch_default` U(-1/√hidden, 1/√hidden), `gaussian` of variance 1/hidden,
    or `orthogonal`. Input weights and biases are always drawn as in PyTorch, biases only with `biased`. `radius` scales
    each hidden × hidden block to that spectral radius; None leaves it as drawn, times `gain`. `input_scale` is the
    standard deviation of the inputs. For an LSTM, `forget_bias` replaces the forget gate's bias in the first
    `bias_vectors` (1 or 2) of PyTorch's two bias vectors, and sets it to 0 in the other; `chrono` draws it as
    log U(1, chrono - 1) and gives the input gate its negative (Tallec & Ollivier 2018). `activation` is that of a plain
    network, "tanh" or "linear".
    Raises a ValueError that names the argument, the given value and the allowed ones.
    """

    cell: str = "lstm"
    length: int = 100
    hidden: int = 64
    features: int = 1
    init: str = "pytorch_default"
    radius: float | None = None
    input_scale: float = 1.0
    biased: bool = True
    forget_bias: float | None = None
    bias_vectors: int = 1
    chrono: int | None = None
    activation: str = "tanh"
    batch: int = 16
    seeds: int = 4
    gain: float = 1.0

    def __post_init__(self) -> None:
        for name in ("length", "hidden", "features", "batch", "seeds"):
            check_whole(name, getattr(self, name), 1)
        check_whole("bias_vectors", self.bias_vectors, 1, 2)
        check_choice("cell", self.cell, tuple(CELLS))
        check_choice("init", self.init, INITS)
        check_choice("activation", self.activation, ("tanh", "linear"))
        check_number("input_scale", self.input_scale, least=0)
        if self.radius is not None:
            check_number("radius", self.radius, least=0)
        check_number("gain", self.gain, least=0)
        if self.radius is not None and self.gain != 1:
            raise ValueError(f"gain must be 1 where radius is given; got {self.gain!r}")
        if self.forget_bias is not None:
            check_number("forget_bias", self.forget_bias)
        if self.chrono is not None:
            check_whole("chrono", self.chrono, 3)
        for name in ("forget_bias", "chrono"):
            if getattr(self, name) is not None and self.cell != "lstm":
                raise ValueError(f"{name} must be None for cell {self.cell!r}: only an LSTM has a forget gate")
        if self.forget_bias is not None and self.chrono is not None:
            raise ValueError(f"chrono must be None where forget_bias is given; got {self.chrono!r}")


@dataclass(frozen=True, eq=False)
class RecurrentParameters:
    """Weights (seeds, fan_in, blocks · hidden) and biases (seeds, blocks · hidden), of the inputs and of the state."""

    input_weights: Array
    recurrent_weights: Array
    input_biases: Array
    recurrent_biases: Array


# Drawing --------------------------------------------------------------------------------------------------------------


def initial_parameters(spec: RecurrentSpec, seed: int = 0, dtype: DTypeLike = np.float64) -> RecurrentParameters:
    """Draw the parameters of `spec.seeds` networks; network k is drawn from seed + k, whatever their number."""
    check_whole("seed", seed, 0)
    precision = check_precision("dtype", dtype)
    nets = [_draw(spec, seed + net) for net in range(spec.seeds)]
    return RecurrentParameters(*(np.stack(arrays).astype(precision) for arrays in zip(*nets, strict=True)))


def _draw(spec: RecurrentSpec, seed: int) -> tuple[Array, Array, Array, Array]:
    blocks, hidden = CELLS[spec.cell], spec.hidden
    generator = np.random.default_rng((seed, blocks, 1))
    bound = 1 / math.sqrt(hidden)
    input_weights = generator.uniform(-bound, bound, (spec.features, blocks * hidden))
    biases = generator.uniform(-bound, bound, (2, blocks * hidden)) * spec.biased
    if spec.forget_bias is not None:
        biases[:, _block(FORGET_GATE, hidden)] = 0
        biases[: spec.bias_vectors, _block(FORGET_GATE, hidden)] = spec.forget_bias
    if spec.chrono is not None:
        remembered = np.log(generator.uniform(1, spec.chrono - 1, hidden))
        for gate, sign in ((FORGET_GATE, 1), (INPUT_GATE, -1)):
            biases[:, _block(gate, hidden)] = np.stack([sign * remembered, np.zeros(hidden)])
    recurrent = _recurrent_blocks(spec.init, blocks, hidden, seed)
    if spec.radius is not None:
        radii = _spectral_radii(spec.init, blocks, hidden, seed)
        recurrent = recurrent * np.divide(spec.radius, radii, out=np.zeros_like(radii), where=radii > 0)[:, None, None]
    recurrent = recurrent * spec.gain
    return input_weights, np.concatenate(recurrent, axis=1), biases[0], biases[1]


def _block(number: int, hidden: int) -> slice:
    return slice(number * hidden, (number + 1) * hidden)


@lru_cache(maxsize=64)
def _recurrent_blocks(init: str, blocks: int, hidden: int, seed: int) -> Array:
    """Draw the recurrent matrices (blocks, hidden, hidden)."""
    generator = np.random.default_rng((seed, blocks, 2))
    shape, bound = (blocks, hidden, hidden), 1 / math.sqrt(hidden)
    if init == "pytorch_default":
        return generator.uniform(-bound, bound, shape)
    normals = generator.standard_normal(shape) * bound
    return orthogonal(normals) * bound if init == "orthogonal" else normals


@lru_cache(maxsize=64)
def _spectral_radii(init: str, blocks: int, hidden: int, seed: int) -> Array:
    return np.abs(np.linalg.eigvals(_recurrent_blocks(init, blocks, hidden, seed))).max(axis=1)


@lru_cache(maxsize=8)
def _noise(batch: int, features: int, seed: int) -> Callable[[int], Array]:
    """Return a function that draws standard normal inputs (length, batch, features).

    A longer series begins with the shorter one.
    """
    generator = np.random.default_rng((seed, 3))
    drawn = np.empty((0, batch, features))

    def of_length(length: int) -> Array:
        nonlocal drawn
        if length > len(drawn):
            drawn = np.concatenate([drawn, generator.standard_normal((length - len(drawn), batch, features))])
        return drawn[:length]

    return of_length


@lru_cache(maxsize=8)
def _last_gradient(batch: int, hidden: int, seed: int) -> Array:
    """Draw a random ∂L/∂h of norm 1 for the last step."""
    normals = np.random.default_rng((seed, 4)).standard_normal((batch, hidden))
    return normals / np.linalg.norm(normals)


# Cells, each with its forward and its backward rule -------------------------------------------------------------------


def _sigmoid(z: Array) -> Array:
    return get_activation("sigmoid").function(z)


class _Plain:
    """h = φ(x W + h U + b)."""

    def __init__(self, spec: RecurrentSpec, weights: Array, state_biases: Array) -> None:
        self._activation, self._weights, self._biases = get_activation(spec.activation), weights, state_biases
        self.slopes: list[Array] = []

    def forward(self, from_input: Array, h: Array, c: Array) -> tuple[Array, Array]:
        z = from_input + h @ self._weights + self._biases
        self.slopes.append(self._activation.slope(z))
        return self._activation.function(z), c

    def backward(self, step: int, dh: Array, dc: Array) -> tuple[Array, Array, Array, Array]:
        dz = dh * self.slopes[step]
        return dz @ self._weights.swapaxes(1, 2), dc, dz, dz


class _Lstm:
    """i, f, g, o from one affine map; c' = f c + i g; h' = o tanh c' (Hochreiter 1997, forget gate Gers 2000)."""

    def __init__(self, spec: RecurrentSpec, weights: Array, state_biases: Array) -> None:
        self._hidden, self._weights, self._biases = spec.hidden, weights, state_biases
        self._kept: list[tuple[Array, ...]] = []

    def forward(self, from_input: Array, h: Array, c: Array) -> tuple[Array, Array]:
        z = from_input + h @ self._weights + self._biases
        i, f, _, o = np.split(_sigmoid(z), 4, axis=-1)
        g = np.tanh(z[..., _block(2, self._hidden)])
        after = f * c + i * g
        squashed = np.tanh(after)
        self._kept.append((i, f, g, o, c, squashed))
        return o * squashed, after

    def backward(self, step: int, dh: Array, dc: Array) -> tuple[Array, Array, Array, Array]:
        i, f, g, o, c, squashed = self._kept[step]
        dc = self.to_cell(step, dh, dc)
        dz = np.concatenate(
            [dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g * g), dh * squashed * o * (1 - o)], axis=-1
        )
        return dz @ self._weights.swapaxes(1, 2), dc * f, dz, dz

    def carried(self, step: int, dh: Array, dc: Array) -> Array:
        """Return the gradient that reaches the previous step's cell by the cell's direct path."""
        return self.to_cell(step, dh, dc) * self.forget_gate(step)

    def to_cell(self, step: int, dh: Array, dc: Array) -> Array:
        """Return the whole ∂L/∂c' of a step: the part from the cell's direct path and that through its output h'."""
        _, _, _, o, _, squashed = self._kept[step]
        return dc + dh * o * (1 - squashed * squashed)

    def forget_gate(self, step: int) -> Array:
        """Return the forget gate's values (seeds, batch, hidden)."""
        return self._kept[step][1]


class _Gru:
    """r, z, n; h' = (1 - z) n + z h, with n = tanh(x W + b + r (h U + b')) (Cho 2014, as PyTorch writes it)."""

    def __init__(self, spec: RecurrentSpec, weights: Array, state_biases: Array) -> None:
        self._hidden, self._weights, self._biases = spec.hidden, weights, state_biases
        self._kept: list[tuple[Array, ...]] = []

    def forward(self, from_input: Array, h: Array, c: Array) -> tuple[Array, Array]:
        from_state = h @ self._weights + self._biases
        last = _block(2, self._hidden)
        r, z = np.split(_sigmoid((from_input + from_state)[..., : 2 * self._hidden]), 2, axis=-1)
        m = from_state[..., last]
        n = np.tanh(from_input[..., last] + r * m)
        self._kept.append((r, z, m, n, h))
        return (1 - z) * n + z * h, c

    def backward(self, step: int, dh: Array, dc: Array) -> tuple[Array, Array, Array, Array]:
        r, z, m, n, h = self._kept[step]
        dn = dh * (1 - z) * (1 - n * n)
        gates = [dn * m * r * (1 - r), dh * (h - n) * z * (1 - z)]
        from_input, from_state = np.concatenate([*gates, dn], axis=-1), np.concatenate([*gates, dn * r], axis=-1)
        return self.carried(step, dh, dc) + from_state @ self._weights.swapaxes(1, 2), dc, from_input, from_state

    def carried(self, step: int, dh: Array, dc: Array) -> Array:
        """Return the gradient that reaches the previous step's state through the share z of it that is kept."""
        return dh * self._kept[step][1]


# Measurements ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class TimeProfile:
    """The gradient on its way back through time; arrays (seeds, length) with the first step first.

    `signal` is ‖∂L/∂h_t‖, `cell_signal` ‖∂L/∂c_t‖ of an LSTM's cell (else nan), both over batch and units. Their
    `log10_…` stay exact where the norms themselves underflow; the log10 of an exact 0 is -inf. `log10_carried` is the
    log10 norm of the gradient that a step gets from the next one without passing the weights: an LSTM's cell through
    its forget gate, a GRU's state through the share that is kept. It is -inf for the last step and nan for a plain
    network, which has no such path. `states` are the hidden states h_1 … h_length (length, seeds, batch, hidden). All
    other quantities are computed on first access.
    """

    spec: RecurrentSpec
    signal: Array
    log10_signal: Array
    cell_signal: Array
    log10_cell_signal: Array
    log10_carried: Array
    states: Array = field(repr=False)
    _kept: _BackwardThroughTime = field(repr=False)

    @cached_property
    def gradients(self) -> RecurrentParameters:
        """∂L/∂(parameters), in their shapes, in float64, which may overflow or underflow."""
        kept = self._kept
        sums = [np.zeros(array.shape) for array in vars(kept.parameters).values()]
        for (exponents, from_input, from_state), x, h in zip(
            kept.shares, kept.x[::-1], kept.states[-2::-1], strict=True
        ):
            scale = np.ldexp(1.0, np.array(exponents))
            shares = x.T @ from_input, h.swapaxes(1, 2) @ from_state, from_input.sum(axis=1), from_state.sum(axis=1)
            for total, share in zip(sums, shares, strict=True):
                total += share * scale.reshape(-1, *[1] * (share.ndim - 1))
        return RecurrentParameters(*sums)

    def shares(self) -> Array:
        """Return each step's part of ∂L/∂(recurrent weights), (seeds, length, hidden, columns), in float64.

        They sum to that gradient.
        """
        shares = [
            (h.swapaxes(1, 2) @ from_state) * np.ldexp(1.0, np.array(exponents))[:, None, None]
            for (exponents, _, from_state), h in zip(self._kept.shares, self._kept.states[-2::-1], strict=True)
        ]
        return np.stack(shares[::-1], axis=1)

    @cached_property
    def log10_unit_gradient(self) -> Array:
        """log10 of √(Σ over the batch of (∂L/∂h_t)²) for every unit, (seeds, length, hidden); -inf for an exact 0."""
        exponents, squares = (np.array(column) for column in zip(*self._kept.units[::-1], strict=True))
        with np.errstate(divide="ignore"):
            logarithms = 0.5 * np.log10(squares) + exponents[..., None] * math.log10(2)
        return logarithms.swapaxes(0, 1)

    def links(self, net: int, units: Array, times: Array) -> Array:
        """Return the unit from which each unit of a plain network gets most of its gradient, (times - 1, units).

        `times` are steps counted from 0, evenly spaced. For each of `units` at each of `times` but the last, the result
        is the place, among the same units at the next of `times`, of the one with the largest √(Σ over the batch of
        (∂L/∂h there · ∂h there/∂h here)²).
        """
        spec, kept = self.spec, self._kept
        if spec.cell != "rnn":
            raise ValueError(f"cell must be 'rnn': other cells have a path around the weights; got {spec.cell!r}")
        if len(times) < 2:
            return np.empty((0, len(units)), int)
        weights = kept.parameters.recurrent_weights[net]
        stride = int(times[1] - times[0])
        slopes = np.stack([slope[net] for slope in kept.cell.slopes])  # (length, batch, hidden)
        at_z = np.stack([dz[net] for _, _, dz in kept.shares[::-1]])
        along = np.broadcast_to(weights[units], (len(times) - 1, spec.batch, len(units), spec.hidden))
        for step in range(1, stride):
            along = (along * slopes[times[:-1] + step][:, :, None]) @ weights
        squares = np.square(along[..., units] * at_z[times[1:]][:, :, None, units], dtype=np.float64).sum(axis=1)
        found: Array = squares.argmax(axis=2)
        return found

    @cached_property
    def log10_forget_path(self) -> Array:
        """log10 ‖∂L/∂c_T ⊙ Π f‖: the gradient from the last cell by the direct path alone; nan without forget gates."""
        gates, spec, kept = self.forget_gates, self.spec, self._kept
        if gates is None:
            return np.full((spec.seeds, spec.length), np.nan)
        with np.errstate(divide="ignore"):
            last = np.log(np.abs(kept.cell.to_cell(spec.length - 1, *kept.last)))
            after = np.concatenate([np.zeros((1, *last.shape)), np.cumsum(np.log(gates[:0:-1]), axis=0)])[::-1]
        entries = 2 * (last + after).reshape(spec.length, spec.seeds, -1)
        largest = entries.max(axis=2, keepdims=True)  # factored out, since the sum could underflow
        log_square = np.log(np.exp(entries - largest).sum(axis=2)) + largest[..., 0]
        return 0.5 * log_square.T / math.log(10)

    @cached_property
    def forget_gates(self) -> Array | None:
        """The forget gates (length, seeds, batch, hidden) in float64; None for a cell that has none."""
        if self.spec.cell != "lstm":
            return None
        return np.stack([self._kept.cell.forget_gate(step) for step in range(self.spec.length)]).astype(np.float64)

    @cached_property
    def forget_gate(self) -> Array:
        """The forget gate's mean over batch and units; nan for cells that have none."""
        gates = self.forget_gates
        return np.full_like(self.signal, np.nan) if gates is None else gates.mean(axis=(2, 3)).T

    def per_step_factor(self) -> Array:
        """Return the geometric mean of signal_{t-1} / signal_t over t = 2 … length, one per seed; nan for one step."""
        if self.spec.length == 1:
            return np.full(len(self.signal), np.nan)
        with np.errstate(invalid="ignore"):
            return 10.0 ** ((self.log10_signal[:, 0] - self.log10_signal[:, -1]) / (self.spec.length - 1))


def recurrent_profile(spec: RecurrentSpec, seed: int = 0) -> TimeProfile:
    """Draw networks, inputs N(0, input_scale²) and a random ∂L/∂h of norm 1 at the last step, and backpropagate.

    Computes in float32. Raises like `backpropagate`.
    """
    parameters = initial_parameters(spec, seed, np.float32)
    inputs = spec.input_scale * _noise(spec.batch, spec.features, seed)(spec.length)
    return backpropagate(spec, parameters, inputs, _last_gradient(spec.batch, spec.hidden, seed))


def backpropagate(
    spec: RecurrentSpec,
    parameters: RecurrentParameters,
    inputs: Array,
    at_hidden: Array,
    at_cell: Array | None = None,
) -> TimeProfile:
    """Return exact gradients through time (Werbos 1990) for given parameters and inputs (length, batch, features).

    `at_hidden` and `at_cell` (batch, hidden) are ∂L/∂h and ∂L/∂c of the last step, the latter without the part through
    h. The initial state is 0. Computes in the dtype of the parameters. Raises ValueError for arrays that do not fit
    `spec`.
    """
    _check_arrays(spec, parameters, inputs, at_hidden, at_cell)
    dtype = parameters.recurrent_weights.dtype
    x = np.asarray(inputs, dtype)
    with np.errstate(all="ignore"):
        return _BackwardThroughTime(spec, parameters, x, at_hidden, at_cell).run()


def _forward(spec: RecurrentSpec, parameters: RecurrentParameters, x: Array) -> tuple[Any, Array]:
    """Run forward; return the cell with everything that it stored, and the states h_0 … h_length."""
    kinds: dict[str, Any] = {"rnn": _Plain, "lstm": _Lstm, "gru": _Gru}
    cell = kinds[spec.cell](spec, parameters.recurrent_weights, parameters.recurrent_biases[:, None])
    from_inputs = x[:, None] @ parameters.input_weights + parameters.input_biases[:, None]
    states = np.zeros((spec.length + 1, spec.seeds, spec.batch, spec.hidden), x.dtype)
    c = states[0]
    for step in range(spec.length):
        states[step + 1], c = cell.forward(from_inputs[step], states[step], c)
    return cell, states


class _BackwardThroughTime:
    """The backward pass from the last step, and what it keeps: ∂L/∂z of every step, with its exponents.

    `shares` holds for each step, from the last to the first, the exponents and ∂L/∂z as it reaches the input weights
    and the recurrent weights; `units` the exponents and the squares of ∂L/∂h summed over the batch, in the same order;
    `last` ∂L/∂h and ∂L/∂c of the last step.
    """

    def __init__(
        self, spec: RecurrentSpec, parameters: RecurrentParameters, x: Array, at_hidden: Array, at_cell: Array | None
    ) -> None:
        self.spec, self.parameters, self.x = spec, parameters, x
        self.cell, self.states = _forward(spec, parameters, x)
        # ∂L/∂h and ∂L/∂c, which share one exponent per seed
        self._pair = np.zeros((spec.seeds, 2, spec.batch, spec.hidden), x.dtype)
        self._pair[:, 0] = at_hidden
        self._pair[:, 1] = 0 if at_cell is None else at_cell
        self.last = self._pair[:, 0].copy(), self._pair[:, 1].copy()
        self.shares: list[tuple[list[int], Array, Array]] = []
        self.units: list[tuple[list[int], Array]] = []

    def run(self) -> TimeProfile:
        """Go back to the first step."""
        spec, pair, exponents = self.spec, self._pair, [0] * self.spec.seeds
        both, hidden, cells, carried = (Norms(spec.seeds, pair.dtype) for _ in range(4))
        carried.add(np.zeros((spec.seeds, 1)), exponents)  # for the last step: no step follows it
        for step in range(spec.length - 1, -1, -1):
            dh, dc = pair[:, 0], pair[:, 1]
            hidden.add(dh.reshape(spec.seeds, -1), exponents)
            self.units.append((exponents, np.square(dh, dtype=np.float64).sum(axis=1)))
            if spec.cell == "lstm":
                cells.add(self.cell.to_cell(step, dh, dc).reshape(spec.seeds, -1), exponents)
            if spec.cell != "rnn" and step:
                carried.add(self.cell.carried(step, dh, dc).reshape(spec.seeds, -1), exponents)
            pair[:, 0], pair[:, 1], from_input, from_state = self.cell.backward(step, dh, dc)
            self.shares.append((exponents, from_input, from_state))
            both.add(pair.reshape(spec.seeds, -1), exponents)
            exponents = recentre(pair.reshape(spec.seeds, -1, spec.hidden), exponents, both)
        signal, log10_signal = _first_step_first(hidden)
        nothing = np.full_like(signal, np.nan)
        cell_signal, log10_cell = _first_step_first(cells) if spec.cell == "lstm" else (nothing, nothing)
        log10_carried = nothing if spec.cell == "rnn" else _first_step_first(carried)[1]
        return TimeProfile(spec, signal, log10_signal, cell_signal, log10_cell, log10_carried, self.states[1:], self)


def _first_step_first(norms: Norms) -> tuple[Array, Array]:
    """Return norms that were added from the last step to the first as (seeds, length), and their log10."""
    plain, log2 = norms.arrays()
    return plain[::-1].T, log2[::-1].T * math.log10(2)


def _check_arrays(
    spec: RecurrentSpec, parameters: RecurrentParameters, inputs: Any, at_hidden: Any, at_cell: Any
) -> None:
    columns = CELLS[spec.cell] * spec.hidden
    shapes = {
        "input_weights": (spec.seeds, spec.features, columns),
        "recurrent_weights": (spec.seeds, spec.hidden, columns),
        "input_biases": (spec.seeds, columns),
        "recurrent_biases": (spec.seeds, columns),
    }
    wanted = [(name, getattr(parameters, name), shape) for name, shape in shapes.items()]
    wanted += [("inputs", inputs, (spec.length, spec.batch, spec.features))]
    wanted += [("at_hidden", at_hidden, (spec.batch, spec.hidden))]
    if at_cell is not None:
        wanted += [("at_cell", at_cell, (spec.batch, spec.hidden))]
        check_choice("cell, where at_cell is given,", spec.cell, ("lstm",))
    for name, array, shape in wanted:
        check_shape(name, array, shape)
        check_finite(name, array)
    if {array.dtype.char for array in vars(parameters).values()} not in ({"f"}, {"d"}):
        raise ValueError("parameters must all be float32 or all be float64")
