"""Lesson 08: gradients through time in a plain recurrent network, an LSTM and a GRU."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from helpers import figures, picture, theme, theory
from helpers.arrays import Array
from helpers.panels.controls import dropdown, float_slider, log_slider, steps
from helpers.panels.curves import layers_range, next_of, over_seeds, padded
from helpers.panels.panel import Panel
from helpers.picture import NetworkPicture
from helpers.recurrent import RecurrentSpec, recurrent_profile

LONGEST = 500
TIMES = np.arange(1, LONGEST + 1)
LENGTHS = [1, 2, 5, *range(10, 100, 5), *range(100, 200, 20), *range(200, 500, 50), LONGEST]
DEFAULT_RADIUS = round(float(1 / np.sqrt(3)), 3)
"""The spectral radius of wide recurrent weights with PyTorch's default variance 1/(3 hidden)."""
RADII = sorted([*(round(0.1 * tenth, 1) for tenth in range(1, 21)), DEFAULT_RADIUS])
ONE, TWO, CHRONO, AS_DRAWN = "one vector", "both vectors", "chrono", "as drawn"
LOWEST, HIGHEST = (5, 10, 30, 60, 90, 130, 200, 300, 550), (2, 5, 15, 50, 200)
"""The possible ends of the axis of powers of ten, few so that it seldom jumps."""
SIZE: dict[str, Any] = {"hidden": 64, "batch": 4, "seeds": 8}
"""The rest of the lesson uses 64 units too, with PyTorch's default weights; the radius slider scales them."""


@dataclass(frozen=True)
class Curves:
    """Means over seeds of log10 norms, the last step last; quantities that only an LSTM has are nan for other cells."""

    signal: Array
    spread: Array
    left: tuple[float, float]  # log10 of the gradient at the first step: lowest and highest over seeds
    cell: Array
    path: Array
    gate: float
    picture: NetworkPicture


def recurrent_networks() -> Panel:
    """RNN, GRU and LSTM side by side: the gradient through time, and the part that the forget gates alone pass on."""
    controls = {
        "length": steps("length", LENGTHS, 100),
        "radius": steps("radius ρ", [(f"{radius:g}", radius) for radius in RADII], DEFAULT_RADIUS),
        "forget_bias": float_slider("forget bias", 0.0, -2, 8, 0.25),
        "gate": dropdown(
            "forget bias in",
            {
                "one vector": ONE,
                "both vectors": TWO,
                "PyTorch's default": AS_DRAWN,
                "chrono": CHRONO,
            },
            ONE,
        ),
        "input_scale": log_slider("input scale", 1.0, -2, 1),
    }
    start = {"length": 100, "radius": DEFAULT_RADIUS, "forget_bias": 0.0, "gate": ONE, "input_scale": 1.0}
    presets = {
        "PyTorch's default": {**start, "gate": AS_DRAWN},
        "bias 1": {**start, "forget_bias": 1.0},
        "bias 1, in both vectors": {**start, "forget_bias": 1.0, "gate": TWO},
        "bias 5: half-life 100": {**start, "forget_bias": 5.0},
        "chrono": {**start, "gate": CHRONO},
        "500 steps": {**start, "length": 500, "forget_bias": 5.0},
        "the gates alone": {**start, "forget_bias": 1.0, "radius": 0.1},
        "an RNN that explodes": {**start, "radius": 2.0},
    }
    return Panel(
        "recurrent_networks",
        figures.signal_through_time(TIMES, title="Gradients through time"),
        controls,
        _recurrent_state,
        presets,
    )


def _recurrent_state(length: int, radius: float, forget_bias: float, gate: str, input_scale: float) -> dict[str, Any]:
    """Compute the panel's content for these controls."""
    common = {"length": length, "gain": radius / DEFAULT_RADIUS, "input_scale": input_scale, **SIZE}
    plain, gru = _curves(RecurrentSpec("rnn", **common)), _curves(RecurrentSpec("gru", **common))
    lstm = _curves(RecurrentSpec("lstm", **common, **_forget_gate(gate, forget_bias, length)))
    back = np.arange(length - 1, -1, -1)
    kept, half = _by_bias(gate, forget_bias, length)
    lowest = min(float(np.nanmin(curve)) for curve in (plain.signal, gru.signal, lstm.signal, lstm.path))
    highest = max(float(np.nanmax(curve)) for curve in (plain.signal, gru.signal, lstm.signal, lstm.cell))
    return {
        "RNN": padded(plain.signal, LONGEST),
        "GRU": padded(gru.signal, LONGEST),
        "LSTM": padded(lstm.signal, LONGEST),
        "spread over seeds": padded(lstm.spread, LONGEST),
        "LSTM's cell": padded(lstm.cell, LONGEST),
        "product of forget gates": padded(lstm.path, LONGEST),
        "ρ per step": padded(np.log10(radius) * back, LONGEST),
        "kept by the gates": padded(10 ** (lstm.path - lstm.path[-1]), LONGEST),
        "bias alone": padded(kept[back], LONGEST),
        "half-life": np.array([[length - half if half < length else np.nan], [0.5]]),
        "ranges": {
            **dict.fromkeys(("xaxis", "xaxis2"), layers_range(length)),
            "yaxis": [-next_of(LOWEST, 0.5 - lowest), next_of(HIGHEST, highest)],
        },
        "net": [plain.picture, gru.picture, lstm.picture],
        "summary": _summary(length, plain, gru, lstm, half),
    }


def _forget_gate(gate: str, bias: float, length: int) -> dict[str, Any]:
    """Return the arguments of an LSTM's spec for this setting."""
    if gate == AS_DRAWN:
        return {}
    if gate == CHRONO:
        return {"chrono": max(length, 3)}
    return {"forget_bias": bias, "bias_vectors": 2 if gate == TWO else 1}


@lru_cache(maxsize=4)  # the RNN and the GRU don't depend on the forget bias
def _curves(spec: RecurrentSpec) -> Curves:
    profile = recurrent_profile(spec)
    signal, spread = over_seeds(profile.log10_signal)
    cell, path = profile.log10_cell_signal.mean(axis=0), profile.log10_forget_path.mean(axis=0)
    left = profile.log10_signal[:, 0] - profile.log10_signal[:, -1]
    gate = float(profile.forget_gate.mean())
    shown = picture.steps(profile, 6, 50, title=theme.CELL_NAMES[spec.cell], arrives=signal[0] - signal[-1])
    return Curves(signal, spread, (float(left.min()), float(left.max())), cell, path, gate, shown)


def _by_bias(gate: str, bias: float, length: int) -> tuple[Array, float]:
    """Return the share that forget gates with only a bias keep after 0 … length steps, and their half-life."""
    if gate == CHRONO:
        longest, after = max(length, 3), np.arange(LONGEST + 1)
        kept = theory.chrono_product(longest, after)
        return kept, float(np.interp(-0.5, -kept, after))
    total = {ONE: bias, TWO: 2 * bias, AS_DRAWN: 0.0}[gate]
    return 10 ** theory.log10_forget_product(total, np.arange(length + 1)), theory.half_life(total)


def _summary(length: int, plain: Curves, gru: Curves, lstm: Curves, half: float) -> str:
    if length == 1:
        return "One step has no way back.\nMake the series longer."
    cells = (("RNN", plain), ("GRU", gru), ("LSTM", lstm))
    ends = [f"{name} {' to '.join(map(_roughly, curves.left))}" for name, curves in cells]
    path, cell = lstm.path[0] - lstm.path[-1], lstm.cell[0] - lstm.cell[-1]
    life = theme.scientific(np.log10(half))
    life += " step" if life == "1" else " steps"
    return (
        f"Step 1 of {length} receives: {', '.join(ends)}.\n"
        f"{SIZE['seeds']} networks of {SIZE['hidden']} units. The LSTM's cell keeps {theme.scientific(cell)}, its "
        f"forget gates {theme.scientific(path)} ({lstm.gate:.3f} on average); by their biases half is left after "
        f"{life}."
    )


def _roughly(log10: float) -> str:
    """Return a number, given as its log10, as text; far from 1 only as a power of ten."""
    return theme.scientific(log10) if -3 <= log10 < 4 else theme.power_of_ten(log10)
